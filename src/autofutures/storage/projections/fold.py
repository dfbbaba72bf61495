"""From a batch of the journal to the rows that it changes: facts only, nothing is decided again.

The same fold makes the tables anew and keeps them up to date; it knows no database.
"""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

import msgspec
from msgspec.structs import replace

from autofutures.domain.errors import BrokenInvariant
from autofutures.domain.instrument import instrument
from autofutures.domain.messages import (
    Accepted,
    AnyMessage,
    Configured,
    ExitMoved,
    OrderChanged,
    Placed,
    Saved,
    Submit,
    Traded,
)
from autofutures.market.sessions import Calendar
from autofutures.portfolio import pnl
from autofutures.storage.projections.rows import (
    ConditionRow,
    DayRow,
    ExitRow,
    FillRow,
    Key,
    OrderRow,
    PositionRow,
    Row,
    key_of,
    name_of,
)
from autofutures.storage.reading import Batch
from autofutures.strategies.conditions import Condition, shown

FOLD = 1
"""Version of this page: tables that another one folded are made anew."""

R = TypeVar("R", bound=Row)

_decode_conditions = msgspec.msgpack.Decoder(list[Condition]).decode


class Find(Protocol):
    """Where rows are that earlier batches made."""

    def __call__(self, kind: type[R], key: Key, /) -> R | None:
        """The row of that key, if there is one."""


def day_by(calendar: Calendar) -> Callable[[str, int], int]:
    """Tells the trading day (YYYYMMDD) of a symbol at a time."""
    return lambda symbol, at: calendar.trading_day_of(at, instrument(symbol).product.sessions)


class Fold:
    """Folds batches over the rows that there are, and keeps what changed.

    Args:
        find: the rows before.
        day_of: the trading day of a symbol at a time.
    """

    def __init__(self, find: Find, day_of: Callable[[str, int], int]) -> None:
        self._find = find
        self._day_of = day_of
        self._batch = 0
        self.changed: dict[tuple[str, Key], Row] = {}

    def hear(self, batch: Batch) -> None:
        """Folds one batch; the next one must follow it in the journal.

        Raises:
            BrokenInvariant: it speaks of an order that was never placed, or books a fill again.
        """
        self._batch = batch.id
        for message in (*batch.inputs, *batch.outputs):
            self._hear(message)

    def _hear(self, message: AnyMessage) -> None:
        match message:
            case Placed():
                self._placed(message)
            case Submit():
                order = self._order(message.client_id)
                self._put(replace(order, sent_at=message.at, batch=self._batch))
            case OrderChanged():
                self._order_changed(message)
            case Accepted():
                known = self._get(OrderRow, (message.client_id,))
                if known is not None and message.venue_id:  # Else it is a stranger's, and the book says so.
                    self._put(replace(known, venue_id=message.venue_id, batch=self._batch))
            case Traded():
                self._traded(message)
            case ExitMoved():
                self._exit_moved(message)
            case Configured() if message.strategy:
                self._configured(message)
            case Saved():
                self._saved(message)
            case _:
                pass  # Other messages move no row: what follows from them is said beside them.

    def _get(self, kind: type[R], key: Key) -> R | None:
        row = self.changed.get((name_of(kind), key))
        return row if isinstance(row, kind) else self._find(kind, key)

    def _put(self, row: Row) -> None:
        self.changed[name_of(type(row)), key_of(row)] = row

    def _order(self, client_id: str) -> OrderRow:
        order = self._get(OrderRow, (client_id,))
        if order is None:
            raise BrokenInvariant(f"batch {self._batch} speaks of order {client_id}, which was never placed")
        return order

    def _placed(self, placed: Placed) -> None:
        intent = placed.intent
        self._put(
            OrderRow(
                client_id=placed.client_id,
                strategy=intent.strategy,
                cause_seq=intent.cause_seq,
                k=intent.k,
                decided_at=intent.at,
                symbol=intent.symbol,
                side=intent.side.word,
                qty=intent.qty,
                type=intent.type.word,
                price_ticks=intent.price_ticks,
                stop_ticks=intent.stop_ticks,
                tif=intent.tif.word,
                open_close=intent.open_close.word,
                day_trade=int(intent.day_trade),
                leg=intent.leg,
                why=intent.why,
                closes_seq=intent.closes_seq,
                closes_k=intent.closes_k,
                status=placed.status.word,
                left=intent.qty,
                changed_at=intent.at,
                batch=self._batch,
            )
        )

    def _order_changed(self, changed: OrderChanged) -> None:
        self._put(
            replace(
                self._order(changed.client_id),
                status=changed.status.word,
                filled=changed.filled,
                left=changed.left,
                changed_at=changed.at,
                reason=changed.reason,
                batch=self._batch,
            )
        )

    def _traded(self, fill: Traded) -> None:
        """Books a fill: the order's cost, the strategy's ledger, the day's profit, and the fill itself."""
        if self._get(FillRow, (fill.fill_id,)) is not None:
            raise BrokenInvariant(f"batch {self._batch} books fill {fill.fill_id} again")
        if fill.client_id:  # Else it is a stranger's, adopted into a ledger of its own.
            order = self._order(fill.client_id)
            cost = order.cost_ticks + fill.qty * fill.price_ticks
            self._put(replace(order, filled=order.filled + fill.qty, cost_ticks=cost, batch=self._batch))
        gross = self._ledger(fill)
        day = self._day_of(fill.symbol, fill.at)
        self._day(fill, day, gross)
        self._put(
            FillRow(
                fill_id=fill.fill_id,
                client_id=fill.client_id,
                n=fill.n,
                strategy=fill.strategy,
                order_seq=fill.order_seq,
                order_k=fill.order_k,
                at=fill.at,
                day=day,
                symbol=fill.symbol,
                side=fill.side.word,
                qty=fill.qty,
                price_ticks=fill.price_ticks,
                gross=gross,
                fee=fill.fee,
                tax=fill.tax,
                position=fill.position,
                batch=self._batch,
            )
        )

    def _ledger(self, fill: Traded) -> int:
        """Moves the strategy's position as `portfolio.ledger` does; returns the money that the fill realised."""
        product = instrument(fill.symbol).product
        before = self._get(PositionRow, (fill.strategy, fill.symbol)) or PositionRow(
            strategy=fill.strategy, symbol=fill.symbol, currency=product.currency
        )
        opening = pnl.opening_part(before.position, fill.side, fill.qty)
        closing = fill.qty - opening
        closed = pnl.closed_cost(before.cost_ticks, before.position, closing) if closing else 0
        worth = pnl.worth(fill.price_ticks, product.inverse_value)
        realised = pnl.realised(-fill.side, closed, closing, worth)
        gross = realised * product.tick_value
        self._put(
            replace(
                before,
                position=before.position + fill.side * fill.qty,
                cost_ticks=before.cost_ticks - closed + opening * worth,
                realised_ticks=before.realised_ticks + realised,
                gross=before.gross + gross,
                fees=before.fees + fill.fee,
                tax=before.tax + fill.tax,
                net=before.net + gross - fill.fee - fill.tax,
                contracts=before.contracts + fill.qty,
                fills=before.fills + 1,
                changed_at=fill.at,
                batch=self._batch,
            )
        )
        return gross

    def _day(self, fill: Traded, day: int, gross: int) -> None:
        before = self._get(DayRow, (day, fill.strategy, fill.symbol)) or DayRow(
            day=day,
            strategy=fill.strategy,
            symbol=fill.symbol,
            currency=instrument(fill.symbol).product.currency,
        )
        self._put(
            replace(
                before,
                gross=before.gross + gross,
                fees=before.fees + fill.fee,
                tax=before.tax + fill.tax,
                net=before.net + gross - fill.fee - fill.tax,
                contracts=before.contracts + fill.qty,
                fills=before.fills + 1,
                batch=self._batch,
            )
        )

    def _exit_moved(self, moved: ExitMoved) -> None:
        before = self._get(ExitRow, (moved.strategy, moved.order_seq, moved.order_k))
        self._put(
            ExitRow(
                strategy=moved.strategy,
                order_seq=moved.order_seq,
                order_k=moved.order_k,
                symbol=moved.symbol,
                side=moved.side.word,
                open_qty=moved.open_qty,
                entered_qty=moved.entered_qty,
                origin_ticks=moved.origin_ticks,
                take_profit_ticks=moved.take_profit_ticks,
                stop_ticks=moved.stop_ticks,
                levels_reached=moved.levels_reached,
                attempts=moved.attempts,
                reason=moved.reason,
                opened_at=moved.opened_at or (moved.at if before is None else before.opened_at),
                moved_at=moved.at,
                batch=self._batch,
            )
        )

    def _configured(self, fact: Configured) -> None:
        """A person's command was taken: what it says of a condition, until the strategy's own state says more."""
        known = self._get(ConditionRow, (fact.strategy, fact.name))
        values = (
            {} if known is None or fact.verb == "add" else msgspec.json.decode(known.configured, type=_Values)
        )
        if fact.verb in ("add", "change"):
            values = {**values, **fact.values}
        paused = {"add": False, "pause": True, "resume": False}.get(
            fact.verb, known is not None and bool(known.paused)
        )
        self._put(
            ConditionRow(
                strategy=fact.strategy,
                name=fact.name,
                status="removed" if fact.verb == "remove" else "configured",
                paused=int(paused),
                configured=msgspec.json.encode(values, order="sorted").decode(),
                configured_at=fact.at,
                changed_at=fact.at,
                batch=self._batch,
            )
        )

    def _saved(self, saved: Saved) -> None:
        """Where a strategy keeps conditions as we know them, its state says how each of them stands."""
        for condition in _conditions_in(saved.state):
            known = self._get(ConditionRow, (saved.strategy, condition.name))
            if known is not None and (told := _standing(known, condition)) != known:
                self._put(replace(told, changed_at=saved.at, batch=self._batch))


_Values = dict[str, int | str | bool]


def _conditions_in(state: bytes) -> Sequence[Condition]:
    try:
        return _decode_conditions(state)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return ()  # Another strategy's state, which only its host reads.


def _standing(known: ConditionRow, condition: Condition) -> ConditionRow:
    now = shown(condition)
    return replace(
        known,
        status=condition.status.word,
        paused=int(condition.paused),
        symbol=condition.terms.symbol,
        side=condition.terms.side.word,
        quantity=condition.terms.quantity,
        trigger_ticks=condition.trigger_ticks,
        order_ticks=condition.order_ticks,
        take_profit_ticks=int(now["take_profit_ticks"]),
        stop_loss_ticks=int(now["stop_loss_ticks"]),
        filled=condition.filled,
        open_qty=condition.open_qty,
        note=condition.note,
    )
