"""Conditions of support and resistance: what a person may ask, and the life of it.

`NEXT` is the whole life as one table. Prices and distances are ticks of the condition's own contract; people
write them in the contract's unit, and `condition_values` refuses what makes no sense where it is entered.
"""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Literal

import msgspec

from autofutures.domain.errors import BadInput
from autofutures.domain.instrument import Instrument
from autofutures.domain.instrument import instrument as instrument_of
from autofutures.domain.units import Side, Word

Value = int | str | bool

DEADLINE_MS = 10_000
"""How old a trade may be and still lead to an order, unless the condition says so; as in `stale_tick`."""


class Status(Word):
    """Where a condition is."""

    WAITING = 0
    ARMED = 1
    """The trigger was reached; the turn is awaited."""
    ENTERING = 2
    """The entry is on its way; nothing of it is known to be filled."""
    OPEN = 3
    EXITING = 4
    """The trader has fired the exit plan, and something is still open."""
    DONE = 5
    HALTED = 6
    """A person must look: the note says why."""


class Event(Word):
    """What can happen to a condition."""

    TRIGGERED = 0
    TURNED = 1
    STALE = 2
    """The trades have turned, but this was heard too late: the decision expires."""
    CHANGED = 3
    """A person gave it other terms."""
    PAUSED = 4
    RESUMED = 5
    SENT = 6
    """The entry is at work, and nothing is open."""
    COVERED = 7
    """What was filled is open under its exit plan."""
    EXIT_FIRED = 8
    CLOSED = 9
    """Something was filled; nothing is open or at work any more."""
    UNFILLED = 10
    """The entry is over and nothing of it was filled."""
    REJECTED = 11
    REFUSED = 12
    DOUBTED = 13
    """Nobody knows what became of its entry or exit."""


_W, _A, _E, _O, _X, _D, _H = Status
_NO = None

# Columns: TRIGGERED TURNED STALE | CHANGED PAUSED RESUMED | SENT COVERED EXIT_FIRED CLOSED |
#          UNFILLED REJECTED REFUSED DOUBTED
NEXT: dict[Status, tuple[Status | None, ...]] = {
    _W: (_A, _NO, _NO, _W, _W, _W, _NO, _NO, _NO, _NO, _NO, _NO, _NO, _NO),
    _A: (_A, _E, _A, _W, _W, _NO, _NO, _NO, _NO, _NO, _NO, _NO, _NO, _NO),
    _E: (_NO, _NO, _NO, _NO, _NO, _NO, _E, _O, _X, _D, _H, _H, _H, _H),
    _O: (_NO, _NO, _NO, _NO, _NO, _NO, _E, _O, _X, _D, _NO, _NO, _NO, _H),
    _X: (_NO, _NO, _NO, _NO, _NO, _NO, _X, _O, _X, _D, _NO, _NO, _NO, _H),
    _D: (_NO, _NO, _NO, _W, _NO, _NO, _NO, _O, _X, _D, _NO, _NO, _NO, _NO),
    _H: (_NO, _NO, _NO, _W, _NO, _W, _E, _O, _X, _D, _H, _H, _H, _H),
}
"""`NEXT[status][event]` is the new status; `None` cannot meet: a person is refused, other news leaves a note.

An entry that ends without a fill halts its condition: whether to try again is a person's decision
(`resume`), never a loop. A pause disarms, because a turn that nobody watched is none. Doubt halts until the
venue has answered, and then the facts say where the condition is. A late fill of what was over opens it
again: its exit plan is in force.
"""


class Terms(msgspec.Struct, frozen=True):
    """What a person asked for: prices and distances in ticks of `symbol`, quantity in contracts."""

    symbol: str
    side: Side
    trigger_ticks: int
    quantity: int
    turning_point_ticks: int
    take_profit_ticks: int
    stop_loss_ticks: int
    following: bool = False
    exit_from: Literal["plan", "fill"] = "plan"
    deadline_ms: int = DEADLINE_MS


class Condition(msgspec.Struct):
    """A condition's terms and what became of it.

    `trigger_ticks` moves when following; `entry` and `doubt` are handles of orders, 0 for none.
    """

    name: str
    terms: Terms
    trigger_ticks: int
    status: Status = Status.WAITING
    paused: bool = False
    entry: int = 0
    entry_left: int = 0
    filled: int = 0
    open_qty: int = 0
    take_profit_ticks: int = 0
    stop_loss_ticks: int = 0
    exit_reason: str = ""
    doubt: int = 0
    expired: int = 0
    note: str = ""

    @property
    def order_ticks(self) -> int:
        """The planned entry."""
        return self.trigger_ticks + self.terms.side * self.terms.turning_point_ticks


def standing(condition: Condition) -> Event:
    """Where the facts put a condition whose entry was sent."""
    if condition.doubt:
        return Event.DOUBTED
    if condition.open_qty:
        return Event.EXIT_FIRED if condition.exit_reason else Event.COVERED
    if condition.entry_left:
        return Event.SENT
    return Event.CLOSED if condition.filled else Event.UNFILLED


def started(condition: Condition, terms: Terms) -> Condition:
    """The condition at its start, under these terms."""
    return Condition(condition.name, terms, terms.trigger_ticks, paused=condition.paused)


def shown(condition: Condition) -> dict[str, Value]:
    """One condition for display; exits are the trader's own once something is open."""
    terms = condition.terms
    side, planned = terms.side, condition.order_ticks
    return {
        "name": condition.name,
        "symbol": terms.symbol,
        "side": side.word,
        "status": condition.status.word,
        "paused": condition.paused,
        "quantity": terms.quantity,
        "trigger_ticks": condition.trigger_ticks,
        "order_ticks": planned,
        "take_profit_ticks": condition.take_profit_ticks or planned + side * terms.take_profit_ticks,
        "stop_loss_ticks": condition.stop_loss_ticks or planned - side * terms.stop_loss_ticks,
        "following": terms.following,
        "exit_from": terms.exit_from,
        "filled": condition.filled,
        "open": condition.open_qty,
        "expired": condition.expired,
        "note": condition.note,
    }


_LEAST = {
    "trigger_ticks": 1,
    "quantity": 1,
    "turning_point_ticks": 0,
    "take_profit_ticks": 1,
    "stop_loss_ticks": 1,
    "deadline_ms": 1,
}
_WORDS = {"side": ("buy", "sell"), "exit_from": ("plan", "fill")}
_KEYS = {name.removesuffix("_ticks"): name for name in Terms.__struct_fields__}
"""What people write, and the field of `Terms` that it becomes."""


def condition_values(table: Mapping[str, object], instrument: Instrument) -> dict[str, Value]:
    """The values of a command from what a person wrote: prices and distances in the instrument's own unit.

    Args:
        table: some of side, trigger, turning_point, take_profit, stop_loss, quantity, following, exit_from,
            symbol and deadline_ms; numbers may be text.
        instrument: the condition's contract.

    Raises:
        BadInput: a key is not known, a value makes no sense, or a price is off the instrument's grid.
    """
    values: dict[str, Value] = {}
    for key, value in table.items():
        if key not in _KEYS:
            raise BadInput(f"a condition has no {key!r}; it has {', '.join(_KEYS)}")
        values[_KEYS[key]] = _read(key, value, instrument)
    _check(values)
    if instrument.is_spread:
        raise BadInput(_NO_SPREAD.format(instrument.symbol))
    return values


_NO_SPREAD = "a condition needs one contract, and {} is a spread"


def _read(key: str, value: object, instrument: Instrument) -> Value:
    if key == "symbol":
        if instrument_of(str(value)).symbol != instrument.symbol:
            raise BadInput(
                f"symbol {value!r} is not the contract that the prices belong to, {instrument.symbol}"
            )
        return instrument.symbol
    if key in _WORDS:
        return str(value).strip().lower()
    if key == "following":
        flag = str(value).strip().lower()
        if flag not in ("true", "yes", "false", "no"):
            raise BadInput(f"following must be true or false, not {value!r}")
        return flag in ("true", "yes")
    number = _number(key, value)
    if _KEYS[key] == key and number % 1:
        raise BadInput(f"{key} must be a whole number, not {value!r}")
    try:
        return int(number) if _KEYS[key] == key else instrument.to_ticks(number)
    except BadInput as error:
        raise BadInput(f"{key}: {error}") from error


def _number(key: str, value: object) -> Decimal:
    try:
        number = Decimal("NaN") if isinstance(value, bool) else Decimal(str(value).strip())
    except InvalidOperation:
        number = Decimal("NaN")
    if not (number.is_finite() and abs(number) < 1_000_000_000):
        raise BadInput(f"{key} must be a number, not {value!r}")
    return number


def _check(values: Mapping[str, Value]) -> None:
    """Refuses values that no condition can have, whichever of them are given."""
    for name, value in values.items():
        key = name.removesuffix("_ticks")
        if name in _WORDS and value not in _WORDS[name]:
            raise BadInput(f"{key} must be {' or '.join(_WORDS[name])}, not {value!r}")
        if name == "following" and not isinstance(value, bool):
            raise BadInput(f"following must be true or false, not {value!r}")
        if name in _LEAST and (isinstance(value, bool) or not isinstance(value, int) or value < _LEAST[name]):
            raise BadInput(f"{key} must be a whole number, {_LEAST[name]} or more, not {value!r}")
    if values.get("following") is True and values.get("turning_point_ticks") == 0:
        raise BadInput(
            "turning_point 0 goes only without following: the trigger would follow into its own entry"
        )


def values_of(terms: Terms) -> dict[str, Value]:
    """The terms as a command's values."""
    return {**msgspec.structs.asdict(terms), "side": terms.side.word}


def terms_of(values: Mapping[str, Value], symbols: tuple[str, ...]) -> Terms:
    """Whole terms from a command's values; a strategy of one contract need not have it named.

    Raises:
        BadInput: something is unknown, missing, or makes no sense.
    """
    if len(symbols) == 1:
        values = {"symbol": symbols[0], **values}
    fields = Terms.__struct_fields__
    unknown = [name for name in values if name not in fields]
    if unknown:
        raise BadInput(f"a condition has no {unknown[0]!r}; it has {', '.join(fields)}")
    missing = [name for name in fields[: len(fields) - len(Terms.__struct_defaults__)] if name not in values]
    if missing:
        raise BadInput(f"a condition needs {', '.join(name.removesuffix('_ticks') for name in missing)}")
    _check(values)
    symbol = values["symbol"]
    if symbol not in symbols:
        raise BadInput(f"symbol {symbol!r} is not one that this strategy hears: {', '.join(symbols)}")
    if "/" in str(symbol):
        raise BadInput(_NO_SPREAD.format(symbol))
    terms = msgspec.convert({**values, "side": Side[str(values["side"]).upper()]}, Terms)
    lowest = terms.trigger_ticks - terms.turning_point_ticks - terms.take_profit_ticks
    if terms.side is Side.SELL and lowest < 1:
        raise BadInput(f"take_profit would be at {lowest} ticks, which no trade can reach")
    return terms
