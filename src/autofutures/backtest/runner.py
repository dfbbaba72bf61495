"""Runs a backtest: the machine's own nodes in one process, on virtual time."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal, get_args

import msgspec
import numpy as np

from autofutures import clock
from autofutures.assemble import nodes
from autofutures.assemble.market import make_exchange, make_feed
from autofutures.backtest.statistics import Ticks
from autofutures.backtest.tape import Tape
from autofutures.config import Market, RunSettings
from autofutures.data.catalog import Catalog
from autofutures.data.stream import KINDS, QUOTE, TICK, chunks, days_of
from autofutures.domain.errors import BadInput
from autofutures.domain.messages import AnyMessage, Quote, Tick
from autofutures.domain.units import SECOND
from autofutures.engine import Engine
from autofutures.market.contract_days import trading_days
from autofutures.market.dates import iso_day
from autofutures.market.quotes import middle
from autofutures.matching import depth_market, quote_rules, rules
from autofutures.matching.model import FeedEvent
from autofutures.portfolio.tally import FILL_COLUMNS, ORDER_COLUMNS, Summary, Tally, fill_line, order_line

EngineName = Literal["auto", "kernel", "nodes"]
"""Who runs it: the kernel compiles the strategy with the nodes' own rules; `auto` is the kernel where it can."""

Progress = Callable[[int], None]
"""Hears how many events of the feed have been taken."""

PROGRESS_EVERY = 2_000

SHOWN_DAYS = 5
"""How many days without data a note names."""

BAR_ASSUMPTION = (
    "Only 1-minute bars are known: each is traded as four trades, open, low and high (the low first where it closed at "
    "or above its open), close, with a quarter of its contracts each. The way between them is not known."
)

BOOK_ASSUMPTION = (
    "The market is generated from a seed, with a book of its own: our orders have true places in the queue, "
    "and the other participants do not react to us."
)


_ASSUMPTIONS: dict[Market, tuple[str, ...]] = {
    "prints": rules.ASSUMPTIONS,
    "bars": (BAR_ASSUMPTION, *rules.ASSUMPTIONS),
    "quotes": quote_rules.ASSUMPTIONS,
    "depth": depth_market.ASSUMPTIONS,
}


class Result(msgspec.Struct, frozen=True):
    """A finished run: what it did, all of its rows, and how long it took."""

    summary: Summary
    tally: Tally
    events: int
    seconds: float
    engine: str = "nodes"
    why_not_kernel: str = ""
    """Why the kernel did not run it, where it was asked to if it could."""

    @property
    def events_per_s(self) -> int:
        """Events of the feed handled in a second of wall time."""
        return round(self.events / self.seconds) if self.seconds else 0


class _Counted:
    """A feed that counts its events and reports progress."""

    def __init__(self, feed: Iterator[FeedEvent], progress: Progress | None) -> None:
        self._feed = feed
        self._progress = progress
        self.events = 0

    def __iter__(self) -> Iterator[FeedEvent]:
        for event in self._feed:
            self.events += 1
            if self._progress is not None and self.events % PROGRESS_EVERY == 0:
                self._progress(self.events)
            yield event


def run(settings: RunSettings, progress: Progress | None = None, engine: EngineName = "nodes") -> Result:
    """Trades the run's market to its end.

    Args:
        settings: what to run.
        progress: hears how many events have been taken.
        engine: who runs it; what comes out is the same.

    Raises:
        BadInput: the settings ask for what is not there: a symbol, a day, a strategy; or for what the engine cannot do.
    """
    if engine != "nodes":
        from autofutures.backtest.engines import run_kernel  # noqa: PLC0415 - Numba takes its time to import

        try:
            tally, events, seconds = run_kernel(settings, progress)
            return Result(tally.summary(), tally, events, seconds, "kernel")
        except BadInput as error:
            if engine == "kernel":
                raise
            return msgspec.structs.replace(_run_nodes(settings, progress), why_not_kernel=str(error))
    return _run_nodes(settings, progress)


def engine_of(name: str) -> EngineName:
    """The engine that is called so.

    Raises:
        BadInput: there is none.
    """
    known: dict[str, EngineName] = {engine: engine for engine in get_args(EngineName)}
    if name not in known:
        raise BadInput(f"--engine {name!r}: write {', '.join(known)}, or processes on the command line")
    return known[name]


def _run_nodes(settings: RunSettings, progress: Progress | None) -> Result:
    feed = _Counted(make_feed(settings), progress)
    hosts = [nodes.make_host(settings, strategy) for strategy in settings.strategies]
    commands = [command for strategy in settings.strategies for command in nodes.first_commands(strategy)]
    tally = nodes.make_tally(settings)
    engine = Engine(make_exchange(settings), nodes.make_trader(settings), hosts, tally)
    started = clock.stopwatch_ns()
    engine.run(feed, settings.limit, commands)
    seconds = (clock.stopwatch_ns() - started) / SECOND
    return Result(tally.summary(), tally, feed.events, seconds)


def assumptions_of(settings: RunSettings) -> tuple[str, ...]:
    """What the fills of a run take for granted, in words."""
    latency = f"An order reaches the market {settings.order_latency_ns / 1e6:g} ms after it was decided."
    if settings.source == "generated":
        return (BOOK_ASSUMPTION, latency)
    stated = {"slippage": settings.slippage_ticks, "queue": settings.queue_contracts}
    return (*(line.format(**stated) for line in _ASSUMPTIONS[settings.market]), latency)


def notes_of(settings: RunSettings) -> tuple[str, ...]:
    """What the reader of a report must know about its figures."""
    notes = []
    for symbol, item in nodes.instruments_of(settings).items():
        product = item.product
        known = sum(symbol in of_day for of_day in settings.later_bands.values())
        if known:
            days = 1 + len(settings.later_bands)
            known += symbol in settings.bands
            notes.append(
                f"{symbol}: each day had price limits of its own; they are known of {known} of {days} days."
            )
        elif symbol in settings.bands:
            low_ticks, high_ticks = settings.bands[symbol]
            notes.append(f"{symbol}: price limits {item.to_price(low_ticks)} to {item.to_price(high_ticks)}.")
        else:
            abroad = product.exchange != "TAIFEX"
            why = "no settlement price of the day before is known"
            why = f"the limits of {product.exchange} are not specified" if abroad else why
            notes.append(f"{symbol}: price limit unknown, so it was not checked ({why}).")
        if not product.grid_checked:
            notes.append(
                f"{symbol} is not specified: its price grid is unchecked, and its ticks are worth nothing."
            )
        elif settings.day < product.tax_since:
            notes.append(f"{symbol}: the tax rate is the one in force since {product.tax_since}.")
        if product.grid_checked and not product.certainty.startswith("high"):
            notes.append(f"{symbol}: the certainty of its tick, lot and value is {product.certainty}.")
    if settings.market == "bars" and (settings.bands or any(settings.later_bands.values())):
        notes.append(
            "Price limits count from settlement prices that are estimates: of the trades that stand for the last bar."
        )
    return (*notes, *_rolls(settings), *_settlements(settings), *_gaps(settings))


def _settlements(settings: RunSettings) -> list[str]:
    """What became of positions in contracts that ended, in words."""
    known = "its final settlement price"
    guess = "its last trade, for its final settlement price was not given"
    return [
        f"{symbol}: what was held at the close of its last trading day, {iso_day(final.day)}, was settled at "
        f"{known if final.price_ticks else guess}."
        for symbol, final in nodes.finals_of(settings).items()
    ]


def _rolls(settings: RunSettings) -> list[str]:
    """Which contract of a series was traded when, in words."""
    way = "carried into the next contract" if settings.carries else "closed"
    return [
        f"{symbol}: orders went to "
        + ", ".join(f"{one.symbol} from {iso_day(one.first)}" for one in segments)
        + f"; signals saw joined prices, which count from the first contract; at a roll a position is {way}."
        for symbol, segments in settings.series.items()
    ]


def _gaps(settings: RunSettings) -> list[str]:
    """The trading days that the market had and the catalogue has not, in words."""
    if settings.source != "recorded":
        return []
    notes = []
    catalog, calendar = Catalog(Path(settings.catalog)), nodes.calendar_of(settings)
    for symbol in settings.symbols:
        span = settings.days_of(symbol)
        there = set(days_of(catalog, symbol, *span, KINDS[settings.market]))
        days = trading_days(symbol, *span, calendar)
        missing = [iso_day(day) for day in days if day not in there]
        if settings.market in ("quotes", "depth") and not days_of(catalog, symbol, *span):
            notes.append(
                f"{symbol}: no trades are recorded, so stops and equity go by the middle of the quote."
            )
        if missing:
            more = f" and {len(missing) - SHOWN_DAYS} more" if len(missing) > SHOWN_DAYS else ""
            shown = ", ".join(missing[:SHOWN_DAYS])
            notes.append(f"{symbol}: {len(missing)} of {len(days)} trading days have no data: {shown}{more}.")
    return notes


def write_rows(tally: Tally, orders: Path | None, fills: Path | None) -> None:
    """Writes orders and fills as the hashes see them, under a header."""
    if orders is not None:
        _write_lines(orders, ORDER_COLUMNS, [order_line(order) for order in tally.orders])
    if fills is not None:
        _write_lines(fills, FILL_COLUMNS, [fill_line(fill) for fill in tally.fills])


def _write_lines(path: Path, header: str, lines: list[str]) -> None:
    path.write_text("".join(f"{line}\n" for line in [header, *lines]), "utf-8", newline="\n")


def market_prices(settings: RunSettings) -> dict[str, Ticks]:
    """Where the run's market was by itself, by symbol, as far as the run went: for charts."""
    if settings.source == "recorded" and settings.market != "depth" and not settings.limit:
        return _recorded_prices(settings)
    exchange = make_exchange(settings)
    tally = nodes.make_tally(settings)
    prices = Prices(settings.symbols)
    for event in make_feed(settings):
        for said in exchange.handle(event, event.at):
            if isinstance(said, (Tick, Quote)):
                prices.handle(said, said.at)
                tally.handle(said, said.at)
        if settings.limit and tally.ticks_seen >= settings.limit:
            break
    return prices.ticks()


class Prices:
    """Where each market was: its trades, or the middles of its quotes where it had none."""

    def __init__(self, symbols: Sequence[str]) -> None:
        self._traded: dict[str, list[tuple[int, int]]] = {symbol: [] for symbol in symbols}
        self._quoted: dict[str, list[tuple[int, int]]] = {symbol: [] for symbol in symbols}

    def handle(self, message: AnyMessage, at: int) -> None:
        """Hears one message of the stream."""
        if isinstance(message, Tick):
            self._traded[message.symbol].append((at, message.price_ticks))
        elif isinstance(message, Quote) and (message.bid_qty or message.ask_qty):
            price_ticks = middle(message.bid_ticks, message.bid_qty, message.ask_ticks, message.ask_qty)
            self._quoted[message.symbol].append((at, price_ticks))

    def ticks(self) -> dict[str, Ticks]:
        """By symbol, as a report takes them."""
        return {symbol: ticks_of(rows or self._quoted[symbol]) for symbol, rows in self._traded.items()}


def _recorded_prices(settings: RunSettings) -> dict[str, Ticks]:
    """What is recorded is what is printed, so the columns are taken as they are."""
    traded = [Tape() for _ in settings.symbols]
    quoted = [Tape() for _ in settings.symbols]
    for chunk in chunks(settings):
        for leg, (trades, quotes) in enumerate(zip(traded, quoted, strict=True)):
            rows = (chunk.kind == TICK) & (chunk.leg == leg)
            trades.add(chunk.at[rows], chunk.a[rows])
            rows = (chunk.kind == QUOTE) & (chunk.leg == leg) & ((chunk.b > 0) | (chunk.d > 0))
            bid, ask = chunk.a[rows], chunk.c[rows]
            one_sided = np.where(chunk.b[rows] > 0, bid, ask)
            both = (chunk.b[rows] > 0) & (chunk.d[rows] > 0)
            quotes.add(chunk.at[rows], np.where(both, (bid + ask) // 2, one_sided))
    return {
        symbol: trades.ticks() if len(trades) else quotes.ticks()
        for symbol, trades, quotes in zip(settings.symbols, traded, quoted, strict=True)
    }


def ticks_of(rows: Sequence[tuple[int, int]]) -> Ticks:
    """(at, price in ticks) rows as the columns that a report takes."""
    columns = np.asarray(rows, dtype=np.int64).reshape(-1, 2)
    return Ticks(at=columns[:, 0], price_ticks=columns[:, 1])
