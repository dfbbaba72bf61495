"""The certificate of a day: its findings by class, what was compared, and what was measured. Words and JSON."""

from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec

from autofutures.domain.messages import AnyMessage
from autofutures.domain.units import SECOND
from autofutures.market.dates import TAIPEI_OFFSET_NS

Kind = Literal["data", "latency", "code", "configuration", "person"]

KINDS: dict[Kind, str] = {
    "data": "a market event or a part of the record is missing, added or altered",
    "latency": "the same decisions, later or earlier than the model has them",
    "code": "the sources are not those of the day, and decide otherwise",
    "configuration": "the settings are not those of the day, and decide otherwise",
    "person": "a person did what no backtest would have done",
}
"""What each class means, and the sequence in which they are said."""


class Place(msgspec.Struct, frozen=True):
    """Where in the day something is."""

    at: str
    """The trader's clock, Taipei."""
    at_ns: int
    life: int
    """Of the trader."""
    event: int
    """The trader's input, counted from 1 in that life; 0 where it heard of nothing."""
    market_event: int = 0
    """The market event that strategies count; 0 where that is none."""


class Finding(msgspec.Struct, frozen=True):
    """The first event of one class, with both sides."""

    kind: Kind
    what: str
    place: Place
    recorded: str
    expected: str
    """What the replay decides, the market has, or the model says."""
    count: int = 1
    """Of its kind in the day."""


class Spread(msgspec.Struct, frozen=True):
    """How something was distributed; null where nothing was measured."""

    count: int
    mean: float | None
    p50: float | None
    p95: float | None
    p99: float | None
    least: float | None
    most: float | None


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """What the day's market and venue were like, beside the model."""

    feed_ms: Spread
    """From the market's own stamp to the trader's hearing it."""
    decision_ms: Spread
    """From the stamp of the market event that caused it to the decision."""
    order_ms: Spread
    """From an order's leaving to the event before which it acted: the venue's own time."""
    answer_ms: Spread
    """From an order's leaving to its first report's being heard."""
    fill_late_ms: Spread
    """A fill's time less its time in the model."""
    slippage_ticks: Spread
    """How much worse than the model's a fill was, contract by contract."""
    slippage: dict[int, int]
    """Contracts by ticks worse than the model; below zero is better."""
    only_day: int
    """Contracts that were filled in the day and not in the model."""
    only_model: int
    model_latency_ms: float
    model_slippage_ticks: int
    latency_ms: float | None
    """The latency of orders that explains the most of them."""
    explained: float | None
    """Of all orders, the part that it explains."""


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """What a day proves."""

    run: str
    day: int
    identical: bool
    """Nothing was found."""
    findings: tuple[Finding, ...]
    lives: int
    inputs: int
    market_events: int
    decisions: int
    """Strategies' decisions that are the same in both."""
    messages: int
    """Words of the trader (orders, refusals, fills, exits, market) that are the same in both."""
    whole: bool
    """Whether the record goes to an orderly end and all of it was compared."""
    code: str
    settings: str
    market: str
    """Against what the market was compared."""
    notes: tuple[str, ...]
    measured: Measured


def moment(at: int) -> str:
    """A time as people read it: Taipei, to the microsecond."""
    seconds, rest = divmod(at + TAIPEI_OFFSET_NS, SECOND)
    of_day = seconds % 86_400
    return f"{of_day // 3600:02d}:{of_day // 60 % 60:02d}:{of_day % 60:02d}.{rest // 1_000:06d}"


def worded(message: AnyMessage | None, nothing: str = "nothing") -> str:
    """A message as its fields, without those that say nothing."""
    if message is None:
        return nothing
    fields = msgspec.structs.asdict(message)
    shown = ", ".join(
        f"{name}={_word(value)}" for name, value in fields.items() if value or name in {"k", "price_ticks"}
    )
    return f"{type(message).__name__}({shown})"


def _word(value: object) -> str:
    if isinstance(value, bytes):
        return f"<{len(value)} bytes>"
    word = getattr(value, "word", None)
    return str(word) if word is not None else str(value)


def spread(values: Sequence[float]) -> Spread:
    """The distribution of some values, by nearest rank."""
    if not values:
        return Spread(0, None, None, None, None, None, None)
    ordered = sorted(values)

    def rank(percent: int) -> float:
        return round(ordered[max(0, -(-percent * len(ordered) // 100) - 1)], 3)

    mean = round(sum(ordered) / len(ordered), 3)
    return Spread(
        len(ordered), mean, rank(50), rank(95), rank(99), round(ordered[0], 3), round(ordered[-1], 3)
    )


def lines_of(certificate: Certificate) -> Iterator[str]:
    """The certificate as people read it."""
    found = len(certificate.findings)
    verdict = f"{found} finding{'s' * (found > 1)}" if found else "identical"
    yield f"parity of {certificate.day}: {verdict}"
    yield (
        f"{certificate.decisions:,} decisions and {certificate.messages:,} words of the trader are the same in both; "
        f"{certificate.inputs:,} inputs, {certificate.market_events:,} of them the market's, "
        f"lives of the trader: {certificate.lives}"
    )
    for finding in certificate.findings:
        place = finding.place
        where = f"input {place.event:,} of life {place.life}"
        if place.market_event:
            where += f", market event {place.market_event:,}"
        yield f"\n{finding.kind}: {finding.what}"
        yield f"  at {place.at} ({where})" + (f"; {finding.count:,} such" if finding.count > 1 else "")
        yield f"  recorded: {finding.recorded}"
        yield f"  expected: {finding.expected}"
    yield from _measured_lines(certificate.measured)
    for note in certificate.notes:
        yield f"note: {note}"


def _measured_lines(measured: Measured) -> Iterator[str]:
    yield "\nmeasured (ms)             count      p50      p95      p99      most"
    for name, values in (
        ("market event heard", measured.feed_ms),
        ("decided after its event", measured.decision_ms),
        ("order acted", measured.order_ms),
        ("order answered", measured.answer_ms),
        ("fill later than the model", measured.fill_late_ms),
    ):
        cells = "".join(f"{_cell(value):>9}" for value in (values.p50, values.p95, values.p99, values.most))
        yield f"{name:<26}{values.count:>5}{cells}"
    worse = ", ".join(f"{ticks:+d}: {count}" for ticks, count in measured.slippage.items()) or "none"
    yield f"contracts by ticks worse than the model: {worse}"
    if measured.only_day or measured.only_model:
        yield (
            f"contracts filled only in the day: {measured.only_day}, only in the model: {measured.only_model}"
        )
    if measured.latency_ms is not None and measured.explained is not None:
        yield (
            f"the model's order latency is {measured.model_latency_ms:g} ms; {measured.latency_ms:g} ms explains "
            f"{measured.explained:.0%} of the orders"
        )


def _cell(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def adopted(certificate: Certificate) -> str:
    """The measured slippage and latency as settings: `--config` of a backtest takes them."""
    measured = certificate.measured
    if measured.latency_ms is None:
        return f"# Measured on {certificate.day}: no order of that day acted, so there is nothing to adopt.\n"
    mean = measured.slippage_ticks.mean or 0.0
    slippage = max(0, measured.model_slippage_ticks + round(mean))
    orders, contracts = measured.order_ms.count, measured.slippage_ticks.count
    return (
        f"# Measured on {certificate.day} over {orders} orders and {contracts} contracts; before: "
        f"{measured.model_latency_ms:g} ms, {measured.model_slippage_ticks} ticks.\n"
        "[model]\n"
        f'order_latency = "{round(1_000 * measured.latency_ms)}us"\n'
        f"slippage_ticks = {slippage}\n"
    )
