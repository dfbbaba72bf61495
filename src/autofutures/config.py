"""Reads the settings that come from outside: the environment, the command line and a TOML file.

`RunSettings` is all that a run depends on. It is written into the run's folder, and every process reads it
there, so that no two of them can disagree.
"""

import getpass
import math
import os
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from autofutures.domain.errors import BadInput
from autofutures.domain.instrument import instrument
from autofutures.market.continuous import FRONT, Segment
from autofutures.market.dates import parse_day
from autofutures.matching.faults import read_faults
from autofutures.orders.policy import OnStop, Policy, Strangers
from autofutures.risk.gate import make_gate
from autofutures.risk.scopes import RiskTable, flat

Value = int | float | bool | str

Market = Literal["prints", "quotes", "depth", "bars"]
"""What is known of a recorded market: its trades, beside them its best bid and offer, or the size at every price.

Of `bars` only what 1-minute bars say is known: each is traded as four trades.
"""

GENERATED_SYMBOL = "TXF202608"
GENERATED_DATE = "2026-08-03"
"""What a generated session is of, unless told otherwise."""

BOOK_STOP = 200_000
"""A thousand points of one TXF, in TWD: it ends what has gone wrong and leaves alone what trades as it should."""

_BOOK_STOPS = {"TWD": BOOK_STOP, "USD": 650_000, "EUR": 600_000, "USDT": 6_500 * 10**8, "BTC": 10**11}
"""About as much in each currency's minor units: 6,500 USD, 6,000 EUR, 6,500 USDT, 0.1 BTC."""


def currency_of(symbols: Iterable[str]) -> str:
    """The currency that a run of these symbols counts its money in.

    Raises:
        BadInput: there are several: their amounts cannot be added.
    """
    found: dict[str, str] = {}
    for symbol in symbols:
        found.setdefault(instrument(symbol.removesuffix(FRONT)).product.currency, symbol)
    if len(found) > 1:
        named = " and ".join(f"{symbol} in {currency}" for currency, symbol in found.items())
        raise BadInput(f"a run counts in one currency, and it would have {named}: run them apart")
    return next(iter(found), "TWD")


def book_stop_of(symbols: Iterable[str]) -> int:
    """What a strategy may lose in one of these symbols unless its settings say it, in minor units."""
    return _BOOK_STOPS[currency_of(symbols)]


def default_catalog() -> Path:
    """Where recorded data is kept unless told otherwise: `$XDG_DATA_HOME/autofutures/catalog`.

    Without the variable it is `~/.local/share/autofutures/catalog` (XDG Base Directory Specification, which
    also says that a relative path there is to be ignored).
    """
    return _xdg("XDG_DATA_HOME", Path.home() / ".local" / "share") / "autofutures" / "catalog"


def default_runs() -> Path:
    """Where runs are kept: `$XDG_STATE_HOME/autofutures/runs`, or `~/.local/state/autofutures/runs`."""
    return _xdg("XDG_STATE_HOME", Path.home() / ".local" / "state") / "autofutures" / "runs"


def default_results() -> str:
    """The database of what searches tried: `$XDG_STATE_HOME/autofutures/results.sqlite`, as a URL."""
    return f"sqlite:///{_xdg('XDG_STATE_HOME', Path.home() / '.local' / 'state') / 'autofutures' / 'results.sqlite'}"


def default_cache() -> Path:
    """Where compiled strategies are kept: `$XDG_CACHE_HOME/autofutures/compiled`, or under `~/.cache`."""
    return _xdg("XDG_CACHE_HOME", Path.home() / ".cache") / "autofutures" / "compiled"


def default_keys() -> Path:
    """Where keys are kept: `$XDG_CONFIG_HOME/autofutures/keys`, or `~/.config/autofutures/keys`."""
    return _xdg("XDG_CONFIG_HOME", Path.home() / ".config") / "autofutures" / "keys"


def environment_of_children(extra: Mapping[str, str]) -> dict[str, str]:
    """The environment for processes that we start; systemd's words are for its service alone."""
    own = {name: value for name, value in os.environ.items() if name not in {"NOTIFY_SOCKET", "WATCHDOG_PID"}}
    return {**own, **extra}


def notify_socket() -> str:
    """Where systemd wants to be told how its service does; empty where there is no systemd."""
    return os.environ.get("NOTIFY_SOCKET") or ""


def login_name() -> str:
    """Who sits at this computer, for the record; empty where the system does not know."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""


def _xdg(variable: str, default: Path) -> Path:
    place = Path(os.environ.get(variable) or "")
    return place if place.is_absolute() else default


class StrategySettings(msgspec.Struct, frozen=True, kw_only=True):
    """One strategy of a run: `use` is a name of the table, or `path/to/file.py:Class`."""

    name: str
    use: str
    symbols: tuple[str, ...]
    settings: dict[str, Value] = {}
    conditions: dict[str, dict[str, Value]] = {}
    exits: Literal["", "plans", "own"] = ""
    """How its open lots are covered; empty for what its class declares."""
    on_stop: OnStop = "keep"
    """What becomes of its lots and orders when the machine stops."""
    book_stop: int = BOOK_STOP
    """The most that an open position in one contract may lose where the strategy's exits are its own; minor units."""


class RunSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that decides what a run does. Money in minor units, times in nanoseconds."""

    symbols: tuple[str, ...]
    day: int
    """The first trading day."""
    source: Literal["recorded", "generated", "steady"]
    until: int = 0
    """The last trading day of a recorded run; 0: it has one day only."""
    catalog: str = ""
    market: Market = "prints"
    """What a recorded run's fills come from."""
    session: str = "day"
    seed: int = 1
    trades: int = 6_000
    interval_ns: int = 0
    length_ns: int = 0
    """A generated session lasts so long from its open; 0 for as long as the exchange's own."""
    strategies: tuple[StrategySettings, ...] = ()
    limits: dict[str, dict[str, int]] = {}
    fee: int = 20
    slippage_ticks: int = 1
    queue_contracts: int = 20
    mwp_points: int = 50
    order_latency_ns: int = 0
    limit: int = 0
    closed_days: dict[int, str] = {}
    bands: dict[str, tuple[int, int]] = {}
    """The first day's price limits by symbol, in ticks; a symbol that is missing has none that we know."""
    later_bands: dict[int, dict[str, tuple[int, int]]] = {}
    """The same of the days after it, by trading day."""
    currency: str = "TWD"
    policy: Policy = Policy()
    faults: dict[str, int] = {}
    """How a simulated broker misbehaves: `matching/faults.py` lists the names."""
    settlements: dict[str, int] = {}
    """Final settlement prices of contracts that end in the run, in ticks; without one the last trade is taken."""
    series: dict[str, tuple[Segment, ...]] = {}
    """Legs of strategies that are many contracts, as `TAIFEX:TXF.front`: which one is in front when."""
    carries: bool = True
    """Whether a position on a series goes on in the next contract, or ends with the one that it is in."""

    def days_of(self, symbol: str) -> tuple[int, int]:
        """The first and the last trading day on which the run trades a symbol.

        A contract that has left the front of a series has one day more, on which what it holds is moved. One that a
        strategy names by itself is traded on all days.
        """
        by_itself = any(symbol in strategy.symbols for strategy in self.strategies)
        for segments in () if by_itself else self.series.values():
            for number, segment in enumerate(segments):
                if segment.symbol == symbol:
                    later = segments[number + 1 :]
                    return segment.first, later[0].first if later else segment.last
        return self.day, self.last_day

    @property
    def last_day(self) -> int:
        """The run's last trading day."""
        return self.until or self.day


def whole_symbol(text: str) -> str:
    """The whole symbol of a contract, or of a series: `TAIFEX:TXF.front`.

    Raises:
        BadInput: the text is neither.
    """
    name = text.strip()
    item = instrument(name.removesuffix(FRONT))
    if not name.endswith(FRONT):
        return item.symbol
    if item.expiry:
        raise BadInput(f"{item.symbol} is one contract: a series has a root only, as in TXF{FRONT}")
    return item.symbol + FRONT


def load_toml(path: Path) -> dict[str, object]:
    """Reads a TOML file.

    Raises:
        BadInput: it is missing, may not be read, or is not TOML.
    """
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise BadInput(f"there is no file {path}") from None
    except OSError as error:
        raise BadInput(f"{path} cannot be read ({error.strerror}): give a TOML file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} is not valid TOML: {error}") from error


def parse_limits(table: Mapping[str, object], where: str) -> dict[str, dict[str, int]]:
    """Risk limits as a table for each rule id and scope (`position.strategy.ema`), proved by building the gate.

    Raises:
        BadInput: an unknown rule, scope or setting.
    """
    try:
        tables = msgspec.convert(dict(table), dict[str, RiskTable])
    except msgspec.ValidationError as error:
        raise BadInput(
            f"{where}: risk limits are one table for each rule id, of whole numbers: {error}"
        ) from error
    limits = flat(tables)
    make_gate(limits)
    return limits


def parse_value(text: str) -> Value:
    """A setting as it was written on the command line: a whole number, a number, true or false, or text.

    `nan` and `inf` are text: a run's settings are JSON, which has no such numbers.
    """
    for kind in (int, float):
        try:
            number = kind(text)
        except ValueError:
            continue
        if math.isfinite(number):
            return number
    return {"true": True, "false": False}.get(text.lower(), text)


def parse_settings(pairs: Sequence[str]) -> dict[str, Value]:
    """`--set` options as a table.

    Raises:
        BadInput: one is not NAME=VALUE.
    """
    table: dict[str, Value] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name.strip():
            raise BadInput(f"--set {pair!r}: write NAME=VALUE, as in --set fast=20")
        table[name.strip()] = parse_value(value.strip())
    return table


def parse_replay(text: str) -> tuple[str, int, int]:
    """`TXF202108@2021-07-26`, or `TXF202605,TXF202606@2026-05-12..2026-06-05`, as whole symbols with commas and days.

    Returns:
        The symbols, the first trading day and the last; the last is 0 where one day was named.

    Raises:
        BadInput: it is something else.
    """
    symbol, at, days = text.partition("@")
    if not at:
        raise BadInput(
            f"{text!r}: write SYMBOL@DATE, as in TXF202108@2021-07-26, or SYMBOL@FIRST..LAST for several days"
        )
    first, dots, last = days.partition("..")
    symbols = ",".join(whole_symbol(part) for part in symbol.split(","))
    return symbols, parse_day(first), parse_day(last) if dots else 0


_LATENCY_UNITS = {"ns": 1, "us": 1_000, "ms": 1_000_000, "s": 1_000_000_000}


def parse_latency(text: str) -> int:
    """`5ms`, `2s`, `250us` or `0` as nanoseconds.

    Raises:
        BadInput: no unit that we know, or less than nothing.
    """
    stripped = text.strip()
    if stripped == "0":
        return 0
    for unit, size in _LATENCY_UNITS.items():
        number = stripped.removesuffix(unit)
        if number != stripped:
            try:
                return _whole(float(number) * size)
            except (ValueError, OverflowError):
                break
    raise BadInput(f"{text!r} is not a delay: write 0, 250us, 5ms or 2s")


def _whole(number: float) -> int:
    if number < 0:
        raise ValueError
    return round(number)


class _StrategyTable(msgspec.Struct, forbid_unknown_fields=True):
    use: str
    name: str = ""
    symbols: list[str] = []
    set: dict[str, Value] = {}
    condition: list[dict[str, Value]] = []
    book_stop: int | None = None
    on_stop: OnStop = "keep"


class _CalendarTable(msgspec.Struct, forbid_unknown_fields=True):
    closed: list[str] = []
    open: list[str] = []


_POLICY = Policy()
_MILLISECOND = 1_000_000


class _PolicyTable(msgspec.Struct, forbid_unknown_fields=True):
    """`orders/policy.py` in milliseconds."""

    strangers: Strangers = _POLICY.strangers
    answer_ms: int = _POLICY.answer_ns // _MILLISECOND
    quiet_ms: int = _POLICY.quiet_ns // _MILLISECOND
    every_ms: int = _POLICY.every_ns // _MILLISECOND
    query_ms: int = _POLICY.query_ns // _MILLISECOND
    decision_ms: int = _POLICY.decision_ns // _MILLISECOND
    exit_doubt_ms: int = _POLICY.exit_doubt_ns // _MILLISECOND
    breaker_pause_ms: int = _POLICY.breaker_pause_ns // _MILLISECOND
    leave_ms: int = _POLICY.leave_ns // _MILLISECOND
    breaker_failures: Annotated[int, msgspec.Meta(ge=0)] = _POLICY.breaker_failures
    flat_before_expiry_ms: int = _POLICY.flat_before_expiry_ns // _MILLISECOND
    """0: what is held in a contract is held to its end."""


class _ModelTable(msgspec.Struct, forbid_unknown_fields=True):
    """What a backtest takes for granted, as `autofutures parity --adopt` has measured it."""

    order_latency: str = "0"
    slippage_ticks: int | None = None


class _WatchTable(msgspec.Struct, forbid_unknown_fields=True):
    """What a process may use, how long a market may be silent, what is asked of the computer: `ops/folder.py`."""

    memory_soft_mb: Annotated[int, msgspec.Meta(ge=0)] = 768
    memory_hard_mb: Annotated[int, msgspec.Meta(ge=0)] = 1_024
    descriptors: Annotated[int, msgspec.Meta(ge=0)] = 512
    quiet_s: Annotated[int, msgspec.Meta(ge=0)] = 60
    clock_ms: Annotated[int, msgspec.Meta(ge=0)] = 500
    free_mb: Annotated[int, msgspec.Meta(ge=0)] = 128


class SettingsFile(msgspec.Struct, forbid_unknown_fields=True):
    """`autofutures.toml`: strategies with their conditions, risk limits, days that the calendar lacks.

    `policy` is how long the book waits for the broker's word, `broker` how the simulated one misbehaves, `model` what a
    backtest takes for granted unless the command line says otherwise, `settlement` the final settlement prices of
    contracts, as in `TXF202108 = 17180`. `alerts` is who is told of trouble: `telemetry/notify.py`,
    `watch` what processes and the computer are watched for.
    """

    strategy: list[_StrategyTable] = []
    risk: dict[str, RiskTable] = {}
    calendar: _CalendarTable = msgspec.field(default_factory=_CalendarTable)
    policy: _PolicyTable = msgspec.field(default_factory=_PolicyTable)
    broker: dict[str, int] = {}
    settlement: dict[str, int | float | str] = {}
    model: _ModelTable = msgspec.field(default_factory=_ModelTable)
    alerts: dict[str, object] = {}
    watch: _WatchTable = msgspec.field(default_factory=_WatchTable)

    def settlements(self) -> dict[str, int]:
        """Final settlement prices in ticks, by whole symbol.

        Raises:
            BadInput: one is no price of its contract.
        """
        found: dict[str, int] = {}
        for symbol, price in self.settlement.items():
            item = instrument(symbol)
            try:
                found[item.symbol] = item.to_ticks(Decimal(str(price)))
            except InvalidOperation as error:
                raise BadInput(f"settlement: {symbol} = {price!r} is no price: write a number") from error
        return found

    def book_policy(self) -> Policy:
        """The policy in nanoseconds.

        Raises:
            BadInput: a time is not above zero.
        """
        table = msgspec.structs.asdict(self.policy)
        others = {name: table.pop(name) for name in ("strangers", "breaker_failures")}
        for name, value in table.items():
            if value < 0 or (value == 0 and name != "flat_before_expiry_ms"):
                raise BadInput(f"policy: {name} is {value}: give milliseconds above zero")
        times = {f"{name.removesuffix('_ms')}_ns": value * _MILLISECOND for name, value in table.items()}
        return msgspec.convert({**others, **times}, Policy)

    def faults(self) -> dict[str, int]:
        """How a simulated broker misbehaves.

        Raises:
            BadInput: a fault that it does not know, or out of its range.
        """
        read_faults(self.broker)
        return dict(self.broker)

    def strategies(self, symbols: tuple[str, ...]) -> tuple[StrategySettings, ...]:
        """The strategies, each on its own symbols or on those of the run."""
        found: list[StrategySettings] = []
        for table in self.strategy:
            legs = tuple(whole_symbol(symbol) for symbol in table.symbols) or symbols
            conditions = {
                str(entry.get("name", f"c{n}")): entry for n, entry in enumerate(table.condition, start=1)
            }
            if len(conditions) < len(table.condition):
                raise BadInput(f"strategy {table.name or table.use}: two conditions have the same name")
            if table.book_stop is not None and table.book_stop <= 0:
                raise BadInput(f"strategy {table.name or table.use}: book_stop must be above zero")
            found.append(
                StrategySettings(
                    name=table.name or table.use,
                    use=table.use,
                    symbols=legs,
                    settings=table.set,
                    conditions=conditions,
                    book_stop=table.book_stop or book_stop_of(legs),
                    on_stop=table.on_stop,
                )
            )
        return tuple(found)

    def closed_days(self) -> dict[int, str]:
        """Days that the calendar must treat otherwise, by trading day.

        Raises:
            BadInput: one is no date, or is both open and closed.
        """
        closed, opened = (
            {parse_day(day) for day in days} for days in (self.calendar.closed, self.calendar.open)
        )
        for day in sorted(closed & opened):
            raise BadInput(f"calendar: {day} is both open and closed; keep one of the two")
        return {**dict.fromkeys(closed, "closed"), **dict.fromkeys(opened, "open")}


def load_settings(path: Path) -> SettingsFile:
    """Reads `autofutures.toml`.

    Raises:
        BadInput: it is missing, is not TOML, or holds what we do not know; the text names the place.
    """
    try:
        return msgspec.convert(load_toml(path), SettingsFile)
    except msgspec.ValidationError as error:
        raise BadInput(f"{path}: {error}") from error


def write_run(settings: RunSettings, path: Path) -> None:
    """Writes a run's settings where its processes read them."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(settings), indent=2))


def read_run(path: Path) -> RunSettings:
    """Reads a run's settings back.

    Raises:
        BadInput: the file is missing or damaged.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=RunSettings)
    except (OSError, msgspec.MsgspecError) as error:
        raise BadInput(f"{path} is not a run's settings: {error}") from error
