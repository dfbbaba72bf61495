"""Makes the nodes of a run from its settings: the same ones for one process and for many."""

import msgspec

from autofutures.config import RunSettings, StrategySettings, book_stop_of
from autofutures.domain.instrument import Instrument, instrument
from autofutures.domain.messages import Command
from autofutures.market.contract_days import sessions_of
from autofutures.market.expiry import last_day_of
from autofutures.market.limits import Bands
from autofutures.market.sessions import Calendar
from autofutures.market.view import MarketView
from autofutures.orders.account import OUTSIDE
from autofutures.orders.book import Orders
from autofutures.orders.cover import Cover
from autofutures.orders.ids import ClientIds
from autofutures.orders.settlement import Final
from autofutures.portfolio.costs import Costs
from autofutures.portfolio.tally import Tally
from autofutures.risk.gate import make_gate
from autofutures.strategies.host import Host
from autofutures.strategies.load import load, make
from autofutures.strategies.series import Series, SeriesHost
from autofutures.trader import Trader


def instruments_of(run: RunSettings) -> dict[str, Instrument]:
    """Every instrument of a run, by symbol: those of the feed, then those that strategies name. No series."""
    named = [*run.symbols, *(symbol for strategy in run.strategies for symbol in strategy.symbols)]
    return {symbol: instrument(symbol) for symbol in named if symbol not in run.series}


def calendar_of(run: RunSettings) -> Calendar:
    """The exchange's calendar with the run's own days."""
    return Calendar(run.closed_days)


def view_of(run: RunSettings) -> MarketView:
    """What is known of the run's markets before the first trade."""
    view = MarketView(calendar_of(run))
    for item in instruments_of(run).values():
        view.add_instrument(item)
    for symbol, segments in run.series.items():
        view.add(symbol, instrument(segments[0].symbol).product.sessions)
    for symbol, bands in bands_of(run).items():
        view.set_bands(symbol, bands)
    return view


def bands_of(run: RunSettings) -> dict[str, Bands]:
    """Each symbol's price limits by time: those of a day hold from when orders for it are accepted."""
    bands: dict[str, dict[int, tuple[int, int]]] = {
        symbol: {0: run.bands.get(symbol, (0, 0))} for symbol in instruments_of(run)
    }
    calendar = calendar_of(run)
    for day, of_day in sorted(run.later_bands.items()):
        for symbol, by_instant in bands.items():
            sessions = sessions_of(symbol, day, calendar)
            if sessions:
                by_instant[sessions[0].accepts_from] = of_day.get(symbol, (0, 0))
    return {symbol: Bands(by_instant) for symbol, by_instant in bands.items()}


def make_trader(run: RunSettings, epoch: int = 1) -> Trader:
    """The trader of a run; the epoch must never have been used with the same journal."""
    return Trader(
        instruments=instruments_of(run),
        view=view_of(run),
        gate=make_gate(run.limits),
        orders=Orders(ClientIds(epoch)),
        costs=Costs(fee_per_contract=run.fee),
        policy=run.policy,
        name=f"q{epoch}.",
        covers={
            # What strangers opened, where it is taken in, has a stop as well.
            OUTSIDE: Cover("own", book_stop_of(run.symbols)),
            **{strategy.name: cover_of(strategy) for strategy in run.strategies},
        },
        finals=finals_of(run),
    )


def finals_of(run: RunSettings) -> dict[str, Final]:
    """The contracts whose last trading day is in a recorded run, by symbol."""
    if run.source != "recorded":
        return {}
    calendar, finals = calendar_of(run), {}
    for symbol, item in instruments_of(run).items():
        last_day = last_day_of(item, calendar)
        sessions = sessions_of(symbol, last_day, calendar) if run.day <= last_day <= run.last_day else ()
        if sessions:
            finals[symbol] = Final(last_day, sessions[-1].name, run.settlements.get(symbol, 0))
    return finals


def cover_of(settings: StrategySettings) -> Cover:
    """How a strategy's open lots are covered: as its class declares, unless the run has written that down."""
    return Cover(settings.exits or load(settings.use).exits, settings.book_stop)


def with_covers(run: RunSettings) -> RunSettings:
    """The run with what its strategies declare, so that a trader needs none of their code to start again."""
    strategies = tuple(
        msgspec.structs.replace(strategy, exits=cover_of(strategy).exits) for strategy in run.strategies
    )
    return msgspec.structs.replace(run, strategies=strategies)


def make_host(run: RunSettings, settings: StrategySettings) -> Host:
    """One strategy, ready to hear."""
    strategy = make(settings.use, settings.settings)
    if not run.series:
        return Host(settings.name, strategy, settings.symbols, view_of(run))
    return SeriesHost(settings.name, strategy, settings.symbols, view_of(run), series_of(run))


def series_of(run: RunSettings) -> dict[str, Series]:
    """The run's series, with the instants from which each contract is in front: when its first orders are accepted."""
    calendar = calendar_of(run)
    return {
        symbol: Series(
            symbol,
            segments,
            tuple(sessions_of(one.symbol, one.first, calendar)[0].accepts_from for one in segments),
            run.carries,
        )
        for symbol, segments in run.series.items()
    }


def heard_symbols(run: RunSettings) -> set[str]:
    """The symbols whose trades some strategy is given: of a series, its contracts."""
    named = {symbol for strategy in run.strategies for symbol in strategy.symbols}
    contracts = {one.symbol for symbol, segments in run.series.items() if symbol in named for one in segments}
    return named - set(run.series) | contracts


def make_tally(run: RunSettings, *, keeps: bool = True) -> Tally:
    """Counts the run; ticks count as seen where a strategy is given them. It `keeps` what it counts, or does not."""
    return Tally(instruments_of(run), heard_symbols(run), keeps=keeps)


def first_commands(settings: StrategySettings) -> list[Command]:
    """What the settings file asks of a strategy before the first event: its conditions.

    Only these need the strategy's code: a trader without them does not depend on it.
    """
    if not settings.conditions:
        return []
    read = load(settings.use).command_values
    return [
        Command("settings", settings.name, "add", name, read(entry, settings.symbols))
        for name, entry in settings.conditions.items()
    ]
