"""Searches a space of parameters over one market: asks, runs what is not known yet, stores each answer at once."""

import hashlib
from collections.abc import Callable, Iterator, Sequence

import msgspec

from autofutures import clock
from autofutures.backtest.fingerprint import Fingerprint, Keys, canonical, fingerprint
from autofutures.backtest.objective import LOWER_IS_BETTER, SetResult, checked_objective
from autofutures.backtest.results import NewSearch, Results
from autofutures.backtest.search import Method, proposals
from autofutures.backtest.space import Judge, ParameterSet, Settings, check_names, parse_space
from autofutures.backtest.workers import Workers, engine_of
from autofutures.config import RunSettings
from autofutures.domain.errors import BadInput

Progress = Callable[[int, int], None]
"""Hears how many sets are done, and how many are known to be wanted so far."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A search as a person asks for it."""

    run: RunSettings
    grid: list[str]
    """`--grid` options: see `space.parse_axis`."""
    method: Method = Method()
    objective: str = "net_pnl"
    engine: str = "nodes"
    command: str = ""
    """What goes on with the search when it is given again."""


class Searched(msgspec.Struct, frozen=True):
    """A finished search."""

    number: int
    """In the database."""
    results: list[SetResult]
    """In the order in which they were proposed."""
    refused: int
    reasons: list[str]
    known: int
    """How many were in the database already."""
    fingerprint: Fingerprint
    tried_on_data: int
    """Different sets of this strategy that were ever tried on this data, those of this search included."""
    seconds: float


class Interrupted(KeyboardInterrupt):
    """A person broke the search off; what was done is stored."""

    def __init__(self, number: int, stored: int) -> None:
        super().__init__(f"search {number} was broken off with {stored:,} sets stored")
        self.number = number
        self.stored = stored


def sweep(plan: Plan, results: Results, workers: Workers, progress: Progress | None = None) -> Searched:
    """Runs a search to its end, or on from where it was broken off.

    Raises:
        BadInput: the plan makes no sense, or the strategies refuse every set.
        Interrupted: by Ctrl-C; the same plan goes on with it.
    """
    space = parse_space(plan.grid)
    check_names(plan.run, space)
    checked_objective(plan.objective)
    settings = Settings(plan.run)
    judge = Judge(settings)
    lower = plan.objective in LOWER_IS_BETTER
    asking = proposals(plan.method, space, judge.takes, lower_is_better=lower)
    batch = next(asking, [])
    if not batch:
        raise BadInput(_nothing_to_try(judge))
    found = fingerprint(plan.run)
    number = results.begin(_new(plan, found), clock.now_ns())
    work = _Work(plan, results, workers, Keys(settings, plan.run, found), number)
    started = clock.stopwatch_ns()
    state = "interrupted"
    try:
        while batch:
            figures = work.figures(batch, progress)
            try:
                batch = asking.send(figures)
            except StopIteration:
                break
        state = "done"
    except KeyboardInterrupt as error:
        raise Interrupted(number, results.search(number).tried) from error
    finally:
        results.end(number, state, judge.refused, judge.reasons, clock.now_ns())
    return Searched(
        number=number,
        results=list(work.found.values()),
        refused=judge.refused,
        reasons=judge.reasons,
        known=work.known,
        fingerprint=found,
        tried_on_data=max(len(work.found), results.tried_on(found.data, _strategy_of(plan.run))),
        seconds=(clock.stopwatch_ns() - started) / 1e9,
    )


def _nothing_to_try(judge: Judge) -> str:
    if judge.refused:
        return f"the strategy refuses every one of the {judge.refused:,} sets: {judge.reasons[0]}"
    return "there is nothing to try: widen --grid"


def _strategy_of(run: RunSettings) -> str:
    return ",".join(strategy.name for strategy in run.strategies)


def _new(plan: Plan, found: Fingerprint) -> NewSearch:
    settings = canonical(plan.run).decode()
    method = plan.method.kind if plan.method.kind == "grid" else f"{plan.method.kind} {plan.method.sets}"
    # What Optuna proposes depends on what it was told, so its objective is part of what the search is.
    aim = plan.objective if plan.method.kind.startswith("optuna") else ""
    about = (plan.grid, plan.method, aim, settings, found.data, found.code)
    return NewSearch(
        identity=hashlib.sha256(msgspec.json.encode(about)).hexdigest(),
        command=plan.command,
        strategy=_strategy_of(plan.run),
        method=method,
        objective=plan.objective,
        space=plan.grid,
        settings=settings,
        data_hash=found.data,
        code_hash=found.code,
        version=found.version,
    )


class _Work:
    """Answers batches: from the database where it can, else by running."""

    def __init__(self, plan: Plan, results: Results, workers: Workers, keys: Keys, number: int) -> None:
        self._plan = plan
        self._results = results
        self._workers = workers
        self._keys = keys
        self._number = number
        self.found: dict[str, SetResult] = {}
        """By key, in the order in which they were proposed."""
        self.known = 0
        self.stored = 0
        self._wanted: set[str] = set()

    def figures(self, batch: Sequence[ParameterSet], progress: Progress | None) -> list[float | None]:
        """What the objective says of each set of a batch."""
        keys = [self._keys.of(parameters) for parameters in batch]
        new = [key for key in dict.fromkeys(keys) if key not in self.found]
        self._wanted.update(new)
        answers = self._results.known(new)
        self.known += len(answers)
        self.stored += len(answers)
        first = len(self.found)
        places = {key: first + place for place, key in enumerate(new)}
        self._results.tried(self._number, {places[key]: key for key in answers})
        by_key = dict(zip(keys, batch, strict=True))
        missing = [(key, by_key[key]) for key in new if key not in answers]
        for some in self._run(missing):
            self._results.store(
                self._number,
                {places[key]: (key, some[key]) for key in some},
                self._plan.engine,
                clock.now_ns(),
            )
            answers |= some
            self.stored += len(some)
            if progress is not None:
                progress(self.stored, len(self._wanted))
        self.found |= {key: answers[key] for key in new}
        return [self.found[key].figures.get(self._plan.objective) for key in keys]

    def _run(self, missing: Sequence[tuple[str, ParameterSet]]) -> Iterator[dict[str, SetResult]]:
        size = engine_of(self._plan.engine).chunk
        chunks = [missing[begin : begin + size] for begin in range(0, len(missing), size)]
        sets = [[parameters for _, parameters in chunk] for chunk in chunks]
        keys = {_place(parameters): key for key, parameters in missing}
        for done in self._workers.results(self._plan.run, sets):
            yield {keys[_place(result.parameters)]: result for result in done}


def _place(parameters: ParameterSet) -> bytes:
    return canonical(parameters)
