"""A trader that folds a journal is the trader that wrote it, for all that money depends on."""

import threading
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autofutures.domain.errors import BrokenInvariant
from autofutures.domain.instrument import instrument
from autofutures.domain.messages import (
    Accepted,
    AnyMessage,
    Canceled,
    Configured,
    ExitPlan,
    Filled,
    Intent,
    OrderChanged,
    OrderKept,
    Placed,
    Ready,
    Refused,
    Rejected,
    Restored,
    Revoke,
    Saved,
    Submit,
    Tick,
)
from autofutures.domain.order_life import Status
from autofutures.domain.units import SECOND, OrderType, Side
from autofutures.market.dates import DAY_NS
from autofutures.market.sessions import ALWAYS, Calendar
from autofutures.market.view import MarketView
from autofutures.ops.book_check import essence
from autofutures.orders.book import DATES_KEPT, Orders
from autofutures.orders.ids import ClientIds
from autofutures.portfolio.costs import Costs
from autofutures.risk.gate import make_gate
from autofutures.storage.backup import JOURNAL, Backup, back_up, restore
from autofutures.storage.journal import Journal, facts_of
from autofutures.storage.memory import memory_journal
from autofutures.storage.reading import Batch
from autofutures.storage.verify import verify
from autofutures.trader import Trader

SYMBOL = "TAIFEX:TXF202108"
START = 1_627_263_900 * SECOND
TURN = SECOND // 10
EXIT = ExitPlan(take_profit_ticks=5, stop_ticks=3)
EXITS = (
    EXIT,
    ExitPlan(trail_atr=2_000, atr_span_ns=SECOND, atr_periods=2, stop_ticks=4),
    ExitPlan(take_profit_ticks=4, stop_ticks=6, bracket=True),
    ExitPlan(levels=((2, 50), (4, 50)), stop_ticks=5),
)


def make_trader(epoch: int) -> Trader:
    view = MarketView(Calendar())
    view.add(SYMBOL, ALWAYS)
    return Trader({SYMBOL: instrument(SYMBOL)}, view, make_gate(), Orders(ClientIds(epoch)), Costs(20))


class Live:
    """A trader at work: what it handles is committed, its orders wait at a venue that does as it is told."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.trader = make_trader(journal.next_epoch())
        self.at = START
        self.last = 17_400
        self.decisions = 0
        self.fills = 0
        self.snapshots = 0
        self.left: dict[str, int] = {}
        self.over: dict[str, int] = {}
        self.orders: dict[str, Submit] = {}
        self.tick(0)

    def hear(self, message: AnyMessage) -> list[AnyMessage]:
        self.at += TURN
        said = list(self.trader.handle(message, self.at))
        self.journal.commit([message], said, self.at)
        for submit in (output for output in said if isinstance(output, Submit)):
            self.orders[submit.client_id] = submit
            self.left[submit.client_id] = submit.qty
        return said

    def tick(self, move: int) -> list[AnyMessage]:
        self.last += move
        return self.hear(Tick(SYMBOL, self.at, self.last, 1))

    def order(self, side: Side, qty: int, kind: OrderType, plan: ExitPlan | None = None) -> list[AnyMessage]:
        self.decisions += 1
        return self.hear(
            Intent(
                strategy="ema",
                cause_seq=self.trader.market_seq,
                k=self.decisions,
                at=self.at,
                symbol=SYMBOL,
                side=side,
                qty=qty,
                type=kind,
                price_ticks=self.last if kind is OrderType.LIMIT else 0,
                stop_ticks=self.last + 2 * side if kind is OrderType.STOP else 0,
                exit=plan,
            )
        )

    def revoke(self) -> list[AnyMessage]:
        """Takes back the oldest order that is alive."""
        alive = self.trader.orders.alive()
        if not alive:
            return []
        self.decisions += 1
        intent = alive[0].intent
        seq = self.trader.market_seq
        return self.hear(Revoke("ema", seq, self.decisions, self.at, intent.cause_seq, intent.k))

    def accept(self) -> list[AnyMessage]:
        return [said for client_id in self.left for said in self.hear(Accepted(client_id, self.at, "V"))]

    def fill(self, qty: int) -> list[AnyMessage]:
        """Fills the venue's oldest order, or part of it."""
        return self._fill(self.left, qty)

    def fill_late(self) -> list[AnyMessage]:
        """Fills what the venue said was over: the fill was on its way."""
        return self._fill(self.over, 1)

    def _fill(self, unfilled: dict[str, int], qty: int) -> list[AnyMessage]:
        if not unfilled:
            return []
        client_id = next(iter(unfilled))
        qty = min(qty, unfilled[client_id])
        unfilled[client_id] -= qty
        if not unfilled[client_id]:
            del unfilled[client_id]
        self.fills += 1
        side = self.orders[client_id].side
        return self.hear(Filled(client_id, self.at, f"F{self.fills}", SYMBOL, side, qty, self.last))

    def end(self, said: Callable[[str, int], AnyMessage]) -> list[AnyMessage]:
        """The venue's newest order is over, in these words."""
        if not self.left:
            return []
        client_id, left = self.left.popitem()
        self.over[client_id] = left
        return self.hear(said(client_id, left))

    def snapshot(self, whole: bool) -> None:
        """As the trader's driver does it: the first of a life is whole."""
        whole = whole or not self.snapshots
        if self.journal.since_snapshot:
            self.snapshots += 1
            self.journal.snapshot(self.trader.facts(self.at, whole=whole), self.at, whole=whole)

    def wait(self, days: int) -> None:
        """Nothing happens for so long."""
        self.at += days * DAY_NS


def recover(journal: Journal, at: int) -> tuple[Trader, list[AnyMessage]]:
    trader = make_trader(journal.next_epoch())
    for fact in journal.facts():
        trader.fold(fact)
    return trader, list(trader.recovered(at))


def doubted(status: Status) -> Status:
    return Status.UNKNOWN if status is Status.SENT else status


def money(trader: Trader) -> dict[str, object]:
    """All that money depends on, as a restarted trader must have it: what was only sent is in doubt."""
    restored, *_ = trader.handle(Ready("ema", (SYMBOL,)), 0)
    assert isinstance(restored, Restored)
    return {
        "ledgers": [
            (strategy, symbol, *(getattr(ledger, name) for name in ledger.__slots__))
            for strategy, symbol, ledger in trader.portfolio.ledgers()
        ],
        "net": trader.portfolio.net(SYMBOL),
        "alive": [
            (order.client_id, order.intent, doubted(order.status), order.filled, order.fills, order.left)
            for order in trader.orders.alive()
        ],
        "working": [trader.orders.working(SYMBOL, side) for side in Side],
        "held": list(trader.orders.held),
        "exits": [plan.moved(0) for plan in trader.exits.plans()],
        "due": [trader.exits.due(plan) for plan in trader.exits.plans()],
        "told": (restored.state, restored.configured, restored.positions),
    }


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


def test_a_trader_from_the_journal_has_the_positions_orders_and_exits_of_the_live_one(path: Path) -> None:
    with Journal.open(path) as journal:
        live = Live(journal)
        live.order(Side.BUY, 3, OrderType.MARKET, EXIT)
        live.accept()
        live.fill(2)
        live.tick(1)
        live.fill(1)
        live.order(Side.SELL, 1, OrderType.STOP)
        live.hear(Saved("ema", live.at, b"averages"))
        live.hear(Configured("r1", "ema", live.at, "add", "first", {"qty": 1}))
        exits = [message for message in live.tick(6) if isinstance(message, Submit)]
        live.order(Side.BUY, 1, OrderType.LIMIT)
        assert [submit.qty for submit in exits] == [3]
        before = money(live.trader)
    with Journal.open(path) as journal:
        trader, said = recover(journal, live.at)
    assert money(trader) == before
    assert trader.portfolio.position("ema", SYMBOL) == 3
    in_doubt = [message.client_id for message in said if isinstance(message, OrderChanged)]
    assert in_doubt == list(live.left)
    assert {order.status for order in trader.orders.alive()} == {Status.UNKNOWN, Status.HELD}


def test_a_recovered_trader_uses_a_new_epoch_and_neither_repeats_a_decision_nor_a_fill(path: Path) -> None:
    with Journal.open(path) as journal:
        live = Live(journal)
        live.order(Side.BUY, 2, OrderType.MARKET)
        (first,) = live.orders.values()
        live.fill(1)
        trader, _ = recover(journal, live.at)
    fill = Filled(first.client_id, live.at, "F1", SYMBOL, Side.BUY, 1, 17_400)
    assert trader.handle(fill, live.at) == []
    trader.handle(Tick(SYMBOL, live.at, 17_400, 1), live.at)
    intent = Intent("ema", 1, 1, live.at, SYMBOL, Side.BUY, 2, OrderType.MARKET)
    assert [message.rule for message in trader.handle(intent, live.at) if isinstance(message, Refused)] == [
        "duplicate"
    ]
    newer = Intent("ema", trader.market_seq, 1, live.at, SYMBOL, Side.BUY, 2, OrderType.MARKET)
    (second,) = [message for message in trader.handle(newer, live.at) if isinstance(message, Submit)]
    assert (first.client_id[3:], second.client_id[3:]) == ("0100001", "0200001")


def test_what_is_over_and_old_is_forgotten_and_what_must_not_happen_twice_is_not() -> None:
    with memory_journal() as journal:
        live = Live(journal)
        first = live.order(Side.BUY, 2, OrderType.LIMIT)
        live.fill(2)
        for _ in range(DATES_KEPT):
            live.wait(1)
            live.tick(0)
            live.order(Side.SELL, 1, OrderType.LIMIT)
            live.fill(1)
        live.snapshot(whole=True)
        trader, _ = recover(journal, live.at)
        assert len(list(journal.facts())) < 10
        (placed,) = [fact for fact in first if isinstance(fact, Placed)]
        for either in (live.trader, trader):
            assert either.orders.get(placed.client_id) is None
            assert [order.left for order in map(either.orders.get, live.orders) if order] == [0, 0, 0]
            assert not either.orders.has_heard("F1")
            assert either.orders.has_heard("F2")
            again = either.handle(msgspec.structs.replace(placed.intent, at=live.at), live.at)
            assert [fact.rule for fact in again if isinstance(fact, Refused)] == ["duplicate"]
        assert trader.portfolio.position("ema", SYMBOL) == 2 - DATES_KEPT


def test_an_order_that_works_and_the_entry_of_an_open_plan_are_never_forgotten() -> None:
    with memory_journal() as journal:
        live = Live(journal)
        live.order(Side.BUY, 1, OrderType.MARKET, EXIT)
        live.fill(1)
        for day in range(2 * DATES_KEPT):
            live.wait(1)
            live.tick(0)
            live.order(Side.BUY, 1, OrderType.LIMIT)
            if day:
                live.end(lambda client_id, left: Canceled(client_id, live.at, left))
        live.snapshot(whole=True)
        trader, _ = recover(journal, live.at)
        assert money(trader) == money(live.trader)
        assert len(trader.exits.plans()) == len(trader.orders.alive()) == 1


def test_between_whole_snapshots_one_has_only_what_changed(path: Path) -> None:
    with Journal.open(path) as journal:
        live = Live(journal)
        sizes = []
        for number in range(6):
            for _ in range(5):
                live.tick(0)
                live.order(Side.BUY if number % 2 else Side.SELL, 1, OrderType.LIMIT)
                live.fill(1)
            facts = live.trader.facts(live.at, whole=not number)
            journal.snapshot(facts, live.at, whole=not number)
            sizes.append(sum(isinstance(fact, OrderKept) for fact in facts))
        assert sizes == [5] * 6
        before = money(live.trader)
        trader, _ = recover(journal, live.at)
        assert money(trader) == before
        assert (
            len(list(live.orders)) == sum(trader.orders.get(name) is not None for name in live.orders) == 30
        )
    assert verify(path).snapshots == 6


def test_old_snapshots_go_and_the_first_of_a_file_is_whole(path: Path) -> None:
    with Journal.open(path) as journal:
        live = Live(journal)
        journal.snapshot(live.trader.facts(live.at), live.at)  # There is no batch yet.
        live.order(Side.BUY, 1, OrderType.LIMIT)
        with pytest.raises(BrokenInvariant, match=r"the first snapshot of .* must be whole"):
            journal.snapshot([], live.at, whole=False)
        for whole in (True, False, True, False, True, False):
            live.order(Side.BUY, 1, OrderType.LIMIT)
            journal.snapshot(live.trader.facts(live.at, whole=whole), live.at, whole=whole)
            assert journal.since_snapshot == 0
        journal.snapshot([], live.at, whole=False)  # Nothing has happened since.
        trader, _ = recover(journal, live.at)
        assert money(trader) == money(live.trader)
    assert verify(path).snapshots == 4


def test_a_backup_made_under_load_trades_on_with_equal_books(tmp_path: Path) -> None:
    run, elsewhere = tmp_path / "run", tmp_path / "elsewhere"
    made: list[Backup] = []
    with Journal.open(run / JOURNAL) as journal:
        live = Live(journal)
        backing_up = threading.Thread(target=lambda: made.append(back_up(run, tmp_path / "copy", START)))
        busy(live, 300)
        backing_up.start()
        while backing_up.is_alive():
            busy(live, 20)
        backing_up.join()
        busy(live, 20)
    restore(tmp_path / "copy", elsewhere, START)
    (backup,) = made
    with Journal.open(run / JOURNAL) as original, Journal.open(elsewhere / JOURNAL) as restored:
        assert 300 < backup.batches < original.head.number
        until = islice(original.batches(), backup.batches)
        expected = fold_batches(until, live.at)
        trader, _ = recover(restored, live.at)
        assert money(trader) == money(expected)
        assert essence(trader, live.at) == essence(expected, live.at)
        on = Live(restored)
        on.trader = trader
        busy(on, 50)
        again, _ = recover(restored, on.at)
        assert money(again) == money(on.trader)
    assert verify(elsewhere / JOURNAL).batches > backup.batches + 50


def busy(live: Live, turns: int) -> None:
    """Orders, fills, exits and snapshots in turn."""
    for turn in range(turns):
        live.tick(turn % 7 - 3)
        live.order(Side.BUY if turn % 2 else Side.SELL, 1, OrderType.LIMIT, EXITS[turn % 4])
        live.fill(1)
        if turn % 50 == 0:
            live.snapshot(whole=turn % 100 == 0)


def fold_all(journal: Journal, at: int) -> Trader:
    """The trader that every batch from the first on makes, as if there were no snapshot."""
    return fold_batches(journal.batches(), at)


def fold_batches(batches: Iterable[Batch], at: int) -> Trader:
    trader = make_trader(1)
    for batch in batches:
        for fact in facts_of(batch):
            trader.fold(fact)
    trader.recovered(at)
    return trader


quantities = st.integers(1, 3)
actions: st.SearchStrategy[Callable[[Live], object]] = st.one_of(
    st.builds(
        lambda side, qty, kind, plan: lambda live: live.order(side, qty, kind, plan),
        st.sampled_from(Side),
        quantities,
        st.sampled_from([OrderType.MARKET, OrderType.LIMIT, OrderType.STOP]),
        st.none() | st.sampled_from(EXITS),
    ),
    st.builds(lambda move: lambda live: live.tick(move), st.integers(-4, 4)),
    st.builds(lambda qty: lambda live: live.fill(qty), quantities),
    st.just(Live.accept),
    st.just(Live.revoke),
    st.just(Live.fill_late),
    st.just(lambda live: live.end(lambda client_id, left: Canceled(client_id, live.at, left))),
    st.just(lambda live: live.end(lambda client_id, _: Rejected(client_id, live.at, "no"))),
    st.just(lambda live: live.hear(Saved("ema", live.at, b"%d" % live.at))),
    st.just(lambda live: live.hear(Configured("r", "ema", live.at, "add", f"c{live.at % 3}", {"qty": 1}))),
    st.builds(lambda days: lambda live: live.wait(days), st.integers(1, 3)),
    st.builds(lambda whole: lambda live: live.snapshot(whole), st.booleans()),
)


@settings(max_examples=60)
@given(script=st.lists(actions, max_size=40))
def test_whatever_happened_a_recovered_trader_stands_where_the_live_one_stood(
    script: list[Callable[[Live], object]],
) -> None:
    with memory_journal() as journal:
        live = Live(journal)
        for act in script:
            act(live)
        trader, _ = recover(journal, live.at)
        whole = fold_all(journal, live.at)
    assert money(trader) == money(live.trader)
    assert essence(trader, live.at) == essence(whole, live.at)
