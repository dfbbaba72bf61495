"""Says by hashes what a backtest's answer depends on: its data, its code and its settings.

Two sets with one key give the same answer, so a search never runs the second; and a change in the data or in any
source that a run can reach makes new keys, so no old answer is taken for a new one.
"""

import ast
import hashlib
import importlib.util
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.machinery import PathFinder
from importlib.metadata import PackageNotFoundError, version
from itertools import product
from pathlib import Path

import msgspec

import autofutures
from autofutures.backtest.space import ParameterSet, Settings
from autofutures.backtest.workers import ENGINES
from autofutures.config import RunSettings
from autofutures.data.catalog import Catalog, Part, place_of, providers
from autofutures.data.rules import Kind
from autofutures.strategies import STRATEGIES

ROOMS = (
    "assemble", "data", "domain", "market", "matching", "orders", "portfolio", "risk", "strategies",
    "config.py", "engine.py", "gateway.py", "trader.py",
)  # fmt: skip
"""Of the package itself, what a backtest can reach: tables of strings load parts of it, so imports do not tell.

Of `backtest` it is what the engines import: what only looks at answers makes none of them old.
"""

KINDS: tuple[Kind, ...] = ("ticks", "spreads", "quotes", "depth")
"""What of the catalogue a run's market is made of."""


class Fingerprint(msgspec.Struct, frozen=True):
    """What a search's answers depend on, besides its parameters."""

    data: str
    code: str
    version: str
    """Of the package, for people; it is part of the code's hash."""


def fingerprint(run: RunSettings) -> Fingerprint:
    """The hashes of a run's data and code."""
    return Fingerprint(data=data_hash(run), code=code_hash(run), version=_version())


class Keys:
    """Names sets by everything that their answers depend on."""

    def __init__(self, settings: Settings, run: RunSettings, found: Fingerprint) -> None:
        self._settings = settings
        # Where things lie changes nothing: the hashes speak for what is in them.
        plain = msgspec.structs.replace(run, catalog="", strategies=())
        self._common = (canonical(plain), found.data.encode(), found.code.encode())

    def of(self, parameters: ParameterSet) -> str:
        """A set's name."""
        strategies = [
            msgspec.structs.replace(strategy, use=_short(strategy.use))
            for strategy, _ in self._settings.strategies(parameters)
        ]
        return _hash(*self._common, canonical(strategies))


def set_key(run: RunSettings, parameters: ParameterSet, found: Fingerprint) -> str:
    """The name of one set's answer; see `Keys`."""
    return Keys(Settings(run), run, found).of(parameters)


def canonical(value: object) -> bytes:
    """A value as JSON, the same for equal values: keys in order, numbers as keys too."""
    return msgspec.json.encode(msgspec.to_builtins(value, str_keys=True), order="deterministic")


def _short(use: str) -> str:
    place, colon, attribute = use.rpartition(":")
    return f"{Path(place).name}{colon}{attribute}" if place.endswith(".py") else use


def data_hash(run: RunSettings) -> str:
    """Of the market that a run trades: the records of the recorded series, or what a generated one is made of."""
    if run.source != "recorded":
        made_of = (
            run.source,
            run.symbols,
            run.day,
            run.session,
            run.seed,
            run.trades,
            run.interval_ns,
            run.length_ns,
        )
        return _hash(msgspec.json.encode(made_of))
    catalog = Catalog(Path(run.catalog))
    known = providers(catalog.records())
    parts = [canonical((run.symbols, run.bands, run.later_bands, run.closed_days))]
    for symbol, kind in product(run.symbols, KINDS):
        days = [day for day in catalog.days(symbol, kind) if run.day <= day <= run.last_day]
        parts += [_series(catalog.root, place_of(kind, symbol, day), known) for day in days]
    return _hash(*parts)


def _series(root: Path, place: Path, known: Mapping[Path, tuple[Part, ...]]) -> bytes:
    """What was imported; what lies there without a record speaks for itself."""
    if place not in known:
        return (root / place).read_bytes()
    return msgspec.json.encode([(series, record.sha256, record.number) for series, record in known[place]])


def code_hash(run: RunSettings) -> str:
    """Of every source that the run can reach: the package's own, and the strategy's files with what they import.

    Libraries count by their version.
    """
    parts = [_package_hash(), sys.version]
    for strategy in run.strategies:
        place = STRATEGIES.get(strategy.use, strategy.use).rpartition(":")[0]
        for name, said in sorted(set(_reached(place))):
            parts.append(f"{name}={said}")
    return _hash(*(part.encode() for part in parts))


@cache
def _package_hash() -> str:
    root = Path(autofutures.__file__).parent
    libraries = [f"{name} {version(name)}".encode() for name in ("msgspec", "numba", "numpy", "polars")]
    read = [
        part
        for path in package_sources(root)
        for part in (str(path.relative_to(root)).encode(), path.read_bytes())
    ]
    return _hash(_version().encode(), *libraries, *read)


def package_sources(root: Path) -> list[Path]:
    """Every source and table of the package below `root` that can change what a run answers."""
    files = [path for room in ROOMS for path in sources_of(root / room)]
    todo = {"workers", *(engine.evaluate.partition(":")[0].rpartition(".")[2] for engine in ENGINES.values())}
    seen: set[str] = set()
    while todo:
        name = todo.pop()
        seen.add(name)
        path = root / "backtest" / f"{name}.py"
        files.append(path)
        found = {
            one.split(".")[2]
            for one in _imports(path.read_bytes(), "")
            if one.startswith("autofutures.backtest.")
        }
        todo |= {one for one in found if (root / "backtest" / f"{one}.py").exists()} - seen
    return sorted(set(files))


def sources_of(place: Path) -> list[Path]:
    """The sources and tables of a room, or the file that is one."""
    if place.is_file():
        return [place]
    return sorted(path for path in place.rglob("*") if path.suffix in {".py", ".csv"})


def _reached(place: str) -> Iterator[tuple[str, str]]:
    """Each module that a strategy's module imports, itself included, with the hash of its source or its version."""
    todo, seen = [place], set[str]()
    while todo:
        name = todo.pop()
        if name in seen or name.partition(".")[0] in sys.stdlib_module_names or _is_ours(name):
            continue
        seen.add(name)
        if not name.endswith(".py") and "." in name:
            todo.append(name.rpartition(".")[0])  # A package's own file runs first.
        path = Path(name) if name.endswith(".py") else _found(name)
        if path is None or not path.is_file():
            continue
        if _is_library(path):
            yield name.partition(".")[0], _version_of(name.partition(".")[0])
            continue
        source = path.read_bytes()
        yield path.name, _hash(source)
        todo += _imports(source, name)


def _is_ours(name: str) -> bool:
    return name == "autofutures" or name.startswith("autofutures.")


def _is_library(path: Path) -> bool:
    libraries = {Path(sysconfig.get_path(kind)).resolve() for kind in ("purelib", "platlib")}
    return any(path.resolve().is_relative_to(library) for library in libraries)


def _found(name: str) -> Path | None:
    """Where a module lies, found without importing it: to import would run it."""
    spec = PathFinder.find_spec(name.partition(".")[0])
    for depth in range(2, name.count(".") + 2):
        if spec is None or spec.submodule_search_locations is None:
            return None
        spec = PathFinder.find_spec(".".join(name.split(".")[:depth]), spec.submodule_search_locations)
    return Path(spec.origin) if spec is not None and spec.origin is not None else None


def _imports(source: bytes, name: str) -> Iterator[str]:
    package = name if not name.endswith(".py") else ""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            whole = node.module or ""
            if node.level and package:
                whole = importlib.util.resolve_name(
                    "." * node.level + whole, package.rpartition(".")[0] or package
                )
            if whole:
                yield whole
                yield from (f"{whole}.{alias.name}" for alias in node.names)


def _version_of(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return "unknown"


def _version() -> str:
    return _version_of("autofutures")


def _hash(*parts: bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.hexdigest()
