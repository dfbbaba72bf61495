"""The daily settlement price, from the trades of the catalogue: what the next day's price limits are counted from.

TAIFEX settles a contract at the volume-weighted price of its last minute of the regular session, to the nearest tick
(checked against the published price of one day; where the last minute had no trade, the exchange has other rules, and
no price is given here).
"""

from autofutures.data.catalog import Catalog
from autofutures.domain.units import MINUTE
from autofutures.market.sessions import DAY, Calendar


def settlement_ticks(
    catalog: Catalog, symbol: str, day: int, sessions_id: str, calendar: Calendar, last_trading_day: int = 0
) -> int | None:
    """A trading day's settlement price in ticks; `None` where the catalogue has no trades to tell it from."""
    if not catalog.has(symbol, day):
        return None
    for session in calendar.sessions_of(day, sessions_id, last_trading_day):
        if session.name != DAY:
            continue
        ticks = catalog.ticks(symbol, day, since=session.closes_at - MINUTE)
        last_minute = ticks.at < session.ends_at
        qty = int(ticks.qty[last_minute].sum())
        if qty:
            value = int((ticks.price_ticks[last_minute] * ticks.qty[last_minute]).sum())
            return (2 * value + qty) // (2 * qty)
    return None
