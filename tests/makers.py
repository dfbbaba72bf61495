"""Messages and nodes with everything filled in that a test does not care about."""

from collections.abc import Mapping

from autofutures.domain.instrument import instrument
from autofutures.domain.messages import ExitPlan, Filled, Halted, Intent, Submit, Tick
from autofutures.domain.units import Mode, OpenClose, OrderType, Side, TimeInForce
from autofutures.market.dates import taipei_ns
from autofutures.market.sessions import Calendar
from autofutures.market.view import MarketView
from autofutures.orders.book import Orders
from autofutures.orders.cover import Cover
from autofutures.orders.ids import ClientIds
from autofutures.orders.policy import Policy
from autofutures.portfolio.costs import Costs
from autofutures.risk.base import Exposure, MarginSeen
from autofutures.risk.gate import make_gate
from autofutures.trader import Trader

TXF = "TAIFEX:TXF202108"
MXF = "TAIFEX:MXF202108"
OPEN = taipei_ns(20210726, 8 * 3600 + 45 * 60)
"""The opening of a day session in which TXF202108 trades."""

WIDE: Mapping[str, Mapping[str, int]] = {
    "order_size": {"max_contracts": 1_000},
    "position": {"max_contracts": 1_000},
    "message_rate": {"max_per_second": 1_000},
    "collar": {"max_bp": 9_999},
}
"""Limits that stand in nobody's way."""


def tick(price_ticks: int = 17_400, qty: int = 1, at: int = OPEN, symbol: str = TXF) -> Tick:
    return Tick(symbol, at, price_ticks, qty)


def intent(
    side: Side = Side.BUY,
    qty: int = 1,
    kind: OrderType = OrderType.MARKET,
    *,
    strategy: str = "s",
    cause_seq: int = 1,
    k: int = 1,
    at: int = OPEN,
    symbol: str = TXF,
    price_ticks: int = 0,
    stop_ticks: int = 0,
    tif: TimeInForce = TimeInForce.ROD,
    exit_plan: ExitPlan | None = None,
    closes: tuple[int, int] = (0, 0),
) -> Intent:
    return Intent(
        strategy=strategy,
        cause_seq=cause_seq,
        k=k,
        at=at,
        symbol=symbol,
        side=side,
        qty=qty,
        type=kind,
        price_ticks=price_ticks,
        stop_ticks=stop_ticks,
        tif=tif,
        exit=exit_plan,
        closes_seq=closes[0],
        closes_k=closes[1],
    )


def exposure(
    *,
    now: int = OPEN,
    position: int = 0,
    working_buy: int = 0,
    working_sell: int = 0,
    last_ticks: int = 17_400,
    last_at: int = OPEN,
    session_open: bool = True,
    band: tuple[int, int] = (0, 0),
    mode: Mode = Mode.NORMAL,
    unknown: int = 0,
    must_plan: bool = False,
    stopped: bool = False,
    tick_value: int = 200,
    inverse_value: int = 0,
    last_close_at: int = 0,
    others_value: int = 0,
    lowest_sell_ticks: int | None = None,
    highest_buy_ticks: int | None = None,
    halted: str = "",
    messages: int = 0,
    margin: MarginSeen | None = None,
) -> Exposure:
    return Exposure(
        now=now,
        position=position,
        working_buy=working_buy,
        working_sell=working_sell,
        last_ticks=last_ticks,
        last_at=last_at,
        session_open=session_open,
        low_ticks=band[0],
        high_ticks=band[1],
        mode=mode,
        reasons=("not reconciled",) if mode else (),
        unknown=unknown,
        must_plan=must_plan,
        stopped=stopped,
        tick_value=0 if inverse_value else tick_value,
        inverse_value=inverse_value,
        last_close_at=last_close_at,
        others_value=others_value,
        lowest_sell_ticks=lowest_sell_ticks,
        highest_buy_ticks=highest_buy_ticks,
        halts=(Halted(halted, "", now, 10, 11, f"{halted} of account"),) if halted else (),
        messages=messages,
        margin=margin,
    )


def submit(
    client_id: str = "o1",
    side: Side = Side.BUY,
    qty: int = 1,
    kind: OrderType = OrderType.MARKET,
    *,
    price_ticks: int = 0,
    tif: TimeInForce = TimeInForce.IOC,
    at: int = OPEN,
    symbol: str = TXF,
) -> Submit:
    return Submit(client_id, at, symbol, side, qty, kind, price_ticks, tif, OpenClose.AUTO, day_trade=False)


def filled(client_id: str, fill_id: str, side: Side, qty: int, price_ticks: int, at: int = OPEN) -> Filled:
    return Filled(client_id, at, fill_id, TXF, side, qty, price_ticks)


def a_trader(
    limits: Mapping[str, Mapping[str, int]] | None = None,
    *,
    epoch: int = 1,
    fee: int = 20,
    symbols: tuple[str, ...] = (TXF,),
    policy: Policy | None = None,
    covers: Mapping[str, Cover] | None = None,
) -> Trader:
    view = MarketView(Calendar())
    for symbol in symbols:
        view.add(symbol, "taifex-index", 20210818)
    return Trader(
        instruments={symbol: instrument(symbol) for symbol in symbols},
        view=view,
        gate=make_gate(limits),
        orders=Orders(ClientIds(epoch)),
        costs=Costs(fee),
        policy=policy,
        name=f"q{epoch}.",
        covers=covers,
    )
