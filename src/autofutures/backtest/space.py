"""The sets of parameters that a search may try: each parameter's values, and what the strategy itself refuses."""

import itertools
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation

import msgspec

from autofutures.config import RunSettings, StrategySettings, Value, parse_value
from autofutures.domain.errors import BadInput
from autofutures.strategies.base import Strategy
from autofutures.strategies.load import load

ParameterSet = dict[str, Value]

MOST_VALUES = 100_000
MOST_SETS = 1_000_000
SHOWN_REASONS = 3

_HOW = "write NAME=LOW:HIGH:STEP or NAME=VALUE,VALUE, as in fast=5:50:5 or slow=20,60,120"


class Axis(msgspec.Struct, frozen=True):
    """One parameter: its values in order, or a range of numbers without steps from `low` to `high`."""

    name: str
    values: tuple[Value, ...] = ()
    low: float = 0.0
    high: float = 0.0

    @property
    def stepless(self) -> bool:
        """Whether any number of the range may be tried."""
        return not self.values


def parse_axis(text: str) -> Axis:
    """`fast=5:50:5` (both ends count), `slow=20,60,120`, `use_night=true,false` or `width=0.5:2.5`.

    A range of whole numbers without a step has step 1; of decimals it has none, and only a random search or
    Optuna can try it.

    Raises:
        BadInput: it is something else, or has no value.
    """
    name, equals, said = text.partition("=")
    name, said = name.strip(), said.strip()
    if not (equals and name and said):
        raise BadInput(f"--grid {text!r}: {_HOW}")
    if ":" not in said:
        values = tuple(dict.fromkeys(parse_value(part.strip()) for part in said.split(",") if part.strip()))
        if not values:
            raise BadInput(f"--grid {text!r}: {_HOW}")
        return Axis(name, values)
    try:
        low, high, *steps = (Decimal(part.strip()) for part in said.split(":"))
    except (InvalidOperation, ValueError):
        raise BadInput(f"--grid {text!r} is no range of numbers: {_HOW}") from None
    return _ranged(text, name, (low, high), steps, decimal="." in said)


def _ranged(
    text: str, name: str, ends: tuple[Decimal, Decimal], steps: Sequence[Decimal], *, decimal: bool
) -> Axis:
    low, high = ends
    if not (low.is_finite() and high.is_finite() and low <= high) or len(steps) > 1:
        raise BadInput(f"--grid {text!r}: the range must go up, from LOW to HIGH; {_HOW}")
    whole = not decimal and low == low.to_integral_value() and high == high.to_integral_value()
    if not steps and not whole and low < high:
        return Axis(name, (), float(low), float(high))
    step = steps[0] if steps else Decimal(1)
    if not step.is_finite() or step <= 0:
        raise BadInput(f"--grid {text!r}: the step must be above zero")
    count = int((high - low) / step) + 1
    if count > MOST_VALUES:
        raise BadInput(
            f"--grid {text!r} has {count:,} values, and {MOST_VALUES:,} is the most: take larger steps"
        )
    found = [low + step * number for number in range(count)]
    whole = whole and step == step.to_integral_value()
    return Axis(name, tuple(int(value) if whole else float(value) for value in found))


class Space(msgspec.Struct, frozen=True):
    """All that a search may try."""

    axes: tuple[Axis, ...]

    @property
    def size(self) -> float:
        """How many sets there are, refused ones included; infinite where a range has no steps."""
        return math.prod(math.inf if axis.stepless else len(axis.values) for axis in self.axes)

    def grid(self) -> Iterator[ParameterSet]:
        """Every set, the last parameter changing fastest.

        Raises:
            BadInput: a range has no steps, or there are more than `MOST_SETS`.
        """
        for axis in self.axes:
            if axis.stepless:
                raise BadInput(
                    f"{axis.name} has no steps, so a grid cannot try it all: give {axis.name}=LOW:HIGH:STEP, "
                    "or search with --random or --optuna"
                )
        if self.size > MOST_SETS:
            raise BadInput(
                f"the grid has {self.size:,} sets, and {MOST_SETS:,} is the most: take larger steps, or search "
                "with --random or --optuna"
            )
        names = [axis.name for axis in self.axes]
        for values in itertools.product(*(axis.values for axis in self.axes)):
            yield dict(zip(names, values, strict=True))


def parse_space(texts: Sequence[str]) -> Space:
    """The `--grid` options of a command line.

    Raises:
        BadInput: none was given, one makes no sense, or two are of one parameter.
    """
    axes = tuple(parse_axis(text) for text in texts)
    if not axes:
        raise BadInput(f"a search needs something to vary: add --grid; {_HOW}")
    for name, count in Counter(axis.name for axis in axes).items():
        if count > 1:
            raise BadInput(f"--grid {name} was given {count} times: put all its values into one")
    return Space(axes)


class Settings:
    """Puts sets into a run: a plain name is for every strategy that has it, `strategy.name` for one.

    The strategies' classes are loaded once, for many sets.
    """

    def __init__(self, run: RunSettings) -> None:
        self._run = run
        self._strategies = [(strategy, load(strategy.use)) for strategy in run.strategies]

    def applied(self, parameters: Mapping[str, Value]) -> RunSettings:
        """The run with a set's values."""
        strategies = tuple(strategy for strategy, _ in self.strategies(parameters))
        return msgspec.structs.replace(self._run, strategies=strategies)

    def strategies(
        self, parameters: Mapping[str, Value]
    ) -> Iterator[tuple[StrategySettings, type[Strategy]]]:
        """The strategies with a set's values, each with its class."""
        for strategy, kind in self._strategies:
            settings, known = dict(strategy.settings), kind.fields()
            for name, value in parameters.items():
                owner, dot, setting = name.rpartition(".")
                if owner == strategy.name or (not dot and setting in known):
                    settings[setting] = value
            yield msgspec.structs.replace(strategy, settings=settings), kind


def applied(run: RunSettings, parameters: Mapping[str, Value]) -> RunSettings:
    """The run with one set's values; see `Settings`."""
    return Settings(run).applied(parameters)


def _settings_of(strategy: StrategySettings) -> list[str]:
    return [name for name in load(strategy.use).fields() if not name.startswith("_")]


def check_names(run: RunSettings, space: Space) -> None:
    """Lets a space pass whose every parameter is a setting of a strategy of the run.

    Raises:
        BadInput: one is not; the text says what there is.
    """
    for axis in space.axes:
        owner, _, setting = axis.name.rpartition(".")
        known = {
            strategy.name: _settings_of(strategy)
            for strategy in run.strategies
            if owner in {"", strategy.name}
        }
        if not any(setting in names for names in known.values()):
            there = "; ".join(f"{name} has {', '.join(names) or 'none'}" for name, names in known.items())
            all_names = ", ".join(strategy.name for strategy in run.strategies)
            raise BadInput(
                f"--grid {axis.name}: no strategy of this run has such a setting: "
                + (there or f"there is no strategy {owner!r}, only {all_names}")
            )


class Judge:
    """Asks the strategies of a run whether they take a set, and counts what they refuse."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.refused = 0
        self.reasons: list[str] = []
        """The first few."""

    def takes(self, parameters: Mapping[str, Value]) -> bool:
        """Whether every strategy takes the set."""
        for strategy, kind in self._settings.strategies(parameters):
            try:
                kind(**strategy.settings)
            except BadInput as error:
                self.refused += 1
                if len(self.reasons) < SHOWN_REASONS:
                    self.reasons.append(str(error))
                return False
        return True
