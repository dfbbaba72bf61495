"""A run on the kernel: its memory is laid out from the settings, chunks of events go in, rows come out."""

from collections.abc import Callable, Sequence
from mmap import MAP_PRIVATE, mmap
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from autofutures.backtest.kernel import loop, mouth, state
from autofutures.backtest.kernel import words as w
from autofutures.backtest.kernel.layout import ROWS, Layout
from autofutures.backtest.kernel.state import Tables
from autofutures.config import RunSettings
from autofutures.data.stream import Chunk
from autofutures.domain.errors import BadInput, BrokenInvariant
from autofutures.domain.messages import ExitPlan, Intent, Restored, Saved, WakeAt
from autofutures.market.bars import parse_span
from autofutures.risk.exit_plan import flaw, protects
from autofutures.strategies.base import Strategy
from autofutures.strategies.host import Host

_MARGIN = 4 * state.MAX_HEARD
"""What one event may write beyond that."""

_STOPPED = {
    w.TOO_MANY_ORDERS: f"more than {state.MAX_ORDERS} orders were alive at once",
    w.TOO_MANY_PLANS: f"more than {state.MAX_PLANS} exit plans were open at once",
    w.TOO_MANY_DECISIONS: f"the strategy took more than {state.MAX_SAID} decisions at one moment",
    w.TOO_MANY_TIMERS: f"more than {state.MAX_TIMERS} timers were waiting at once",
    w.TOO_MUCH_HEARD: f"one moment brought more than {state.MAX_HEARD} messages",
    w.BAD_LEG: "an order was for leg {value}, which the strategy does not have",
    w.BAD_PLAN: "an order named exit plan {value}, which was not declared",
}

_BROKEN = {
    w.ENDLESS_ANSWERS: "the strategy answered its own verdicts 16 times at one moment: it decides again on refusals",
    w.ENDLESS_TIMERS: "the strategy was woken 1,000 times at one moment: it asks again for the moment that it is in",
}


_COUNTS = ("out_orders", "out_fills", "out_refusals", "out_points")
"""How many rows of each table of `Rows` are written."""


class Rows(NamedTuple):
    """What a run wrote, as structured arrays in its sequence."""

    orders: NDArray[np.void]
    fills: NDArray[np.void]
    refusals: NDArray[np.void]
    points: NDArray[np.void]


Take = Callable[[Tables, NDArray[np.void], Chunk | None, int, int, int], int]
"""Runs a chunk from an event on: tables, state, events, the first, their number (or `BEGIN`, `END`), the moment."""


class Machine:
    """One run.

    Args:
        run: what is run.
        strategy: decides; its `on_start` has not been called yet.
        take: compiled or interpreted.
        layout: of the same run, where several strategies share it.
        memory: one record of zeros, where whoever calls has it among others.

    Raises:
        BadInput: the settings ask for what the kernel does not do.
    """

    def __init__(
        self,
        run: RunSettings,
        strategy: Strategy,
        take: Take,
        layout: Layout | None = None,
        memory: NDArray[np.void] | None = None,
    ) -> None:
        layout = layout or Layout(run)
        self.run = run
        self.strategy = strategy
        self.memory = zeros(1, state.STATE) if memory is None else memory
        layout.fill(self.memory)
        self._take = take
        self._written: list[Rows] = []
        self._begun = False
        settings = run.strategies[0]
        host = Host(settings.name, strategy, settings.symbols, layout.view)
        positions = dict.fromkeys(run.symbols, 0)
        restored = Restored(settings.name, 0, b"", (), (), (), positions)
        self._first = host.handle(restored, 0)
        self.plans = plans = host.exit_plans
        self._lay_out_bars()
        self.tables = Tables(
            layout.sessions,
            layout.bands,
            self._terms(plans),
            **_fresh(),
            placed=zeros(ROWS + _MARGIN, state.PLACED),
        )

    # --- laying out

    def _lay_out_bars(self) -> None:
        spans = self.strategy.bars
        if len(spans) > state.MAX_BARS:
            raise BadInput(f"--engine kernel knows {state.MAX_BARS} spans of bars: use --engine nodes")
        self.memory["bars_n"] = len(spans)
        for number, text in enumerate(spans):
            span = parse_span(text)
            self.memory["span_size"][0, number] = span.size
            self.memory["span_kind"][0, number] = ("time", "trades", "contracts").index(span.kind)

    def _terms(self, plans: Sequence[ExitPlan | None]) -> NDArray[np.void]:
        self.memory["terms_n"] = len(plans) - 1
        table = np.zeros(max(1, len(plans) - 1), state.TERMS)
        ranges: list[tuple[int, int]] = []
        for number, plan in enumerate(plans[1:]):
            if plan is None:
                raise BrokenInvariant("an exit plan has no terms: only the first place of the table is empty")
            if len(plan.levels) > state.MAX_LEVELS:
                raise BadInput(
                    f"--engine kernel knows {state.MAX_LEVELS} levels of a plan: use --engine nodes"
                )
            row = table[number : number + 1]
            for name in state.TERMS.names or ():
                if hasattr(plan, name) and name != "levels":
                    row[name] = getattr(plan, name)
            row["levels"] = len(plan.levels)
            for level, (distance, percent) in enumerate(plan.levels):
                row["at"][0, level], row["percent"][0, level] = distance, percent
            row["flawed"], row["protects"], row["range"] = bool(flaw(plan)), protects(plan), -1
            if plan.trail_atr:
                key = (plan.atr_span_ns, plan.atr_periods)
                if key not in ranges:
                    ranges.append(key)
                row["range"] = ranges.index(key)
        if len(ranges) > state.MAX_RANGES:
            raise BadInput(f"--engine kernel measures {state.MAX_RANGES} true ranges: use --engine nodes")
        for column, (span_ns, periods) in enumerate(ranges):
            self.memory["range_span_ns"][0, column] = span_ns
            self.memory["range_periods"][0, column] = periods
        return table

    @property
    def given(self) -> int:
        """Trades so far, those that could not be any among them."""
        return int(self.memory["ticks"][0] + self.memory["bad_ticks"][0])

    # --- running

    def _begin(self, at: int) -> None:
        """What the strategy decided in `on_start`; timers that were due before the first event ring with it."""
        self._begun = True
        whole = self.memory.view(np.recarray)[0]
        for decision in self._first:
            match decision:
                case WakeAt():
                    loop.set_timer(whole, max(decision.at, at), decision.timer)
                case Intent():
                    plan = 0 if decision.exit is None else self._plan_number(decision.exit)
                    terms = (decision.price_ticks, decision.stop_ticks, int(decision.tif))
                    mouth.place(
                        whole,
                        int(decision.side),
                        decision.qty,
                        int(decision.type),
                        *terms,
                        decision.leg,
                        plan,
                        decision.why,
                        0 if decision.exit is None else decision.exit.plan_ticks,
                    )
                case Saved():
                    pass
                case _:
                    raise BadInput(
                        f"--engine kernel hears no {type(decision).__name__} from on_start: use --engine nodes"
                    )
        if self.memory["said_n"][0]:
            self._take(self.tables, self.memory, None, 0, loop.BEGIN, 0)

    def _plan_number(self, plan: ExitPlan) -> int:
        bare = msgspec.structs.replace(plan, plan_ticks=0)
        return self.plans.index(bare)

    def begin(self, at: int) -> None:
        """What the strategy decided in `on_start`, at the time of the first event; again it does nothing."""
        if not self._begun:
            self._begin(at)

    def take(self, chunk: Chunk, count: int = -1, first: int = 0) -> None:
        """Takes the events of a chunk from one on; `count` is how many of its events there are, all unless told.

        Raises:
            BadInput: the strategy did what only the nodes can follow.
            BrokenInvariant: the strategy answers itself without end.
        """
        if len(chunk.at):
            self.begin(int(chunk.at[0]))
        number = first
        size = len(chunk.at) if count < 0 else count
        while number < size:
            number = self._take(self.tables, self.memory, chunk, number, size, 0)
            self.empty()

    def finish(self, at: int) -> None:
        """The feed has ended."""
        self._take(self.tables, self.memory, None, 0, loop.END, at)
        self.empty()

    def empty(self) -> None:
        """Takes away what was written, and refuses to go on where something is wrong."""
        memory = self.memory
        error = int(memory["error"][0])
        if error in _BROKEN:
            raise BrokenInvariant(_BROKEN[error])
        if error:
            words = _STOPPED[error].format(value=int(memory["error_value"][0]))
            raise BadInput(f"--engine kernel stopped: {words}. Use --engine nodes")
        if any(memory[name][0] > ROWS for name in _COUNTS):
            self._take_away()
        if memory["placed_n"][0] > memory["placed_room"][0]:
            memory["placed_room"] *= 2
            grown = np.zeros(int(memory["placed_room"][0]) + _MARGIN, state.PLACED)
            grown[: len(self.tables.placed)] = self.tables.placed
            self.tables = self.tables._replace(placed=grown)

    def _take_away(self) -> None:
        """What is written goes to what was written before, and the tables are new ones."""
        counts = [int(self.memory[name][0]) for name in _COUNTS]
        if any(counts):
            tables = self.tables
            whole = (tables.orders, tables.fills, tables.refusals, tables.points)
            self._written.append(Rows(*(rows[:count] for rows, count in zip(whole, counts, strict=True))))
            self.tables = tables._replace(**_fresh())
            for name in _COUNTS:
                self.memory[name] = 0

    def rows(self) -> Rows:
        """All that was written so far."""
        self._take_away()
        if not self._written:
            self._written = [Rows(*(rows[:0] for rows in _fresh().values()))]
        elif len(self._written) > 1:
            self._written = [Rows(*map(_joined, zip(*self._written, strict=True)))]
        orders, fills, refusals, points = self._written[0]
        if len(points):
            last = np.append(points["at"][1:] != points["at"][:-1], [True])
            points = points[last]  # A moment that two batches share has its later point.
        return Rows(orders, fills, refusals, points)

    # --- snapshots

    def snapshot(self) -> bytes:
        """The run as bytes: another machine of the same settings goes on from there, compiled or not."""
        self._take_away()
        return msgspec.msgpack.encode(
            (self.memory.tobytes(), self.tables.placed.tobytes(), self.strategy.pack(), self._begun)
        )

    def restore(self, kept: bytes) -> None:
        """Goes on from a snapshot."""
        memory, placed, strategy, self._begun = msgspec.msgpack.decode(kept)
        self.memory[:] = np.frombuffer(memory, state.STATE)
        self.tables = self.tables._replace(placed=np.frombuffer(placed, state.PLACED).copy())
        self.strategy.unpack(strategy)


def zeros(count: int, kind: np.dtype[np.void]) -> NDArray[np.void]:
    """So many records of zeros, of which only what is touched is ever memory: most of a run's is not."""
    return np.frombuffer(mmap(-1, count * kind.itemsize, MAP_PRIVATE), kind)


def _joined(parts: Sequence[NDArray[np.void]]) -> NDArray[np.void]:
    """Tables one after the other. They are integers throughout: as such they are copied ten times as fast."""
    return np.concatenate([part.view(np.int64) for part in parts]).view(parts[0].dtype)


def _fresh() -> dict[str, NDArray[np.void]]:
    """Empty tables of what a run writes."""
    kinds = (state.ORDER_ROW, state.FILL_ROW, state.REFUSAL_ROW, state.POINT_ROW)
    names = ("orders", "fills", "refusals", "points")
    return {name: np.empty(ROWS + _MARGIN, kind) for name, kind in zip(names, kinds, strict=True)}
