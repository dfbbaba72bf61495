import pytest
from hypothesis import given
from hypothesis import strategies as st

from autofutures.domain.units import Side
from autofutures.risk.position import Position, reach
from tests.makers import exposure, intent


@pytest.mark.parametrize(
    ("position", "working_buy", "working_sell", "side", "qty", "value"),
    [
        (0, 0, 0, Side.BUY, 21, 21),
        (15, 0, 0, Side.BUY, 6, 21),
        (15, 3, 0, Side.BUY, 3, 21),
        (-15, 0, 3, Side.SELL, 3, 21),
        (20, 20, 0, Side.BUY, 1, 41),
        (-25, 0, 0, Side.SELL, 1, 26),
    ],
)
def test_what_could_pass_the_limit_is_refused(
    position: int, working_buy: int, working_sell: int, side: Side, qty: int, value: int
) -> None:
    seen = exposure(position=position, working_buy=working_buy, working_sell=working_sell)
    violation = Position(20).check(intent(side, qty), seen)
    assert violation is not None
    assert (violation.limit, violation.value) == (20, value)
    assert f"position {position}" in violation.reason


@pytest.mark.parametrize(
    ("position", "working_buy", "working_sell", "side", "qty"),
    [
        (0, 0, 0, Side.BUY, 20),
        (15, 3, 0, Side.BUY, 2),
        (-15, 0, 3, Side.SELL, 2),
        (0, 0, 20, Side.BUY, 20),
        (20, 0, 0, Side.SELL, 40),
        (-25, 0, 0, Side.BUY, 45),
    ],
)
def test_what_reaches_the_limit_exactly_or_leads_away_from_it_passes(
    position: int, working_buy: int, working_sell: int, side: Side, qty: int
) -> None:
    seen = exposure(position=position, working_buy=working_buy, working_sell=working_sell)
    assert Position(20).check(intent(side, qty), seen) is None


@given(st.integers(-50, 50), st.integers(0, 50), st.sampled_from(Side), st.integers(1, 50))
def test_reach_is_the_size_of_the_position_if_only_one_side_filled(
    position: int, working: int, side: Side, qty: int
) -> None:
    assert reach(position, working, side, qty) * side == position + side * (working + qty)


def test_the_limit_is_twenty_unless_told() -> None:
    assert Position().max_contracts == 20
