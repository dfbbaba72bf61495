"""Where risk is judged: prices, fills and orders come in; halts, and what a halt does, go out.

Everything said here is a fact that `risk.state` folds, live as in recovery. What a halt asks for (cancels, closing
orders) goes the way of all other orders.
"""

from collections.abc import Callable, Iterable, Sequence

from autofutures.domain.errors import BadInput
from autofutures.domain.instrument import Instrument
from autofutures.domain.messages import (
    Alert,
    AnyMessage,
    Cancel,
    Command,
    CommandRefused,
    Halted,
    HaltReset,
    LimitSet,
    LinkChanged,
    PeakMoved,
    Placed,
    RiskDay,
    Submit,
    TermsTold,
    Traded,
)
from autofutures.domain.order_life import Event, Status
from autofutures.market.sessions import TAIFEX
from autofutures.market.view import MarketView
from autofutures.orders.account import Account
from autofutures.orders.exit_desk import ExitDesk
from autofutures.orders.standing import Standing
from autofutures.risk.drawdown import Drawdown
from autofutures.risk.gate import Gate
from autofutures.risk.halting import Halting
from autofutures.risk.scopes import Scope, key_of, scope_of, split
from autofutures.risk.state import FACTS, RiskState

Said = list[AnyMessage]

NAME = "risk"
"""What a command to this desk names."""

_USUAL = frozenset({Submit, Cancel, Placed, Traded})
"""Facts that halt nothing and set no limit."""

GateOf = Callable[[], Gate]


class RiskDesk:
    """Watches what halts.

    Args:
        account: orders, positions and plans.
        view: last prices and the calendar.
        gate: the gate now in use, whose limits are measured here and changed by a person's command.
        desk: closes what is held, where a halt flattens.
        standing: hears what has halted the account.

    Attributes:
        state: counters, halts and changed limits.
        rolls_at: when the next trading day begins; asked for each input.
        watched: the limits that halt, with their scopes; a trade of the market is of no interest without one.
    """

    def __init__(
        self, account: Account, view: MarketView, gate: GateOf, desk: ExitDesk, standing: Standing
    ) -> None:
        self._account = account
        self._view = view
        self._gate = gate
        self._desk = desk
        self._standing = standing
        self._sessions = sessions_of_book(account.instruments.values())
        self._day = (0, 0, 0)
        self.state = RiskState(self.trading_day)
        self.rolls_at = 0
        self.watched: list[tuple[Scope, Halting]] = []
        self._watch()

    def trading_day(self, at: int) -> int:
        """The book's trading day: TAIFEX's index futures', where it trades there."""
        day, since, until = self._day
        if not since <= at < until:
            calendar = self._view.calendar
            day = calendar.trading_day_of(at, self._sessions)
            self._day = (day, at, calendar.trading_day_ends_at(day, self._sessions))
        return day

    def calendar_changed(self) -> None:
        """A person closed or opened a day: which one it is, is asked anew."""
        self._day = (0, 0, 0)
        self.rolls_at = 0

    def _watch(self) -> None:
        """The limits may have changed."""
        limits = self._gate().limits()
        self.watched = [
            (limit.scope, limit.rule)
            for limit in limits
            if isinstance(limit.rule, Halting) and not limit.rule.off
        ]

    def begin_day(self, now: int) -> Sequence[AnyMessage]:
        """It is `rolls_at`: where something is watched, the prices that the new day counts from are kept."""
        day = self.trading_day(now)
        self.rolls_at = self._day[2]
        if not self.watched or day <= self.state.day:
            return ()
        begun = RiskDay(now, day, self._prices())
        self.fold(begun)
        return (begun,)

    def priced(self, symbol: str, now: int) -> Sequence[AnyMessage]:
        """A market moved. Costs a look at the limits unless one of them is of money and something is held."""
        if not self.watched or symbol not in self.state.symbols_held():
            return ()
        said: Said = []
        self._judge(now, said)
        return said and self.after(said, now, 0)

    def after(self, said: Said, now: int, since: int = 0) -> Said:
        """Folds what the trader has said from `since` on, judges it, and folds what that says, to the end."""
        while since < len(said):
            moved = False
            for fact in said[since:] if since else said:
                if type(fact) in FACTS:
                    self._fold(fact)
                    moved = True
            since = len(said)
            if moved and self.watched:
                self._judge(now, said)
        return said

    def fold(self, fact: AnyMessage) -> None:
        """Takes one fact in, in this life or of an earlier one."""
        if type(fact) in FACTS:  # Most of a journal is none.
            self._fold(fact)

    def _fold(self, fact: AnyMessage) -> None:
        self.state.fold(fact)
        if type(fact) in _USUAL:
            return
        if isinstance(fact, LimitSet):
            rule, scope = split(fact.key)
            self._gate().change(rule, scope, fact.setting, fact.new)
            self._watch()
        elif isinstance(fact, (Halted, HaltReset)):
            account = [halt for halt in self.state.halts.values() if not halt.scope]
            self._standing.halts = tuple(f"{halt.control}: {halt.reason}" for halt in account)
        elif isinstance(fact, TermsTold):
            self._view.learn_limits(fact.limits)

    def link(self, changed: LinkChanged, said: Said) -> None:
        """A login tells price limits and margins: what of it is news is a fact. Of symbols not known it is no use."""
        view, state = self._view, self.state
        limits = {
            symbol: (*limits, view.next_day_begins_at(symbol, changed.at))
            for symbol, limits in changed.limits.items()
            if view.knows(symbol)
        }
        told = TermsTold(
            changed.venue,
            changed.at,
            {symbol: one for symbol, one in limits.items() if state.limits.get(symbol) != one},
            {
                symbol: margin
                for symbol, margin in changed.margins.items()
                if view.knows(symbol) and state.margins.get(symbol) != margin
            },
        )
        if told.limits or told.margins:
            self.fold(told)
            said.append(told)

    # --- halts

    def _prices(self) -> dict[str, int]:
        """The newest price of what is held; none of a market that has not been heard in this life."""
        return {
            symbol: self._view.reference(symbol)
            for symbol in sorted(self.state.symbols_held())
            if self._view.heard_at(symbol)
        }

    def equity(self, scope: str) -> int:
        """What a scope has earned, at the newest prices; minor units."""
        return self.state.equity(scope, self._prices())

    def _judge(self, now: int, said: Said) -> None:
        state, prices = self.state, self._prices()
        for scope, rule in self.watched:
            if (rule.id, scope.text) in state.halts:
                continue
            equity = state.equity(scope.text, prices)
            if isinstance(rule, Drawdown):
                peak = rule.peak_of(equity)
                if peak > state.peak(scope.text):
                    moved = PeakMoved(scope.text, now, peak)
                    self.fold(moved)
                    said.append(moved)
            value = rule.measure(state, scope.text, equity)
            if value >= rule.limit:
                self._halt(scope, rule, value, now, said)

    def _halt(self, scope: Scope, rule: Halting, value: int, now: int, said: Said) -> None:
        """Entries stop: what would still open is asked back, and what is held is closed where the limit says so.

        Then what only reduces is asked back too: it would open once all is closed.
        """
        reason = f"{rule.id} of {scope.words}: {value} {rule.unit}, at most {rule.limit} may be"
        halted = Halted(rule.id, scope.text, now, rule.limit, value, reason)
        self.fold(halted)
        said.append(halted)
        said.append(
            Alert("halted", now, key_of(rule.id, scope), f"{reason}: nothing is opened until a reset")
        )
        strategy = scope.name
        portfolio = self._account.portfolio
        for order in tuple(self._account.orders.alive()):
            intent = order.intent
            reduces = portfolio.position(intent.strategy, intent.symbol) * intent.side < 0
            stays = reduces and not rule.flatten
            if intent.closes_k or stays or strategy not in ("", intent.strategy):
                continue
            if order.status is Status.HELD:
                self._account.orders.hear(order, Event.CANCELED)
                said.append(order.changed(now, rule.id))
            elif order.left:
                self._account.cancel(order, now, said)
        if rule.flatten:
            self._desk.flatten(strategy, now, said)

    # --- a person

    def command(self, command: Command, now: int) -> Said:
        """A reset, or a limit that is to be another."""
        try:
            return [self._reset(command, now) if command.verb == "reset" else self._set(command, now)]
        except BadInput as error:
            return [CommandRefused(command.flow, command.strategy, now, str(error))]

    def _reset(self, command: Command, now: int) -> AnyMessage:
        control, text = _text(command, "control"), _text(command, "scope", may_lack=True)
        reason = _text(command, "reason")
        scope = scope_of(text)
        if (control, scope.text) not in self.state.halts:
            halted = ", ".join(key_of(name, scope_of(of)) for name, of in self.state.halts) or "nothing"
            raise BadInput(f"{key_of(control, scope)} has not halted; halted: {halted}")
        for of, rule in self.watched:
            if (rule.id, of) != (control, scope) or control in ("loss_streak", "repeated_execution"):
                continue
            value = rule.measure(self.state, scope.text, self.equity(scope.text))
            if value >= rule.limit:
                key = key_of(control, scope)
                raise BadInput(
                    f"{key} is still {value} {rule.unit} of {rule.limit}, and would halt at once: "
                    f"raise it first (autofutures risk set {key}), or wait for the next trading day"
                )
        return HaltReset(command.flow, control, scope.text, now, command.who, reason)

    def _set(self, command: Command, now: int) -> AnyMessage:
        if command.verb != "set":
            raise BadInput(f"risk knows reset and set, not {command.verb!r}")
        rule_id, scope = split(_text(command, "key"))
        setting, reason = _text(command, "setting"), _text(command, "reason")
        new = command.values.get("value")
        if type(new) is not int:
            raise BadInput(f"a limit is a whole number, not {new!r}")
        gate = self._gate()
        gate.changed(rule_id, scope, setting, new)  # It raises where that cannot be.
        old = gate.setting(rule_id, scope, setting)
        return LimitSet(command.flow, key_of(rule_id, scope), setting, now, command.who, old, new, reason)


def _text(command: Command, name: str, *, may_lack: bool = False) -> str:
    value = command.values.get(name, "")
    if not isinstance(value, str) or not (value or may_lack):
        raise BadInput(f"risk {command.verb} needs {name}")
    return value


def sessions_of_book(instruments: Iterable[Instrument]) -> str:
    """Whose trading day the book keeps: TAIFEX's index futures' where it trades there, else its first instrument's."""
    products = [item.product for item in instruments]
    if not products or any(product.exchange == "TAIFEX" for product in products):
        return TAIFEX
    return products[0].sessions
