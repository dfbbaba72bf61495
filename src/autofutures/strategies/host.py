"""The node that runs one strategy: hears the trader's stream, calls its methods, says its decisions."""

from collections.abc import Sequence

import msgspec

from autofutures.domain.errors import BadInput
from autofutures.domain.messages import (
    Answer,
    AnyMessage,
    Ask,
    Command,
    CommandRefused,
    Configured,
    Decision,
    ExitMoved,
    ExitPlan,
    Gap,
    OrderChanged,
    Quote,
    Refused,
    Restored,
    SessionEnded,
    Stop,
    Tick,
    Traded,
    Woke,
)
from autofutures.market import day_changes
from autofutures.market.bars import BarBuilder, parse_span
from autofutures.market.view import MarketView
from autofutures.strategies.base import Strategy
from autofutures.strategies.context import Context
from autofutures.strategies.openings import TIMER, Openings


class Host:
    """Runs a strategy under a name.

    Args:
        name: who the orders belong to; unique in the book.
        strategy: what decides.
        symbols: the strategy's legs, in order.
        view: knows each symbol's sessions; needed for bars and for openings.
    """

    def __init__(self, name: str, strategy: Strategy, symbols: Sequence[str], view: MarketView) -> None:
        self.name = name
        self.symbols = tuple(symbols)
        self._strategy = strategy
        self._ctx = Context(name, symbols, strategy.exit_plans)
        self._legs = {symbol: leg for leg, symbol in enumerate(symbols)}
        self._view = view
        spans = [parse_span(span) for span in strategy.bars]
        self._bars = {symbol: [BarBuilder(symbol, span) for span in spans] for symbol in symbols}
        self._has_bars = bool(spans)
        # Only who asks for openings is woken at them: to all others nothing changes.
        hooks = {getattr(type(strategy), name) for name in _OPENINGS}
        asks = hooks != {getattr(Strategy, name) for name in _OPENINGS}
        self._openings = Openings(name, symbols, view) if asks else None
        self._unheard = list(symbols)

    @property
    def exit_plans(self) -> Sequence[ExitPlan | None]:
        """What `exit=` of orders indexes so far; the first is none."""
        return self._ctx.exit_plans

    def handle(self, message: AnyMessage, now: int) -> Sequence[Decision]:
        """Hears one message of the stream, and says what the strategy decided on it."""
        ctx = self._ctx
        ctx.now = now
        if type(message) is Tick:
            leg = self._legs.get(message.symbol)
            if leg is None:
                ctx.market_event()
                return ()
            if self._openings is not None:
                self._open(message.symbol)
            ctx.hear_tick(message, leg)
            if self._has_bars:
                self._build_bars(message)
            self._strategy.on_tick(message, ctx)
        elif isinstance(message, Quote):
            leg = self._legs.get(message.symbol)
            if leg is None:
                ctx.market_event()
                return ()
            if self._openings is not None:
                self._open(message.symbol)
            ctx.hear_quote(message, leg)
            self._strategy.on_quote(message, ctx)
        else:
            self._hear(message)
        if not (ctx.said or ctx.wants_save):
            return ()
        return ctx.take_said(self._strategy.pack() if ctx.wants_save else None)

    def _hear(self, message: AnyMessage) -> None:
        ctx = self._ctx
        match message:
            case OrderChanged() | Refused() | Traded() | ExitMoved() if message.strategy == self.name:
                self._hear_own(message)
            case SessionEnded() if message.symbol in self._legs:
                ctx.hear_symbol(message.symbol)
                self._flush_bars(message.symbol)
                self._strategy.on_session_close(message, ctx)
            case Woke() if message.strategy == self.name and message.timer <= TIMER:
                self._open(self.symbols[TIMER - message.timer])
            case Woke() if message.strategy == self.name:
                self._strategy.on_timer(message, ctx)
            case Gap():
                self._strategy.on_gap(message, ctx)
            case Ask():
                answer = msgspec.json.encode(self._strategy.conditions()).decode()
                ctx.said.append(Answer(message.flow, answer))
            case Command() if message.strategy == self.name:
                self._command(message)
            case Restored() if message.strategy == self.name:
                self._restore(message)
            case Configured() if not message.strategy:
                self._calendar_changed(message)
            case Stop():
                ctx.save()
            case _:
                pass  # The rest of the stream belongs to others.

    def _hear_own(self, message: OrderChanged | Refused | Traded | ExitMoved) -> None:
        """What became of the strategy's own orders: the context hears it first."""
        ctx = self._ctx
        if not isinstance(message, Refused):
            ctx.hear_symbol(message.symbol)
        match message:
            case OrderChanged():
                ctx.hear_order(message)
                self._strategy.on_order(message, ctx)
            case Refused():
                ctx.hear_refusal(message)
                self._strategy.on_order(message, ctx)
            case Traded():
                ctx.hear_fill(message)
                self._strategy.on_fill(message, ctx)
            case ExitMoved():
                self._strategy.on_exit(message, ctx)

    def _command(self, command: Command) -> None:
        ctx = self._ctx
        try:
            self._strategy.on_command(command, ctx)
        except BadInput as error:
            ctx.said.append(CommandRefused(command.flow, self.name, ctx.now, str(error)))
            return
        ctx.said.append(
            Configured(command.flow, self.name, ctx.now, command.verb, command.name, command.values)
        )
        ctx.save()

    def _restore(self, restored: Restored) -> None:
        """Puts back what was kept: state, positions and orders at work.

        What commands did is in the state, for both are kept in one batch. The commands are given again only
        where there is no state; only the newest of each name is kept, and a pause without its addition says
        nothing.
        """
        ctx = self._ctx
        ctx.number_from(restored.cause_seq, restored.k)
        if restored.state:
            self._strategy.unpack(restored.state)
        else:
            for fact in restored.configured:
                command = Command(fact.flow, fact.strategy, fact.verb, fact.name, fact.values)
                self._strategy.on_command(command, ctx)
        for symbol, position in restored.positions.items():
            ctx.set_position(symbol, position)
        for placed, changed in zip(restored.placed, restored.changed, strict=True):
            ctx.restore_order(placed, changed.left)
        self._strategy.on_start(restored, ctx)
        if ctx.now:  # A replay has no hour yet: there it is the first trade that opens.
            self._open()

    def _calendar_changed(self, fact: Configured) -> None:
        """Sessions that were expected may be gone, and others have come."""
        if day_changes.apply(fact, self._view) and self._openings is not None:
            self._openings.forget_next()
            self._unheard = list(self.symbols)
            self._open()

    def _open(self, symbol: str = "") -> None:
        """Tells of sessions that have opened: of the symbol's, and at first of all of them."""
        if self._openings is None:
            return
        ctx = self._ctx
        for each in [*self._unheard, symbol] if symbol else self._unheard:
            opened = self._openings.look(each, ctx.now, ctx.said)
            if opened is None:
                continue
            ctx.hear_symbol(each)
            self._strategy.on_session_open(opened, ctx)
            if self._openings.is_last_day(opened):
                self._strategy.on_last_trading_day(opened, ctx)
        self._unheard = []

    def _build_bars(self, tick: Tick) -> None:
        session = self._view.on_tick(tick.symbol, tick.at, tick.price_ticks)
        if session is None:
            return  # A trade outside every session belongs to no bar; the importer has counted it.
        for builder in self._bars[tick.symbol]:
            for bar in builder.on_tick(tick.at, tick.price_ticks, tick.qty, session):
                self._strategy.on_bar(bar, self._ctx)

    def _flush_bars(self, symbol: str) -> None:
        for builder in self._bars[symbol]:
            bar = builder.flush()
            if bar is not None:
                self._strategy.on_bar(bar, self._ctx)


_OPENINGS = ("on_session_open", "on_last_trading_day")
