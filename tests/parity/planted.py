"""Days with one thing planted in each, and clean ones: what does the certificate find? `make parity` prints it."""

import sys
import tempfile
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import msgspec

from autofutures.assemble.sources import PACKAGE
from autofutures.domain.messages import Envelope, Tick, decode_frame, encode
from autofutures.ops.folder import Folder
from autofutures.processes.parity.certificate import Certificate
from autofutures.processes.parity.check import certify
from autofutures.processes.stream import LENGTH, frames_of
from tests.parity.day import MILLISECOND, TXF, Day, Planted, a_run

CLEAN = range(1, 11)
LINE = "if difference == 0.0:"
EDITED = "if abs(difference) < 0.5:"


def clean(root: Path, seed: int) -> Certificate:
    """A day on which nothing happened but the market."""
    return certify(Day(root, a_run(seed)).record())


def deleted_tick(root: Path) -> Certificate:
    """A trade is lost before anybody numbers it."""
    return certify(Day(root, a_run(11), Planted(lost_tick=40)).record())


def late_market(root: Path) -> Certificate:
    """From the sixtieth trade on the market comes 50 ms later."""
    return certify(Day(root, a_run(12), Planted(feed_ns=50 * MILLISECOND, from_tick=60)).record())


def late_orders(root: Path) -> Certificate:
    """Orders take 50 ms more to the broker."""
    return certify(Day(root, a_run(5, trades=1_000), Planted(orders_ns=50 * MILLISECOND)).record())


def changed_parameter(root: Path) -> Certificate:
    """After the day its settings are changed."""
    folder = Day(root, a_run(14)).record()
    settings = folder.root / "run.json"
    settings.write_text(settings.read_text().replace('"slow": 15', '"slow": 16'))
    return certify(folder)


def manual_order(root: Path) -> Certificate:
    """Somebody sells one contract with the broker's own terminal."""

    def by_hand(day: Day, number: int) -> None:
        if number == 1_200:
            day.order_by_hand()

    return certify(Day(root, a_run(15), between=by_hand).record())


def command(root: Path) -> Certificate:
    """Somebody asks the strategy for something."""

    def asks(day: Day, number: int) -> None:
        if number == 1_200:
            day.command("pause", "c1")

    return certify(Day(root, a_run(16), between=asks).record())


def edited_line(root: Path) -> Certificate:
    """After the day a line of the strategy is edited."""
    folder = own_strategy(root).record()
    edit(root, LINE, EDITED)
    return certify(folder)


def own_strategy(root: Path, seed: int = 17, planted: Planted | None = None) -> Day:
    """A day of a strategy in a user's own file."""
    root.mkdir(parents=True, exist_ok=True)
    source = root / "mine.py"
    source.write_text((PACKAGE / "strategies" / "ema_cross.py").read_text())
    mine = {
        "name": "mine",
        "use": f"{source}:EmaCross",
        "symbols": [TXF],
        "settings": {"fast": 5, "slow": 15},
    }
    return Day(root / "day", a_run(seed, strategies=[mine]), planted)


def edit(root: Path, line: str, edited: str) -> None:
    """Changes a line of the user's own strategy."""
    source = root / "mine.py"
    before = source.read_text()
    assert line in before
    source.write_text(before.replace(line, edited))


def rewrite(folder: Folder, change: Callable[[list[Envelope]], list[Envelope]]) -> None:
    """Somebody edits the record, frame by frame."""
    frames = [encode(change(decode_frame(frame))) for _, frame in frames_of(folder.stream)]
    folder.stream.write_bytes(b"".join(LENGTH.pack(len(frame)) + frame for frame in frames))


def without(envelope: Envelope) -> Callable[[list[Envelope]], list[Envelope]]:
    """Deletes one envelope of the record."""
    return lambda envelopes: [other for other in envelopes if other != envelope]


def instead(envelope: Envelope, body: Tick) -> Callable[[list[Envelope]], list[Envelope]]:
    """Puts another trade in the place of one."""
    altered = msgspec.structs.replace(envelope, body=body)
    return lambda envelopes: [altered if other == envelope else other for other in envelopes]


def a_tick_of(folder: Folder, number: int = 100) -> Envelope:
    """The trade of this number in the record."""
    ticks = (
        e for _, frame in frames_of(folder.stream) for e in decode_frame(frame) if isinstance(e.body, Tick)
    )
    return next(islice(ticks, number - 1, None))


PLANTED: dict[str, tuple[str, Callable[[Path], Certificate]]] = {
    "one deleted tick": ("data", deleted_tick),
    "50 ms on the market's way": ("latency", late_market),
    "50 ms on the orders' way": ("latency", late_orders),
    "one changed parameter": ("configuration", changed_parameter),
    "one manual order": ("person", manual_order),
    "one command": ("person", command),
    "one edited line": ("code", edited_line),
}


class Row(msgspec.Struct, frozen=True):
    """What was planted in a day, and what was found."""

    planted: str
    expected: str
    found: tuple[str, ...]
    event: str
    decisions: int


def _row(planted: str, expected: str, certificate: Certificate) -> Row:
    found = tuple(f"{finding.kind}: {finding.what}" for finding in certificate.findings)
    place = certificate.findings[0].place if certificate.findings else None
    event = f"{place.at}, input {place.event} of life {place.life}" if place is not None else ""
    return Row(planted, expected, found, event, certificate.decisions)


def main() -> int:
    """Prints every row as JSON; exit code 1 where the certificate found something else than was planted."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as place:
        rows += [_row(f"nothing, seed {seed}", "", clean(Path(place, str(seed)), seed)) for seed in CLEAN]
        rows += [
            _row(name, kind, plant(Path(place, name.replace(" ", "-"))))
            for name, (kind, plant) in PLANTED.items()
        ]
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(rows), indent=2).decode() + "\n")
    right = [
        len(row.found) == bool(row.expected) and all(word.startswith(row.expected) for word in row.found)
        for row in rows
    ]
    return 0 if all(right) else 1


if __name__ == "__main__":
    sys.exit(main())
