import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autofutures.backtest.monte_carlo import PERCENTILES, deal, drawdowns, way_of
from autofutures.domain.errors import BadInput

TRADES = np.array([100, -50, 75, -120, 30] * 8, dtype=np.int64)


def test_the_same_seed_deals_the_same_and_another_otherwise() -> None:
    one, same, other = deal(TRADES, 200, 1), deal(TRADES, 200, 1), deal(TRADES, 200, 2)
    assert one == same
    assert one != other


def test_shuffled_trades_always_make_the_same_and_only_lose_otherwise_on_the_way() -> None:
    found = deal(TRADES, 500, 1, "shuffle")
    assert found is not None
    assert set(found.net.values()) == {int(TRADES.sum())}
    assert found.max_drawdown[99] > found.max_drawdown[1] > 0
    assert found.loss == 0.0


def test_drawn_trades_make_on_average_what_the_trades_made() -> None:
    found = deal(TRADES, 20_000, 1)
    assert found is not None
    # 40 trades of mean 7 and deviation 82: 280 with a deviation of 516, so half of the deals lie within a third of it.
    assert found.net[50] == pytest.approx(280, abs=30)
    assert found.net[75] - found.net[25] == pytest.approx(1.349 * 516, rel=0.1)
    assert found.loss == pytest.approx(0.29, abs=0.02)


def test_a_drawdown_as_deep_as_the_worst_order_is_seldom() -> None:
    worst = np.sort(TRADES)
    found = deal(worst, 2_000, 1, "shuffle")
    assert found is not None
    assert found.as_deep < 0.001
    best = deal(np.array([*[-1, 1] * 20]), 2_000, 1, "shuffle")
    assert best is not None
    assert best.as_deep == 1.0


def test_percentiles_are_outcomes_that_were_dealt_and_stand_in_order() -> None:
    found = deal(TRADES, 333, 3)
    assert found is not None
    assert tuple(found.net) == PERCENTILES
    assert list(found.net.values()) == sorted(found.net.values())
    assert all(value % 5 == 0 for value in found.net.values())


def test_many_deals_are_made_some_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autofutures.backtest.monte_carlo._CELLS_AT_ONCE", 100)
    found = deal(TRADES, 25, 1)
    assert found is not None
    assert found.samples == 25


def test_too_few_trades_say_nothing() -> None:
    assert deal(TRADES[:19]) is None
    assert deal(TRADES[:20], 10) is not None


def test_no_samples_and_no_way_are_refused() -> None:
    with pytest.raises(BadInput, match="0 samples"):
        deal(TRADES, 0)
    with pytest.raises(BadInput, match="there are bootstrap, shuffle"):
        way_of("guess")
    assert way_of("shuffle") == "shuffle"


@given(st.lists(st.lists(st.integers(-99, 99), min_size=4, max_size=4), min_size=1, max_size=5))
def test_a_drawdown_is_the_deepest_fall_from_any_height_before(rows: list[list[int]]) -> None:
    def slowly(row: list[int]) -> int:
        equity = [0, *itertools.accumulate(row)]
        return max(high - low for n, high in enumerate(equity) for low in equity[n:])

    assert drawdowns(np.array(rows, dtype=np.int64)).tolist() == [slowly(row) for row in rows]
