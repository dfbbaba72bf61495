"""What leaves: an approved intent on its way to the venue, and the trader's own orders at the market."""

from autofutures.domain.messages import Intent, Submit
from autofutures.domain.units import OrderType, Side, TimeInForce


def submit_of(client_id: str, intent: Intent, kind: OrderType, now: int, until: int) -> Submit:
    """The order that leaves now, by `until` at the latest: market orders have no price and do not rest."""
    market = kind is OrderType.MARKET or kind is OrderType.MWP
    return Submit(
        client_id=client_id,
        at=now,
        symbol=intent.symbol,
        side=intent.side,
        qty=intent.qty,
        type=kind,
        price_ticks=0 if market else intent.price_ticks,
        tif=TimeInForce.IOC if market and intent.tif is TimeInForce.ROD else intent.tif,
        open_close=intent.open_close,
        day_trade=intent.day_trade,
        until=min(intent.until, until) if intent.until else until,
    )


def market_order(strategy: str, symbol: str, side: Side, qty: int, now: int) -> Intent:
    """The trader's own wish to close at whatever the market gives; it has no number yet."""
    return Intent(
        strategy=strategy,
        cause_seq=0,
        k=0,
        at=now,
        symbol=symbol,
        side=side,
        qty=qty,
        type=OrderType.MARKET,
        tif=TimeInForce.IOC,
    )
