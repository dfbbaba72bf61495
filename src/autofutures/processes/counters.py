"""The judge of risk counters: each trading day's begin at zero at its roll, and say what its own orders and fills give.

It counts for itself what the journal wrote down, and marks positions by the recorder's trades. Beside that it holds
what the machine says: `RiskDay`, the values of halts and refusals, its fold of the journal, its last snapshot.
"""

from collections import Counter
from collections.abc import Iterator, Mapping

import msgspec

from autofutures.assemble.nodes import calendar_of, instruments_of, make_trader
from autofutures.config import RunSettings
from autofutures.domain.instrument import instrument
from autofutures.domain.messages import (
    TRADER_K,
    AnyMessage,
    Cancel,
    Halted,
    HaltReset,
    LimitSet,
    Placed,
    Quote,
    Refused,
    RiskDay,
    RiskKept,
    Submit,
    Tick,
    Traded,
)
from autofutures.market.dates import iso_day
from autofutures.market.quotes import middle
from autofutures.ops.folder import Folder
from autofutures.orders.risk_desk import sessions_of_book
from autofutures.portfolio.pnl import worth
from autofutures.processes.stream import read_stream
from autofutures.risk.state import strategy_scope
from autofutures.storage.journal import Journal, facts_of

Prices = dict[str, int]
"""Last prices in ticks, by symbol."""

DATED = Submit | Cancel | Placed | Traded | Refused | Halted | RiskDay
"""Facts that belong to the trading day of their time."""


class Counters(msgspec.Struct, frozen=True):
    """What was judged."""

    days: int
    """Trading days whose counters were said to begin."""
    messages: int
    """Orders and cancels of the run, which its days' counters must come to."""
    wrong: tuple[str, ...]
    """Each broken promise in words."""


class Market(msgspec.Struct):
    """What the recorder's stream tells of the market around each roll and each halt."""

    first: dict[int, int] = {}
    """When the first word of each trading day came."""
    before: dict[int, Prices] = {}
    """Where markets were when it came."""
    at_halts: dict[tuple[str, str, int], Prices] = {}
    """Where they were at each halt, by control, scope and time."""


class _Own(msgspec.Struct):
    """What one strategy has of one symbol, counted here."""

    position: int = 0
    cash: int = 0
    costs: int = 0


def judge_counters(folder: Folder) -> Counters:
    """Judges the run of a folder, which has ended."""
    run = folder.run()
    judge = _Judge(run, _market(folder, run))
    with Journal.open(folder.journal) as journal:
        for batch in journal.batches():
            for fact in facts_of(batch):
                judge.hear(fact)
        kept = [fact for fact in journal.facts() if isinstance(fact, RiskKept)]
        judge.end(kept[-1] if kept and not journal.since_snapshot else None)
    return Counters(judge.days, judge.messages, tuple(judge.wrong))


def _market(folder: Folder, run: RunSettings) -> Market:
    found, prices, traded, day = Market(), Prices(), set[str](), 0
    calendar, hours = calendar_of(run), sessions_of_book(instruments_of(run).values())
    for envelope in read_stream(folder.stream):
        message, at = envelope.body, envelope.at
        of = calendar.trading_day_of(at, hours) if at else day
        if of > day:
            day = of
            found.first[day], found.before[day] = at, dict(prices)
        match message:
            case Tick():
                traded.add(message.symbol)
                prices[message.symbol] = message.price_ticks
            case Quote() if message.symbol not in traded and (message.bid_qty or message.ask_qty):
                sides = (message.bid_ticks, message.bid_qty, message.ask_ticks, message.ask_qty)
                prices[message.symbol] = middle(*sides)
            case Halted():
                found.at_halts[message.control, message.scope, message.at] = dict(prices)
            case _:
                pass
    return found


class _Judge:
    """Counts a journal's facts, in order."""

    def __init__(self, run: RunSettings, market: Market) -> None:
        self._market = market
        self._risk = make_trader(run).risk
        self._calendar = calendar_of(run)
        self._hours = sessions_of_book(instruments_of(run).values())
        self._must_begin = bool(self._risk.watched)
        self._begun: Counter[int] = Counter()
        self._day = 0
        self._sent = 0
        self._orders: Counter[str] = Counter()
        self._own: dict[tuple[str, str], _Own] = {}
        self._fill_prices: Prices = {}
        self._baselines: dict[str, int] = {}
        self.messages = 0
        self.wrong: list[str] = []

    @property
    def days(self) -> int:
        """Trading days that were said to begin."""
        return len(self._begun)

    def hear(self, fact: AnyMessage) -> None:
        """One fact: what it says is held against the count, and what the fold of it makes of the counters too."""
        if isinstance(fact, DATED):
            self._date(fact.intent.at if isinstance(fact, Placed) else fact.at)
        self._count(fact)
        self._risk.fold(fact)
        match fact:
            case RiskDay():
                self._begin(fact)
            case Refused() if fact.rule == "daily_messages":
                self._compare("a refusal's messages", fact.value, self._sent + 1)
            case Halted():
                self._halted(fact)
            case LimitSet():
                self._must_begin = False  # From here on a day may begin without a word, or with one.
            case _:
                pass

    def end(self, kept: RiskKept | None) -> None:
        """The journal has ended; `kept` is what the trader itself counted at its end, where that is known."""
        self._close()
        if kept is not None and kept.day == self._day:
            self._compare("messages in the last snapshot", kept.messages, self._sent)
            self._compare("orders in the last snapshot", kept.orders, _none_at_zero(self._orders))
            if self._begun:
                self._compare("equity at the roll in the last snapshot", kept.baselines, self._baselines)
        for day, count in self._begun.items():
            if count > 1:
                self.wrong.append(f"{iso_day(day)} began {count} times")
        if self._must_begin:
            missing = sorted(set(self._market.first) - set(self._begun))
            self.wrong += [f"{iso_day(day)} never began" for day in missing]

    def _date(self, at: int) -> None:
        """The trading day of a fact: counting begins anew where it is another one."""
        day = self._calendar.trading_day_of(at, self._hours)
        if day > self._day:
            self._close()
            self._day, self._sent, self._orders = day, 0, Counter()

    def _close(self) -> None:
        """The day is over: the machine's counters must say what was counted.

        Where nothing is watched no day is said to begin: a day of refusals alone leaves the last one's counters as they
        are, and they are read as none of the new one's.
        """
        state = self._risk.state
        unheard = state.day < self._day and not (self._must_begin or self._sent or self._orders)
        if self._day and not unheard:
            self._compare("the day", state.day, self._day)
            self._compare("messages", state.messages, self._sent)
            self._compare("orders", state.orders, _none_at_zero(self._orders))

    def _count(self, fact: AnyMessage) -> None:
        match fact:
            case Submit() | Cancel():
                self._sent += 1
                self.messages += 1
            case Placed() if fact.intent.k < TRADER_K:
                self._orders[fact.intent.strategy] += 1
            case Traded():
                own = self._own.setdefault((fact.strategy, fact.symbol), _Own())
                price = worth(fact.price_ticks, instrument(fact.symbol).product.inverse_value)
                own.position += fact.side * fact.qty
                own.cash -= fact.side * fact.qty * price
                own.costs += fact.fee + fact.tax
                self._fill_prices[fact.symbol] = fact.price_ticks
            case HaltReset() if fact.control == "repeated_execution":
                self._forget(fact.scope)
            case _:
                pass

    def _forget(self, scope: str) -> None:
        """A person has reset the throttle: it counts from nothing again."""
        for strategy in list(self._orders):
            if scope in ("", strategy_scope(strategy)):
                del self._orders[strategy]

    def _begin(self, begun: RiskDay) -> None:
        """A day was said to begin: when, at what prices, and with which counters; earlier runs' are not judged."""
        if begun.at < min(self._market.first.values(), default=begun.at + 1):
            return
        self._begun[begun.day] += 1
        roll = self._calendar.trading_day_ends_at(
            self._calendar.previous_trading_day(begun.day, self._hours), self._hours
        )
        first = self._market.first.get(begun.day, 0)
        if begun.day != self._day or begun.at != first or begun.at < roll:
            self.wrong.append(
                f"{iso_day(begun.day)} began at {begun.at}: its roll is at {roll}, its first word came at {first}"
            )
        before = self._market.before.get(begun.day, {})
        held = {symbol for (_, symbol), own in self._own.items() if own.position}
        marks = {symbol: price for symbol, price in before.items() if symbol in held}
        self._compare("prices at the roll", begun.marks, marks)
        self._baselines = {scope: self._equity(scope, before) for scope in self._scopes()}
        state = self._risk.state
        self._compare("messages at the roll", state.messages, 0)
        self._compare("orders at the roll", state.orders, {})
        self._compare("losing streaks at the roll", state.streaks, {})
        self._compare("equity at the roll", state.baselines, self._baselines)
        self._compare("highest equity at the roll", state.peaks, self._baselines)

    def _halted(self, halt: Halted) -> None:
        """A halt's value, of the controls that count by day."""
        strategy = halt.scope.partition(".")[2]
        prices = self._market.at_halts.get((halt.control, halt.scope, halt.at))
        if halt.control == "repeated_execution":
            count = self._orders[strategy] if strategy else self._orders.total()
            self._compare(f"orders at the halt of {halt.scope or 'the account'}", halt.value, count)
        elif halt.control == "daily_loss" and prices is not None:
            lost = max(0, self._baselines.get(halt.scope, 0) - self._equity(halt.scope, prices))
            self._compare(f"loss at the halt of {halt.scope or 'the account'}", halt.value, lost)

    def _scopes(self) -> Iterator[str]:
        yield ""
        yield from sorted({strategy_scope(strategy) for strategy, _ in self._own})

    def _equity(self, scope: str, prices: Prices) -> int:
        """What the account or a strategy has earned at these prices, minor units."""
        total = 0
        for (strategy, symbol), own in self._own.items():
            if scope in ("", strategy_scope(strategy)):
                product = instrument(symbol).product
                last = prices.get(symbol, self._fill_prices[symbol])
                open_worth = own.position and own.position * worth(last, product.inverse_value)
                total += (own.cash + open_worth) * product.tick_value - own.costs
        return total

    def _compare(self, what: str, said: object, counted: object) -> None:
        if said != counted:
            self.wrong.append(f"{what} of {iso_day(self._day)}: {said} said, {counted} counted")


def _none_at_zero(counts: Mapping[str, int]) -> dict[str, int]:
    return {name: count for name, count in counts.items() if count}
