"""What a strategy is: a class whose annotated fields are settings and state, and whose methods hear events.

    class Momentum(Strategy):
        window: int = 20            # a setting: `--set window=30`
        _last_ticks: int = 0        # state: fields that begin with an underscore

        def on_tick(self, tick, ctx):
            if tick.price_ticks > self._last_ticks and ctx.position + ctx.working == 0:
                ctx.buy_market(1)
            self._last_ticks = tick.price_ticks

Fields are int, float, bool or str, so that the same class can be compiled later; keep to numbers in what
runs at every tick. A strategy owns no socket, clock, thread or file: `ctx.now` is the only time there is.
"""

import math
import typing
from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal, Self
from weakref import WeakKeyDictionary

import msgspec

from autofutures.domain.errors import BadInput
from autofutures.domain.messages import (
    Bar,
    Command,
    ExitMoved,
    ExitPlan,
    Gap,
    OrderChanged,
    Quote,
    Refused,
    Restored,
    SessionEnded,
    SessionOpened,
    Tick,
    Traded,
    Woke,
)
from autofutures.strategies.context import Context

Setting = int | float | bool | str

_FIELDS: WeakKeyDictionary[type, dict[str, type]] = WeakKeyDictionary()


class Strategy:
    """Base of all strategies; override what you want to hear.

    Attributes:
        exits: `plans` where every order carries an exit plan, and lots are closed by it or with `ctx.close`; `own`
            where the strategy closes what it opens (stop-and-reverse, market making): then the trader holds a stop
            for its whole position, the `book_stop` of its settings.
        reasons: what `why=` indexes in orders.
        exit_plans: what `exit=` indexes in orders, from 1; 0 is no plan.
        bars: spans to hear in `on_bar`, as in `("1m", "100t")`.
    """

    exits: ClassVar[Literal["plans", "own"]] = "own"
    reasons: ClassVar[tuple[str, ...]] = ("",)
    exit_plans: ClassVar[tuple[ExitPlan, ...]] = ()
    bars: ClassVar[tuple[str, ...]] = ()

    def __init__(self, **settings: Setting) -> None:
        kinds = self.fields()
        names = [name for name in kinds if not name.startswith("_")]
        for name, kind in kinds.items():
            setattr(self, name, getattr(type(self), name, _ZEROS.get(kind, 0)))
        for name, value in settings.items():
            if name not in names:
                raise BadInput(
                    f"{type(self).__name__} has no setting {name!r}; it has {', '.join(names) or 'none'}"
                )
            setattr(self, name, _converted(name, value, kinds[name]))
        self.check()

    @classmethod
    def fields(cls) -> dict[str, type]:
        """The annotated fields and their types; those that begin with an underscore are state."""
        known = _FIELDS.get(cls)
        if known is None:  # Read once for each class: a search makes thousands of each.
            hints = typing.get_type_hints(cls)
            known = {name: kind for name, kind in hints.items() if typing.get_origin(kind) is not ClassVar}
            _FIELDS[cls] = known
        return dict(known)

    def check(self) -> None:
        """Refuses settings that make no sense, by raising BadInput."""

    def on_start(self, event: Restored, ctx: Context) -> None:
        """All that was kept is back; called once, before anything else."""

    def on_tick(self, tick: Tick, ctx: Context) -> None:
        """A trade of one of the strategy's symbols."""

    def on_quote(self, quote: Quote, ctx: Context) -> None:
        """A new best bid or offer."""

    def on_bar(self, bar: Bar, ctx: Context) -> None:
        """A bar of a declared span is complete."""

    def on_order(self, event: OrderChanged | Refused, ctx: Context) -> None:
        """One of the strategy's orders changed, or was refused."""

    def on_fill(self, fill: Traded, ctx: Context) -> None:
        """Part of one of the strategy's orders, or of one of its exits, was filled."""

    def on_exit(self, event: ExitMoved, ctx: Context) -> None:
        """The trader's exit plan of one of the strategy's entries opened, fired, or closed something."""

    def on_timer(self, event: Woke, ctx: Context) -> None:
        """A time asked for with `ctx.wake_at` has come."""

    def on_gap(self, gap: Gap, ctx: Context) -> None:
        """Messages were lost: what follows does not join what came before."""

    def on_session_open(self, event: SessionOpened, ctx: Context) -> None:
        """A session of one of the strategy's symbols is under way; called once, before its first trade.

        Where nothing trades at once it is called at the opening time, by the clock. Who begins within a session hears
        of it after `on_start`, and after a restart once more: `event.at` says when it opened.
        """

    def on_session_close(self, event: SessionEnded, ctx: Context) -> None:
        """The session of one of the strategy's symbols is over; its orders are void."""

    def on_last_trading_day(self, event: SessionOpened, ctx: Context) -> None:
        """The contract's last trading day has begun, the evening before where it trades at night.

        Called right after `on_session_open` of its first session; `event.day` is the day.
        """

    def on_command(self, command: Command, ctx: Context) -> None:
        """A person changes something. Raise BadInput to refuse it, with the reason.

        Keep what it changes in the state: after a restart the state comes back, and commands are given again
        only where there is none.

        Raises:
            BadInput: here, always: most strategies take no commands.
        """
        raise BadInput(
            f"{type(self).__name__} takes no commands; it was asked to {command.verb} {command.name}"
        )

    @classmethod
    def command_values(
        cls, table: Mapping[str, object], symbols: Sequence[str]
    ) -> dict[str, int | str | bool]:
        """The values of a command from what a person wrote for one of `symbols`, in people's units.

        Raises:
            BadInput: here, always: most strategies take no commands.
        """
        raise BadInput(
            f"{cls.__name__} takes no conditions; it was given {dict(table)} for {', '.join(symbols)}"
        )

    def conditions(self) -> list[dict[str, int | str | bool]]:
        """What commands have made of this strategy, for a person to read."""
        return []

    def pack(self) -> bytes:
        """The state and the settings as bytes."""
        return msgspec.msgpack.encode({name: getattr(self, name) for name in self.fields()})

    def unpack(self, state: bytes) -> Self:
        """Takes state back in; settings stay as this run gave them."""
        kept: Mapping[str, Setting] = msgspec.msgpack.decode(state)
        for name in self.fields():
            if name.startswith("_") and name in kept:
                setattr(self, name, kept[name])
        return self


def _converted(name: str, value: Setting, kind: type) -> Setting:
    """A setting in the field's own type; text from the command line is read as that type."""
    setting = _read(value, kind)
    if setting is None:
        raise BadInput(f"setting {name} must be {_ARTICLES.get(kind, kind.__name__)}, not {value!r}")
    return setting


def _read(value: Setting, kind: type) -> Setting | None:
    if kind is str:
        return str(value)
    if kind is bool:
        return _FLAGS.get(str(value).lower())
    if isinstance(value, bool) or (kind is int and isinstance(value, float)):
        return None
    try:
        number = int(value) if kind is int else float(value)
        return number if math.isfinite(number) else None
    except (ValueError, OverflowError):
        return None


_ARTICLES = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}
_FLAGS = {"true": True, "yes": True, "false": False, "no": False}
_ZEROS: dict[type, Setting] = {int: 0, float: 0.0, bool: False, str: ""}
