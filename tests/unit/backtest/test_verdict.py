import numpy as np
import pytest

from autofutures.backtest.overfitting import (
    backtest_overfitting,
    deflated_sharpe,
    expected_maximum_sharpe,
    moments,
    probabilistic_sharpe,
)
from autofutures.backtest.verdict import verdict
from tests.unit.backtest.searches import result
from tests.unit.backtest.test_overfitting import noise

TABLE = np.round(noise(5, 60 * 7).reshape(60, 7) * 1_000) + 50
SETS = [result({"n": n}, [int(value) for value in TABLE[:, n]]) for n in range(7)]
BEST = int(TABLE.sum(axis=0).argmax())


def test_the_best_set_is_judged_by_all_that_were_tried() -> None:
    found = verdict(SETS, "net_pnl", 40)
    best = moments(TABLE[:, BEST])
    assert best is not None
    sharpes = [one.sharpe for column in TABLE.T if (one := moments(column)) is not None]
    variance = float(np.var(sharpes, ddof=1))
    assert (found.observations, found.observed_by, found.trials) == (60, "day", 40)
    assert found.sharpe == best.sharpe
    assert found.sharpe_of_luck == pytest.approx(expected_maximum_sharpe(variance, 40))
    assert found.deflated_sharpe == pytest.approx(deflated_sharpe(best, variance, 40))
    assert found.probabilistic_sharpe == probabilistic_sharpe(best)
    assert found.overfitting == backtest_overfitting(TABLE[:, [BEST, *(n for n in range(7) if n != BEST)]])
    assert found.why_none == ""


def test_sets_that_earlier_searches_tried_make_the_best_worth_less() -> None:
    few, many = verdict(SETS, "net_pnl", 7), verdict(SETS, "net_pnl", 700)
    assert few.deflated_sharpe is not None
    assert many.deflated_sharpe is not None
    assert many.deflated_sharpe < few.deflated_sharpe
    assert verdict(SETS, "net_pnl", 0).trials == 7


def test_too_short_a_run_says_nothing() -> None:
    found = verdict([result({"n": n}, [1, 2, 3]) for n in range(3)], "net_pnl", 3)
    assert (found.sharpe, found.deflated_sharpe, found.overfitting) == (None, None, None)
    assert found.why_none == "3 observations, 20 needed"


def test_a_best_set_that_never_traded_says_nothing() -> None:
    found = verdict([result({"n": n}, [0] * 30) for n in range(3)], "net_pnl", 3)
    assert found.why_none == "the best set made nothing"


def test_one_set_alone_is_not_deflated() -> None:
    found = verdict(SETS[:1], "net_pnl", 1)
    assert found.probabilistic_sharpe is not None
    assert (found.deflated_sharpe, found.overfitting) == (None, None)
    assert found.why_none == "fewer than two sets traded"
