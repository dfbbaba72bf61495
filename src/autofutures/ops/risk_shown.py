"""What a person asks of risk: each limit beside its use, and what became of them; live, or from a run's journal."""

from collections.abc import Iterator
from contextlib import closing

import msgspec

from autofutures.assemble.nodes import make_trader
from autofutures.domain.errors import BadInput
from autofutures.domain.messages import AnyMessage, Halted, HaltReset, LimitSet, Refused, TermsTold
from autofutures.market.limits import day_band
from autofutures.ops.folder import Folder
from autofutures.orders.margin import MarginView
from autofutures.orders.risk_use import Uses
from autofutures.risk.figures import scenario_loss
from autofutures.storage.file import open_to_read
from autofutures.storage.journal import facts_of
from autofutures.storage.reading import Batch, read_batches
from autofutures.trader import Trader


class Event(msgspec.Struct, frozen=True):
    """One thing that happened to a limit."""

    at: int
    """UTC nanoseconds."""
    what: str
    """`halted`, `reset`, `set`, `told` or `refused`."""
    key: str
    """Control, with its scope where it has one."""
    text: str
    who: str = ""


def risk_shown(trader: Trader, now: int) -> dict[str, object]:
    """A trader's risk as a table."""
    state = trader.risk.state
    margin = MarginView(trader.account, trader.risk)
    equity, required, indicator = margin.indicator(now, trader.gate)
    limits = Uses(trader.gate, trader.risk, trader.account, trader.stake).look(now)
    scopes = ("", *sorted(scope for scope in state.baselines if scope))
    held = {symbol: qty for symbol, qty in trader.portfolio.nets().items() if qty}
    return {
        "at": now,
        "day": state.day,
        "limits": msgspec.to_builtins(limits),
        "halts": [msgspec.structs.asdict(halt) for halt in state.halts.values()],
        "changed": [msgspec.structs.asdict(change) for change in state.changed.values()],
        "margin": {"equity": equity, "initial": required, "indicator_percent": indicator},
        "margins": margin.initials(trader.gate),
        "limits_told": state.limits,
        "positions": held,
        "prices": {symbol: _last(trader, symbol) for symbol in held},
        "limit_move": {one.symbol: one.loss for one in limit_moves(trader, now)},
        "messages": state.messages_on(trader.risk.trading_day(now)),
        "equity": {scope or "account": trader.risk.equity(scope) for scope in scopes},
        "lost_today": {
            scope or "account": state.lost_today(scope, trader.risk.equity(scope)) for scope in scopes
        },
    }


class LimitMove(msgspec.Struct, frozen=True):
    """What a position loses at tomorrow's price limit against it; prices in ticks, money in minor units."""

    symbol: str
    position: int
    last_ticks: int
    adverse_ticks: int
    loss: int


def limit_moves(trader: Trader, now: int) -> list[LimitMove]:
    """Of each position, as if it were settled at the last price.

    Of TAIFEX's contracts alone, for of others the limits are not known here.
    """
    found: list[LimitMove] = []
    for symbol, position in trader.portfolio.nets().items():
        item, last = trader.instruments[symbol], _last(trader, symbol)
        limits = day_band(item, last, trader.risk.trading_day(now)) if position else None
        if limits is not None:
            low, high = limits
            loss = scenario_loss(position, last, low, high, item.product.tick_value)
            found.append(LimitMove(symbol, position, last, low if position > 0 else high, loss))
    return found


def _last(trader: Trader, symbol: str) -> int:
    """The last trade that was heard, else the last price that a fact tells of; 0 for neither."""
    return trader.view.last(symbol) or trader.risk.state.marks.get(symbol, 0)


def risk_of(folder: Folder) -> dict[str, object]:
    """The same of a run that is over, as its journal tells it: prices are those of the last fills.

    Raises:
        BadInput: there is no journal.
        BadMessage: it is damaged.
    """
    trader, at = make_trader(folder.run()), 0
    for batch in batches_of(folder):
        at = batch.at
        for fact in facts_of(batch):
            trader.fold(fact)
    return risk_shown(trader, at)


def history(folder: Folder) -> list[Event]:
    """Halts, resets, changed limits and refusals, oldest first.

    Raises:
        BadInput: there is no journal.
        BadMessage: it is damaged.
    """
    found = (event_of(message) for batch in batches_of(folder) for message in batch.outputs)
    return [event for event in found if event is not None]


def batches_of(folder: Folder) -> Iterator[Batch]:
    """A run's journal as it stands now, whether or not the run lives.

    Raises:
        BadInput: there is no journal.
        BadMessage: it is damaged.
    """
    if not folder.journal.exists():
        raise BadInput(f"there is no journal in {folder.root}: give the folder of a run of `up`")
    with closing(open_to_read(folder.journal)) as connection:
        connection.execute("BEGIN")
        yield from read_batches(connection, folder.journal)


def event_of(message: AnyMessage) -> Event | None:
    """What a message tells of a limit; nothing of most."""
    match message:
        case Halted():
            return Event(message.at, "halted", _key(message.control, message.scope), message.reason)
        case HaltReset():
            key = _key(message.control, message.scope)
            return Event(message.at, "reset", key, message.reason, message.who)
        case LimitSet():
            text = f"{message.setting}: {message.old} to {message.new}; {message.reason}"
            return Event(message.at, "set", message.key, text, message.who)
        case TermsTold():
            return Event(message.at, "told", "terms", _terms(message), message.venue)
        case Refused():
            return Event(message.at, "refused", message.rule, message.reason, message.strategy)
        case _:
            return None


def _terms(told: TermsTold) -> str:
    limits = [f"{symbol} limits {low} to {high} ticks" for symbol, (low, high, _) in told.limits.items()]
    return ", ".join([*limits, *(f"{symbol} margin {one:,}" for symbol, one in told.margins.items())])


def _key(control: str, scope: str) -> str:
    return f"{control}.{scope}" if scope else control
