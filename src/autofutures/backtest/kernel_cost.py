"""What the kernel costs for each event, beside bare loops of the same arithmetic over the same arrays."""

import subprocess
import sys
from collections.abc import Callable
from functools import partial
from types import FunctionType
from typing import ClassVar, Literal, NamedTuple, Protocol, cast

import msgspec
import numpy as np
from numba import njit
from numpy.typing import NDArray

from autofutures import clock
from autofutures.assemble import nodes
from autofutures.assemble.market import make_exchange
from autofutures.backtest import takes
from autofutures.backtest.kernel.machine import Machine
from autofutures.config import RunSettings, StrategySettings, environment_of_children
from autofutures.data.feed import events
from autofutures.data.stream import QUOTE, TICK, Chunk
from autofutures.domain.errors import BrokenInvariant
from autofutures.domain.messages import Bar, OrderChanged, Refused, Tick
from autofutures.domain.order_life import Status
from autofutures.domain.units import SECOND
from autofutures.engine import Engine
from autofutures.market.contract_days import sessions_of
from autofutures.market.sessions import Session
from autofutures.strategies.base import Strategy
from autofutures.strategies.context import Context
from autofutures.strategies.load import make, place_of

SYMBOL = "TAIFEX:TXF202608"
DAY = 20260803
START = 20_000
LADDER = 32
REPEATS = 12
NODES_REPEATS = 4

Columns = NDArray[np.int64]


class EmaBars(Strategy):
    """The averages of `ema_cross` over bars of one trade."""

    exits: ClassVar[Literal["plans", "own"]] = "own"
    bars: ClassVar[tuple[str, ...]] = ("1t",)

    fast: int = 20
    slow: int = 60

    _fast_mean: float = 0.0
    _slow_mean: float = 0.0
    _sign: int = 0

    def on_bar(self, bar: Bar, ctx: Context) -> None:
        """Moves both averages, and acts on a new sign."""
        price = float(bar.close_ticks)
        if self._fast_mean == 0.0:
            self._fast_mean = price
            self._slow_mean = price
        self._fast_mean += (price - self._fast_mean) * (2.0 / (self.fast + 1.0))
        self._slow_mean += (price - self._slow_mean) * (2.0 / (self.slow + 1.0))
        difference = self._fast_mean - self._slow_mean
        sign = 1 if difference > 0.0 else -1
        if difference == 0.0 or sign == self._sign:
            return
        self._sign = sign
        missing = sign - (ctx.position + ctx.working)
        if missing > 0:
            ctx.buy_market(missing)
        elif missing < 0:
            ctx.sell_market(-missing)


class Ladder(Strategy):
    """64 orders at rest, 1 to 32 ticks on each side of the market; one that is filled is replaced at the far end."""

    exits: ClassVar[Literal["plans", "own"]] = "own"

    _ready: bool = False

    def on_tick(self, tick: Tick, ctx: Context) -> None:
        """Puts the ladder up once."""
        if self._ready:
            return
        self._ready = True
        for step in range(1, LADDER + 1):
            ctx.buy_limit(1, tick.price_ticks - step)
            ctx.sell_limit(1, tick.price_ticks + step)

    def on_order(self, event: OrderChanged | Refused, ctx: Context) -> None:
        """Replaces what was filled."""
        if event.status != Status.FILLED:
            return
        if ctx.working >= 0:
            ctx.sell_limit(1, ctx.last_ticks + LADDER)
        else:
            ctx.buy_limit(1, ctx.last_ticks - LADDER)


class Turner(Strategy):
    """Buys and sells one contract in turn, every so many trades."""

    exits: ClassVar[Literal["plans", "own"]] = "own"

    every: int = 10

    _n: int = 0

    def on_tick(self, tick: Tick, ctx: Context) -> None:
        """Counts, and turns."""
        self._n += 1
        if self._n % self.every == 0:
            if ctx.position > 0:
                ctx.sell_market(1)
            else:
                ctx.buy_market(1)


class Figures(msgspec.Struct, frozen=True):
    """One strategy beside its bare loop; the best of several runs of each, in turn."""

    events: int
    events_per_s: int
    floor_events_per_s: int
    over_floor: float
    orders: int
    fills: int


class Cost(msgspec.Struct, frozen=True):
    """All of it."""

    first_compile_s: float | None
    """Null where everything was in the cache."""
    cached_start_s: float
    """Of a fresh process, from its first import to its first result, once everything is in the cache."""
    ema_ticks: Figures
    ema_bars: Figures
    maker_quotes: Figures
    resting_64: Figures
    nodes_events_per_s: int
    cost_per_order_ratio: float
    """Of the kernel: an order among the last ten thousand of a hundred thousand beside one of the first."""


class _Loop(Protocol):
    """A bare loop, compiled."""

    def __call__(self, *columns: object) -> int: ...


def _compiled(loop: FunctionType) -> _Loop:
    return cast("_Loop", njit(loop))


class _Case(NamedTuple):
    use: str
    settings: dict[str, int | float | bool | str]
    chunk: Chunk
    floor: Callable[[], int]
    market: Literal["prints", "quotes"] = "prints"


def run_of(
    use: str, settings: dict[str, int | float | bool | str], market: Literal["prints", "quotes"]
) -> RunSettings:
    """A run of one strategy whose limits are wide, so that what is measured is not refused."""
    return RunSettings(
        symbols=(SYMBOL,),
        day=DAY,
        source="recorded",
        market=market,
        strategies=(
            StrategySettings(
                name="s", use=use, symbols=(SYMBOL,), settings=settings, exits="own", book_stop=10**15
            ),
        ),
        limits={
            "position": {"max_contracts": 10**9},
            "message_rate": {"max_per_second": 1_000},
            "collar": {"max_bp": 10_000},
        },
        slippage_ticks=0 if market == "quotes" else 1,
    )


def _session() -> Session:
    run = run_of("ema_cross", {}, "prints")
    return sessions_of(SYMBOL, DAY, nodes.calendar_of(run))[-1]


def ticks(count: int, seed: int = 1) -> Chunk:
    """A walk of so many trades through one session."""
    rng = np.random.default_rng(seed)
    session = _session()
    at = session.opens_at + np.sort(rng.integers(0, session.closes_at - session.opens_at, count))
    price = START + np.cumsum(rng.integers(-1, 2, count))
    return _chunk(at, TICK, (price, rng.integers(1, 6, count)))


def quotes(count: int, seed: int = 2) -> Chunk:
    """A walk of so many quotes, one tick wide: sizes change with each, the price with two of a hundred, as ES's do."""
    rng = np.random.default_rng(seed)
    session = _session()
    at = session.opens_at + np.sort(rng.integers(0, session.closes_at - session.opens_at, count))
    bid = START + np.cumsum(rng.choice([-1, 0, 1], count, p=[0.01, 0.98, 0.01]))
    return _chunk(at, QUOTE, (bid, rng.integers(1, 40, count), bid + 1, rng.integers(1, 40, count)))


def _chunk(at: Columns, kind: int, given: tuple[Columns, ...]) -> Chunk:
    count = len(at)
    columns = [np.ascontiguousarray(column, np.int64) for column in given]
    columns += [np.zeros(count, np.int64)] * (4 - len(columns))
    return Chunk(at, np.full(count, kind, np.uint8), np.zeros(count, np.uint8), *columns)


def _ema_floor(price: Columns, fast: float, slow: float) -> int:
    mean, other, sign, position, orders = float(price[0]), float(price[0]), 0, 0, 0
    for index in range(len(price)):
        now = float(price[index])
        mean += (now - mean) * (2.0 / (fast + 1.0))
        other += (now - other) * (2.0 / (slow + 1.0))
        difference = mean - other
        if difference == 0.0:
            continue
        turned = 1 if difference > 0.0 else -1
        if turned != sign:
            sign = turned
            position += sign - position
            orders += 1
    return orders


def _maker_floor(bid: Columns, bid_qty: Columns, ask: Columns, ask_qty: Columns) -> int:
    ours_bid, ours_ask, held, orders = 0, 0, 0, 0
    for index in range(len(bid)):
        if ours_bid > 0 and ask[index] <= ours_bid:
            held += 1
            ours_bid = 0
        if ours_ask > 0 and bid[index] >= ours_ask:
            held -= 1
            ours_ask = 0
        lean = 2 * abs(held) // 5
        want_bid = bid[index] - (lean if held > 0 else 0)
        want_ask = ask[index] + (lean if held <= 0 else 0)
        if bid_qty[index] > 0 and ask_qty[index] > 0:
            if abs(ours_bid - want_bid) > 0 and held < 5:
                ours_bid = want_bid
                orders += 1
            if abs(ours_ask - want_ask) > 0 and held > -5:
                ours_ask = want_ask
                orders += 1
    return orders


def _ladder_floor(price: Columns, qty: Columns) -> int:
    best_bid, best_ask, queue, fills = price[0] - 1, price[0] + 1, 20, 0
    for index in range(len(price)):
        now = price[index]
        if best_bid < now < best_ask:
            continue
        if now in (best_bid, best_ask):
            queue -= qty[index]
            if queue > 0:
                continue
        queue = 20
        fills += 1
        if now <= best_bid:
            best_bid -= 1
            best_ask -= 1
        else:
            best_bid += 1
            best_ask += 1
    return fills


def _seconds(work: Callable[[], object]) -> float:
    started = clock.stopwatch_ns()
    work()
    return (clock.stopwatch_ns() - started) / SECOND


def _measure(case: _Case) -> Figures:
    run = run_of(case.use, case.settings, case.market)
    best, floor = float("inf"), float("inf")
    orders = fills = 0
    case.floor()
    for _ in range(REPEATS):
        floor = min(floor, _seconds(case.floor))
        strategy = make(case.use, case.settings)
        machine = Machine(run, strategy, takes.compiled(strategy))
        best = min(best, _seconds(partial(machine.take, case.chunk)))
        orders, fills = int(machine.memory["orders_n"][0]), int(machine.memory["fills_n"][0])
    count = len(case.chunk)
    return Figures(
        events=count,
        events_per_s=round(count / best),
        floor_events_per_s=round(count / floor),
        over_floor=round(floor / best, 3),
        orders=orders,
        fills=fills,
    )


def _nodes(chunk: Chunk) -> int:
    """The best of a few runs, as all other figures are."""
    run = run_of("ema_cross", {"fast": 20, "slow": 60}, "prints")
    feed = list(events([chunk], run.symbols, lambda *_: "day"))
    best = float("inf")
    for _ in range(NODES_REPEATS):
        hosts = [nodes.make_host(run, strategy) for strategy in run.strategies]
        tally = nodes.make_tally(run, keeps=False)
        engine = Engine(make_exchange(run), nodes.make_trader(run), hosts, tally)
        best = min(best, _seconds(partial(engine.run, feed)))
    return round(len(feed) / best)


def _order_ratio() -> float:
    """How much an order costs late in a run beside one early in it, on the kernel."""
    every = 10
    chunk = ticks(100_000 * every + every)
    use = place_of(Turner)
    strategy = make(use, {"every": every})
    machine = Machine(run_of(use, {"every": every}, "prints"), strategy, takes.compiled(strategy))
    part = 9_000 * every
    machine.take(chunk.part(0, 1_000 * every))
    early = _seconds(lambda: machine.take(chunk.part(1_000 * every, 1_000 * every + part)))
    machine.take(chunk.part(1_000 * every + part, 91_000 * every))
    late = _seconds(lambda: machine.take(chunk.part(91_000 * every, 91_000 * every + part)))
    return round(late / early, 3)


def measure(scale: float = 1.0) -> Cost:
    """Measures all of it; `scale` makes the markets shorter."""
    two, one = round(2_000_000 * scale), round(1_000_000 * scale)
    compiled: list[float] = []
    walk, short, book = ticks(two), ticks(one), quotes(two)
    ema, maker, ladder = (
        _compiled(cast("FunctionType", loop)) for loop in (_ema_floor, _maker_floor, _ladder_floor)
    )
    cases = {
        "ema_ticks": _Case("ema_cross", {"fast": 20, "slow": 60}, walk, lambda: ema(walk.a, 20.0, 60.0)),
        "ema_bars": _Case(place_of(EmaBars), {}, short, lambda: ema(short.a, 20.0, 60.0)),
        "maker_quotes": _Case(
            "market_maker",
            {"rest_ms": 0},
            book,
            lambda: maker(book.a, book.b, book.c, book.d),
            "quotes",
        ),
        "resting_64": _Case(place_of(Ladder), {}, walk, lambda: ladder(walk.a, walk.b)),
    }
    for case in cases.values():
        _warm(case, compiled)
    figures = {name: _measure(case) for name, case in cases.items()}
    return Cost(
        first_compile_s=round(sum(compiled), 2) if compiled else None,
        cached_start_s=_cached_start(),
        ema_ticks=figures["ema_ticks"],
        ema_bars=figures["ema_bars"],
        maker_quotes=figures["maker_quotes"],
        resting_64=figures["resting_64"],
        nodes_events_per_s=_nodes(ticks(max(1_000, round(200_000 * scale)))),
        cost_per_order_ratio=_order_ratio(),
    )


def _warm(case: _Case, compiled: list[float]) -> None:
    """Compiles a strategy, and notes how long that took, or takes it from the cache."""
    from autofutures.backtest import compile as linker  # noqa: PLC0415 - Numba takes its time to import

    strategy = make(case.use, case.settings)
    started = clock.stopwatch_ns()
    linked = linker.link(type(strategy))
    seconds = (clock.stopwatch_ns() - started) / SECOND
    if linked.misses:
        compiled.append(seconds)


def _cached_start() -> float:
    """Asks a fresh process."""
    ran = subprocess.run(
        [sys.executable, "-m", "autofutures.backtest.cached_start"],
        capture_output=True,
        text=True,
        check=False,
        env=environment_of_children({}),
    )
    if ran.returncode:
        raise BrokenInvariant(f"a fresh process could not run the kernel:\n{ran.stderr}")
    return float(ran.stdout)


def first_result() -> int:
    """Runs `ema_cross` over a short market on the compiled kernel; how many orders it made."""
    strategy = make("ema_cross", {})
    machine = Machine(run_of("ema_cross", {}, "prints"), strategy, takes.compiled(strategy))
    machine.take(ticks(1_000))
    return len(machine.rows().orders)
