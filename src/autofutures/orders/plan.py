"""One exit plan: the lot that it covers, the prices that close it, and how trades and time move or fire it."""

from autofutures.domain.messages import ExitMoved, ExitPlan, Intent
from autofutures.market.sessions import Session
from autofutures.orders import exit_rules as rules

Key = tuple[str, int, int]
"""The decision that opened a plan: (strategy, cause_seq, k)."""


class Plan:
    """One entry's exit: what is open of it, the prices that close it, and which of them was reached.

    Attributes:
        intent: the entry.
        terms: what the strategy asked for.
        reason: which exit was reached, empty while none was.
    """

    __slots__ = (
        "_follows",
        "_last_level_ends",
        "_moves_stop",
        "atr_milli",
        "atr_spans",
        "attempts",
        "entered_qty",
        "intent",
        "levels_reached",
        "open_qty",
        "opened_at",
        "origin_ticks",
        "reason",
        "retry_at",
        "stop_ticks",
        "take_profit_ticks",
        "terms",
    )

    def __init__(self, intent: Intent, terms: ExitPlan) -> None:
        self.intent = intent
        self.terms = terms
        self.open_qty = 0
        self.entered_qty = 0
        self.origin_ticks = 0
        self.take_profit_ticks = 0
        self.stop_ticks = 0
        self.reason = ""
        self.opened_at = 0
        self.levels_reached = 0
        self.attempts = 0
        self.retry_at = 0
        self.atr_milli = 0
        self.atr_spans = 0
        self._moves_stop = bool(terms.trail_ticks or terms.trail_atr or terms.break_even_ticks)
        self._follows = self._moves_stop or bool(terms.levels)
        self._last_level_ends = sum(percent for _, percent in terms.levels) >= rules.WHOLE

    @property
    def key(self) -> Key:
        """The decision that opened it."""
        return self.intent.strategy, self.intent.cause_seq, self.intent.k

    @property
    def rests(self) -> bool:
        """Whether its take profit is to rest at the venue."""
        return self.terms.bracket and not self.reason

    @property
    def distance_ticks(self) -> int:
        """How far behind the trades its stop follows; 0 where it stands still."""
        terms = self.terms
        if terms.trail_atr and self.atr_spans:
            return rules.atr_distance(self.atr_milli, terms.trail_atr)
        return terms.trail_ticks or (terms.stop_ticks if terms.trail_atr else 0)

    @property
    def level_due(self) -> int:
        """Contracts that the levels reached so far ask to be closed, and that are open."""
        percent = sum(part for _, part in self.terms.levels[: self.levels_reached])
        closed = self.entered_qty - self.open_qty
        return max(0, rules.level_qty(self.entered_qty, percent) - closed)

    def opened(self, qty: int, average_ticks: int, at: int) -> None:
        """An entry fill adds to what is covered; without a planned price the exits follow the entry's average fill.

        A stop that moves by itself never goes back, not by a later fill either.
        """
        terms, side = self.terms, self.intent.side
        if not self.entered_qty:
            self.opened_at = at
        self.open_qty += qty
        self.entered_qty += qty
        self.origin_ticks = terms.plan_ticks or average_ticks
        self.take_profit_ticks = rules.exit_price(side, self.origin_ticks, terms.take_profit_ticks)
        stop = rules.exit_price(side, self.origin_ticks, -(terms.stop_ticks or self.distance_ticks))
        self.stop_ticks = rules.tighter(side, self.stop_ticks, stop) if self._moves_stop else stop
        if not self.reason:
            self.progressed()

    def fire(self, why: int) -> None:
        """From now on all of the lot is to leave."""
        self.reason = rules.WORDS[why]
        self.attempts = self.retry_at = 0

    def hear_trade(self, last_ticks: int, *, resting: bool) -> bool:
        """Lets a trade fire the plan or move its stop; whether it changed.

        A stop that has moved acts from the next trade on. While a take profit rests at the venue, it fires there.
        """
        profit = 0 if resting else self.take_profit_ticks
        why = rules.reached(self.intent.side, profit, self.stop_ticks, last_ticks)
        if why:
            self.fire(why)
            return True
        return self._follows and self._follow(last_ticks)

    def _follow(self, last_ticks: int) -> bool:
        terms, side, origin = self.terms, self.intent.side, self.origin_ticks
        before = (self.stop_ticks, self.levels_reached)
        levels = terms.levels
        while self.levels_reached < len(levels) and rules.reached(
            side, rules.exit_price(side, origin, levels[self.levels_reached][0]), 0, last_ticks
        ):
            self.levels_reached += 1
        if levels and self.levels_reached == len(levels) and self._last_level_ends:
            self.fire(rules.TAKE_PROFIT)
            return True
        stop = rules.trailed(side, self.stop_ticks, last_ticks, self.distance_ticks)
        self.stop_ticks = rules.broken_even(
            side, stop, origin, last_ticks, terms.break_even_ticks, terms.break_even_offset_ticks
        )
        return before != (self.stop_ticks, self.levels_reached)

    def hear_time(self, now: int, session: Session | None) -> bool:
        """Lets time fire the plan, while its market trades; whether it did."""
        terms = self.terms
        if self.reason or session is None:
            return False
        if rules.timed_out(now, self.opened_at, terms.time_stop_ns):
            self.fire(rules.TIME_STOP)
        elif rules.session_over(
            now, self.opened_at, session.opens_at, session.closes_at, terms.flat_before_close_ns
        ):
            self.fire(rules.SESSION_END)
        return bool(self.reason)

    def attempted(self, now: int) -> None:
        """An order of it is decided now; the next one waits if nothing is filled of this."""
        self.attempts += 1
        wait = rules.wait_ns(self.attempts)
        self.retry_at = now + wait if wait else 0

    def progressed(self) -> None:
        """Something was filled: what failed before does not count any more."""
        self.attempts = self.retry_at = 0

    def moved(self, at: int) -> ExitMoved:
        """The plan as the fact that is recorded and shown."""
        intent = self.intent
        return ExitMoved(
            strategy=intent.strategy,
            order_seq=intent.cause_seq,
            order_k=intent.k,
            at=at,
            symbol=intent.symbol,
            side=intent.side,
            open_qty=self.open_qty,
            take_profit_ticks=self.take_profit_ticks,
            stop_ticks=self.stop_ticks,
            reason=self.reason,
            entered_qty=self.entered_qty,
            origin_ticks=self.origin_ticks,
            opened_at=self.opened_at,
            levels_reached=self.levels_reached,
            attempts=self.attempts,
            retry_at=self.retry_at,
            atr_milli=self.atr_milli,
            atr_spans=self.atr_spans,
        )

    def restore(self, moved: ExitMoved) -> None:
        """Takes a recorded state back in."""
        self.open_qty = moved.open_qty
        self.take_profit_ticks = moved.take_profit_ticks
        self.stop_ticks = moved.stop_ticks
        self.reason = moved.reason
        self.entered_qty = moved.entered_qty
        self.origin_ticks = moved.origin_ticks
        self.opened_at = moved.opened_at
        self.levels_reached = moved.levels_reached
        self.attempts = moved.attempts
        self.retry_at = moved.retry_at
        self.atr_milli = moved.atr_milli
        self.atr_spans = moved.atr_spans
