"""The judge says no: each promise broken by hand."""

import msgspec
import pytest

from autofutures.config import StrategySettings
from autofutures.domain.messages import (
    Accepted,
    AnyMessage,
    BookMode,
    BookStop,
    Cancel,
    Canceled,
    ExitPlan,
    OrderChanged,
    Ready,
    Restored,
    Revoke,
    Submit,
)
from autofutures.domain.order_life import Status
from autofutures.domain.units import Mode, OrderType, Side
from autofutures.market.dates import taipei_ns
from autofutures.risk.gate import make_gate
from autofutures.storage.memory import memory_journal
from tests.makers import OPEN, TXF, WIDE, filled, intent, submit, tick
from tests.unit.simulation.bench import RUN, Bench, refuses

NEXT_DAY = taipei_ns(20210727, 9 * 3600)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_what_the_trader_did_and_its_journal_does_not_know_is_found(bench: Bench) -> None:
    sent = bench.order(intent(Side.BUY, 2))
    bench.trader.handle(filled(sent.client_id, "F1", Side.BUY, 1, 17_400), OPEN)
    with refuses("the fills booked, each once, 0"):
        bench.hear(intent(Side.BUY, 9, k=2))


def test_a_fill_that_is_booked_twice_is_found(bench: Bench) -> None:
    sent = bench.order(intent(Side.BUY, 2))
    said = list(bench.trader.handle(filled(sent.client_id, "F1", Side.BUY, 1, 17_400), OPEN))
    with refuses("F1 was booked twice"):
        bench.judge.kept(bench.trader, (), [*said, said[0]])


def test_an_order_that_is_not_what_its_facts_say_is_found(bench: Bench) -> None:
    sent = bench.order(intent(Side.BUY, 2))
    order = bench.trader.orders.get(sent.client_id)
    assert order is not None
    said = bench.trader.handle(Accepted(sent.client_id, OPEN, "X1"), OPEN)
    order.filled += 1
    with refuses("the live order"):
        bench.judge.kept(bench.trader, (), said)


def test_working_contracts_that_the_journal_does_not_know_are_found(bench: Bench) -> None:
    bench.trader.handle(intent(Side.BUY, 1, k=1), OPEN)
    with refuses("contracts of TAIFEX:TXF202108 work"):
        bench.hear(intent(Side.BUY, 1, k=2))


def test_a_plan_that_was_lost_is_found(bench: Bench) -> None:
    sent = bench.order(intent(Side.BUY, 2, exit_plan=ExitPlan(stop_ticks=5)))
    bench.fill(sent, 1)
    (plan,) = bench.trader.exits.plans()
    bench.trader.exits.close(plan, 1)
    with refuses("plans cover 0"):
        bench.hear(intent(Side.BUY, 1, k=2))


@pytest.mark.parametrize("silent", [intent(Side.BUY, 1), Revoke("s", 1, 2, OPEN, 1, 1)])
def test_silence_is_found(bench: Bench, silent: AnyMessage) -> None:
    with refuses("met with silence"):
        bench.judge.kept(bench.trader, (silent,), ())


def test_an_order_leaves_only_as_placed_and_a_stop_only_in_its_session(bench: Bench) -> None:
    with refuses("not in the journal"):
        bench.judge.leaves((submit(),))
    bench.hear(intent(Side.BUY, 1, OrderType.STOP, stop_ticks=17_401))
    (sent,) = [said for said in bench.hear(tick(17_401)) if isinstance(said, Submit)]
    bench.judge.leaves((Cancel("anything", OPEN, TXF), sent))
    with refuses("whose session has ended"):
        bench.judge.leaves((msgspec.structs.replace(sent, at=NEXT_DAY),))


def test_no_order_is_sent_after_its_deadline(bench: Bench) -> None:
    late = msgspec.structs.replace(submit(), until=OPEN)
    bench.judge.sends(late, OPEN)
    with refuses("after its deadline"):
        bench.judge.sends(late, OPEN + 1)


def test_an_entry_that_leaves_while_the_book_only_reduces_is_found(bench: Bench) -> None:
    bench.judge.kept(bench.trader, (), (BookMode(OPEN, Mode.REDUCING, ("no link",)),))
    with refuses("leaves while the book is reducing"):
        bench.hear(intent(Side.BUY, 1))


def test_what_reduces_may_leave_while_the_book_only_reduces(bench: Bench) -> None:
    sent = bench.order(intent(Side.BUY, 2))
    bench.fill(sent, 2)
    bench.judge.new_life()
    bench.hear(intent(Side.SELL, 2, k=2))
    with refuses("leaves while the book is reducing"):
        bench.hear(intent(Side.SELL, 1, k=3))


def test_an_order_of_a_strategy_whose_book_stop_has_fired_is_found(bench: Bench) -> None:
    fired = BookStop("s", TXF, OPEN, fired=True, limit=1, loss=2)
    reset = msgspec.structs.replace(fired, fired=False)
    bench.judge.kept(bench.trader, (), (fired, reset))
    bench.hear(intent(Side.BUY, 1))
    bench.judge.kept(bench.trader, (), (fired,))
    with refuses("the book stop of s has fired"):
        bench.hear(intent(Side.BUY, 1, k=2))


def test_an_entry_that_leaves_while_an_outcome_is_unknown_is_found(bench: Bench) -> None:
    sent = bench.order(intent(Side.BUY, 1))
    bench.judge.orders[sent.client_id].status = Status.UNKNOWN
    with refuses(f"leaves while the outcome of .'{sent.client_id}'. is not known"):
        bench.hear(intent(Side.BUY, 1, k=2))


def test_an_order_that_passes_the_limit_with_what_exits_may_order_is_found(bench: Bench) -> None:
    sent = bench.order(intent(Side.BUY, 2, exit_plan=ExitPlan(stop_ticks=500)))
    bench.fill(sent, 2)
    bench.trader.gate = make_gate(WIDE)
    bench.hear(intent(Side.SELL, 5, OrderType.LIMIT, price_ticks=17_500, k=2))
    with refuses("2 held, 5 at work and 2 that exits may order it makes 6, and 5 are allowed"):
        bench.hear(intent(Side.SELL, 1, OrderType.LIMIT, price_ticks=17_500, k=3))


def test_an_order_that_leaves_no_room_for_anothers_book_stop_is_found() -> None:
    two = tuple(StrategySettings(name=name, use="pinger", symbols=(TXF,)) for name in ("s", "other"))
    bench = Bench(msgspec.structs.replace(RUN, strategies=two))
    bench.trader.gate = make_gate(WIDE)
    bench.fill(bench.order(intent(Side.BUY, 3)), 3)
    bench.fill(bench.order(intent(Side.SELL, 3, strategy="other")), 3, "F2")
    bench.hear(intent(Side.BUY, 2, k=2))
    with refuses("0 held, 2 at work and 3 that exits may order it makes 6"):
        bench.hear(intent(Side.BUY, 1, k=3))


def test_what_was_filled_before_a_cancel_and_is_not_heard_of_yet_is_at_work(bench: Bench) -> None:
    sent = bench.order(intent(Side.BUY, 3))
    canceled = Canceled(sent.client_id, OPEN, 1, "asked to")
    changed = OrderChanged(sent.client_id, "s", 1, 1, OPEN, TXF, Status.CANCELED, 0, 1)
    with refuses("leaves 2 filled of which nobody has heard, and 1 count as at work"):
        bench.judge.kept(bench.trader, (canceled,), (changed,))


def test_an_order_is_not_absent_that_the_broker_has(bench: Bench) -> None:
    sent = bench.order(intent(Side.BUY, 1))
    gone = OrderChanged(sent.client_id, "s", 1, 1, OPEN, TXF, Status.ABSENT, 0, 0)
    with refuses("is said to be absent, and the broker has it"):
        bench.judge.kept(bench.trader, (), (gone,))


def test_a_strategy_that_starts_behind_its_own_orders_is_found(bench: Bench) -> None:
    bench.order(intent(cause_seq=50))
    (restored,) = bench.trader.handle(Ready("s"), OPEN)
    assert isinstance(restored, Restored)
    bench.judge.welcomes(restored)
    with refuses("starts again at event 49"):
        bench.judge.welcomes(msgspec.structs.replace(restored, cause_seq=49))


def test_at_rest_a_trader_from_the_journal_is_the_live_one(bench: Bench) -> None:
    sent = bench.order(intent(Side.BUY, 2))
    bench.fill(sent, 2)
    with memory_journal() as journal, refuses("a trader from the journal"):  # The bench keeps nothing there.
        bench.judge.at_rest(bench.trader, journal, RUN)
