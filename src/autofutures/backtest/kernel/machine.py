"""A run on the kernel: its memory is laid out from the settings, chunks of events go in, rows come out."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from autofutures.assemble import nodes
from autofutures.backtest.kernel import loop, mouth, state
from autofutures.backtest.kernel import words as w
from autofutures.backtest.kernel.state import NEVER, Tables
from autofutures.config import RunSettings
from autofutures.data.stream import Chunk
from autofutures.domain.errors import BadInput, BrokenInvariant
from autofutures.domain.messages import TRADER_K, ExitPlan, Intent, Restored, Saved, WakeAt
from autofutures.market.bars import parse_span, session_code
from autofutures.market.expiry import last_day_of
from autofutures.market.quotes import ANY_PRICE, LOWEST
from autofutures.market.sessions import NIGHT, Calendar, Session
from autofutures.orders.cover import Cover
from autofutures.risk import RULES
from autofutures.risk.exit_plan import flaw, protects
from autofutures.risk.gate import make_gate
from autofutures.strategies.base import Strategy
from autofutures.strategies.host import Host

ROWS = 1 << 16
"""How many rows of orders or fills are written before they are taken away."""

_MARGIN = 4 * state.MAX_HEARD
"""What one event may write beyond that."""

_SPARE_DAYS = 3
"""Trading days of which the sessions are known beyond the run's last."""

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


def check(run: RunSettings) -> None:
    """Refuses what the kernel cannot do as the nodes do it.

    Raises:
        BadInput: the text says what, and that the nodes can.
    """
    reason = ""
    if len(run.strategies) != 1:
        reason = f"it runs one strategy, and {len(run.strategies)} were given"
    elif run.series:
        reason = "the contracts of a series change, which only the nodes follow"
    elif run.strategies[0].symbols != run.symbols:
        reason = "its strategy must trade every symbol that the run hears, in the same sequence"
    elif run.strategies[0].conditions:
        reason = "conditions are commands, which only the nodes hear"
    elif len(run.symbols) > state.MAX_LEGS:
        reason = f"it knows {state.MAX_LEGS} symbols, and {len(run.symbols)} were given"
    elif run.source == "generated":
        reason = "a generated session has a book of its own, which only the nodes keep"
    elif run.market == "depth":
        reason = "it keeps no book of every price: give --market quotes"
    elif run.faults:
        reason = "a broker that misbehaves is only simulated by the nodes"
    elif run.strategies[0].exits not in ("", "own", "plans"):
        reason = f"exits = {run.strategies[0].exits!r} is not known"
    if reason:
        raise BadInput(f"--engine kernel cannot run this: {reason}. Use --engine nodes")


class Machine:
    """One run.

    Args:
        run: what is run.
        strategy: decides; its `on_start` has not been called yet.
        take: compiled or interpreted.

    Raises:
        BadInput: the settings ask for what the kernel does not do.
    """

    def __init__(self, run: RunSettings, strategy: Strategy, take: Take) -> None:
        check(run)
        self.run = run
        self.strategy = strategy
        self.memory = np.zeros(1, state.STATE)
        self._take = take
        self._written: list[Rows] = []
        self._begun = False
        self._calendar = nodes.calendar_of(run)
        settings = run.strategies[0]
        host = Host(settings.name, strategy, settings.symbols, nodes.view_of(run))
        positions = dict.fromkeys(run.symbols, 0)
        restored = Restored(settings.name, 0, b"", (), (), (), positions)
        self._first = host.handle(restored, 0)
        self.plans = plans = host.exit_plans
        self._lay_out(nodes.cover_of(settings), plans)
        self.tables = Tables(
            self._sessions(),
            self._bands(),
            self._terms(plans),
            **_fresh(),
            placed=np.zeros(ROWS + _MARGIN, state.PLACED),
        )

    # --- laying out

    def _lay_out(self, cover: Cover, plans: Sequence[ExitPlan | None]) -> None:
        run, memory = self.run, self.memory
        numbers = _limits(run)
        values = {
            "latency_ns": run.order_latency_ns,
            "slippage_ticks": run.slippage_ticks,
            "queue_contracts": run.queue_contracts,
            "mwp_points": run.mwp_points,
            "fee": run.fee,
            "legs_n": len(run.symbols),
            "terms_n": len(plans) - 1,
            "bars_n": len(self.strategy.bars),
            "must_plan": cover.exits == "plans",
            "next_timer": NEVER,
            "placed_room": ROWS,
            "own_k": TRADER_K,
            "free_n": state.MAX_ORDERS,
            "plan_free_n": state.MAX_PLANS,
            **numbers,
        }
        for name, value in values.items():
            memory[name] = value
        memory["free"] = np.arange(state.MAX_ORDERS)[::-1]
        memory["plan_free"] = np.arange(state.MAX_PLANS)[::-1]
        if len(self.strategy.bars) > state.MAX_BARS:
            raise BadInput(f"--engine kernel knows {state.MAX_BARS} spans of bars: use --engine nodes")
        for number, text in enumerate(self.strategy.bars):
            span = parse_span(text)
            memory["span_size"][0, number] = span.size
            memory["span_kind"][0, number] = ("time", "trades", "contracts").index(span.kind)
        legs = memory["legs"][0]
        legs["lo"], legs["hi"], legs["session"] = -NEVER, NEVER, -1
        legs["ranges"]["number"] = -1
        finals = nodes.finals_of(run)
        for leg, item in enumerate(nodes.instruments_of(run).values()):
            value = item.product.tick_value
            legs["inverse_value"][leg] = item.product.inverse_value
            final = finals.get(item.symbol)
            if final is not None:
                legs["final_code"][leg] = 2 * final.day + (final.session != NIGHT)
                legs["final_price"][leg] = final.price_ticks
            legs["quoted"][leg] = run.market == "quotes"
            legs["lowest"][leg] = ANY_PRICE if item.is_spread else LOWEST
            legs["band"][leg] = -1
            legs["is_spread"][leg] = item.is_spread
            legs["tick_value"][leg] = value
            legs["tax_rate_ppb"][leg] = item.product.tax_rate_ppb
            if cover.exits == "own" and cover.book_stop:
                legs["stop_limit"][leg] = max(1, cover.book_stop // (value or 1))

    def _sessions(self) -> NDArray[np.void]:
        rows: list[tuple[int, ...]] = []
        legs = self.memory["legs"][0]
        for leg, item in enumerate(nodes.instruments_of(self.run).values()):
            legs["session_first"][leg] = len(rows)
            last_day = last_day_of(item, self._calendar)
            found = _sessions_from(self.run, item.product.sessions, last_day, self._calendar)
            rows += [
                (one.opens_at, one.closes_at, one.ends_at, one.accepts_from, one.day, session_code(one))
                for one in found
            ]
            legs["session_end"][leg] = len(rows)
        return np.array(rows, state.SESSION)

    def _bands(self) -> NDArray[np.void]:
        rows: list[tuple[int, int, int, int]] = []
        legs = self.memory["legs"][0]
        for leg, bands in enumerate(nodes.bands_of(self.run).values()):
            legs["band_first"][leg], legs["band"][leg] = len(rows), len(rows)
            for since, (low, high) in zip(bands.starts, bands.limits, strict=True):
                rows.append((since, 0, low, high))
            legs["band_end"][leg] = len(rows)
            legs["low"][leg], legs["high"][leg] = bands.limits[0]
        return np.array(rows, state.BAND)

    def _terms(self, plans: Sequence[ExitPlan | None]) -> NDArray[np.void]:
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

    def take(self, chunk: Chunk, count: int = -1) -> None:
        """Takes the events of a chunk.

        Raises:
            BadInput: the strategy did what only the nodes can follow.
            BrokenInvariant: the strategy answers itself without end.
        """
        if not self._begun and len(chunk.at):
            self._begin(int(chunk.at[0]))
        number = 0
        size = len(chunk.at) if count < 0 else count
        while number < size:
            number = self._take(self.tables, self.memory, chunk, number, size, 0)
            self._empty()

    def finish(self, at: int) -> None:
        """The feed has ended."""
        self._take(self.tables, self.memory, None, 0, loop.END, at)
        self._empty()

    def _empty(self) -> None:
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
        whole = (
            [np.concatenate(parts) for parts in zip(*self._written, strict=True)]
            if self._written
            else [
                np.zeros(0, kind)
                for kind in (state.ORDER_ROW, state.FILL_ROW, state.REFUSAL_ROW, state.POINT_ROW)
            ]
        )
        orders, fills, refusals, points = whole
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


def _fresh() -> dict[str, NDArray[np.void]]:
    """Empty tables of what a run writes."""
    kinds = (state.ORDER_ROW, state.FILL_ROW, state.REFUSAL_ROW, state.POINT_ROW)
    names = ("orders", "fills", "refusals", "points")
    return {name: np.empty(ROWS + _MARGIN, kind) for name, kind in zip(names, kinds, strict=True)}


def _limits(run: RunSettings) -> dict[str, int]:
    """The limits of the gate's rules."""
    unknown = set(RULES) - w.SETTLED_RULES - set(w.RULE_IDS)
    if unknown:
        raise BadInput(f"--engine kernel does not know rule {', '.join(sorted(unknown))}: use --engine nodes")
    rules = {rule.id: vars(rule) for rule in make_gate(run.limits).rules}
    limits = {
        "max_age_ms": rules["stale_tick"]["max_age_ms"],
        "max_order": rules["order_size"]["max_contracts"],
        "max_position": rules["position"]["max_contracts"],
        "max_bp": rules["collar"]["max_bp"],
        "max_rate": rules["message_rate"]["max_per_second"],
    }
    if limits["max_rate"] > state.MAX_RATE:
        raise BadInput(f"--engine kernel counts {state.MAX_RATE} orders a second at most: use --engine nodes")
    return limits


def _sessions_from(run: RunSettings, sessions_id: str, last_day: int, calendar: Calendar) -> list[Session]:
    """Every session of the run's days, and of some after them."""
    found: list[Session] = []
    day, spare = run.day, 0
    while spare <= _SPARE_DAYS:
        found += calendar.sessions_of(day, sessions_id, last_day)
        spare += day >= run.last_day
        day = calendar.next_trading_day(day, sessions_id)
    return found
