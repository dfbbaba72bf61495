"""The judge of causes: an order leaves on a real trade of its own contract, in its session, in time, with a link.

It follows the trades that the trader has handled, and the link, from the inputs alone.
"""

from collections.abc import Sequence

from autofutures.assemble.nodes import calendar_of
from autofutures.config import RunSettings
from autofutures.domain.errors import BrokenInvariant
from autofutures.domain.instrument import instrument
from autofutures.domain.messages import (
    AnyMessage,
    BadTick,
    ExitMoved,
    Intent,
    LinkChanged,
    Reconciled,
    Submit,
    Tick,
)
from autofutures.domain.units import SECOND
from autofutures.market.expiry import last_day_of
from autofutures.market.sessions import Session
from autofutures.orders.book import HELD_TYPES

DEADLINE_NS = 2 * SECOND
"""The rule `deadline` as it is unless a run says otherwise."""

FIRED_BY_TRADES = ("take profit", "stop loss")

CONDITIONS = "sr"
"""The strategy that decides on trades alone, each time for the contract that traded."""

_REMEMBERED = 1_000


class Causes:
    """What the trader could know.

    Args:
        run: its contracts, price limits and time limits.
    """

    def __init__(self, run: RunSettings) -> None:
        self._calendar = calendar_of(run)
        self._bands = run.bands
        self._decision_ns = run.policy.decision_ns
        self._traded: dict[int, set[str]] = {}
        self._reconciles = run.policy.reconciles
        self._trades: list[Tick] = []
        self._fired: set[tuple[str, int, int]] = set()
        self.link_up = False
        self.compared = False

    def new_life(self) -> None:
        """A trader starts, and knows of no link."""
        self.link_up = self.compared = False

    def heard(self, inputs: Sequence[AnyMessage], outputs: Sequence[AnyMessage], now: int) -> None:
        """A batch was handled, and is told to strategies as of now.

        Raises:
            BrokenInvariant: a print that is none was taken for a trade, or a condition followed another contract.
        """
        bad = sum(1 for output in outputs if type(output) is BadTick) if outputs else 0
        self._trades = [message for message in inputs if type(message) is Tick and not self._is_bad(message)]
        bad -= sum(1 for message in inputs if type(message) is Tick) - len(self._trades)
        if bad:
            raise BrokenInvariant(f"{abs(bad)} prints were taken for trades and cannot be, or the reverse")
        for message in inputs:
            if isinstance(message, Intent) and message.strategy == CONDITIONS:
                traded = self._traded.get(message.at)
                if traded is not None and message.symbol not in traded:
                    raise BrokenInvariant(f"{message} was decided on a trade of {', '.join(traded)}")
        if self._trades:
            self._traded.setdefault(now, set()).update(trade.symbol for trade in self._trades)
            if len(self._traded) > _REMEMBERED:
                del self._traded[next(iter(self._traded))]

    def links(self, inputs: Sequence[AnyMessage], outputs: Sequence[AnyMessage]) -> None:
        """After a batch was judged: what it says of the link counts from the next one on."""
        for message in inputs:
            if isinstance(message, LinkChanged):
                self.link_up, self.compared = message.up, False
        if any(isinstance(message, Reconciled) for message in outputs):
            self.compared = True

    def reconciled(self) -> None:
        """Book and venue were compared, and what follows in this batch comes after it."""
        self.compared = True

    def may_open(self, inputs: Sequence[AnyMessage]) -> str:
        """Why an entry may not leave in this batch, as far as the link goes; empty where it may."""
        if not self._reconciles or any(isinstance(message, LinkChanged) for message in inputs):
            return ""
        if not self.link_up:
            return "while there is no link"
        return "" if self.compared else "before book and venue were compared"

    def _is_bad(self, tick: Tick) -> bool:
        low_ticks, high_ticks = self._bands.get(tick.symbol, (1, 1 << 40))
        return not max(1, low_ticks) <= tick.price_ticks <= high_ticks

    def stop_leaves(self, intent: Intent) -> None:
        """A held stop leaves.

        Raises:
            BrokenInvariant: no trade of its contract in this batch has reached it.
        """
        reached = (
            trade.symbol == intent.symbol and (trade.price_ticks - intent.stop_ticks) * intent.side >= 0
            for trade in self._trades
        )
        if not any(reached):
            raise BrokenInvariant(f"{intent} leaves, and no trade has reached its stop")

    def exit_moves(self, moved: ExitMoved) -> None:
        """An exit plan is recorded.

        Raises:
            BrokenInvariant: a price fired it that no trade of its contract in this batch has reached.
        """
        key = (moved.strategy, moved.order_seq, moved.order_k)
        if not moved.reason or key in self._fired:
            return
        self._fired.add(key)
        if moved.reason not in FIRED_BY_TRADES or moved.levels_reached:
            return
        stop = moved.reason == "stop loss"
        price, way = (moved.stop_ticks, -moved.side) if stop else (moved.take_profit_ticks, moved.side)
        reached = (
            trade.symbol == moved.symbol and (trade.price_ticks - price) * way >= 0 for trade in self._trades
        )
        if not any(reached):
            raise BrokenInvariant(f"{moved} has fired, and no trade has reached its price")

    def leaves(self, submit: Submit, intent: Intent) -> None:
        """An order is written down to leave.

        Raises:
            BrokenInvariant: it comes too late after its decision, or its session does not take orders.
        """
        entry = intent.type not in HELD_TYPES and not intent.closes_k
        limit_ns = DEADLINE_NS if entry else self._decision_ns
        if entry and submit.at - intent.at > limit_ns:
            raise BrokenInvariant(f"{submit} leaves {submit.at - intent.at} ns after its decision {intent}")
        session = self.session(submit.symbol, submit.at)
        if session is None or submit.at < session.accepts_from:
            raise BrokenInvariant(f"{submit} leaves, and no session takes it")

    def sends(self, submit: Submit, now: int) -> None:
        """The gateway gives an order to the venue.

        Raises:
            BrokenInvariant: it is too late for that.
        """
        if now > (submit.until or submit.at + self._decision_ns) or now > submit.at + self._decision_ns:
            raise BrokenInvariant(f"{submit} is sent at {now}, after its deadline")

    def session(self, symbol: str, at: int) -> Session | None:
        """The session that an order of this moment is for: the one under way, else the next."""
        item = instrument(symbol)
        return self._calendar.next_session(item.product.sessions, last_day_of(item, self._calendar), at)
