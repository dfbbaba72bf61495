"""The judge of the kill switch: what leaves while it is used, what it sells, and whether all is closed in time.

It believes the broker's ledger and the journal, and knows of the switch only what people have asked for and which of
it the gateway has kept.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec

from autofutures.config import RunSettings
from autofutures.domain.errors import BrokenInvariant
from autofutures.domain.messages import AnyMessage, Filled, Kill, Query, Reconciled, Rejected, Submit, Traded
from autofutures.domain.units import SECOND, KillLevel, OrderType, TimeInForce
from autofutures.market.sessions import Session
from autofutures.matching.ledger import LIVE, Entry, Ledger
from autofutures.orders.account import OUTSIDE
from autofutures.orders.book import PART_OF
from autofutures.orders.ids import is_kill_id

MOST_LOTS = {"day": 10, "night": 5}
"""Contracts in one market order, by session: TAIFEX's limits for index futures, said again."""

QUIET_NS = SECOND
"""A list that was asked for so long after an order knows what became of it."""

VIEW_NS = 5 * SECOND
"""By so much at most the switch's knowledge is late, on a link that works, when it closes something."""

PASSING_VIEW_NS = 15 * SECOND
"""As above, when it lets pass what reduces: meanwhile the gateway may stand still, and lists go unanswered."""

MOST_LOOKS = 100
"""So many looks in a row at which nothing stands in the way: 25 seconds."""

FRESH_NS = SECOND
"""A market without a trade for so long trades with nobody."""

Sessions = Callable[[str, int], Session | None]


class Position(msgspec.Struct, frozen=True):
    """The account's position from a moment on."""

    at: int
    net: int
    others: int
    """The part of it that the kill switch has not traded."""


class KillJudge:
    """Of one house.

    Args:
        run: its contracts.
        sessions: the session under way, else the next.
        counts: of recoveries.
    """

    def __init__(self, run: RunSettings, sessions: Sessions, counts: Counter[str]) -> None:
        self._symbols = run.symbols
        self._sessions = sessions
        self._counts = counts
        self._ignores = run.policy.strangers == "ignore"
        self._asked: dict[int, Kill] = {}
        self._number = 0
        self._life = 0
        self._life_of: dict[str, int] = {}
        self._newest_life = self._fence = -1
        self._compared = True
        self._late_lists: set[str] = set()
        self._sent_at = 0
        self._arrived: list[Entry] = []
        self._ids: set[str] = set()
        self._history: dict[str, deque[Position]] = {}
        self._traded_at: dict[str, int] = {}
        self._looks: Counter[str] = Counter()
        self._closed = 0
        self.level = KillLevel.NONE
        self.fills: dict[str, Filled] = {}
        self.booked: Counter[tuple[str, str]] = Counter()
        self._booked_of: Counter[str] = Counter()

    # --- what is asked for

    def new_life(self) -> None:
        """A trader starts."""
        self._life += 1

    def asked(self, kill: Kill) -> None:
        """A person asks for something."""
        self._asked[kill.number] = kill

    def taken(self, number: int) -> None:
        """The gateway has kept it: from now on it holds."""
        before, kill = self.level, self._asked[number]
        self._number = number
        self.level = max(before, kill.level) if kill.level else KillLevel.NONE
        self._looks.clear()
        if before < KillLevel.FLATTEN <= self.level:
            self._fence = self._newest_life
            self._reset()
        self._closed = self._closed if before else 0
        self._counts["killed_no_new"] += self.level is KillLevel.ENTRIES
        self._counts["resumed"] += before > 0 and not self.level

    def _reset(self) -> None:
        self._compared = False
        self._late_lists.clear()

    # --- what leaves

    def sends(self, request: AnyMessage, now: int) -> None:
        """The gateway gives a request to the venue.

        Raises:
            BrokenInvariant: what is asked of the kill switch does not let it.
        """
        if isinstance(request, Query):
            if not is_kill_id(request.flow) and now >= self._sent_at + QUIET_NS and not self._at_work():
                self._late_lists.add(request.flow)
        elif isinstance(request, Submit):
            (self._closes if is_kill_id(request.client_id) else self._passes)(request, now)

    def _passes(self, submit: Submit, now: int) -> None:
        """An order of a trader's."""
        life = self._life_of.get(submit.client_id, self._life)
        if life <= self._fence:
            raise BrokenInvariant(f"{submit} leaves, and the trader of before the kill is not heard any more")
        self._newest_life = max(self._newest_life, life)
        if self.level >= KillLevel.FLATTEN:
            raise BrokenInvariant(f"{submit} leaves though the kill switch is at {self.level.word}")
        if not self._compared:
            raise BrokenInvariant(f"{submit} leaves before book and venue were compared after a kill")
        if self.level is KillLevel.CANCEL and rests(submit):
            raise BrokenInvariant(f"{submit} would rest though the kill switch is at {self.level.word}")
        if self.level and submit.qty > self._held(submit, now - PASSING_VIEW_NS):
            raise BrokenInvariant(f"{submit} opens though the kill switch is at {self.level.word}")

    def _held(self, submit: Submit, since: int) -> int:
        """The most that it could reduce by, at any moment since."""
        return max((-submit.side * position.net for position in self._seen(submit.symbol, since)), default=0)

    def _closes(self, submit: Submit, now: int) -> None:
        """An order of the switch's own."""
        self._sent_at = now
        self._reset()
        session = self._sessions(submit.symbol, now)
        if session is None or not session.holds(now):
            raise BrokenInvariant(f"{submit} leaves while its session is closed")
        if submit.qty > MOST_LOTS[session.name]:
            raise BrokenInvariant(f"{submit} is for more than {MOST_LOTS[session.name]} contracts")
        if self.level < KillLevel.FLATTEN or rests(submit):
            raise BrokenInvariant(f"{submit} leaves though the kill switch is at {self.level.word}")

    # --- the broker's books

    def arrives(self, entry: Entry) -> None:
        """An order of the kill switch has reached the broker.

        Raises:
            BrokenInvariant: it did before, or with the others on their way it is for more than is held.
        """
        submit = entry.submit
        if submit.client_id in self._ids:
            raise BrokenInvariant(f"order {submit.client_id} of the kill switch reached the broker twice")
        self._ids.add(submit.client_id)
        self._arrived = [*self._at_work(), entry]
        closing = sum(
            one.left
            for one in self._arrived
            if (one.submit.symbol, one.submit.side) == (submit.symbol, submit.side)
        )
        positions = list(self._seen(submit.symbol, submit.at - VIEW_NS))
        own = positions[-1].net - positions[-1].others
        held = max(-submit.side * (position.others + own) for position in positions)
        if closing > held:
            raise BrokenInvariant(
                f"{submit} makes {closing} contracts that the kill switch closes, and {max(held, 0)} are held"
            )

    def filled(self, fill: Filled, client_id: str, now: int) -> None:
        """Something traded in the account, whoever ordered it."""
        history = self._history.setdefault(fill.symbol, deque([Position(0, 0, 0)], 256))
        last, signed, is_own = history[-1], fill.side * fill.qty, is_kill_id(client_id)
        history.append(Position(now, last.net + signed, last.others + (0 if is_own else signed)))
        if is_own:
            self._closed += fill.qty
            self.fills[fill.fill_id] = fill

    def _at_work(self) -> list[Entry]:
        return [entry for entry in self._arrived if entry.status in LIVE]

    def _seen(self, symbol: str, since: int) -> Iterator[Position]:
        """Every position that somebody may believe who has looked since, the newest last."""
        history = self._history.get(symbol, ())
        for place, position in enumerate(history):
            if place + 1 == len(history) or history[place + 1].at >= since:
                yield position
        if not history:
            yield Position(0, 0, 0)

    # --- the trader's book

    def kept(
        self,
        inputs: Sequence[AnyMessage],
        outputs: Sequence[AnyMessage],
        held: Mapping[tuple[str, str], int],
    ) -> None:
        """A batch is in the journal; `held` is what each strategy held before it.

        Raises:
            BrokenInvariant: what the kill switch closed is booked wrongly.
        """
        moved: Counter[tuple[str, str]] = Counter()
        for message in outputs:
            if isinstance(message, Traded):
                where = (message.strategy, message.symbol)
                self._books(message, held.get(where, 0) + moved[where])
                moved[where] += message.side * message.qty
            elif isinstance(message, Submit):
                self._life_of[message.client_id] = self._life
            elif isinstance(message, Reconciled) and not message.unexplained:
                admits = not self._compared and message.flow in self._late_lists
                self._counts["readmitted"] += admits
                self._compared = self._compared or admits
        for message in inputs:
            if "kill switch" in getattr(message, "reason", ""):
                self._counts["kill_refused_order"] += isinstance(message, Rejected)

    def _books(self, traded: Traded, held: int) -> None:
        fill = self.fills.get(traded.fill_id.partition(PART_OF)[0])
        if fill is None:
            return
        if traded.strategy != OUTSIDE and traded.qty > -traded.side * held:
            raise BrokenInvariant(f"{traded} closes what the kill switch closed, and {held} were held")
        self._booked_of[fill.fill_id] += traded.qty
        self.booked[traded.strategy, traded.symbol] += traded.side * traded.qty
        self._counts["kill_explained"] += 1

    # --- in time

    def trades(self, symbol: str, now: int) -> None:
        """The market trades."""
        self._traded_at[symbol] = now

    def look(self, books: Ledger, now: int, *, is_well: bool) -> None:
        """A quarter of a second has passed; `is_well`: the gateway works, and its link too.

        Raises:
            BrokenInvariant: what is due has not happened for too long.
        """
        newest = max(self._asked, default=0)
        if not newest:
            return
        self._due("what was asked of the kill switch is not taken", is_well and self._number < newest)
        at_work = self.level >= KillLevel.CANCEL and bool(working(books, self.level))
        self._due(f"orders work though the kill switch is at {self.level.word}", is_well and at_work)
        for symbol in self._symbols:
            session = self._sessions(symbol, now)
            is_open = session is not None and session.holds(now)
            trades = is_well and is_open and now - self._traded_at.get(symbol, 0) < FRESH_NS
            net = books.positions[symbol] if self.level >= KillLevel.FLATTEN else 0
            self._due(f"{symbol} is still held though the kill switch closes it", trades and net != 0)

    def _due(self, what: str, is_owed: bool) -> None:  # noqa: FBT001 - the one thing that it says
        self._looks[what] = self._looks[what] + 1 if is_owed else 0
        if self._looks[what] > MOST_LOOKS:
            raise BrokenInvariant(f"{what}, after {MOST_LOOKS // 4} s in which nothing stood in its way")

    def done(self, books: Ledger, now: int) -> None:
        """The gateway says that all is done.

        Raises:
            BrokenInvariant: it is not.
        """
        if self.level < KillLevel.CANCEL:
            return
        at_work = working(books, self.level)
        if at_work:
            raise BrokenInvariant(f"the kill switch has done all, and {at_work[0]} works")
        if self.level is KillLevel.CANCEL:
            self._counts["killed_cancelled"] += 1
            return
        for symbol in self._symbols:
            others = {position.others for position in self._seen(symbol, now - VIEW_NS)}
            if books.positions[symbol] and len(others) < 2:
                raise BrokenInvariant(
                    f"the kill switch has done all, and {books.positions[symbol]} {symbol} are held"
                )
        self._counts["killed_flat"] += self._closed > 0
        self._closed = 0

    def at_rest(self) -> None:
        """Nothing moves any more: what the kill switch traded is in the book, or was strangers'.

        Raises:
            BrokenInvariant: it is not.
        """
        for fill_id, fill in self.fills.items():
            booked = self._booked_of[fill_id]
            if booked > fill.qty or (booked < fill.qty and not self._ignores):
                raise BrokenInvariant(f"of {fill}, which the kill switch traded, {booked} are in the book")
        if not self._compared:
            raise BrokenInvariant("at rest book and venue were not compared since the kill switch was used")


def rests(submit: Submit) -> bool:
    """Whether what does not trade at once stays in the market."""
    return submit.type is not OrderType.MARKET and submit.tif is TimeInForce.ROD


def working(books: Ledger, level: KillLevel) -> list[Entry]:
    """Orders of the trader's that may still trade, and must not at this level."""
    return [
        entry
        for entry in books.orders.values()
        if entry.status in LIVE
        and entry.client_id
        and not is_kill_id(entry.client_id)
        and (level >= KillLevel.FLATTEN or rests(entry.submit))
    ]
