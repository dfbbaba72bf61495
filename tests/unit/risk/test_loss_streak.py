from autofutures.domain.messages import HaltReset
from autofutures.domain.units import Side
from autofutures.risk.loss_streak import LossStreak
from tests.unit.risk.halts import Bench


def round_trip(bench: Bench, move: int, strategy: str = "s") -> None:
    bench.order(Side.BUY, strategy=strategy)
    bench.at(bench.price + move)
    bench.order(Side.SELL, strategy=strategy)


def test_so_many_losing_round_trips_in_turn_halt_and_a_winner_breaks_the_turn() -> None:
    bench = Bench({"loss_streak": {"max_losses": 2}})
    for move in (-1, 5, -1):
        round_trip(bench, move)
    assert not bench.halts()
    round_trip(bench, 0)  # The costs make it a loss.
    assert bench.halts() == [("loss_streak", "", 2, 2)]
    assert bench.refused(Side.BUY) == "loss_streak"


def test_a_position_that_turns_ends_its_round_trip() -> None:
    bench = Bench({"loss_streak": {"max_losses": 1}})
    bench.order(Side.BUY)
    bench.at(17_399)
    bench.order(Side.SELL, 2)
    assert bench.halts() == [("loss_streak", "", 1, 1)]


def test_a_reset_begins_to_count_anew() -> None:
    bench = Bench({"loss_streak": {"max_losses": 1}})
    round_trip(bench, -1)
    (reset,) = bench.command("reset", control="loss_streak", reason="r")
    assert isinstance(reset, HaltReset)
    assert bench.refused(Side.BUY) == ""


def test_each_strategy_has_its_own_turn() -> None:
    bench = Bench({"loss_streak.strategy.s": {"max_losses": 2}})
    for strategy in ("s", "other", "other"):
        round_trip(bench, -1, strategy)
    assert not bench.halts()
    round_trip(bench, -1)
    assert bench.halts() == [("loss_streak", "strategy.s", 2, 2)]


def test_no_streak_is_too_long_unless_told() -> None:
    assert LossStreak().off
