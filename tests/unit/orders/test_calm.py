"""That a trader who remembers which trades move nothing answers as one who looks at each of them anew."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from autofutures.domain.messages import AnyMessage, BadTick, ExitPlan, Filled, SessionEnded, Submit, Tick
from autofutures.domain.units import SECOND, OrderType, Side
from autofutures.market.limits import Bands
from autofutures.market.view import Seen
from autofutures.orders.calm import EVERYWHERE, Calm
from autofutures.orders.cover import Cover
from autofutures.trader import Trader
from tests.makers import OPEN, TXF, WIDE, a_trader, filled, intent, tick

LOW, HIGH, HIGH_LATER = 17_390, 17_410, 17_405
LATER = OPEN + 20 * SECOND


def a_book() -> Trader:
    trader = a_trader(WIDE, covers={"s": Cover("own", 3)})
    trader.view.set_bands(TXF, Bands({0: (LOW, HIGH), LATER: (LOW, HIGH_LATER)}))
    return trader


def forgetful(trader: Trader, message: AnyMessage, now: int) -> Sequence[AnyMessage]:
    trader.calm.clear()
    return trader.handle(message, now)


PLAN = ExitPlan(take_profit_ticks=3, stop_ticks=2)

EVENTS = st.one_of(
    st.integers(LOW - 2, HIGH + 2),
    st.integers(LOW - 2, HIGH + 2),
    st.sampled_from(["buy", "sell", "stop", "plan", "fill", "end"]),
)


def message_of(event: int | str, number: int, at: int, sent: list[Submit]) -> AnyMessage | None:
    if isinstance(event, int):
        return Tick(TXF, at, event, 1)
    if event == "end":
        return SessionEnded(TXF, at, 20210726, "day")
    if event == "fill":
        if not sent:
            return None
        submit = sent.pop()
        return filled(submit.client_id, f"f{number}", submit.side, submit.qty, 17_400, at=at)
    side = Side.SELL if event == "sell" else Side.BUY
    kind = OrderType.STOP if event == "stop" else OrderType.MARKET
    plan = PLAN if event == "plan" else None
    return intent(side, kind=kind, cause_seq=number, at=at, stop_ticks=17_404, exit_plan=plan)


@given(st.lists(EVENTS, min_size=5, max_size=60))
def test_what_is_remembered_of_a_calm_changes_no_answer(events: list[int | str]) -> None:
    one, other = a_book(), a_book()
    sent: list[Submit] = []
    for number, event in enumerate([17_400, *events], 1):
        at = OPEN + number * SECOND
        message = message_of(event, number, at, sent)
        if message is None:
            continue
        said = one.handle(message, at)
        assert list(said) == list(forgetful(other, message, at))
        assert one.market_seq == other.market_seq
        assert one.exposure(TXF, at) == other.exposure(TXF, at)
        sent += [word for word in said if isinstance(word, Submit)]
        assert not isinstance(message, Filled) or one.portfolio.net(TXF) == other.portfolio.net(TXF)


def test_trades_between_quiet_prices_are_calm_until_something_else_is_heard() -> None:
    trader = a_book()
    trader.handle(tick(), OPEN)
    assert TXF in trader.calm
    trader.handle(tick(17_401), OPEN)
    assert TXF in trader.calm
    trader.handle(intent(), OPEN)
    assert not trader.calm


def test_other_limits_end_a_calm() -> None:
    trader = a_book()
    assert trader.handle(tick(HIGH), OPEN) == ()
    (bad,) = trader.handle(tick(HIGH, at=LATER), LATER)
    assert isinstance(bad, BadTick)


def test_a_calm_ends_where_a_price_cannot_be_one_and_with_the_limits_that_it_knows() -> None:
    seen = Seen(TXF, "taifex-index", 20210818)
    calm = Calm(seen, *EVERYWHERE, OPEN)
    assert calm.low_ticks == 0
    seen.bands = Bands({0: (LOW, HIGH), LATER: (LOW, HIGH_LATER)})
    calm = Calm(seen, *EVERYWHERE, OPEN)
    assert (calm.low_ticks, calm.high_ticks) == (LOW - 1, HIGH + 1)
    assert (calm.since, calm.until) == (0, LATER)
    assert Calm(seen, LOW + 1, HIGH - 1, OPEN).low_ticks == LOW + 1
    assert Calm(Seen("TAIFEX:TXF202108/202109", "taifex-index", 0), *EVERYWHERE, OPEN).low_ticks < -1_000_000
