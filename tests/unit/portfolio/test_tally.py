import hashlib
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from autofutures.domain.instrument import instrument
from autofutures.domain.messages import (
    MARKET,
    AnyMessage,
    BadQuote,
    BadTick,
    Gap,
    Placed,
    Quote,
    Refused,
    SessionEnded,
    Tick,
    Traded,
)
from autofutures.domain.order_life import Status
from autofutures.domain.units import MINUTE, OrderType, Side, TimeInForce
from autofutures.portfolio.ledger import Ledger
from autofutures.portfolio.tally import FILL_COLUMNS, ORDER_COLUMNS, Tally, fill_line, order_line
from tests.makers import OPEN, TXF, intent, tick

MXF = "TAIFEX:MXF202108"
VALUE = {TXF: 200, MXF: 50}


def traded(side: Side, qty: int, price: int, *, symbol: str = TXF, at: int = OPEN, n: int = 1) -> Traded:
    return Traded("0abc", "s", 5, 1, n, at, symbol, side, qty, price, 20 * qty, 7 * qty, 0, f"f{n}")


def a_tally(*seen: str) -> Tally:
    return Tally({symbol: instrument(symbol) for symbol in VALUE}, seen)


def tally_of(messages: Sequence[AnyMessage]) -> Tally:
    tally = a_tally()
    for message in messages:
        tally.handle(message, getattr(message, "at", 0))
    return tally


ORDER = Placed(
    "0abc",
    Status.SENT,
    intent(Side.SELL, 3, OrderType.LIMIT, cause_seq=42, k=2, price_ticks=17_403, tif=TimeInForce.IOC),
)
ORDER_LINE = f"{OPEN},s,42,2,TAIFEX:TXF202108,sell,3,limit,17403,ioc,auto"
FILL_LINE = f"{OPEN},s,5,1,2,TAIFEX:TXF202108,buy,3,17403,60,21"


def test_the_lines_are_the_settled_ones() -> None:
    assert ORDER_COLUMNS == "decided_ns,strategy,cause_seq,k,symbol,side,qty,type,price_ticks,tif,open_close"
    assert FILL_COLUMNS == "filled_ns,strategy,cause_seq,k,n,symbol,side,qty,price_ticks,fee,tax"
    assert order_line(ORDER) == ORDER_LINE
    assert fill_line(traded(Side.BUY, 3, 17_403, n=2)) == FILL_LINE


def test_the_hashes_are_sha_256_over_the_lines_each_ended_by_lf() -> None:
    summary = tally_of([ORDER, ORDER, traded(Side.BUY, 3, 17_403, n=2)]).summary()
    assert summary.order_hash == hashlib.sha256(f"{ORDER_LINE}\n{ORDER_LINE}\n".encode()).hexdigest()
    assert summary.fill_hash == hashlib.sha256(f"{FILL_LINE}\n".encode()).hexdigest()


def test_a_market_orders_price_is_zero_and_the_client_id_leaves_no_trace() -> None:
    market = Placed("0abc", Status.SENT, intent())
    assert order_line(market) == f"{OPEN},s,1,1,TAIFEX:TXF202108,buy,1,market,0,rod,auto"
    renamed = Placed("9zzz", Status.SENT, intent())
    assert tally_of([market]).summary().order_hash == tally_of([renamed]).summary().order_hash


def test_everything_is_counted_once() -> None:
    refused = Refused("s", 1, 1, OPEN, "position", 20, 21, "too much")
    bad, ended = BadTick(TXF, OPEN, 0, "no trade"), SessionEnded(TXF, OPEN, 20210726, "day")
    events: list[AnyMessage] = [tick(), bad, ORDER, refused, traded(Side.BUY, 3, 17_400), ended]
    summary = tally_of(events).summary()
    assert (summary.ticks_seen, summary.bad_ticks, summary.orders, summary.refused) == (1, 1, 1, 1)
    assert (summary.fills, summary.contracts, summary.fees, summary.tax) == (1, 3, 60, 21)
    assert summary.positions == {TXF: 3}


def test_until_the_first_trade_quotes_move_the_equity_and_then_trades_alone() -> None:
    fill = traded(Side.BUY, 2, 17_400)
    quoted: list[AnyMessage] = [fill, Quote(TXF, OPEN, 17_409, 1, 17_412, 1), Quote(TXF, OPEN, 0, 0, 0, 0)]
    assert tally_of(quoted).summary().gross_pnl == 10 * 2 * 200
    late = [*quoted, tick(17_405), Quote(TXF, OPEN, 17_300, 1, 17_302, 1)]
    assert tally_of(late).summary().gross_pnl == 5 * 2 * 200


def test_a_quote_that_is_none_is_counted_with_the_trades_that_are_none() -> None:
    assert tally_of([BadQuote(TXF, OPEN, 2, 1, 1, 1, "crossed")]).summary().bad_ticks == 1


def test_lost_ticks_are_what_a_source_of_market_data_missed_and_nothing_else() -> None:
    summary = tally_of([Gap("gateway" + MARKET, OPEN, 3), Gap("gateway", OPEN, 5)]).summary()
    assert summary.ticks_lost == 3


def test_only_ticks_that_a_strategy_is_given_are_seen() -> None:
    tally = a_tally(MXF)
    tally.handle(tick(), OPEN)
    tally.handle(tick(symbol=MXF), OPEN)
    assert tally.summary().ticks_seen == 1


def test_profit_is_money_and_net_is_after_costs() -> None:
    events: list[AnyMessage] = [
        tick(17_400),
        traded(Side.BUY, 2, 17_401),
        tick(17_410),
        traded(Side.SELL, 2, 17_409),
    ]
    summary = tally_of(events).summary()
    assert summary.gross_pnl == 8 * 2 * 200
    assert summary.net_pnl == summary.gross_pnl - summary.fees - summary.tax == 3_200 - 80 - 28
    assert summary.positions == {}


def test_drawdown_is_from_the_highest_equity_so_far_and_zero_is_the_first() -> None:
    costs = 27
    events: list[AnyMessage] = [
        traded(Side.BUY, 1, 100),
        tick(99),
        tick(110),
        tick(104),
        tick(108),
        tick(105),
    ]
    assert tally_of(events[:2]).summary().max_drawdown == 200 + costs
    assert tally_of(events).summary().max_drawdown == 6 * 200


MOVES = st.lists(
    st.one_of(
        st.builds(lambda s, p: tick(p, symbol=s), st.sampled_from([TXF, MXF]), st.integers(16_000, 18_000)),
        st.builds(
            lambda s, side, qty, p: traded(side, qty, p, symbol=s),
            st.sampled_from([TXF, MXF]),
            st.sampled_from(Side),
            st.integers(1, 5),
            st.integers(16_000, 18_000),
        ),
    ),
    max_size=40,
)


class Plain:
    """The same figures by the ledgers' arithmetic: every event is valued from the beginning."""

    def __init__(self, events: Sequence[Tick | Traded]) -> None:
        self.ledgers = {symbol: Ledger() for symbol in VALUE}
        self.lasts: dict[str, int] = {}
        self.curve = [0]
        for event in events:
            if isinstance(event, Tick):
                self.lasts[event.symbol] = event.price_ticks
            else:
                self.lasts.setdefault(event.symbol, event.price_ticks)
                ledger = self.ledgers[event.symbol]
                ledger.apply(event.side, event.qty, event.price_ticks, event.fee, event.tax)
            self.curve.append(self.net())

    def gross(self) -> int:
        return sum(VALUE[symbol] * self.ledgers[symbol].gross(last) for symbol, last in self.lasts.items())

    def net(self) -> int:
        return self.gross() - sum(ledger.fees + ledger.tax for ledger in self.ledgers.values())

    def drawdown(self) -> int:
        return max(max(self.curve[: index + 1]) - net for index, net in enumerate(self.curve))


@given(MOVES)
def test_equity_is_what_the_ledgers_say_and_drawdown_what_the_whole_curve_says(
    events: list[Tick | Traded],
) -> None:
    summary, plain = tally_of(events).summary(), Plain(events)
    assert summary.gross_pnl == plain.gross()
    assert summary.net_pnl == plain.net()
    assert summary.max_drawdown == plain.drawdown()


def test_the_equity_curve_has_a_point_each_minute_and_each_fill_and_none_twice() -> None:
    tally = a_tally()
    events: list[AnyMessage] = [
        tick(100, at=OPEN),
        tick(100, at=OPEN + 1),
        traded(Side.BUY, 1, 100, at=OPEN + 2),
        traded(Side.BUY, 1, 101, at=OPEN + 2),
        tick(103, at=OPEN + 3),
        tick(104, at=OPEN + MINUTE),
    ]
    for message in events:
        tally.handle(message, getattr(message, "at", 0))
    assert [(point.at - OPEN, point.net) for point in tally.equity] == [
        (0, 0),
        (2, -200 - 54),
        (MINUTE, 4 * 200 + 3 * 200 - 54),
    ]


def test_who_runs_for_weeks_counts_the_same_and_keeps_nothing() -> None:
    told = (ORDER, tick(17_400), traded(Side.BUY, 3, 17_403), tick(17_410))
    refused = Refused("s", 5, 1, OPEN, "session", 1, 0, "closed")
    counts = Tally({symbol: instrument(symbol) for symbol in VALUE}, keeps=False)
    for message in (*told, refused):
        counts.handle(message, OPEN)
    assert counts.summary() == tally_of([*told, refused]).summary()
    assert (counts.orders, counts.fills, counts.refusals, counts.equity) == ([], [], [], [])


def test_what_was_held_of_a_contract_that_the_run_does_not_trade_counts_all_the_same() -> None:
    tally = a_tally()
    tally.hold({"TAIFEX:MXF202109": 1})
    tally.handle(tick(17_400, symbol="TAIFEX:MXF202109"), OPEN)
    tally.handle(tick(17_410, symbol="TAIFEX:MXF202109"), OPEN)
    tally.handle(traded(Side.SELL, 1, 17_410, symbol="TAIFEX:MXF202109"), OPEN)
    assert tally.summary().gross_pnl == 10 * instrument("TAIFEX:MXF202109").product.tick_value


BTCUSD = "BINANCE:BTCUSD"


def test_an_inverse_contract_is_marked_to_market_in_its_coin() -> None:
    tally = Tally({BTCUSD: instrument(BTCUSD)})
    # 10 contracts of 100 USD bought at 20,000.0, the market at 25,000.0: 1,000 x (1/20,000 - 1/25,000) = 0.01 BTC.
    bought = traded(Side.BUY, 10, 200_000, symbol=BTCUSD)
    costs = bought.fee + bought.tax
    for message in (bought, tick(250_000, symbol=BTCUSD)):
        tally.handle(message, message.at)
    assert tally.summary().gross_pnl == 10_000_000_000
    assert tally.summary().net_pnl == 10_000_000_000 - costs
    # Down to 16,000.0 it has lost 1,000 x (1/16,000 - 1/20,000) = 0.0125 BTC: more than it earned in as wide a rise.
    tally.handle(tick(160_000, symbol=BTCUSD), OPEN)
    assert tally.summary().gross_pnl == -12_500_000_000
    assert tally.summary().max_drawdown == 22_500_000_000


@given(
    st.lists(
        st.tuples(st.sampled_from(Side), st.integers(1, 9), st.integers(100_000, 900_000)),
        min_size=1,
        max_size=20,
    )
)
def test_an_inverse_contracts_equity_is_what_its_ledger_says(fills: list[tuple[Side, int, int]]) -> None:
    tally = Tally({BTCUSD: instrument(BTCUSD)})
    ledger = Ledger(instrument(BTCUSD).product.inverse_value)
    for side, qty, price in fills:
        tally.handle(traded(side, qty, price, symbol=BTCUSD), OPEN)
        tally.handle(tick(price, symbol=BTCUSD), OPEN)
        ledger.apply(side, qty, price)
    assert tally.summary().gross_pnl == ledger.gross(fills[-1][2])
