"""Ways to search a space: each proposes sets in batches and hears what became of them.

A way is a generator: it yields a batch, is sent one figure for each set of it (None where there is none to say),
and ends when it has nothing more to ask. The same seed proposes the same sets, whatever runs them: so a search
that was broken off goes on by being asked again, and finds in the database what it had.
"""

import random
from collections.abc import Callable, Generator, Sequence
from typing import TYPE_CHECKING, Protocol

import msgspec

from autofutures.backtest.space import Axis, ParameterSet, Space
from autofutures.config import Value
from autofutures.domain.errors import BadInput

if TYPE_CHECKING:
    import optuna

Figure = float | None
Proposals = Generator[list[ParameterSet], Sequence[Figure], None]
Takes = Callable[[ParameterSet], bool]

SAMPLERS = ("tpe", "cmaes", "nsgaii", "random")
"""Optuna's samplers by the names that we use."""

BATCH = 8
"""Trials that Optuna proposes before it hears of them: fixed, so that the number of cores changes no answer."""

_PATIENCE = 20
"""So many proposals for each set that is wanted; then what is left is taken to be refused or known."""


class Method(msgspec.Struct, frozen=True):
    """How a space is searched."""

    kind: str = "grid"
    """`grid`, `random`, or one of `SAMPLERS` with `optuna:` before it."""
    sets: int = 0
    """How many sets a random search tries and Optuna proposes; a grid tries all."""
    seed: int = 1


def proposals(method: Method, space: Space, takes: Takes, *, lower_is_better: bool = False) -> Proposals:
    """The batches of a search.

    Args:
        method: how to search.
        space: what may be tried.
        takes: whether the strategies take a set; those that they refuse are not proposed.
        lower_is_better: whether the figures are to be made small.

    Raises:
        BadInput: the method is unknown, or what it needs is not installed.
    """
    if method.kind == "grid":
        return _grid(space, takes)
    if method.sets < 1:
        raise BadInput(f"a search for {method.sets} sets: ask for at least 1")
    if method.kind == "random":
        return _random(space, method, takes)
    return _optuna(space, method, takes, lower_is_better=lower_is_better)


def _grid(space: Space, takes: Takes) -> Proposals:
    yield [parameters for parameters in space.grid() if takes(parameters)]


def _random(space: Space, method: Method, takes: Takes) -> Proposals:
    """Different sets, each as likely as any other; fewer where the space has no more that are taken."""
    chance = random.Random(method.seed)
    seen: set[tuple[Value, ...]] = set()
    found: list[ParameterSet] = []
    for _ in range(_PATIENCE * method.sets):
        parameters = {axis.name: _drawn(axis, chance) for axis in space.axes}
        key = tuple(parameters.values())
        if key in seen:
            continue
        seen.add(key)
        if takes(parameters):
            found.append(parameters)
        if len(found) == method.sets or len(seen) == space.size:
            break
    yield found


def _drawn(axis: Axis, chance: random.Random) -> Value:
    return chance.uniform(axis.low, axis.high) if axis.stepless else chance.choice(axis.values)


class _Sampler(Protocol):
    def __call__(self, *, seed: int) -> "optuna.samplers.BaseSampler": ...


def _optuna(space: Space, method: Method, takes: Takes, *, lower_is_better: bool) -> Proposals:
    study = _study(method, lower_is_better=lower_is_better)
    asked = proposed = 0
    while proposed < method.sets and asked < _PATIENCE * method.sets:
        batch: list[tuple[optuna.Trial, ParameterSet]] = []
        while len(batch) < min(BATCH, method.sets - proposed) and asked < _PATIENCE * method.sets:
            trial = study.ask()
            asked += 1
            parameters = {axis.name: _suggested(axis, trial) for axis in space.axes}
            if takes(parameters):
                batch.append((trial, parameters))
            else:
                study.tell(trial, state=_states().PRUNED)
        proposed += len(batch)
        figures = yield [parameters for _, parameters in batch]
        for (trial, _), figure in zip(batch, figures, strict=True):
            if figure is None:
                study.tell(trial, state=_states().FAIL)
            else:
                study.tell(trial, figure)


def _study(method: Method, *, lower_is_better: bool) -> "optuna.Study":
    try:
        import optuna  # noqa: PLC0415 -- an extra: most installations have no need of it
    except ModuleNotFoundError as error:
        raise BadInput("Optuna is not installed: pip install 'autofutures[sweep]'") from error
    name = method.kind.removeprefix("optuna:")
    samplers: dict[str, _Sampler] = {
        "tpe": optuna.samplers.TPESampler,
        "cmaes": optuna.samplers.CmaEsSampler,
        "nsgaii": optuna.samplers.NSGAIISampler,
        "random": optuna.samplers.RandomSampler,
    }
    if name not in samplers:
        raise BadInput(
            f"there is no way to search called {name!r}; there are grid, random, {', '.join(SAMPLERS)}"
        )
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        sampler = samplers[name](seed=method.seed)
    except ImportError as error:
        raise BadInput(
            f"Optuna's {name} needs a library that is not installed: pip install {name}"
        ) from error
    return optuna.create_study(direction="minimize" if lower_is_better else "maximize", sampler=sampler)


def _states() -> "type[optuna.trial.TrialState]":
    import optuna  # noqa: PLC0415 -- as above

    return optuna.trial.TrialState


def _suggested(axis: Axis, trial: "optuna.Trial") -> Value:
    """A value of the axis; of ordered numbers the place is asked for, so that samplers know their order."""
    if axis.stepless:
        return trial.suggest_float(axis.name, axis.low, axis.high)
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in axis.values):
        ordered = sorted(axis.values, key=float)
        return ordered[trial.suggest_int(axis.name, 0, len(ordered) - 1)]
    return axis.values[trial.suggest_categorical(axis.name, list(range(len(axis.values))))]
