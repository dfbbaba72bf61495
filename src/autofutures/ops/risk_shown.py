"""What a person asks of risk: each limit beside its use, and what became of them; live, or from a run's journal."""

from collections.abc import Iterator
from contextlib import closing

import msgspec

from autofutures.assemble.nodes import make_trader
from autofutures.domain.errors import BadInput
from autofutures.domain.messages import AnyMessage, Halted, HaltReset, LimitSet, Refused
from autofutures.market.limits import band, limit_percent_bp
from autofutures.ops.folder import Folder
from autofutures.orders.margin import MarginView
from autofutures.orders.risk_use import uses
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
    """`halted`, `reset`, `set` or `refused`."""
    key: str
    """Control, with its scope where it has one."""
    text: str
    who: str = ""


def risk_shown(trader: Trader, now: int) -> dict[str, object]:
    """A trader's risk as a table."""
    state = trader.risk.state
    equity, required, indicator = MarginView(trader.account, trader.risk).indicator(now, trader.gate)
    limits = uses(trader.gate, state, trader.portfolio, trader.stake, now)
    scopes = ("", *sorted(scope for scope in state.baselines if scope))
    return {
        "at": now,
        "day": state.day,
        "limits": msgspec.to_builtins(limits),
        "halts": [msgspec.structs.asdict(halt) for halt in state.halts.values()],
        "changed": [msgspec.structs.asdict(change) for change in state.changed.values()],
        "margin": {"equity": equity, "initial": required, "indicator_percent": indicator},
        "limit_move": _limit_move(trader, now),
        "messages": state.messages_on(trader.risk.trading_day(now)),
        "equity": {scope or "account": trader.risk.equity(scope) for scope in scopes},
        "lost_today": {
            scope or "account": state.lost_today(scope, trader.risk.equity(scope)) for scope in scopes
        },
    }


def _limit_move(trader: Trader, now: int) -> dict[str, int]:
    """What each position loses at tomorrow's price limit against it, as if it were settled at the last price.

    Of TAIFEX's contracts alone, for of others the limits are not known here.
    """
    found: dict[str, int] = {}
    for symbol, position in trader.portfolio.nets().items():
        item = trader.instruments[symbol]
        last = trader.view.last(symbol) or trader.risk.state.marks.get(symbol, 0)
        if position and last > 0 and item.product.exchange == "TAIFEX" and not item.is_spread:
            low, high = band(last, limit_percent_bp(trader.risk.trading_day(now)))
            found[symbol] = scenario_loss(position, last, low, high, item.product.tick_value)
    return found


def risk_of(folder: Folder) -> dict[str, object]:
    """The same of a run that is over, as its journal tells it: prices are those of the last fills.

    Raises:
        BadInput: there is no journal.
        BadMessage: it is damaged.
    """
    trader, at = make_trader(folder.run()), 0
    for batch in _batches(folder):
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
    found = (_event(message) for batch in _batches(folder) for message in batch.outputs)
    return [event for event in found if event is not None]


def _batches(folder: Folder) -> Iterator[Batch]:
    if not folder.journal.exists():
        raise BadInput(f"there is no journal in {folder.root}: give the folder of a run of `up`")
    with closing(open_to_read(folder.journal)) as connection:
        connection.execute("BEGIN")
        yield from read_batches(connection, folder.journal)


def _event(message: AnyMessage) -> Event | None:
    match message:
        case Halted():
            return Event(message.at, "halted", _key(message.control, message.scope), message.reason)
        case HaltReset():
            key = _key(message.control, message.scope)
            return Event(message.at, "reset", key, message.reason, message.who)
        case LimitSet():
            text = f"{message.setting}: {message.old} to {message.new}; {message.reason}"
            return Event(message.at, "set", message.key, text, message.who)
        case Refused():
            return Event(message.at, "refused", message.rule, message.reason, message.strategy)
        case _:
            return None


def _key(control: str, scope: str) -> str:
    return f"{control}.{scope}" if scope else control
