"""What a run fixes before its strategy is known: sessions, price limits, the gate's limits, the memory's first values.

A search lays it out once for all its sets.
"""

import numpy as np
from numpy.typing import NDArray

from autofutures.assemble import nodes
from autofutures.backtest.kernel import state
from autofutures.backtest.kernel import words as w
from autofutures.backtest.kernel.state import NEVER
from autofutures.config import RunSettings
from autofutures.domain.errors import BadInput
from autofutures.domain.instrument import Instrument
from autofutures.domain.messages import TRADER_K
from autofutures.market.bars import session_code
from autofutures.market.expiry import last_day_of
from autofutures.market.quotes import ANY_PRICE, LOWEST
from autofutures.market.sessions import NIGHT, Calendar, Session
from autofutures.risk.gate import make_gate
from autofutures.risk.scopes import key_of

ROWS = 1 << 13
"""How many rows of orders or fills are written before they are taken away: small tables, for a search has hundreds."""

_SPARE_DAYS = 3
"""Trading days of which the sessions are known beyond the run's last."""


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
    elif run.policy.flat_before_expiry_ns:
        reason = "positions are closed before their contract ends, which only the nodes do"
    elif run.strategies[0].exits not in ("", "own", "plans"):
        reason = f"exits = {run.strategies[0].exits!r} is not known"
    else:
        reason = _only_nodes(run)
    if reason:
        raise BadInput(f"--engine kernel cannot run this: {reason}. Use --engine nodes")


class Layout:
    """What every strategy of a run finds.

    Args:
        run: whose market, costs and limits are laid out; its strategy's own settings do not matter.

    Raises:
        BadInput: the settings ask for what the kernel does not do.
    """

    def __init__(self, run: RunSettings) -> None:
        check(run)
        self._run = run
        self._calendar = nodes.calendar_of(run)
        self._memory = np.zeros(1, state.STATE)
        self.view = nodes.view_of(run)
        self._lay_out()
        self.sessions = self._sessions()
        self.bands = self._bands()
        numbers = self._memory.view(np.int64)
        self._filled = np.flatnonzero(numbers)
        self._values = numbers[self._filled]

    def fill(self, memory: NDArray[np.void]) -> None:
        """Gives a run's memory, all zeros, its first values."""
        memory.view(np.int64)[self._filled] = self._values

    def _lay_out(self) -> None:
        run, memory = self._run, self._memory
        cover = nodes.cover_of(run.strategies[0])
        values = {
            "latency_ns": run.order_latency_ns,
            "slippage_ticks": run.slippage_ticks,
            "queue_contracts": run.queue_contracts,
            "mwp_points": run.mwp_points,
            "fee": run.fee,
            "legs_n": len(run.symbols),
            "must_plan": cover.exits == "plans",
            "next_timer": NEVER,
            "placed_room": ROWS,
            "own_k": TRADER_K,
            "free_n": state.MAX_ORDERS,
            "plan_free_n": state.MAX_PLANS,
            **_limits(run),
        }
        for name, value in values.items():
            memory[name] = value
        memory["free"] = np.arange(state.MAX_ORDERS)[::-1]
        memory["plan_free"] = np.arange(state.MAX_PLANS)[::-1]
        legs = memory["legs"][0]
        legs["lo"], legs["hi"], legs["session"] = -NEVER, NEVER, -1
        legs["ranges"]["number"] = -1
        for leg, item in enumerate(nodes.instruments_of(run).values()):
            self._lay_out_leg(leg, item, cover.book_stop if cover.exits == "own" else 0)

    def _lay_out_leg(self, leg: int, item: Instrument, book_stop: int) -> None:
        run, legs, value = self._run, self._memory["legs"][0], item.product.tick_value
        legs["inverse_value"][leg] = item.product.inverse_value
        final = nodes.finals_of(run).get(item.symbol)
        if final is not None:
            legs["final_code"][leg] = 2 * final.day + (final.session != NIGHT)
            legs["final_price"][leg] = final.price_ticks
        legs["quoted"][leg] = run.market == "quotes"
        legs["lowest"][leg] = ANY_PRICE if item.is_spread else LOWEST
        legs["band"][leg] = -1
        legs["is_spread"][leg] = item.is_spread
        legs["tick_value"][leg] = value
        legs["tax_rate_ppb"][leg] = item.product.tax_rate_ppb
        if book_stop:
            legs["stop_limit"][leg] = max(1, book_stop // (value or 1))

    def _sessions(self) -> NDArray[np.void]:
        rows: list[tuple[int, ...]] = []
        legs = self._memory["legs"][0]
        for leg, item in enumerate(nodes.instruments_of(self._run).values()):
            legs["session_first"][leg] = len(rows)
            last_day = last_day_of(item, self._calendar)
            found = _sessions_from(self._run, item.product.sessions, last_day, self._calendar)
            rows += [
                (one.opens_at, one.closes_at, one.ends_at, one.accepts_from, one.day, session_code(one))
                for one in found
            ]
            legs["session_end"][leg] = len(rows)
        return np.array(rows, state.SESSION)

    def _bands(self) -> NDArray[np.void]:
        rows: list[tuple[int, int, int, int]] = []
        legs = self._memory["legs"][0]
        for leg, bands in enumerate(nodes.bands_of(self._run).values()):
            legs["band_first"][leg], legs["band"][leg] = len(rows), len(rows)
            for since, (low, high) in zip(bands.starts, bands.limits, strict=True):
                rows.append((since, 0, low, high))
            legs["band_end"][leg] = len(rows)
            legs["low"][leg], legs["high"][leg] = bands.limits[0]
        return np.array(rows, state.BAND)


def _only_nodes(run: RunSettings) -> str:
    """Why the kernel lacks a limit that the run sets: of rules that are off unasked, and of scopes; empty for none."""
    found = [
        key_of(limit.rule.id, limit.scope)
        for limit in make_gate(run.limits).limits()
        if not limit.rule.off and (limit.scope.kind or limit.rule.id in w.NODES_RULES)
    ]
    return f"the limit {', '.join(found)} is one that only the nodes know" if found else ""


def _limits(run: RunSettings) -> dict[str, int]:
    """The limits of the gate's rules."""
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
