"""The daily settlement price, from what the catalogue has: what the next day's price limits are counted from.

TAIFEX settles a contract at the volume-weighted price of its last minute of the regular session, to the nearest tick
(checked against the published price of one day; where the last minute had no trade, the exchange has other rules, and
no price is given here). Where only bars are known the price is an estimate: of the trades that stand for the last bar.
"""

from autofutures.data.bar_path import ticks_of_bars
from autofutures.data.catalog import Catalog, TickColumns
from autofutures.domain.units import MINUTE
from autofutures.market.sessions import DAY, Calendar, Session


def settlement_ticks(
    catalog: Catalog, symbol: str, day: int, sessions_id: str, calendar: Calendar, last_trading_day: int = 0
) -> int | None:
    """A trading day's settlement price in ticks; `None` where the catalogue has no trades to tell it from."""
    if not catalog.has(symbol, day):
        return None
    for session in calendar.sessions_of(day, sessions_id, last_trading_day):
        if session.name != DAY:
            continue
        return _of_last_minute(catalog.ticks(symbol, day, since=session.closes_at - MINUTE), session)
    return None


def settlement_of_bars(
    catalog: Catalog, symbol: str, day: int, sessions_id: str, calendar: Calendar, last_trading_day: int = 0
) -> int | None:
    """About a trading day's settlement price in ticks; `None` where the catalogue has no bar of its last minute."""
    if day not in catalog.days(symbol, "bars"):
        return None
    sessions = calendar.sessions_of(day, sessions_id, last_trading_day)
    for session in sessions:
        if session.name == DAY:
            return _of_last_minute(ticks_of_bars(catalog.bars(symbol, day), sessions), session)
    return None


def _of_last_minute(ticks: TickColumns, session: Session) -> int | None:
    last_minute = (ticks.at >= session.closes_at - MINUTE) & (ticks.at < session.ends_at)
    qty = int(ticks.qty[last_minute].sum())
    value = int((ticks.price_ticks[last_minute] * ticks.qty[last_minute]).sum())
    return (2 * value + qty) // (2 * qty) if qty else None
