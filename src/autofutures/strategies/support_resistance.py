"""Support and resistance, entered on the right side of the turn, by conditions that people add and remove.

A BUY condition waits until trades fall to its trigger, is armed then, and buys when they have turned up by
the turning point; SELL is its mirror. With `following` an armed condition's trigger goes along with the
trades until the entry. Exits are plans that the trader keeps and fires, so they hold while this strategy is
away.

Source of the rules: the "right-side entry" of the machine that users come from, with positions moved by
fills.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal, Self

import msgspec

from autofutures.domain.errors import BadInput, BadMessage
from autofutures.domain.instrument import instrument
from autofutures.domain.messages import (
    TRADER_K,
    Command,
    ExitMoved,
    OrderChanged,
    Refused,
    Restored,
    Tick,
    handle_of,
)
from autofutures.domain.order_life import Status as OrderStatus
from autofutures.domain.units import Side
from autofutures.strategies.base import Setting, Strategy
from autofutures.strategies.conditions import (
    NEXT,
    Condition,
    Event,
    Status,
    Value,
    condition_values,
    shown,
    standing,
    started,
    terms_of,
    values_of,
)
from autofutures.strategies.context import Context

_decode_kept = msgspec.msgpack.Decoder(list[Condition]).decode


class SupportResistance(Strategy):
    """Trades the conditions that commands add; it has no settings of its own."""

    exits: ClassVar[Literal["plans", "own"]] = "plans"
    reasons: ClassVar[tuple[str, ...]] = ("support held", "resistance held")

    def __init__(self, **settings: Setting) -> None:
        super().__init__(**settings)
        self._conditions: dict[str, Condition] = {}

    @classmethod
    def command_values(cls, table: Mapping[str, object], symbols: Sequence[str]) -> dict[str, Value]:
        """A condition as a person wrote it, in ticks of the contract that it names, or of the only one.

        Raises:
            BadInput: a value makes no sense, or the contract is not clear.
        """
        named = table.get("symbol", symbols[0] if len(symbols) == 1 else None)
        if not isinstance(named, str):
            raise BadInput(f"say which contract the condition is for: symbol is one of {', '.join(symbols)}")
        found = instrument(named)
        if found.symbol not in symbols:
            raise BadInput(f"{named} is not traded by this strategy: symbol is one of {', '.join(symbols)}")
        values = {key: value for key, value in table.items() if key not in ("name", "symbol")}
        return {**condition_values(values, found), "symbol": found.symbol}

    def conditions(self) -> list[dict[str, Value]]:
        """Every condition as it stands, for a person to read; prices in ticks."""
        return [shown(condition) for condition in self._conditions.values()]

    def on_tick(self, tick: Tick, ctx: Context) -> None:
        """Moves each condition of the tick's contract by one step at most."""
        for condition in self._conditions.values():
            watching = condition.status is Status.WAITING or condition.status is Status.ARMED
            if watching and not condition.paused and condition.terms.symbol == tick.symbol:
                self._watch(condition, tick, ctx)

    def _watch(self, condition: Condition, tick: Tick, ctx: Context) -> None:
        terms = condition.terms
        price = tick.price_ticks
        at_trigger = (condition.trigger_ticks - price) * terms.side >= 0
        if condition.status is Status.WAITING:
            if at_trigger:
                self._move(condition, Event.TRIGGERED, ctx)
        elif (price - condition.order_ticks) * terms.side >= 0:
            age_ms = (ctx.now - tick.at) // 1_000_000
            if age_ms <= terms.deadline_ms:
                self._enter(condition, ctx)
            else:
                condition.expired += 1
                note = (
                    f"the turn at {price} was heard {age_ms} ms late, its deadline is {terms.deadline_ms} ms"
                )
                self._move(condition, Event.STALE, ctx, note)
            return
        if terms.following and at_trigger and price != condition.trigger_ticks:
            condition.trigger_ticks = price
            ctx.save()

    def _enter(self, condition: Condition, ctx: Context) -> None:
        terms = condition.terms
        order = ctx.buy_market if terms.side is Side.BUY else ctx.sell_market
        condition.entry = order(
            terms.quantity,
            leg=ctx.leg_of(terms.symbol),
            exit=ctx.declare_exit(terms.take_profit_ticks, terms.stop_loss_ticks),
            why=0 if terms.side is Side.BUY else 1,
            plan_ticks=condition.order_ticks if terms.exit_from == "plan" else 0,
        )
        condition.entry_left = terms.quantity
        self._move(condition, Event.TURNED, ctx)

    def _move(self, condition: Condition, event: Event, ctx: Context, note: str = "") -> None:
        before = condition.status
        after = NEXT[before][event]
        if after is None:
            note = f"{event.word} was heard while {before.word}, which cannot be: compare with the orders"
        else:
            condition.status = after
        if note or condition.status is not before:
            condition.note = note
        ctx.save()

    def on_order(self, event: OrderChanged | Refused, ctx: Context) -> None:
        """News of an entry moves its condition; doubt about an exit halts what it may have closed."""
        if isinstance(event, Refused):
            refused = self._of_entry(handle_of(event.cause_seq, event.k))
            if refused is not None and event.rule != "duplicate":
                refused.entry_left = 0
                self._move(refused, Event.REFUSED, ctx, f"the gate refused its entry: {event.reason}")
        elif event.order_k >= TRADER_K:
            self._hear_exit_order(event, ctx)
        else:
            condition = self._of_entry(handle_of(event.order_seq, event.order_k))
            if condition is not None:
                self._hear_entry(condition, event, ctx)

    def _hear_entry(self, condition: Condition, changed: OrderChanged, ctx: Context) -> None:
        condition.filled = max(condition.filled, changed.filled)
        condition.entry_left = changed.left
        if changed.status is OrderStatus.UNKNOWN:
            condition.doubt = condition.entry
        elif condition.doubt == condition.entry:
            condition.doubt = 0
        event = standing(condition)
        if event is Event.UNFILLED and changed.status is OrderStatus.REJECTED:
            event = Event.REJECTED
        notes = {
            Event.DOUBTED: "nobody knows what became of its entry",
            Event.UNFILLED: "its entry is over and nothing was filled",
            Event.REJECTED: "the venue rejected its entry",
        }
        said = notes.get(event, "")
        self._move(condition, event, ctx, f"{said}: {changed.reason}" if said and changed.reason else said)

    def _hear_exit_order(self, changed: OrderChanged, ctx: Context) -> None:
        """An exit order does not say whose it is: doubt about it halts every exit of its contract."""
        handle = handle_of(changed.order_seq, changed.order_k)
        for condition in self._conditions.values():
            exiting = condition.status is Status.EXITING and condition.terms.symbol == changed.symbol
            if changed.status is OrderStatus.UNKNOWN and exiting:
                condition.doubt = handle
                self._move(condition, Event.DOUBTED, ctx, "nobody knows what became of its exit")
            elif changed.status is not OrderStatus.UNKNOWN and condition.doubt == handle:
                condition.doubt = 0
                self._move(condition, standing(condition), ctx)
            elif changed.status is OrderStatus.REJECTED and exiting:
                condition.note = f"an exit was rejected, the next trade tries again: {changed.reason}"
                ctx.save()

    def on_exit(self, event: ExitMoved, ctx: Context) -> None:
        """The trader's plan says what is open and whether it is on its way out."""
        condition = self._of_entry(handle_of(event.order_seq, event.order_k))
        if condition is None:
            return
        condition.open_qty = event.open_qty
        condition.filled = max(condition.filled, event.open_qty)
        condition.take_profit_ticks = event.take_profit_ticks
        condition.stop_loss_ticks = event.stop_ticks
        condition.exit_reason = event.reason
        before = condition.status
        self._move(condition, standing(condition), ctx, event.reason)
        if condition.status is Status.EXITING and before is not Status.EXITING and condition.entry_left:
            ctx.cancel(condition.entry)  # More of the entry would be opened behind the exit.

    def on_start(self, event: Restored, ctx: Context) -> None:
        """Compares what is remembered with the book: where they differ, a person must look."""
        alive = {0}
        for changed in event.changed:
            alive.add(handle_of(changed.order_seq, changed.order_k))
            self.on_order(changed, ctx)
        for condition in self._conditions.values():
            if condition.doubt not in alive or (condition.entry_left and condition.entry not in alive):
                condition.doubt = 0
                condition.entry_left = condition.entry_left if condition.entry in alive else 0
                self._move(
                    condition, standing(condition), ctx, "an order of it ended while this strategy was away"
                )
        for symbol, position in event.positions.items():
            self._compare(symbol, position, ctx)

    def _compare(self, symbol: str, position: int, ctx: Context) -> None:
        entered = [c for c in self._conditions.values() if c.terms.symbol == symbol and c.entry]
        known = sum(condition.terms.side * condition.open_qty for condition in entered)
        if known != position:
            note = f"the book holds {position} of {symbol}, conditions know of {known}: a fill was missed"
            for condition in entered:
                if condition.status is not Status.DONE:
                    self._move(condition, Event.DOUBTED, ctx, note)

    def _of_entry(self, handle: int) -> Condition | None:
        return next((condition for condition in self._conditions.values() if condition.entry == handle), None)

    def on_command(self, command: Command, ctx: Context) -> None:
        """Takes `add`, `change`, `pause`, `resume` and `remove` of the condition `command.name`.

        Values are the fields of `Terms`, the side as `buy` or `sell`; `change` may give some of them.

        Raises:
            BadInput: the values make no sense, or the condition cannot be changed where it is now.
        """
        name = command.name
        match command.verb:
            case "add":
                if not name or name in self._conditions:
                    raise BadInput(
                        f"a condition needs a name that is not taken; {name!r} is: change or remove it"
                    )
                terms = terms_of(command.values, ctx.symbols)
                self._conditions[name] = Condition(name, terms, terms.trigger_ticks)
            case "change":
                before = self._asked(name, Event.CHANGED)
                terms = terms_of({**values_of(before.terms), **command.values}, ctx.symbols)
                self._conditions[name] = started(before, terms)
            case "pause":
                before = self._asked(name, Event.PAUSED)
                self._conditions[name] = started(before, before.terms)
                self._conditions[name].paused = True
            case "resume":
                before = self._asked(name, Event.RESUMED)
                self._conditions[name] = started(before, before.terms)
                self._conditions[name].paused = False
            case "remove":
                condition = self._named(name)
                if condition.status in (Status.ENTERING, Status.OPEN, Status.EXITING):
                    raise BadInput(_busy(condition, "removed"))
                del self._conditions[name]
            case _:
                raise BadInput(
                    f"a condition takes add, change, pause, resume and remove, not {command.verb!r}"
                )

    def _named(self, name: str) -> Condition:
        condition = self._conditions.get(name)
        if condition is None:
            names = ", ".join(self._conditions) or "none"
            raise BadInput(f"there is no condition {name!r}; there are: {names}")
        return condition

    def _asked(self, name: str, event: Event) -> Condition:
        """The condition, if a person may have this of it."""
        condition = self._named(name)
        if NEXT[condition.status][event] is None or condition.open_qty or condition.entry_left:
            raise BadInput(_busy(condition, event.word))
        return condition

    def pack(self) -> bytes:
        """Every condition, where it is and what became of it."""
        return msgspec.msgpack.encode(list(self._conditions.values()))

    def unpack(self, state: bytes) -> Self:
        """Takes all conditions back.

        Raises:
            BadMessage: the bytes are not this strategy's state.
        """
        try:
            kept = _decode_kept(state)
        except msgspec.MsgspecError as error:
            raise BadMessage(f"{len(state)} bytes are not the state of conditions: {error}") from error
        self._conditions = {condition.name: condition for condition in kept}
        return self


def _busy(condition: Condition, asked: str) -> str:
    at_work = f"{condition.open_qty} open, {condition.entry_left} at work"
    return f"condition {condition.name!r} is {condition.status.word} ({at_work}): it cannot be {asked} now"
