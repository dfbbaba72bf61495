"""The tables say what the trader's own book, ledgers and plans say."""

from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autofutures.domain.errors import BrokenInvariant
from autofutures.domain.instrument import instrument
from autofutures.domain.messages import (
    Accepted,
    AnyMessage,
    Configured,
    OrderChanged,
    Placed,
    Saved,
    Submit,
    Traded,
)
from autofutures.domain.order_life import Status
from autofutures.domain.units import SECOND, Side
from autofutures.market.dates import taipei_ns
from autofutures.market.sessions import Calendar
from autofutures.storage.memory import memory_journal
from autofutures.storage.projections.fold import Fold, R, day_by
from autofutures.storage.projections.rows import (
    ConditionRow,
    DayRow,
    ExitRow,
    FillRow,
    Key,
    OrderRow,
    PositionRow,
)
from autofutures.storage.reading import Batch
from autofutures.strategies.conditions import Condition, terms_of
from autofutures.strategies.conditions import Status as ConditionStatus
from autofutures.trader import Trader
from tests.journals import a_run, trade
from tests.makers import OPEN, TXF, intent, submit
from tests.unit.storage.test_recovery import Live, actions

TICK_VALUE = instrument(TXF).product.tick_value
DAY = 20210726


def nothing(_kind: type[R], _key: Key) -> R | None:
    return None


def folded(*batches: Batch) -> Fold:
    fold = Fold(nothing, day_by(Calendar()))
    for batch in batches:
        fold.hear(batch)
    return fold


def rows(fold: Fold, kind: type[R]) -> list[R]:
    return [row for row in fold.changed.values() if isinstance(row, kind)]


def said(*messages: AnyMessage, number: int = 1) -> Batch:
    return Batch(number, OPEN, (), messages)


def traded(
    side: Side,
    qty: int,
    price_ticks: int,
    *,
    at: int = OPEN,
    n: int = 1,
    strategy: str = "s",
    fill_id: str = "",
) -> Traded:
    return Traded(
        "o1", strategy, 1, 1, n, at, TXF, side, qty, price_ticks, 20 * qty, 7, 0, fill_id or f"F{n}"
    )


def tables_equal_the_trader(fold: Fold, trader: Trader) -> None:
    ledgers = {(strategy, symbol): ledger for strategy, symbol, ledger in trader.portfolio.ledgers()}
    positions = {(row.strategy, row.symbol): row for row in rows(fold, PositionRow)}
    assert positions.keys() == ledgers.keys()
    for key, ledger in ledgers.items():
        row = positions[key]
        money = (ledger.position, ledger.cost, ledger.realised, ledger.fees, ledger.tax, ledger.contracts)
        assert money == (row.position, row.cost_ticks, row.realised_ticks, row.fees, row.tax, row.contracts)
        assert row.gross == ledger.realised * TICK_VALUE
        assert row.net == row.gross - row.fees - row.tax
        days = [day for day in rows(fold, DayRow) if (day.strategy, day.symbol) == key]
        for column in ("gross", "fees", "tax", "net", "contracts", "fills"):
            assert sum(getattr(day, column) for day in days) == getattr(row, column)
    for order in rows(fold, OrderRow):
        own = trader.orders.get(order.client_id)
        assert own is not None
        assert (order.status, order.filled, order.left) == (own.status.word, own.filled, own.left)
        assert order.cost_ticks == own.cost
        assert (order.strategy, order.cause_seq, order.k, order.qty) == (
            own.intent.strategy,
            own.intent.cause_seq,
            own.intent.k,
            own.intent.qty,
        )
    covered = {(row.strategy, row.order_seq, row.order_k): row for row in rows(fold, ExitRow) if row.open_qty}
    plans = {plan.key: plan.moved(0) for plan in trader.exits.plans()}
    assert {key: (row.open_qty, row.take_profit_ticks, row.stop_ticks) for key, row in covered.items()} == {
        key: (plan.open_qty, plan.take_profit_ticks, plan.stop_ticks) for key, plan in plans.items()
    }


@settings(max_examples=60)
@given(script=st.lists(actions, max_size=40))
def test_whatever_happened_the_tables_equal_the_traders_book(script: list[Callable[[Live], object]]) -> None:
    with memory_journal() as journal:
        live = Live(journal)
        for act in script:
            act(live)
        batches = list(journal.batches())
    fold = folded(*batches)
    tables_equal_the_trader(fold, live.trader)
    fills = [message for batch in batches for message in batch.outputs if isinstance(message, Traded)]
    assert [row.fill_id for row in rows(fold, FillRow)] == [fill.fill_id for fill in fills]


def test_a_whole_generated_day_of_two_strategies_equals_the_traders_book() -> None:
    with memory_journal() as journal:
        trader = trade(a_run(400), journal.commit)
        fold = folded(*journal.batches())
    assert len(rows(fold, OrderRow)) > 20
    assert {row.strategy for row in rows(fold, PositionRow)} == {"ema_cross", "sr"}
    assert rows(fold, ExitRow) != []
    tables_equal_the_trader(fold, trader)


def test_the_trading_day_of_a_night_fill_is_the_next_one() -> None:
    evening = taipei_ns(20210723, 15 * 3600 + 60)  # A Friday: its night belongs to Monday.
    fold = folded(
        said(Placed("o1", Status.SENT, intent(qty=9))),
        said(traded(Side.BUY, 2, 17_400, at=evening), number=2),
        said(traded(Side.SELL, 1, 17_410, n=2), number=3),
        said(traded(Side.SELL, 1, 17_390, at=OPEN + 86_400 * SECOND, n=3), number=4),
    )
    assert [(row.day, row.gross, row.contracts, row.fills, row.batch) for row in rows(fold, DayRow)] == [
        (DAY, 10 * TICK_VALUE, 3, 2, 3),
        (20210727, -10 * TICK_VALUE, 1, 1, 4),
    ]
    assert [row.day for row in rows(fold, FillRow)] == [DAY, DAY, 20210727]


def test_a_day_that_the_run_says_is_closed_gives_its_fills_to_the_next() -> None:
    fold = Fold(nothing, day_by(Calendar({DAY: "closed"})))
    fold.hear(said(Placed("o1", Status.SENT, intent()), traded(Side.BUY, 1, 17_400)))
    assert [row.day for row in rows(fold, DayRow)] == [20210727]


def test_an_order_shows_its_request_and_what_the_venue_calls_it() -> None:
    order = submit("o1", at=OPEN + 5)
    fold = folded(
        said(Placed("o1", Status.SENT, intent(qty=2)), order),
        Batch(2, OPEN, (Accepted("o1", OPEN + 7, "V9"), Accepted("other", OPEN, "V10")), ()),
        said(OrderChanged("o1", "s", 1, 1, OPEN + 8, TXF, Status.UNKNOWN, 0, 2, "no answer"), number=3),
    )
    (row,) = rows(fold, OrderRow)
    assert (row.sent_at, row.venue_id, row.status, row.reason, row.batch) == (
        OPEN + 5,
        "V9",
        "unknown",
        "no answer",
        3,
    )


def test_a_strangers_fill_that_was_adopted_has_a_ledger_and_no_order() -> None:
    fill = msgspec.structs.replace(traded(Side.BUY, 3, 17_400), client_id="", strategy="outside")
    fold = folded(said(fill))
    assert [(row.strategy, row.position) for row in rows(fold, PositionRow)] == [("outside", 3)]
    assert rows(fold, OrderRow) == []


def test_a_fill_that_is_booked_again_stops_the_fold() -> None:
    placed = Placed("o1", Status.SENT, intent(qty=2))
    with pytest.raises(BrokenInvariant, match="batch 2 books fill F1 again"):
        folded(said(placed, traded(Side.BUY, 1, 17_400)), said(traded(Side.BUY, 1, 17_400), number=2))


@pytest.mark.parametrize(
    "message",
    [
        submit("o1"),
        traded(Side.BUY, 1, 17_400),
        OrderChanged("o1", "s", 1, 1, OPEN, TXF, Status.WORKING, 0, 1),
    ],
)
def test_news_of_an_order_that_was_never_placed_stops_the_fold(
    message: Submit | Traded | OrderChanged,
) -> None:
    with pytest.raises(BrokenInvariant, match="batch 1 speaks of order o1, which was never placed"):
        folded(said(message))


VALUES: dict[str, int | str | bool] = {
    "symbol": TXF,
    "side": "buy",
    "trigger_ticks": 17_300,
    "quantity": 2,
    "turning_point_ticks": 10,
    "take_profit_ticks": 40,
    "stop_loss_ticks": 20,
}


def configured(verb: str, number: int, **values: int | str | bool) -> Batch:
    return Batch(number, OPEN, (Configured("r", "sr", OPEN + number, verb, "c1", values),), ())


def test_a_condition_is_what_people_asked_for_until_the_strategys_state_says_where_it_is() -> None:
    fold = folded(configured("add", 1, **VALUES), configured("change", 2, quantity=3), configured("pause", 3))
    (row,) = rows(fold, ConditionRow)
    assert (row.status, row.paused, row.symbol, row.changed_at) == ("configured", 1, None, OPEN + 3)
    assert msgspec.json.decode(row.configured) == {**VALUES, "quantity": 3}

    terms = terms_of({**VALUES, "quantity": 3}, (TXF,))
    standing = Condition("c1", terms, 17_290, status=ConditionStatus.OPEN, filled=3, open_qty=2, note="well")
    fold.hear(Batch(4, OPEN, (Saved("sr", OPEN + 4, msgspec.msgpack.encode([standing])),), ()))
    (row,) = rows(fold, ConditionRow)
    assert (row.status, row.paused, row.symbol, row.side, row.quantity) == ("open", 0, TXF, "buy", 3)
    assert (row.trigger_ticks, row.order_ticks, row.take_profit_ticks, row.stop_loss_ticks) == (
        17_290,
        17_300,
        17_340,
        17_280,
    )
    assert (row.filled, row.open_qty, row.note, row.batch) == (3, 2, "well", 4)

    fold.hear(Batch(5, OPEN, (Saved("sr", OPEN + 5, msgspec.msgpack.encode([standing])),), ()))
    assert rows(fold, ConditionRow) == [row]  # The same state says nothing new.


def test_a_condition_that_was_removed_says_so_until_its_name_is_used_again() -> None:
    fold = folded(configured("add", 1, **VALUES), configured("pause", 2), configured("remove", 3))
    assert [(row.status, row.batch) for row in rows(fold, ConditionRow)] == [("removed", 3)]
    fold.hear(configured("add", 4, **{**VALUES, "quantity": 7}))
    (row,) = rows(fold, ConditionRow)
    assert (row.status, row.paused, msgspec.json.decode(row.configured)) == (
        "configured",
        0,
        {**VALUES, "quantity": 7},
    )


@pytest.mark.parametrize("state", [b"", b"\x00\xff state", msgspec.msgpack.encode(["c1"]), b"\x91\xa1\xff"])
def test_a_state_that_only_its_own_strategy_reads_changes_no_condition(state: bytes) -> None:
    before = folded(configured("add", 1, **VALUES))
    after = folded(configured("add", 1, **VALUES), Batch(2, OPEN, (Saved("sr", OPEN, state),), ()))
    assert after.changed == before.changed


def test_a_condition_that_nobody_configured_is_no_row() -> None:
    condition = Condition("c9", terms_of(VALUES, (TXF,)), 17_300)
    assert folded(Batch(1, OPEN, (Saved("sr", OPEN, msgspec.msgpack.encode([condition])),), ())).changed == {}


def test_a_trading_day_that_a_person_closed_is_no_condition() -> None:
    fact = Configured("f", "", OPEN, "close", "calendar 20260724", {"day": 20260724, "reason": "typhoon"})
    assert folded(Batch(1, OPEN, (), (fact,))).changed == {}


def test_a_position_in_an_inverse_contract_is_kept_in_its_coin() -> None:
    symbol = "BINANCE:BTCUSD"
    orders = tuple(Placed(name, Status.SENT, intent(symbol=symbol)) for name in ("o1", "o2"))
    fills = (
        Traded("o1", "s", 1, 1, 1, OPEN, symbol, Side.BUY, 10, 200_000, 3, 0, 10, "F1"),
        Traded("o2", "s", 2, 1, 1, OPEN, symbol, Side.SELL, 10, 250_000, 3, 0, 0, "F2"),
    )
    (row,) = rows(folded(said(*orders, *fills)), PositionRow)
    # 1,000 USD x (1/20,000 - 1/25,000) = 0.01 BTC, in units of 1e-12.
    assert (row.position, row.currency, row.gross, row.net) == (0, "BTC", 10_000_000_000, 9_999_999_994)
