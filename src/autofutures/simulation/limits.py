"""Risk limits in a simulation: what a seed sets, what a person does about halts, and the judge of both.

The judge counts orders and cancels itself, marks positions by the trades that the trader has heard, and believes halts
and resets as the journal has them.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from random import Random

from autofutures.domain.errors import BrokenInvariant
from autofutures.domain.messages import (
    AnyMessage,
    BookMode,
    Cancel,
    Command,
    Halted,
    HaltReset,
    Intent,
    Submit,
    Tick,
    Traded,
)
from autofutures.domain.units import Mode
from autofutures.orders.account import OUTSIDE
from autofutures.orders.risk_desk import NAME
from autofutures.risk.position import reach
from autofutures.risk.scopes import key_of, scope_of
from autofutures.risk.state import FACTS, RiskState, strategy_scope
from autofutures.simulation.room import Room
from autofutures.trader import Trader

SETTINGS = {
    "daily_loss": "max_loss",
    "drawdown": "max_loss",
    "loss_streak": "max_losses",
    "repeated_execution": "max_orders",
}
"""The controls that halt, with the setting that a person raises."""

WIDE = 10**12
"""A limit that nothing reaches: what a person sets when all faults have ended."""

Limits = dict[str, dict[str, int]]


def limits_of(seed: int) -> Limits:
    """The limits that one seed in three sets besides the others; its strategies `fuzz` and `planned` have their own."""
    random = Random(f"limits/{seed}")
    if random.randrange(3):
        return {}
    choices: list[tuple[str, dict[str, int]]] = [
        (
            _scoped(random, "daily_loss"),
            {"max_loss": random.choice((20_000, 60_000, 200_000)), "flatten": random.randrange(2)},
        ),
        (
            _scoped(random, "drawdown"),
            {"max_loss": random.choice((20_000, 60_000, 200_000)), "flatten": random.randrange(2)},
        ),
        (
            _scoped(random, "loss_streak"),
            {"max_losses": random.choice((3, 6)), "flatten": random.randrange(2)},
        ),
        (
            _scoped(random, "repeated_execution"),
            {"max_orders": random.choice((20, 60)), "flatten": random.randrange(2)},
        ),
        ("daily_messages", {"max_messages": random.choice((60, 200)), "reserved": random.choice((10, 30))}),
        ("position.strategy.fuzz", {"max_contracts": random.choice((1, 2, 4))}),
    ]
    return dict(random.sample(choices, random.randint(2, len(choices))))


def _scoped(random: Random, control: str) -> str:
    return control + random.choice(("", "", ".strategy.fuzz", ".strategy.planned"))


def relief(halts: Iterable[Halted], flow: str, limit: int = 0) -> list[Command]:
    """What a person says of halts: each limit is raised, twofold unless it is said to how much, and the halt reset."""
    said: list[Command] = []
    for number, halt in enumerate(halts):
        key = key_of(halt.control, scope_of(halt.scope))
        more = limit or 2 * max(halt.limit, halt.value)
        values: dict[str, int | str | bool] = {
            "key": key,
            "setting": SETTINGS[halt.control],
            "value": more,
            "reason": "wider",
        }
        said.append(Command(f"{flow}s{number}", "", "set", NAME, values, "operator/1"))
        reset: dict[str, int | str | bool] = {
            "control": halt.control,
            "scope": halt.scope,
            "reason": "looked at it",
        }
        said.append(Command(f"{flow}r{number}", "", "reset", NAME, reset, "operator/1"))
    return said


def mode_besides(said: BookMode) -> Mode:
    """The mode for other reasons than halts, which the gate asks for by themselves, at once."""
    halted = tuple(f"{control}: " for control in SETTINGS)
    only_halts = said.reasons and all(reason.startswith(halted) for reason in said.reasons)
    return Mode.NORMAL if only_halts else said.mode


class LimitsJudge:
    """Watches one house's limits.

    Args:
        limits: the run's.
        shadow: a trader that is the fold of the journal.
        room: what is held and at work, by the journal.
        bands: sound prices by symbol.
    """

    def __init__(
        self,
        limits: Mapping[str, Mapping[str, int]],
        shadow: Trader,
        room: Room,
        bands: Mapping[str, tuple[int, int]],
    ) -> None:
        self._watches = any(key.partition(".")[0] in SETTINGS for key in limits)
        daily = limits.get("daily_messages", {})
        self._most_messages = daily.get("max_messages", 0) - daily.get("reserved", 0)
        self._position = {
            key.rpartition(".")[2]: of["max_contracts"]
            for key, of in limits.items()
            if key.startswith("position.strategy.")
        }
        self._shadow = shadow
        self._room = room
        self._bands = bands
        self._prices: dict[str, int] = {}
        self._halts: set[tuple[str, str]] = set()
        self._messages: Counter[int] = Counter()

    @property
    def _state(self) -> RiskState:
        return self._shadow.risk.state

    def new_life(self) -> None:
        """A trader starts, and has heard no price."""
        self._prices.clear()

    def fold(self, fact: AnyMessage) -> None:
        """A fact is in the journal."""
        match fact:
            case Submit() | Cancel():
                self._messages[self._shadow.risk.trading_day(fact.at)] += 1
            case Halted():
                self._halts.add((fact.control, fact.scope))
                if fact.value < fact.limit:
                    raise BrokenInvariant(f"{fact} halts below its limit")
            case HaltReset():
                self._halts.discard((fact.control, fact.scope))
            case Traded() if fact.strategy != OUTSIDE:
                most, held = self._position.get(fact.strategy), self._room.own[fact.strategy, fact.symbol]
                if most is not None and abs(held) > most:
                    raise BrokenInvariant(
                        f"{fact.strategy} holds {held} of {fact.symbol}, and {most} are allowed"
                    )
            case _:
                pass

    def let_through(self, intent: Intent, counted: int) -> None:
        """An order that a strategy decided leaves, and opens something for the account.

        Args:
            intent: the decision.
            counted: how much of it counts as at work already.

        Raises:
            BrokenInvariant: it opens something for its strategy too, though something has halted.
        """
        own = self._room.own[intent.strategy, intent.symbol]
        working = self._room.at_work(intent.strategy, intent.symbol, intent.side) - counted
        if reach(own, working, intent.side, intent.qty) <= 0:
            return
        halted = self._halts & {
            (control, scope) for control in SETTINGS for scope in ("", strategy_scope(intent.strategy))
        }
        if halted:
            raise BrokenInvariant(f"{intent} opens though {sorted(halted)} have halted")

    def sent_today(self, intent: Intent, now: int) -> None:
        """An order is let through that opens something for the account.

        Raises:
            BrokenInvariant: the day's messages for entries are used up.
        """
        sent = self._messages[self._shadow.risk.trading_day(now)]
        if self._most_messages > 0 and sent >= self._most_messages:
            raise BrokenInvariant(f"{intent} opens after {sent} messages of {self._most_messages} today")

    def kept(self, inputs: Sequence[AnyMessage], outputs: Sequence[AnyMessage]) -> None:
        """A batch is in the journal: whoever reached a limit by now has halted."""
        if not self._watches:
            return
        judged = any(type(message) in FACTS for message in outputs)
        held = self._state.symbols_held()
        for message in inputs:
            if isinstance(message, Tick) and self._is_sound(message):
                self._prices[message.symbol] = message.price_ticks
                judged = judged or message.symbol in held
        if not judged:
            return
        prices = {symbol: price for symbol, price in self._prices.items() if symbol in held}
        for scope, rule in self._shadow.risk.watched:
            value = rule.measure(self._state, scope.text, self._state.equity(scope.text, prices))
            if value >= rule.limit and (rule.id, scope.text) not in self._halts:
                raise BrokenInvariant(
                    f"{key_of(rule.id, scope)} is {value} of {rule.limit} and has not halted"
                )

    def _is_sound(self, tick: Tick) -> bool:
        low, high = self._bands.get(tick.symbol, (0, 0))
        return low <= tick.price_ticks <= high
