import pytest
from hypothesis import given
from hypothesis import strategies as st

from autofutures.domain.messages import Quote
from autofutures.domain.units import OrderType, Side, TimeInForce
from autofutures.matching.model import Order, Outcome
from autofutures.matching.prints import PrintMarket
from tests.makers import OPEN, TXF, tick

BUY, SELL = Side.BUY, Side.SELL
MARKET, LIMIT, MWP = OrderType.MARKET, OrderType.LIMIT, OrderType.MWP
ROD, IOC, FOK = TimeInForce.ROD, TimeInForce.IOC, TimeInForce.FOK


class Tape:
    """A market of prints, asked in the words of a test."""

    def __init__(self, slippage: int = 1, queue: int = 20, low: int = 0, high: int = 0) -> None:
        self.market = PrintMarket(slippage, queue, 50, low, high)
        self.count = 0

    def enter(
        self, side: Side, qty: int, kind: OrderType = MARKET, price: int = 0, tif: TimeInForce = IOC
    ) -> Outcome:
        self.count += 1
        return self.market.enter(Order(f"o{self.count}", side, kind, tif, price, qty, self.count), OPEN)

    def fills(self, price: int, qty: int) -> list[tuple[str, int, int]]:
        """(order, contracts, price) of what a print fills."""
        outcome = self.market.hear(tick(price, qty))
        return [(fill.client_id, fill.qty, fill.price_ticks) for fill in outcome.executions]


def test_an_order_fills_nothing_when_it_enters() -> None:
    outcome = Tape().enter(BUY, 1)
    assert outcome == Outcome()


@pytest.mark.parametrize(("side", "price"), [(BUY, 17_401), (SELL, 17_399)])
def test_a_market_order_pays_the_slippage_on_the_next_print(side: Side, price: int) -> None:
    tape = Tape()
    tape.enter(side, 1)
    assert tape.fills(17_400, 5) == [("o1", 1, price)]


def test_never_more_than_the_quantity_printed_and_the_rest_takes_the_next_prints() -> None:
    tape = Tape()
    tape.enter(BUY, 5)
    assert tape.fills(17_400, 2) == [("o1", 2, 17_401)]
    assert tape.fills(17_410, 2) == [("o1", 2, 17_411)]
    assert tape.fills(17_420, 2) == [("o1", 1, 17_421)]
    assert tape.fills(17_430, 2) == []


def test_first_come_first_served_among_our_orders_on_either_side() -> None:
    tape = Tape()
    tape.enter(BUY, 2)
    tape.enter(SELL, 2)
    tape.enter(BUY, 2)
    assert tape.fills(17_400, 3) == [("o1", 2, 17_401), ("o2", 1, 17_399)]
    assert tape.fills(17_400, 2) == [("o2", 1, 17_399), ("o3", 1, 17_401)]


def test_a_printed_quantity_fills_us_once_whether_we_take_or_rest() -> None:
    tape = Tape(queue=0)
    tape.enter(BUY, 3, LIMIT, 17_390, ROD)
    assert tape.fills(17_400, 9) == []
    tape.enter(BUY, 2)
    assert tape.fills(17_380, 4) == [("o2", 2, 17_381), ("o1", 2, 17_390)]


@pytest.mark.parametrize(("limit", "filled"), [(17_401, [("o1", 1, 17_401)]), (17_400, [])])
def test_a_limit_order_is_filled_at_once_only_where_its_limit_allows_the_slippage(
    limit: int, filled: list[tuple[str, int, int]]
) -> None:
    tape = Tape()
    tape.enter(BUY, 1, LIMIT, limit, ROD)
    assert tape.fills(17_400, 5) == filled


@pytest.mark.parametrize("tif", [IOC, FOK])
def test_a_limit_that_may_not_wait_looks_at_the_first_print_only(tif: TimeInForce) -> None:
    tape = Tape()
    tape.enter(BUY, 1, LIMIT, 17_390, tif)
    outcome = tape.market.hear(tick(17_400, 5))
    assert outcome.canceled == [("o1", 1, f"{tif.word} does not wait")]
    assert tape.fills(17_300, 5) == []


def test_a_limit_ioc_takes_what_the_first_print_has_and_gives_up_the_rest() -> None:
    tape = Tape()
    tape.enter(BUY, 5, LIMIT, 17_410, IOC)
    outcome = tape.market.hear(tick(17_400, 2))
    assert [(fill.qty, fill.price_ticks) for fill in outcome.executions] == [(2, 17_401)]
    assert outcome.canceled == [("o1", 3, "ioc does not wait")]


@pytest.mark.parametrize("kind", [MARKET, LIMIT])
@pytest.mark.parametrize(("printed", "fills", "canceled"), [(4, 0, 1), (5, 1, 0)])
def test_fill_or_kill_is_filled_whole_or_not_at_all(
    kind: OrderType, printed: int, fills: int, canceled: int
) -> None:
    tape = Tape()
    tape.enter(BUY, 5, kind, 17_410, FOK)
    outcome = tape.market.hear(tick(17_400, printed))
    assert (len(outcome.executions), len(outcome.canceled)) == (fills, canceled)
    assert tape.market.orders == {}


def test_a_print_that_others_of_ours_took_is_still_the_first_print_of_a_limit_ioc() -> None:
    tape = Tape()
    tape.enter(BUY, 5)
    tape.enter(BUY, 1, LIMIT, 17_410, IOC)
    outcome = tape.market.hear(tick(17_400, 5))
    assert [fill.client_id for fill in outcome.executions] == ["o1"]
    assert outcome.canceled == [("o2", 1, "ioc does not wait")]


@pytest.mark.parametrize(("side", "through"), [(BUY, 17_389), (SELL, 17_411)])
def test_a_resting_limit_fills_at_its_own_price_when_trades_pass_through(side: Side, through: int) -> None:
    tape = Tape()
    limit = 17_390 if side is BUY else 17_410
    tape.enter(side, 2, LIMIT, limit, ROD)
    assert tape.fills(17_400, 50) == []
    assert tape.fills(through, 1) == [("o1", 1, limit)]
    assert tape.fills(through, 9) == [("o1", 1, limit)]


def test_at_its_own_price_a_resting_limit_waits_for_the_queue_before_it() -> None:
    tape = Tape(queue=20)
    tape.enter(BUY, 3, LIMIT, 17_390, ROD)
    assert tape.fills(17_400, 1) == []
    assert tape.fills(17_390, 15) == []
    assert tape.fills(17_391, 99) == []
    assert tape.fills(17_390, 7) == [("o1", 2, 17_390)]
    assert tape.fills(17_390, 7) == [("o1", 1, 17_390)]


def test_resting_orders_are_served_best_price_first_then_by_arrival() -> None:
    tape = Tape()
    tape.enter(BUY, 2, LIMIT, 17_380, ROD)
    tape.enter(BUY, 2, LIMIT, 17_390, ROD)
    tape.enter(BUY, 2, LIMIT, 17_390, ROD)
    assert tape.fills(17_400, 9) == []
    assert tape.fills(17_370, 5) == [("o2", 2, 17_390), ("o3", 2, 17_390), ("o1", 1, 17_380)]


def test_two_orders_at_one_price_share_what_is_behind_the_queue() -> None:
    tape = Tape(queue=2)
    tape.enter(BUY, 3, LIMIT, 17_390, ROD)
    tape.enter(BUY, 3, LIMIT, 17_390, ROD)
    tape.fills(17_400, 1)
    assert tape.fills(17_390, 6) == [("o1", 3, 17_390), ("o2", 1, 17_390)]


def test_a_marketable_limit_that_took_a_part_takes_on_or_rests() -> None:
    tape = Tape()
    tape.enter(BUY, 5, LIMIT, 17_405, ROD)
    assert tape.fills(17_400, 2) == [("o1", 2, 17_401)]
    assert tape.fills(17_402, 1) == [("o1", 1, 17_403)]
    assert tape.fills(17_410, 9) == []
    assert tape.fills(17_404, 1) == [("o1", 1, 17_405)]


def test_market_with_protection_takes_up_to_its_points_from_the_first_print() -> None:
    tape = Tape()
    tape.enter(BUY, 5, MWP)
    assert tape.fills(17_400, 1) == [("o1", 1, 17_401)]
    assert tape.fills(17_450, 1) == []
    assert tape.fills(17_449, 1) == [("o1", 1, 17_450)]
    assert tape.fills(17_420, 9) == [("o1", 3, 17_421)]


def test_protection_works_downward_for_a_sale() -> None:
    tape = Tape()
    tape.enter(SELL, 2, MWP)
    assert tape.fills(17_400, 1) == [("o1", 1, 17_399)]
    assert tape.fills(17_350, 1) == []
    assert tape.fills(17_351, 1) == [("o1", 1, 17_350)]


def test_slippage_stops_at_the_days_limits() -> None:
    tape = Tape(slippage=5, low=17_000, high=17_402)
    tape.enter(BUY, 1)
    assert tape.fills(17_400, 1) == [("o1", 1, 17_402)]


@pytest.mark.parametrize("price", [16_999, 17_403])
def test_a_limit_outside_the_days_limits_is_rejected(price: int) -> None:
    tape = Tape(low=17_000, high=17_402)
    assert tape.enter(BUY, 1, LIMIT, price, ROD).rejected == [("o1", "outside the limits 17000..17402")]
    assert tape.market.orders == {}


def test_a_limit_at_the_days_limits_is_taken() -> None:
    tape = Tape(low=17_000, high=17_402)
    assert tape.enter(BUY, 1, LIMIT, 17_402, ROD).rejected == []
    assert tape.enter(SELL, 1, LIMIT, 17_000, ROD).rejected == []


def test_a_canceled_order_says_what_was_left_and_is_gone() -> None:
    tape = Tape()
    tape.enter(BUY, 5)
    tape.fills(17_400, 2)
    assert tape.market.cancel("o1") == 3
    assert tape.market.cancel("o1") is None
    assert tape.fills(17_400, 2) == []


def test_the_end_of_a_session_voids_what_works_as_it_came() -> None:
    tape = Tape()
    tape.enter(BUY, 5, LIMIT, 17_390, ROD)
    tape.enter(SELL, 2)
    assert tape.market.close() == [("o1", 5), ("o2", 2)]
    assert tape.fills(17_300, 9) == []


def test_the_market_is_told_as_it_came_with_quotes_that_fill_nothing() -> None:
    tape = Tape()
    tape.enter(BUY, 1)
    quote = Quote(TXF, OPEN, 17_399, 5, 17_400, 5)
    outcome = tape.market.hear(quote)
    assert (outcome.market, outcome.executions) == ([quote], [])
    assert tape.market.hear(tick()).market == [tick()]


ORDERS = st.tuples(
    st.sampled_from(Side),
    st.integers(1, 6),
    st.sampled_from([MARKET, LIMIT, MWP]),
    st.integers(95, 105),
    st.sampled_from(TimeInForce),
)


@given(
    st.lists(st.one_of(ORDERS, st.tuples(st.integers(95, 105), st.integers(1, 8))), min_size=10, max_size=40),
    st.integers(0, 4),
)
def test_no_print_fills_more_than_itself_and_no_order_more_than_it_asked(
    events: list[tuple[Side, int, OrderType, int, TimeInForce] | tuple[int, int]], queue: int
) -> None:
    tape, asked, had = Tape(queue=queue), {}, dict[str, int]()
    for event in events:
        if len(event) == 5:
            side, qty, kind, price, tif = event
            tape.enter(side, qty, kind, price if kind is LIMIT else 0, tif)
            asked[f"o{tape.count}"] = (side, qty, kind, price)
            continue
        fills = tape.fills(*event)
        assert sum(qty for _, qty, _ in fills) <= event[1]
        for order, qty, price in fills:
            side, wanted, kind, limit = asked[order]
            had[order] = had.get(order, 0) + qty
            assert had[order] <= wanted
            assert kind is not LIMIT or (limit - price) * side >= 0
            assert (price - event[0]) * side >= 0, "nothing is filled better than the print"
