"""Makes a run's market from its settings: the feed, and the exchange that it drives."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import get_args

import msgspec

from autofutures.assemble.nodes import bands_of, calendar_of, instruments_of
from autofutures.config import Market as Known
from autofutures.config import RunSettings
from autofutures.data.catalog import Catalog
from autofutures.data.feed import events
from autofutures.data.generate import generate
from autofutures.data.settlement import settlement_of_bars, settlement_ticks
from autofutures.data.stream import KINDS, chunks, days_of
from autofutures.domain.errors import BadInput
from autofutures.domain.instrument import Instrument, instrument
from autofutures.domain.messages import SessionEnded, Tick
from autofutures.domain.units import SECOND
from autofutures.market.contract_days import sessions_of
from autofutures.market.expiry import last_day_of
from autofutures.market.limits import day_band
from autofutures.market.quotes import ANY_PRICE, LOWEST
from autofutures.market.sessions import Calendar, Session
from autofutures.matching.book_market import BookMarket
from autofutures.matching.broker import Broker
from autofutures.matching.depth_market import DepthMarket
from autofutures.matching.exchange import Exchange
from autofutures.matching.faults import read_faults
from autofutures.matching.model import FeedEvent, Market
from autofutures.matching.prints import PrintMarket
from autofutures.matching.quote_market import QuoteMarket

START_TICKS = 17_400
"""Where a generated session opens."""

GATHERING_NS = 2 * SECOND
"""Orders gather so long before the open of a session that was made short."""


def make_exchange(run: RunSettings, life: int = 1) -> Exchange:
    """The exchange of a run: what its recorded data allows, a book for a generated session."""
    markets: dict[str, Market] = {}
    for symbol, item in instruments_of(run).items():
        if run.source == "generated":
            markets[symbol] = BookMarket(symbol, run.mwp_points)
        else:
            markets[symbol] = _recorded_market(run, item)
    bands = bands_of(run) if run.later_bands else {}
    return Exchange(markets, run.order_latency_ns, f"X{life}.", bands)


def _recorded_market(run: RunSettings, item: Instrument) -> Market:
    low_high = run.bands.get(item.symbol, (0, 0))
    lowest_ticks = ANY_PRICE if item.is_spread else LOWEST
    if run.market == "quotes":
        return QuoteMarket(run.slippage_ticks, run.mwp_points, *low_high, lowest_ticks)
    if run.market == "depth":
        return DepthMarket(run.slippage_ticks, run.mwp_points, *low_high, lowest_ticks)
    return PrintMarket(run.slippage_ticks, run.queue_contracts, run.mwp_points, *low_high)


def make_broker(run: RunSettings, life: int = 1) -> Broker:
    """The far side of the run's wire: its exchange, behind a broker that misbehaves as the run says.

    Raises:
        BadInput: a fault that no broker has.
    """
    return Broker(make_exchange(run, life), read_faults(run.faults), run.seed, ids=f"B{life}.")


def session_of(run: RunSettings) -> Session:
    """The one session of a generated or steady run.

    Raises:
        BadInput: more than one contract was named, or it has no such session.
    """
    symbol, *others = run.symbols
    if others:
        raise BadInput(
            f"a generated session has one contract, and {len(run.symbols)} were named: replay recorded data"
        )
    calendar = calendar_of(run)
    item = instrument(symbol)
    for session in calendar.sessions_of(run.day, item.product.sessions, last_day_of(item, calendar)):
        if session.name == run.session:
            return session
    raise BadInput(
        f"{item.symbol} has no {run.session} session on {run.day}: choose a trading day before it expires"
    )


def sessions_on_end(run: RunSettings) -> list[Session]:
    """The sessions of a generated or steady run, from its first to the last one of its last day.

    Raises:
        BadInput: more than one contract was named, or it has no such first session.
    """
    first, item, calendar = session_of(run), instrument(run.symbols[0]), calendar_of(run)
    last_day, day = last_day_of(item, calendar), run.day
    found: list[Session] = []
    while day <= run.last_day:
        found += calendar.sessions_of(day, item.product.sessions, last_day)
        day = calendar.next_trading_day(day, item.product.sessions)
    later = [session for session in found if session.opens_at > first.opens_at]
    return [first, *later] if run.until else [first]


def make_feed(run: RunSettings) -> Iterator[FeedEvent]:
    """The run's market, in time order."""
    if run.source != "recorded":
        first, *later = sessions_on_end(run)
        return chain(_made(run, first), chain.from_iterable(_made(run, session) for session in later))
    calendar = calendar_of(run)
    return events(
        chunks(run),
        run.symbols,
        lambda leg, day, number: sessions_of(run.symbols[leg], day, calendar)[number].name,
    )


def _made(run: RunSettings, session: Session) -> Iterator[FeedEvent]:
    """One session of a market that is made and not recorded."""
    if run.source == "steady":
        return _steady(run, session)
    short = run.length_ns > 0
    return generate(
        run.symbols[0],
        session.day,
        session.name,
        run.seed,
        opens_at=session.opens_at,
        gathers_at=session.opens_at - GATHERING_NS if short else session.accepts_from,
        closes_at=session.opens_at + run.length_ns if short else session.closes_at,
        trades=run.trades,
        start_ticks=START_TICKS,
    )


def _steady(run: RunSettings, session: Session) -> Iterator[FeedEvent]:
    """Trades at a steady pace, for measuring: up and down a few ticks; with an end where another session follows."""
    at = session.opens_at
    for number in range(run.trades):
        at = session.opens_at + number * run.interval_ns
        yield Tick(run.symbols[0], at, START_TICKS + number % 7, 1 + number % 3)
    if run.until:
        yield SessionEnded(run.symbols[0], at + SECOND, session.day, session.name)


def begins_at(run: RunSettings) -> int:
    """When the run's market says its first word: a live run's clock is set by it.

    Raises:
        BadInput: it never says any.
    """
    first = next(make_feed(run), None)
    if first is None:
        raise BadInput(f"there is nothing to trade on {run.day}: choose another day")
    return first.at


def with_market(run: RunSettings, asked: str, slippage_ticks: int | None) -> RunSettings:
    """The run with its market, and the slippage that goes with it.

    Args:
        run: its symbols and days.
        asked: `prints`, `quotes`, `depth`, `bars`; `auto` is quotes where the catalogue has them of all that is
            traded, else prints.
        slippage_ticks: `None` for 1 tick where trades alone are known, and none where it is known what could be taken.

    Raises:
        BadInput: there is no such market, or the run makes its own.
    """
    known: dict[str, Known] = {name: name for name in get_args(Known)}
    if asked != "auto" and asked not in known:
        raise BadInput(f"--market {asked!r}: write auto, {', '.join(known)}")
    if asked != "auto" and run.source != "recorded":
        raise BadInput(f"--market {asked} is for recorded data: a generated session has a book of its own")
    market = known.get(asked) or ("quotes" if _is_quoted(run) else "prints")
    if slippage_ticks is None:
        slippage_ticks = 1 if market in ("prints", "bars") else 0
    return msgspec.structs.replace(run, market=market, slippage_ticks=slippage_ticks)


def _is_quoted(run: RunSettings) -> bool:
    """Whether the catalogue has the quotes of each symbol on every day on which it has anything of it."""
    if run.source != "recorded":
        return False
    catalog = Catalog(Path(run.catalog))
    for symbol in run.symbols:
        span = run.days_of(symbol)
        quoted = set(days_of(catalog, symbol, *span, KINDS["quotes"]))
        if not quoted or not quoted.issuperset(days_of(catalog, symbol, *span)):
            return False
    return True


def with_bands(run: RunSettings) -> RunSettings:
    """The run with each day's price limits, where the catalogue can tell the settlement price of the day before."""
    if run.source != "recorded":
        return run
    calendar, catalog = calendar_of(run), Catalog(Path(run.catalog))
    in_bars = run.market == "bars"
    days = {run.day: _bands_on(run.day, run, catalog, calendar)}
    for symbol in run.symbols:
        for day in days_of(catalog, symbol, *run.days_of(symbol), KINDS["bars" if in_bars else "prints"]):
            if day not in days:
                days[day] = _bands_on(day, run, catalog, calendar)
    return msgspec.structs.replace(run, bands=days.pop(run.day), later_bands=days)


def _bands_on(day: int, run: RunSettings, catalog: Catalog, calendar: Calendar) -> dict[str, tuple[int, int]]:
    bands: dict[str, tuple[int, int]] = {}
    settlement = settlement_of_bars if run.market == "bars" else settlement_ticks
    for symbol, item in instruments_of(run).items():
        sessions = item.product.sessions
        before = calendar.previous_trading_day(day, sessions)
        last_day = last_day_of(item, calendar)
        settled = settlement(catalog, symbol, before, sessions, calendar, last_day)
        limits = None if settled is None else day_band(item, settled, day)
        if limits is not None:
            bands[symbol] = limits
    return bands
