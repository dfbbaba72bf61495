import math
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autofutures.domain.errors import BadInput
from autofutures.domain.messages import Command
from autofutures.strategies.base import Setting, Strategy
from autofutures.strategies.context import Context
from tests.unit.strategies.house import TXF


class Sample(Strategy):
    """One setting of each kind, and state of each kind."""

    reasons: ClassVar[tuple[str, ...]] = ("one",)

    window: int = 20
    width: float = 1.5
    fades: bool = False
    word: str = "up"
    bare: int

    _count: int = 3
    _mean: float
    _name: str
    _flag: bool

    def check(self) -> None:
        if self.window < 1:
            raise BadInput(f"window={self.window} must be at least 1")


def state_of(sample: Sample) -> list[object]:
    return [vars(sample)[name] for name in ("_count", "_mean", "_name", "_flag")]


def test_settings_and_state_have_the_defaults_of_their_fields() -> None:
    sample = Sample()
    settings = (sample.window, sample.width, sample.fades, sample.word, sample.bare)
    assert settings == (20, 1.5, False, "up", 0)
    state = state_of(sample)
    assert state == [3, 0.0, "", False]
    assert [type(each) for each in state] == [int, float, str, bool]


def test_what_is_declared_for_all_is_no_field() -> None:
    assert list(Sample.fields()) == [
        *("window", "width", "fades", "word", "bare"),
        *("_count", "_mean", "_name", "_flag"),
    ]


@pytest.mark.parametrize(
    ("name", "value", "setting"),
    [
        ("window", "30", 30),
        ("window", " 7 ", 7),
        ("width", "2", 2.0),
        ("width", 3, 3.0),
        ("fades", "YES", True),
        ("fades", "true", True),
        ("fades", "no", False),
        ("fades", "False", False),
        ("fades", True, True),
        ("word", 5, "5"),
    ],
)
def test_a_setting_is_read_in_its_fields_type(name: str, value: Setting, setting: Setting) -> None:
    got = getattr(Sample(**{name: value}), name)
    assert got == setting
    assert type(got) is type(setting)


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("window", "2.5", "setting window must be a whole number, not '2.5'"),
        ("window", 2.0, "setting window must be a whole number, not 2.0"),
        ("window", True, "setting window must be a whole number, not True"),
        ("window", "many", "setting window must be a whole number, not 'many'"),
        ("width", "wide", "setting width must be a number, not 'wide'"),
        ("width", "nan", "setting width must be a number, not 'nan'"),
        ("width", math.inf, "setting width must be a number, not inf"),
        ("width", 10**400, "setting width must be a number"),
        ("fades", "maybe", "setting fades must be true or false, not 'maybe'"),
        ("fades", 1, "setting fades must be true or false, not 1"),
        ("_count", 1, "Sample has no setting '_count'; it has window, width, fades, word, bare"),
        ("reasons", "x", "Sample has no setting 'reasons'"),
        ("window", 0, "window=0 must be at least 1"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused(name: str, value: Setting, sentence: str) -> None:
    with pytest.raises(BadInput) as refusal:
        Sample(**{name: value})
    assert str(refusal.value).startswith(sentence)


def test_a_strategy_without_settings_says_so() -> None:
    with pytest.raises(BadInput, match="Strategy has no setting 'fast'; it has none"):
        Strategy(fast=1)


@given(window=st.integers(1, 10**12), width=st.floats(allow_nan=False, allow_infinity=False))
def test_text_and_number_make_the_same_setting(window: int, width: float) -> None:
    assert vars(Sample(window=window, width=width)) == vars(Sample(window=str(window), width=repr(width)))


@given(
    count=st.integers(-(2**60), 2**60), mean=st.floats(allow_nan=False), name=st.text(), flag=st.booleans()
)
def test_state_comes_back_and_settings_stay_as_given(count: int, mean: float, name: str, flag: bool) -> None:
    before = Sample(window=5)
    vars(before).update(_count=count, _mean=mean, _name=name, _flag=flag)
    after = Sample(window=9).unpack(before.pack())
    assert state_of(after) == [count, mean, name, flag]
    assert after.window == 9


def test_a_strategy_takes_no_commands_unless_it_says_so() -> None:
    command = Command("f", "s", "set", "window", {})
    with pytest.raises(BadInput, match="Sample takes no commands; it was asked to set window"):
        Sample().on_command(command, Context("s", (TXF,)))


def test_a_strategy_without_conditions_has_none_to_show_or_to_take() -> None:
    assert Sample().conditions() == []
    with pytest.raises(BadInput, match="Sample takes no conditions"):
        Sample.command_values({"side": "buy"}, (TXF,))
