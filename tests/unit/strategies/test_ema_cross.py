from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autofutures.domain.errors import BadInput
from autofutures.domain.messages import Canceled, Intent, Report, Restored, Submit, Tick
from autofutures.domain.units import OrderType, Side
from autofutures.strategies.ema_cross import EmaCross
from autofutures.strategies.host import Host
from tests.unit.strategies.house import OPEN, TXF, House, filled, view_of


def crosses(prices: Sequence[int], fast: int, slow: int) -> list[tuple[int, int]]:
    """(tick, sign) at every change of sign of fast - slow, the first included; zero is no sign."""
    a, b = 2 / (fast + 1), 2 / (slow + 1)
    f = s = float(prices[0])
    last, found = 0, []
    for number, price in enumerate(prices):
        f, s = f + (price - f) * a, s + (price - s) * b
        sign = (f > s) - (f < s)
        if sign and sign != last:
            found.append((number, sign))
            last = sign
    return found


def begun(strategy: EmaCross) -> Host:
    """A host whose strategy has started with nothing."""
    host = Host("e", strategy, (TXF,), view_of(TXF))
    host.handle(Restored("e", 0, b"", (), (), (), {TXF: 0}), OPEN)
    return host


def word(side: int, qty: int) -> str:
    return f"{'buy' if side > 0 else 'sell'} {qty}"


def _signed(order: str) -> int:
    side, qty = order.split()
    return int(qty) if side == "buy" else -int(qty)


Prices = st.lists(st.integers(90, 110), min_size=1, max_size=60)


@given(prices=Prices, fast=st.integers(1, 5), more=st.integers(1, 9), lots=st.integers(1, 3))
def test_it_stops_and_reverses_at_every_cross_the_first_included(
    prices: list[int], fast: int, more: int, lots: int
) -> None:
    h = House(EmaCross(fast=fast, slow=fast + more, lots=lots))
    said = [(number, order) for number, price in enumerate(prices) for order in h.tick(price)]
    found = crosses(prices, fast, fast + more)
    assert said == [(n, word(sign, lots if at == 0 else 2 * lots)) for at, (n, sign) in enumerate(found)]


@given(prices=Prices, slowness=st.lists(st.integers(0, 3), min_size=60, max_size=60))
def test_orders_at_work_count_as_filled(prices: list[int], slowness: list[int]) -> None:
    """Each order is filled in part, later, or never: what is missing to one lot counts what still works."""
    waits = iter(slowness)
    late: list[Submit] = []

    def venue(submit: Submit, price_ticks: int, at: int) -> Sequence[Report]:
        wait = next(waits)
        if wait == 0:
            return (filled(submit, price_ticks, at),)
        if wait == 1:
            return (Canceled(submit.client_id, at, submit.qty),)
        if wait == 2 and submit.qty > 1:
            return (filled(submit, price_ticks, at, 1),)
        late.append(submit)
        return ()

    h = House(EmaCross(fast=2, slow=5), venue=venue)
    signs = dict(crosses(prices, 2, 5))
    for number, price in enumerate(prices):
        said = h.tick(price)
        reach = h.reach() - sum(_signed(order) for order in said)
        missing = signs.get(number, 0) - reach if number in signs else 0
        assert said == ([word(missing, abs(missing))] if missing else [])


def test_a_difference_of_zero_is_no_sign() -> None:
    h = House(EmaCross(fast=1, slow=3))
    assert [h.tick(price) for price in (100, 100, 104, 102, 102, 101)] == [
        [],
        [],
        ["buy 1"],
        [],  # fast 102, slow 102: nothing, and the sign stays
        [],
        ["sell 2"],
    ]


def test_the_order_is_one_market_order_with_its_reason() -> None:
    host = begun(EmaCross(fast=1, slow=3, lots=2))
    said = [host.handle(Tick(TXF, OPEN, price, 1), OPEN) for price in (100, 101, 90)]
    (up,), (down,) = said[1], said[2]
    assert isinstance(up, Intent)
    assert isinstance(down, Intent)
    assert (up.side, up.qty, up.type, up.exit, up.why) == (Side.BUY, 2, OrderType.MARKET, None, 0)
    assert (down.side, down.qty, down.why) == (Side.SELL, 4, 1)  # two at work are not waited for


@given(prices=Prices, cut=st.integers(0, 60))
def test_its_state_is_all_that_it_remembers(prices: list[int], cut: int) -> None:
    whole = begun(EmaCross(fast=2, slow=5))
    strategy = EmaCross(fast=2, slow=5)
    parts = begun(strategy)
    for number, price in enumerate(prices):
        if number == cut:
            state = strategy.pack()
            vars(strategy).update(vars(EmaCross(fast=2, slow=5)))
            strategy.unpack(state)
        tick = Tick(TXF, OPEN, price, 1)
        assert list(parts.handle(tick, OPEN)) == list(whole.handle(tick, OPEN))


def test_a_restart_goes_on_with_position_and_averages() -> None:
    strategy = EmaCross(fast=1, slow=3)
    host = begun(strategy)
    for price in (100, 104):
        host.handle(Tick(TXF, OPEN, price, 1), OPEN)
    again = Host("e", EmaCross(fast=1, slow=3), (TXF,), view_of(TXF))
    again.handle(Restored("e", 2, strategy.pack(), (), (), (), {TXF: 1}), OPEN)
    assert list(again.handle(Tick(TXF, OPEN, 104, 1), OPEN)) == []
    (intent,) = again.handle(Tick(TXF, OPEN, 90, 1), OPEN)
    assert isinstance(intent, Intent)
    assert (intent.cause_seq, intent.side, intent.qty) == (4, Side.SELL, 2)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"fast": 0}, "fast=0 must be at least 1 and below slow=60"),
        ({"fast": 60}, "fast=60 must be at least 1 and below slow=60"),
        ({"lots": 0}, "lots=0 must be at least 1"),
    ],
)
def test_lengths_that_make_no_sense_are_refused(settings: dict[str, int], sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence):
        EmaCross(**settings)
