import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autofutures.backtest.space import (
    Axis,
    Judge,
    Settings,
    Space,
    applied,
    check_names,
    parse_axis,
    parse_space,
)
from autofutures.config import StrategySettings
from autofutures.domain.errors import BadInput
from tests.runs import TXF, ema, generated


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("fast=5:50:5", (5, 10, 15, 20, 25, 30, 35, 40, 45, 50)),
        ("fast=5:13:5", (5, 10)),
        ("fast=1:4", (1, 2, 3, 4)),
        ("fast=-2:2:2", (-2, 0, 2)),
        ("fast=7:7", (7,)),
        ("slow=20,60,120", (20, 60, 120)),
        ("slow=20,20,60", (20, 60)),
        ("slow=20", (20,)),
        ("width=0.1:0.5:0.1", (0.1, 0.2, 0.3, 0.4, 0.5)),
        ("width=1:2:0.5", (1.0, 1.5, 2.0)),
        ("night=true,false", (True, False)),
        ("how=up, down", ("up", "down")),
        (" e.fast = 1:3 ", (1, 2, 3)),
    ],
)
def test_an_axis_is_read_and_both_ends_count(text: str, values: tuple[object, ...]) -> None:
    found = parse_axis(text)
    assert found.values == values
    assert [type(value) for value in found.values] == [type(value) for value in values]
    assert found.name == text.partition("=")[0].strip()


def test_decimals_without_a_step_are_any_number_between() -> None:
    assert parse_axis("width=0.5:2.5") == Axis("width", (), 0.5, 2.5)
    assert parse_space(["width=0.5:2.5"]).size == math.inf


@pytest.mark.parametrize(
    "text",
    ["fast", "fast=", "=1", "fast=,", "fast=a:b", "fast=1:2:3:4", "fast=5:1", "fast=1:5:0", "fast=1:5:-1",
     "fast=nan:5", "fast=1:inf", "fast=:5", "fast=1:9999999"],
)  # fmt: skip
def test_what_is_no_axis_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(BadInput, match=r"write NAME=LOW:HIGH:STEP|step must be above zero|take larger steps"):
        parse_axis(text)


@given(st.integers(-50, 50), st.integers(0, 60), st.integers(1, 9))
def test_a_range_of_whole_numbers_is_pythons_with_its_end(low: int, length: int, step: int) -> None:
    assert parse_axis(f"x={low}:{low + length}:{step}").values == tuple(range(low, low + length + 1, step))


def test_a_grid_is_every_combination_and_the_last_parameter_changes_fastest() -> None:
    space = parse_space(["a=1,2", "b=x,y"])
    assert list(space.grid()) == [
        {"a": 1, "b": "x"},
        {"a": 1, "b": "y"},
        {"a": 2, "b": "x"},
        {"a": 2, "b": "y"},
    ]
    assert space.size == 4


def test_a_grid_cannot_try_a_range_without_steps_or_a_million_sets() -> None:
    with pytest.raises(BadInput, match="width has no steps"):
        list(parse_space(["width=0.5:2.5"]).grid())
    with pytest.raises(BadInput, match="the grid has 4,000,000 sets"):
        list(parse_space(["a=1:2000", "b=1:2000"]).grid())


def test_a_space_needs_something_to_vary_and_each_name_once() -> None:
    with pytest.raises(BadInput, match="add --grid"):
        parse_space([])
    with pytest.raises(BadInput, match="--grid a was given 2 times"):
        parse_space(["a=1", "a=2"])


def test_values_go_to_every_strategy_that_has_the_setting_or_to_the_one_that_is_named() -> None:
    two = generated(ema(), msgspec.structs.replace(ema(), name="other"))
    both = applied(two, {"fast": 3})
    assert [strategy.settings["fast"] for strategy in both.strategies] == [3, 3]
    one = applied(two, {"other.fast": 4})
    assert [strategy.settings["fast"] for strategy in one.strategies] == [2, 4]
    mixed = generated(ema(), StrategySettings(name="pinger", use="pinger", symbols=(TXF,)))
    assert applied(mixed, {"fast": 3}).strategies[1].settings == {}


def test_a_parameter_that_no_strategy_has_is_refused_and_told_what_there_is() -> None:
    with pytest.raises(BadInput, match=r"--grid fats: .* ema_cross has fast, slow, lots"):
        check_names(generated(), Space((Axis("fats", (1,)),)))
    with pytest.raises(BadInput, match="no strategy 'nobody', only ema_cross"):
        check_names(generated(), Space((Axis("nobody.fast", (1,)),)))
    with pytest.raises(BadInput, match="--grid _sign"):
        check_names(generated(), Space((Axis("_sign", (1,)),)))
    check_names(generated(), Space((Axis("fast", (1,)), Axis("ema_cross.slow", (9,)))))


def test_the_strategys_own_check_refuses_and_the_refusals_are_counted() -> None:
    judge = Judge(Settings(generated()))
    taken = [fast for fast in range(1, 12) if judge.takes({"fast": fast})]
    assert taken == [1, 2, 3, 4]
    assert judge.refused == 7
    assert judge.reasons[0] == "fast=5 must be at least 1 and below slow=5"
    assert len(judge.reasons) == 3


def test_a_value_of_the_wrong_kind_is_a_refusal_too() -> None:
    judge = Judge(Settings(generated()))
    assert not judge.takes({"fast": 2.5})
    assert judge.reasons == ["setting fast must be a whole number, not 2.5"]
