"""Runs a search's sets on a dask cluster: only settings and sets go there, and results come back.

Whoever reaches a dask scheduler can run code on its workers: keep it on a network of your own, or give it TLS as dask's
documentation says (its settings are read as usual, and the address begins with tls://).
"""

from collections.abc import Iterable, Iterator, Sequence
from types import ModuleType
from typing import Protocol, cast

from autofutures.backtest.fingerprint import fingerprint
from autofutures.backtest.objective import SetResult
from autofutures.backtest.space import ParameterSet
from autofutures.backtest.workers import Chunk, Here, Processes, Workers, engine_of, evaluate
from autofutures.config import RunSettings
from autofutures.domain.errors import BadInput, Refusal

CONNECT_S = 10
WORKERS_S = 30
"""How long a scheduler may be without a single worker: they may just be starting."""

RETRIES = 5
"""How often a chunk whose worker died is given to another."""


def evaluate_alike(
    engine: str, run: RunSettings, sets: Sequence[ParameterSet], data: str, code: str
) -> list[SetResult]:
    """`evaluate` on another host, once it has proved to have the same data and code.

    Raises:
        Refusal: it has others; their answers would be stored under the wrong name.
    """
    found = fingerprint(run)
    for what, theirs, ours in (("data", found.data, data), ("code", found.code, code)):
        if theirs != ours:
            raise Refusal(
                f"a worker of the cluster has other {what} than this machine: give every host the same version of "
                "autofutures, the same strategy file and the same catalogue, at the same paths"
            )
    return evaluate(engine, run, sets)


class _Future(Protocol):
    def result(self) -> list[SetResult]: ...


class _Client(Protocol):
    loop: object

    def submit(self, function: object, /, *arguments: object, retries: int, pure: bool) -> _Future: ...
    def cancel(self, futures: Sequence[_Future], /) -> object: ...
    def wait_for_workers(self, n_workers: int, /, *, timeout: float) -> object: ...
    def close(self) -> object: ...


class _Dask(Protocol):
    """What we use of `distributed`, which has types for little of it."""

    KilledWorker: type[Exception]

    def Client(self, address: str, *, timeout: int, set_as_default: bool) -> _Client: ...  # noqa: N802 -- dask's
    def as_completed(self, futures: Iterable[_Future], /, *, loop: object) -> Iterator[_Future]: ...


class Cluster:
    """See `workers.Workers`.

    Args:
        engine: by name.
        address: of the scheduler, as in `tcp://10.0.0.5:8786`.

    Raises:
        BadInput: dask is not installed, or no scheduler answers there.
        Refusal: the scheduler has no worker.
    """

    def __init__(self, engine: str, address: str) -> None:
        self._engine = engine
        self._dask = cast("_Dask", _distributed())
        try:
            self._client = self._dask.Client(address, timeout=CONNECT_S, set_as_default=False)
        except (OSError, ValueError) as error:
            raise BadInput(
                f"no dask scheduler answers at {address}: start one with `dask scheduler`, workers with "
                "`dask worker ADDRESS`, and give its address as in tcp://10.0.0.5:8786"
            ) from error
        try:
            self._client.wait_for_workers(1, timeout=WORKERS_S)
        except TimeoutError as error:
            self._client.close()
            raise Refusal(
                f"the dask scheduler at {address} has no worker: start some with `dask worker {address}`"
            ) from error

    def results(self, run: RunSettings, chunks: Sequence[Chunk]) -> Iterator[list[SetResult]]:
        """See `Workers`.

        Raises:
            Refusal: a worker has other data or code, or workers died over one chunk again and again.
        """
        found = fingerprint(run)
        about = (found.data, found.code)
        futures = [
            self._client.submit(
                evaluate_alike, self._engine, run, list(chunk), *about, retries=RETRIES, pure=False
            )
            for chunk in chunks
        ]
        try:
            for future in self._dask.as_completed(futures, loop=self._client.loop):
                yield future.result()
        except self._dask.KilledWorker as error:
            raise Refusal(
                f"workers died again and again over the same sets ({error}): look at their logs; the same command "
                "goes on with what is left"
            ) from error
        finally:
            self._client.cancel(futures)

    def close(self) -> None:
        """Leaves the cluster, which goes on without us."""
        self._client.close()


def _distributed() -> ModuleType:
    try:
        import distributed  # noqa: PLC0415 -- an extra, and slow to import
    except ModuleNotFoundError as error:
        raise BadInput("dask is not installed: pip install 'autofutures[sweep]'") from error
    return distributed


def workers_of(engine: str, jobs: int, cluster: str = "") -> Workers:
    """Where to run: on a cluster if its address is given, else here, in so many processes."""
    if cluster:
        return Cluster(engine, cluster)
    if engine_of(engine).threads or jobs <= 1:
        return Here(engine)
    return Processes(engine, jobs)
