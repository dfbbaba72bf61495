"""The kill switch at the door: it holds orders back by level, takes back what works and closes what is held.

It believes the venue's own lists, and knows no trader, journal or strategy. Hears what it is asked for (`Kill`) and
what the venue says; says queries, cancels and market orders of its own. Their ids (`ids.KillIds`) are kept before they
leave, and none is given up for another before its outcome is known: by reports that account for every contract, by its
row in a list, or by two lists in turn that lack it after the quiet period.
"""

from collections.abc import Iterable, Sequence
from typing import Protocol

import msgspec

from autofutures.domain.errors import BadInput
from autofutures.domain.instrument import instrument
from autofutures.domain.messages import (
    AnyMessage,
    Cancel,
    Canceled,
    Expired,
    Filled,
    Kill,
    Killed,
    LinkChanged,
    Query,
    Reconciled,
    Rejected,
    Snapshot,
    Submit,
    VenueOrder,
)
from autofutures.domain.order_life import ALIVE
from autofutures.domain.units import SECOND, KillLevel, OpenClose, OrderType, Side, TimeInForce
from autofutures.market.view import MarketView
from autofutures.orders.ids import KillIds, is_kill_id
from autofutures.orders.kill_lists import VenueLists

Request = Submit | Cancel | Query

MARKET_LOTS = {"day": 10, "night": 5}
"""Contracts in one market order, by session. Source: TAIFEX, limits of a single order for index futures."""

QUIET_NS = SECOND
"""What a list that was asked for so long after an order does not have has not arrived; as in `policy.quiet_ns`."""

MISSES = 2
CANCELS_NS = SECOND // 2
"""Positions are closed once what works in their contract is off, or so long after it was asked back."""

UNKNOWN = "unknown"

FIRST_WAIT_NS = SECOND // 4
LONGEST_WAIT_NS = 5 * SECOND
"""An order of which something did not trade is followed by another after so long, twice as long each time."""


class KillOrder(msgspec.Struct, frozen=True):
    """An order of the kill switch whose outcome is not known yet."""

    client_id: str
    symbol: str
    side: Side
    qty: int
    at: int


class KillState(msgspec.Struct, frozen=True, kw_only=True):
    """What outlives a gateway: what is asked for, from which epoch traders are heard, and orders on their way."""

    number: int = 0
    at: int = 0
    level: KillLevel = KillLevel.NONE
    who: str = ""
    epoch: int = 0
    admits: bool = True
    orders: tuple[KillOrder, ...] = ()
    lives: int = 0


class KillLog(Protocol):
    """Where the state is kept for the gateway's next life."""

    @property
    def state(self) -> KillState:
        """As it was kept last."""
        ...

    def keep(self, state: KillState) -> None:
        """Returns when it is kept, whatever happens then."""


class KeptInMemory:
    """A state that lives as long as the object."""

    def __init__(self, state: KillState | None = None) -> None:
        self.state = state or KillState()

    def keep(self, state: KillState) -> None:
        """Keeps it."""
        self.state = state


class KillSwitch:
    """The kill switch of one life of a gateway.

    Its driver passes on everything but trades and quotes (`hear`), and sends what `decide` returns.

    Args:
        log: what earlier lives kept.
        view: knows the sessions of the markets.
    """

    def __init__(self, log: KillLog, view: MarketView) -> None:
        self._log = log
        self._view = view
        self._ids: KillIds | None = None
        self._up = False
        self._lists = VenueLists()
        self._asked_back: dict[str, tuple[int, int]] = {}
        self._misses: dict[str, int] = {}
        self._tries: dict[str, int] = {}
        self._retry_at: dict[str, int] = {}
        self._unfilled: dict[str, str] = {}
        self._passed: list[tuple[int, str, Side, int]] = []
        self._trader_flows: set[str] = set()
        self._todo: dict[str, str] = {}
        self._calm = 0
        self._busy_at = 0
        self._has_left = False

    @property
    def level(self) -> KillLevel:
        """What is stopped now."""
        return self._log.state.level

    @property
    def number(self) -> int:
        """Of the newest that was asked for."""
        return self._log.state.number

    @property
    def epoch(self) -> int:
        """Traders below it are not heard any more."""
        return self._log.state.epoch

    @property
    def admits(self) -> bool:
        """Whether the trader has compared its book with the venue's since a position was closed here."""
        return self._log.state.admits

    @property
    def done(self) -> bool:
        """Whether what the level asks for is so, by two lists in turn."""
        return self.level <= KillLevel.ENTRIES or self._calm >= MISSES

    def status(self, now: int) -> Killed:
        """How far it is."""
        state = self._log.state
        text = "; ".join(self._todo.values())
        if not (text or self.done or self._has_left):
            text = "the venue is being asked"
        done = self.done or self._has_left
        if state.level and not self._up and not self._has_left:
            text = "no session with the venue: armed, and acts when there is one"
        return Killed(state.number, now, state.level, state.epoch, done, state.admits, state.who, text)

    def left(self) -> None:
        """All was done, and the session with the venue has been ended: that is how it is to be."""
        self._has_left = True

    # --- what is asked for

    def ask(self, kill: Kill, epoch: int) -> bool:
        """Takes what is asked for, and keeps it; `False` where it is known. Only 0 lowers the level.

        Args:
            kill: what is asked for.
            epoch: the highest trader's epoch so far: from `FLATTEN` on that trader is not heard any more.
        """
        state = self._log.state
        if kill.number <= state.number:
            return False
        level = max(kill.level, state.level) if kill.level else KillLevel.NONE
        fences = state.level < KillLevel.FLATTEN <= level
        self._log.keep(
            msgspec.structs.replace(
                state,
                number=kill.number,
                at=kill.at,
                level=level,
                who=kill.who,
                epoch=epoch + 1 if fences else state.epoch,
                admits=state.admits and not fences,
            )
        )
        if fences:
            self._trader_flows.clear()
        self._lists.forget()
        self._asked_back.clear()
        self._todo.clear()
        self._calm = 0
        return True

    # --- what the trader may send

    def objection(self, submit: Submit) -> str:
        """Why an order of the trader's may not go out; empty where it may."""
        state = self._log.state
        if not state.admits:
            return "the kill switch: the trader has not compared its book with the venue's since"
        if not state.level:
            return ""
        rests = submit.type is not OrderType.MARKET and submit.tif is TimeInForce.ROD
        if state.level >= KillLevel.FLATTEN or (state.level is KillLevel.CANCEL and rests):
            return f"the kill switch is at {state.level.word}"
        if not self._reduces(submit):
            return f"the kill switch is at {state.level.word}, and it does not reduce the account's position"
        self._passed.append((submit.at, submit.symbol, submit.side, submit.qty))
        return ""

    def _reduces(self, submit: Submit) -> bool:
        """Whether it closes a part of what the venue says we hold, with all else that may trade on its side."""
        if self._lists.asked_at == 0:
            return False  # Nothing is known yet.
        held = -submit.side * self._lists.position(submit.symbol)
        at_work = self._lists.working(submit.symbol, submit.side)
        passed = sum(
            q for _, symbol, side, q in self._passed if (symbol, side) == (submit.symbol, submit.side)
        )
        return submit.qty <= held - at_work - passed

    def trader_asks(self, query: Query) -> None:
        """The trader asks for a list. It counts as comparing when nothing of ours is on its way any more."""
        state = self._log.state
        self._busy_at = self._busy_at or query.at  # As in `beat`, which rests when the switch is lifted.
        if not state.admits and not state.orders and self.done and query.at >= self._busy_at + QUIET_NS:
            self._trader_flows.add(query.flow)

    def compared(self, reconciled: Reconciled, epoch: int) -> bool:
        """The trader has compared its book with the venue's; whether that admits it: they agree, by a late list."""
        state = self._log.state
        flow, agrees = reconciled.flow, not reconciled.unexplained
        if state.admits or not agrees or epoch < state.epoch or flow not in self._trader_flows:
            return False
        self._log.keep(msgspec.structs.replace(state, admits=True))
        self._trader_flows.clear()
        return True

    # --- what the venue says

    def hear(self, message: AnyMessage) -> bool:
        """What the venue says; whether the trader is to hear it too."""
        if isinstance(message, LinkChanged):
            self._up = message.up
            self._has_left = self._has_left and not message.up
            self._lists.forget()
            self._calm = 0
        elif isinstance(message, Snapshot):
            if not is_kill_id(message.flow):
                return True
            self._lists.page(message)
            return False
        elif isinstance(message, Filled):
            self._lists.fill(message)
            return not is_kill_id(
                message.client_id
            )  # The trader learns of ours by the list that it compares with.
        elif isinstance(message, (Canceled, Expired, Rejected)) and is_kill_id(message.client_id):
            self._ended(message)
        return not is_kill_id(getattr(message, "client_id", ""))

    def _ended(self, report: Canceled | Expired | Rejected) -> None:
        """An order of ours is over; only where its fills are all heard does that settle it without a list."""
        for order in self._log.state.orders:
            if order.client_id == report.client_id and not getattr(report, "of_cancel", False):
                left = order.qty if isinstance(report, Rejected) else report.left
                reason = getattr(report, "reason", "") or "it ended with its session"
                self._unfilled[order.symbol] = reason
                if self._lists.filled(order.client_id) + left == order.qty:
                    self._misses[order.client_id] = MISSES

    # --- what is to be done

    def decide(self, now: int) -> Sequence[Request]:
        """What is to leave now."""
        if not self._up or not (self.level or self._log.state.orders):
            return ()
        said: list[Request] = []
        self._busy_at = self._busy_at or now  # What an earlier life has sent may be missing in a late list.
        if self._lists.take():
            self._act(now, said)
        if self._lists.is_due(now, calm=self.done):
            query = Query(self._next_id(), now)
            self._lists.asked(query.flow, now)
            said.append(query)
        return said

    def _next_id(self) -> str:
        if self._ids is None:
            state = self._log.state
            self._log.keep(msgspec.structs.replace(state, lives=state.lives + 1))
            self._ids = KillIds(state.lives + 1)
        return self._ids.next()

    def _act(self, now: int, said: list[Request]) -> None:
        """A list is whole."""
        lists, level = self._lists, self.level
        self._passed = [entry for entry in self._passed if entry[0] > lists.asked_at]
        self._todo.clear()
        self._settle(now)
        if level >= KillLevel.CANCEL:
            self._take_back(lists.at_work(), now, said)
        if level >= KillLevel.FLATTEN:
            for symbol, net in lists.positions():
                self._close(symbol, net, now, said)
        late_enough = lists.asked_at >= max(self._log.state.at, self._busy_at) + QUIET_NS
        nothing_left = not self._todo and not self._log.state.orders
        self._calm = self._calm + 1 if late_enough and nothing_left else 0

    def _take_back(self, rows: Iterable[VenueOrder], now: int, said: list[Request]) -> None:
        """Asks for everything back that works and can be named; again while nothing came of it."""
        for row in rows:
            client_id = row.client_id
            if is_kill_id(client_id):
                continue
            if not client_id:
                self._todo[row.venue_id] = f"order {row.venue_id} is not ours: take it back at the broker"
                continue
            self._todo[client_id] = f"{client_id} is asked back"
            first, last = self._asked_back.get(client_id, (now, 0))
            if now - last >= CANCELS_NS:
                self._asked_back[client_id] = (first, now)
                said.append(Cancel(client_id, now, row.symbol))

    def _settle(self, now: int) -> None:
        """Which of our orders are over: only then may another follow."""
        state, over = self._log.state, []
        for order in state.orders:
            row = self._lists.row(order.client_id)
            filled = self._lists.filled(order.client_id)
            if row is not None and row.status not in ALIVE:
                filled = row.filled
            elif row is None and self._lists.asked_at >= order.at + QUIET_NS:
                self._misses[order.client_id] = self._misses.get(order.client_id, 0) + 1
            ended = row is not None and row.status not in ALIVE
            if ended or filled == order.qty or self._misses.get(order.client_id, 0) >= MISSES:
                over.append(order)
                self._note(order, filled, now)
        if over:
            self._busy_at = now
            left = tuple(order for order in state.orders if order not in over)
            self._log.keep(msgspec.structs.replace(state, orders=left))

    def _note(self, order: KillOrder, filled: int, now: int) -> None:
        """What an order came to decides when the next may follow."""
        if filled:
            self._tries.pop(order.symbol, None)
        if filled == order.qty:
            self._retry_at.pop(order.symbol, None)
            return
        tries = self._tries.get(order.symbol, 0)
        self._tries[order.symbol] = min(tries + 1, 16)
        self._retry_at[order.symbol] = now + min(FIRST_WAIT_NS << tries, LONGEST_WAIT_NS)

    def _close(self, symbol: str, net: int, now: int, said: list[Request]) -> None:
        """Closes a position as the venue states it, or says why not yet."""
        asked_back = [self._asked_back.get(row.client_id, (0, 0))[0] for row in self._lists.at_work(symbol)]
        session = self._session(symbol, now)
        why = ""
        if any(order.symbol == symbol for order in self._log.state.orders):
            why = "orders that close it are on their way"
        elif session == UNKNOWN:
            why = "it is no contract that this version knows: close it at the broker"
        elif not session:
            why = "its session is closed: armed until it opens"
        elif any(now - since < CANCELS_NS for since in asked_back):
            why = "it is closed when what works there is off"
        elif now < self._retry_at.get(symbol, 0):
            why = (
                f"nothing more traded against it ({self._unfilled.get(symbol, 'no word')}), as when the price is "
                "locked at its limit: armed, and tried again"
            )
        else:
            self._place(symbol, net, MARKET_LOTS.get(session, min(MARKET_LOTS.values())), now, said)
        self._todo[symbol] = f"{net:+d} {symbol}: {why or 'being closed'}"

    def _session(self, symbol: str, now: int) -> str:
        """The session under way; empty while the market is closed."""
        try:
            self._view.add_instrument(instrument(symbol))
        except BadInput:
            return UNKNOWN  # A stranger's position, in what this machine does not trade.
        session = self._view.session(symbol, now)
        return "" if session is None else session.name

    def _place(self, symbol: str, net: int, most: int, now: int, said: list[Request]) -> None:
        """Market orders that come to the position, none above the cap; they are kept before they leave."""
        side = Side.SELL if net > 0 else Side.BUY
        whole, rest = divmod(abs(net), most)
        sizes = [most] * whole + [rest] * (rest > 0)
        orders = tuple(KillOrder(self._next_id(), symbol, side, qty, now) for qty in sizes)
        state = self._log.state
        self._log.keep(msgspec.structs.replace(state, orders=(*state.orders, *orders), admits=False))
        self._trader_flows.clear()
        self._busy_at = now
        said += [_submit(order) for order in orders]


def _submit(order: KillOrder) -> Submit:
    return Submit(
        client_id=order.client_id,
        at=order.at,
        symbol=order.symbol,
        side=order.side,
        qty=order.qty,
        type=OrderType.MARKET,
        price_ticks=0,
        tif=TimeInForce.IOC,
        open_close=OpenClose.AUTO,
        day_trade=False,
    )
