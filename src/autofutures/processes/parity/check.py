"""Certifies a day: replays it, compares its market, times and fills with the model's, and gives each finding its class.

A class is proved, not guessed. Where settings differ, the day is replayed with its own settings too: if that is the
same, it was the settings. Sources are told by their hash; they are found at fault only where decisions differ.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import takewhile, zip_longest
from pathlib import Path

import msgspec

from autofutures.assemble.sources import package_hash, strategy_hash
from autofutures.config import RunSettings
from autofutures.domain.errors import BadInput
from autofutures.domain.messages import (
    AnyMessage,
    Command,
    Intent,
    Ready,
    Snapshot,
    Submit,
    Traded,
    VenueOrder,
)
from autofutures.ops.folder import Folder
from autofutures.processes.parity import measure, reference
from autofutures.processes.parity.certificate import Certificate, Finding, Kind, Place, moment, worded
from autofutures.processes.parity.recording import read_recording, settings_of
from autofutures.processes.parity.replay import Divergence, Replay
from autofutures.storage.file import open_to_read
from autofutures.storage.journal import facts_of
from autofutures.storage.reading import Batch, read_batches

TOLERANCE_NS = 25 * measure.MILLISECOND
"""So far the day's times may be from the model's before that is a finding."""


def certify(
    folder: Folder, settings: RunSettings | None = None, tolerance_ns: int = TOLERANCE_NS
) -> Certificate:
    """The certificate of the newest run in a folder.

    Args:
        folder: the run's.
        settings: what the run ought to have been; none for what its folder says.
        tolerance_ns: so far the day's times may be from the model's.

    Raises:
        BadInput: there is no such day, or it kept too little.
        BadMessage: record or journal are damaged.
    """
    return _Day(folder, settings or folder.run(), tolerance_ns).certify()


class _Day:
    """One day and what it is compared with."""

    def __init__(self, folder: Folder, run: RunSettings, tolerance_ns: int) -> None:
        self._folder = folder
        self._run = run
        self._tolerance_ns = tolerance_ns
        self._recording = read_recording(folder.stream)
        self._own = settings_of(self._recording.starts[0])
        self._batches = _journaled(folder.journal)
        self._findings: list[Finding] = []
        self._notes: list[str] = []

    def certify(self) -> Certificate:
        recording = self._recording
        replay = Replay(self._run, recording, self._facts)
        found = replay.play()
        market = reference.market_of(recording)
        passed, compared_with = self._compare_market(market, found)
        self._persons()
        ways = measure.ways_of(self._entries(), passed.before)
        self._latency(market, ways, replay)
        self._journal_agrees()
        if found is not None:
            self._explain(found)
        self._notes += replay.notes
        if not recording.ended:
            self._notes.append("the record has no orderly end: the last decisions may lack in it")
        until = recording.turns[-1].at
        measured = measure.measure(
            self._own,
            recording,
            market,
            replay.causes,
            ways,
            reference.model_fills(self._run, recording, until),
        )
        order: list[Kind] = ["data", "latency", "code", "configuration", "person"]
        self._findings.sort(key=lambda finding: order.index(finding.kind))
        return Certificate(
            run=str(self._folder.root),
            day=self._own.day,
            identical=not self._findings,
            findings=tuple(self._findings),
            lives=len(recording.starts),
            inputs=sum(len(turn.inputs) for turn in recording.turns),
            market_events=len(market),
            decisions=replay.decisions,
            messages=replay.messages,
            whole=recording.ended and recording.hole is None and found is None,
            code=self._code(),
            settings="those of the day" if not self._changed() else f"other: {', '.join(self._changed())}",
            market=compared_with,
            notes=tuple(self._notes),
            measured=measured,
        )

    def _find(self, kind: Kind, what: str, place: Place, sides: tuple[str, str], count: int = 1) -> None:
        self._findings.append(Finding(kind, what, place, *sides, count))

    def _facts(self, batch: int) -> Sequence[AnyMessage]:
        """What the book was when the journal had so many batches."""
        before = takewhile(lambda kept: kept.id <= batch, self._batches)
        return [fact for kept in before for fact in facts_of(kept)]

    def _entries(self) -> list[reference.Entry]:
        return reference.entries_of(self._recording, self._own.faults.get("skew_ns", 0))

    # --- the classes

    def _compare_market(
        self, market: list[reference.Heard], found: Divergence | None
    ) -> tuple[reference.Passed, str]:
        """Data: the market that the trader heard, and the record itself."""
        hole, recording = self._recording.hole, self._recording
        until = max([recording.turns[-1].at, *(heard.event.at for heard in market)])
        passed = reference.reference_market(self._own, self._entries(), until)
        differences = list(reference.differences(market, passed.events))
        if differences and differences[0].kind == "missing" and differences[0].recorded_before == 0:
            before = differences.pop(0)
            self._notes.append(f"the day begins {before.count} market events after its market did")
        if differences:
            first = differences[0]
            events = sum(difference.count for difference in differences)
            self._find("data", _market_words(first), self._market_place(first), _market_sides(first), events)
        if hole is not None:
            place = Place(moment(hole.at), hole.at, hole.epoch, hole.number)
            what = "the record has a hole or was altered, and is not read further"
            self._find("data", what, place, (hole.why, "a record without a hole, whose check fits"))
        words = f"{len(passed.events):,} events of the {self._own.source} market"
        return passed, words

    def _market_place(self, first: reference.Difference) -> Place:
        heard = first.recorded
        if heard is not None:
            return Place(moment(heard.now), heard.now, heard.epoch, heard.number)
        event = first.reference
        at = event.at if event is not None else 0
        for turn, number, message, now in self._recording.inputs():
            if isinstance(message, reference.Event) and message.at > at:
                return Place(moment(now), now, turn.epoch, number)
        return Place(moment(at), at, self._recording.turns[-1].epoch, 0)

    def _persons(self) -> None:
        """Person: commands, and orders in our account that are not ours."""
        said = [word for _, word in self._recording.said()]
        said += [word for batch in self._batches for word in batch.outputs]
        ours = {word.client_id for word in said if isinstance(word, Submit)}
        seen: set[str] = set()
        for turn, number, message, now in self._recording.inputs():
            place = Place(moment(now), now, turn.epoch, number)
            if isinstance(message, Command) and message.flow != "settings":
                who = message.who or "somebody"
                what = f"a command to {message.strategy} by {who}: {message.verb} {message.name}"
                self._find("person", what, place, (worded(message), "a backtest hears no commands"))
            elif isinstance(message, Snapshot):
                for row in message.orders:
                    if row.client_id not in ours and row.venue_id and row.venue_id not in seen:
                        seen.add(row.venue_id)
                        self._find("person", *_manual(row, place))

    def _latency(
        self, market: Sequence[reference.Heard], ways: Sequence[measure.Way], replay: Replay
    ) -> None:
        """Latency: the way of the market to us, and of our orders to it."""
        found = measure.late_market(market, self._tolerance_ns)
        if found is not None:
            heard = found.heard
            place = Place(moment(heard.now), heard.now, heard.epoch, heard.number)
            what = (
                f"the market is heard {_ms(found.by_ns)} from its own time, and the model hears it at once; "
                f"{self._decided_late(replay)}"
            )
            sides = (
                f"{worded(heard.event)} heard at {moment(heard.now)}",
                f"heard at {moment(heard.event.at)}",
            )
            self._find("latency", what, place, sides, found.count)
        orders = measure.late_orders(ways, self._own.order_latency_ns, self._tolerance_ns)
        if orders is not None:
            way, by, count = orders
            place = self._submit_place(way.submit)
            what = f"orders take {_ms(by)} more than the model's {_ms(self._own.order_latency_ns)} to act"
            due = way.submit.at + self._own.order_latency_ns
            sides = (
                f"{worded(way.submit)} acted before the event of {moment(way.acted_at)}",
                f"acts from {moment(due)} on",
            )
            self._find("latency", what, place, sides, count)

    def _decided_late(self, replay: Replay) -> str:
        """The first decision that was taken late."""
        late = 0
        first = ""
        for turn, _, message, _ in self._recording.inputs():
            if not isinstance(message, Intent):
                continue
            cause = replay.causes.get((turn.epoch, message.cause_seq))
            by = message.at - cause.market.at if cause is not None else 0
            if abs(by) > self._tolerance_ns:
                late += 1
                first = (
                    first
                    or f"{message.strategy} {message.cause_seq}.{message.k} at {moment(message.at)}, {_ms(by)} late"
                )
        return f"{late} decisions are the same and late, the first {first}" if late else "no decision was"

    def _submit_place(self, submit: Submit) -> Place:
        for turn, message in self._recording.said():
            if message is submit:
                return Place(moment(submit.at), submit.at, turn.epoch, turn.number)
        return Place(moment(submit.at), submit.at, 1, 0)

    def _journal_agrees(self) -> None:
        """Data: what the journal says of this day's orders and fills, the record says too."""
        hole = self._recording.hole
        if hole is not None or not self._recording.ended:
            return
        since = self._recording.starts[0].batch
        said = [word for batch in self._batches if batch.id > since for word in batch.outputs]
        kept = [word for word in said if isinstance(word, (Submit, Traded))]
        told = [word for _, word in self._recording.said() if isinstance(word, (Submit, Traded))]
        for here, there in zip_longest(told, kept):
            if here != there:
                at = (here or there or kept[0]).at
                what = "the journal has other orders and fills than the record"
                sides = (worded(here), worded(there))
                self._find("data", what, Place(moment(at), at, self._recording.turns[-1].epoch, 0), sides)
                return

    # --- what a difference of decisions comes of

    def _explain(self, found: Divergence) -> None:
        """Code, configuration or data: the cause of the first decision that differs."""
        changed, other = self._changed(), self._other_code()
        if changed:
            with_own = Replay(self._own, self._recording, self._facts).play()
            if with_own is None or with_own != found:
                self._differs("configuration", f"settings differ: {'; '.join(changed)}", found)
            if with_own is None:
                return
            found = with_own
        at = found.at
        before = any(finding.kind == "data" and finding.place.at_ns <= at for finding in self._findings)
        if before and not other:
            self._notes.append(
                f"decisions differ from input {found.number} of life {found.epoch} on, which the data explains"
            )
            return
        why = "; ".join(other) or (
            "the sources are those of the day: a strategy decides by something that it does not hear"
        )
        self._differs("code", why, found)

    def _differs(self, kind: Kind, what: str, found: Divergence) -> None:
        at = found.at
        place = Place(moment(at), at, found.epoch, found.number, found.market_seq)
        sides = (worded(found.recorded, "no decision"), worded(found.replayed, "no decision"))
        self._find(kind, f"{found.who} decides otherwise; {what}", place, sides)

    def _changed(self) -> list[str]:
        """Settings that are not those of the day."""
        return list(_differences(msgspec.to_builtins(self._own), msgspec.to_builtins(self._run), ""))

    def _other_code(self) -> list[str]:
        """Sources that are not those of the day."""
        found = []
        if any(started.code != package_hash() for started in self._recording.starts):
            found.append("the package's sources are other ones")
        uses = {strategy.name: strategy.use for strategy in self._run.strategies}
        for _, _, message, _ in self._recording.inputs():
            if isinstance(message, Ready) and message.source in uses and message.code:
                now = strategy_hash(uses[message.source])
                words = (
                    f"the source of {message.source} is another one: {message.code[:12]} then, {now[:12]} now"
                )
                if now != message.code and words not in found:
                    found.append(words)
        return found

    def _code(self) -> str:
        return "that of the day" if not self._other_code() else "; ".join(self._other_code())


def _journaled(path: Path) -> list[Batch]:
    """The journal's batches, each proved by the chain."""
    if not path.exists():
        raise BadInput(f"there is no journal at {path}: the book of the day cannot be known without it")
    with closing(open_to_read(path)) as connection:
        return list(read_batches(connection, path))


def _manual(row: VenueOrder, place: Place) -> tuple[str, Place, tuple[str, str]]:
    what = f"an order in the account that is not ours: {row.side.word} {row.qty} {row.symbol}"
    recorded = f"the venue's order {row.venue_id} of {moment(row.at)}, {row.filled} filled"
    return what, place, (recorded, "a backtest has no such order")


def _market_words(first: reference.Difference) -> str:
    events = "a market event is" if first.count == 1 else f"{first.count} market events are"
    against = {
        "missing": "missing in what the trader heard",
        "added": "there that the market never had",
        "altered": "not what the market had",
    }
    return f"{events} {against[first.kind]}"


def _market_sides(first: reference.Difference) -> tuple[str, str]:
    heard = first.recorded.event if first.recorded is not None else None
    return worded(heard), worded(first.reference)


def _ms(duration_ns: int) -> str:
    return f"{duration_ns / measure.MILLISECOND:.1f} ms"


def _differences(then: object, now: object, where: str) -> Iterator[str]:
    """What differs between two trees of settings, each as its path and both values."""
    if isinstance(then, dict) and isinstance(now, dict):
        for key in [*then, *(key for key in now if key not in then)]:
            yield from _differences(then.get(key), now.get(key), f"{where}.{key}" if where else str(key))
    elif isinstance(then, (list, tuple)) and isinstance(now, (list, tuple)) and len(then) == len(now):
        for place, (one, other) in enumerate(zip(then, now, strict=True)):
            name = one.get("name", place) if isinstance(one, dict) else place
            yield from _differences(one, other, f"{where}[{name}]")
    elif then != now:
        yield f"{where} was {then}, is {now}"
