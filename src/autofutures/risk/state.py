"""The durable state of risk: counters of a trading day, halts, changed limits. Moved by recorded facts alone.

The live trader folds its own words here just as recovery folds the journal's: so the state after any fact is the same
in both, and nothing has to be decided again.
"""

from collections.abc import Callable

import msgspec

from autofutures.domain.instrument import instrument
from autofutures.domain.messages import (
    TRADER_K,
    AnyMessage,
    BookKept,
    Cancel,
    Halted,
    HaltReset,
    LedgerKept,
    LimitSet,
    PeakMoved,
    Placed,
    RiskDay,
    RiskKept,
    Submit,
    TermsTold,
    Traded,
)
from autofutures.portfolio.pnl import worth

FACTS = frozenset(
    {
        Submit,
        Cancel,
        Placed,
        Traded,
        Halted,
        HaltReset,
        LimitSet,
        RiskDay,
        PeakMoved,
        TermsTold,
        LedgerKept,
        RiskKept,
        BookKept,
    }
)
"""What moves it."""

TradingDay = Callable[[int], int]
"""The trading day of an instant."""


class Held(msgspec.Struct):
    """What one strategy holds of one symbol: contracts, cash in ticks × contracts, costs in minor units.

    Whatever was traded, `cash + position × price` is what has been earned, realised and open together.
    """

    position: int = 0
    cash: int = 0
    costs: int = 0


class RiskState:
    """A fold over facts.

    Args:
        trading_day: asks the calendar. A fact of an earlier day than the newest belongs to the newest.

    Attributes:
        day: the newest trading day of a fact, YYYYMMDD.
        halts: what is halted, by control and scope.
        changed: the newest change of each limit, by rule with scope and setting.
        held: by strategy and symbol.
        marks: the last price of each symbol that a fact told of.
        terms: all that the venue has told of price limits and margins; None before its first word.
    """

    def __init__(self, trading_day: TradingDay) -> None:
        self._trading_day = trading_day
        self.halts: dict[tuple[str, str], Halted] = {}
        self.changed: dict[tuple[str, str], LimitSet] = {}
        self.held: dict[tuple[str, str], Held] = {}
        self._clear()

    def _clear(self) -> None:
        self.day = 0
        self.messages = 0
        self.orders: dict[str, int] = {}
        self.streaks: dict[str, int] = {}
        self.baselines: dict[str, int] = {}
        self.peaks: dict[str, int] = {}
        self.marks: dict[str, int] = {}
        self.trips: dict[tuple[str, str], int] = {}
        self.terms: TermsTold | None = None
        self.halts.clear()
        self.changed.clear()
        self.held.clear()

    def fold(self, fact: AnyMessage) -> None:
        """Takes one fact in."""
        match fact:
            case Submit() | Cancel():
                self._roll(fact.at)
                self.messages += 1
            case Placed():
                self._roll(fact.intent.at)
                if fact.intent.k < TRADER_K:
                    strategy = fact.intent.strategy
                    self.orders[strategy] = self.orders.get(strategy, 0) + 1
            case Traded():
                self._traded(fact)
            case RiskDay():
                self.marks.update(fact.marks)
                self._roll(fact.at)
            case PeakMoved():
                self._roll(fact.at)
                self.peaks[fact.scope] = fact.peak
            case Halted():
                self.halts[fact.control, fact.scope] = fact
            case HaltReset():
                self._reset(fact)
            case LimitSet():
                self.changed[fact.key, fact.setting] = fact
            case TermsTold():
                limits, margins = self.limits | fact.limits, self.margins | fact.margins
                self.terms = msgspec.structs.replace(fact, limits=limits, margins=margins)
            case _:
                self._fold_kept(fact)

    def _fold_kept(self, fact: AnyMessage) -> None:
        match fact:
            case BookKept():
                self._clear()
            case LedgerKept():
                signed = -fact.cost if fact.position > 0 else fact.cost
                key = (fact.strategy, fact.symbol)
                self.held[key] = Held(fact.position, fact.realised + signed, fact.fees + fact.tax)
                if fact.lots:
                    self.marks.setdefault(fact.symbol, fact.lots[-1][1])
            case RiskKept():
                self.day, self.messages = fact.day, fact.messages
                self.orders, self.streaks = dict(fact.orders), dict(fact.streaks)
                self.baselines, self.peaks = dict(fact.baselines), dict(fact.peaks)
                self.marks = dict(fact.marks)
                self.trips = {(strategy, symbol): earned for strategy, symbol, earned in fact.trips}
            case _:
                pass

    def _roll(self, at: int) -> None:
        """A new trading day: counters begin anew. Halts stay."""
        day = self._trading_day(at)
        if day <= self.day:
            return
        self.day, self.messages = day, 0
        self.orders, self.streaks = {}, {}
        scopes = ("", *sorted({strategy_scope(strategy) for strategy, _ in self.held}))
        self.baselines = {scope: self.equity(scope) for scope in scopes}
        self.peaks = dict(self.baselines)

    def _traded(self, fill: Traded) -> None:
        self._roll(fill.at)
        key = (fill.strategy, fill.symbol)
        held = self.held.setdefault(key, Held())
        before = held.position
        price = worth(fill.price_ticks, instrument(fill.symbol).product.inverse_value)
        held.position += fill.side * fill.qty
        held.cash -= fill.side * fill.qty * price
        held.costs += fill.fee + fill.tax
        self.marks[fill.symbol] = fill.price_ticks
        if before and before * held.position <= 0:
            self._trip_ended(key)

    def _trip_ended(self, key: tuple[str, str]) -> None:
        """A position was closed whole, or turned: what it earned with all costs counts as won or lost."""
        earned = self._earned(key, self.marks)
        lost = earned < self.trips.get(key, 0)
        self.trips[key] = earned
        for scope in ("", strategy_scope(key[0])):
            self.streaks[scope] = self.streaks.get(scope, 0) + 1 if lost else 0

    def _reset(self, reset: HaltReset) -> None:
        self.halts.pop((reset.control, reset.scope), None)
        if reset.control == "loss_streak":
            self.streaks.pop(reset.scope, None)
        elif reset.control == "repeated_execution" and reset.scope:
            self.orders.pop(reset.scope.partition(".")[2], None)
        elif reset.control == "repeated_execution":
            self.orders.clear()

    # --- figures

    def _earned(self, key: tuple[str, str], marks: dict[str, int]) -> int:
        held, symbol = self.held[key], key[1]
        product = instrument(symbol).product
        open_value = held.position and held.position * worth(marks.get(symbol, 0), product.inverse_value)
        return (held.cash + open_value) * product.tick_value - held.costs

    def equity(self, scope: str, prices: dict[str, int] | None = None) -> int:
        """What the account, or a strategy, has earned: realised and open, after costs; minor units.

        Args:
            scope: empty for the account.
            prices: newer ones than the facts have, in ticks.
        """
        marks = self.marks | prices if prices else self.marks
        return sum(
            self._earned(key, marks) for key in self.held if not scope or strategy_scope(key[0]) == scope
        )

    def lost_today(self, scope: str, equity: int) -> int:
        """Loss since the trading day began, minor units; 0 where there is none."""
        return max(0, self.baselines.get(scope, 0) - equity)

    def below_peak(self, scope: str, equity: int) -> int:
        """How far equity is below the day's highest, minor units."""
        return max(0, self.peak(scope) - equity)

    def peak(self, scope: str) -> int:
        """The day's highest equity."""
        return self.peaks.get(scope, self.baselines.get(scope, 0))

    def executions(self, scope: str) -> int:
        """Orders that strategies decided on this trading day, since the last reset."""
        return self.orders.get(scope.partition(".")[2], 0) if scope else sum(self.orders.values())

    def messages_on(self, day: int) -> int:
        """Orders and cancels sent on a trading day; nothing of it yet where it is newer than every fact."""
        return self.messages if day <= self.day else 0

    def halts_of(self, strategy: str) -> tuple[Halted, ...]:
        """What has halted the account or the strategy."""
        if not self.halts:
            return ()
        scopes = ("", strategy_scope(strategy))
        return tuple(halt for halt in self.halts.values() if halt.scope in scopes)

    @property
    def limits(self) -> dict[str, tuple[int, int, int]]:
        """The price limits that the venue told, by symbol, and until when they hold."""
        return self.terms.limits if self.terms is not None else {}

    @property
    def margins(self) -> dict[str, int]:
        """The initial margin of one lot that the venue told, by symbol."""
        return self.terms.margins if self.terms is not None else {}

    def symbols_held(self) -> set[str]:
        """Symbols in which some strategy has a position, though the account may have none."""
        return {symbol for (_, symbol), held in self.held.items() if held.position}

    def kept(self, at: int) -> list[AnyMessage]:
        """Facts whose fold is this state, besides the ledgers'; none where nothing has happened yet."""
        terms = [self.terms] if self.terms is not None else []
        if not self.day and not self.changed:
            return [*terms]
        trips = tuple((strategy, symbol, earned) for (strategy, symbol), earned in sorted(self.trips.items()))
        counters = RiskKept(
            at=at,
            day=self.day,
            messages=self.messages,
            orders=dict(sorted(self.orders.items())),
            streaks=dict(sorted(self.streaks.items())),
            baselines=dict(sorted(self.baselines.items())),
            peaks=dict(sorted(self.peaks.items())),
            marks=dict(sorted(self.marks.items())),
            trips=trips,
        )
        halts = [halt for _, halt in sorted(self.halts.items(), key=lambda one: one[0])]
        return [counters, *halts, *self.changed.values(), *terms]


def strategy_scope(strategy: str) -> str:
    """The scope of one strategy, in words of facts."""
    return f"strategy.{strategy}"
