"""The broker's own ledger says no, when something is in it that must not be."""

import msgspec
import pytest

from autofutures.domain.messages import Canceled, ExitPlan, Submit
from autofutures.domain.order_life import Status
from autofutures.domain.units import Side
from tests.makers import OPEN, TXF, filled, intent, submit, tick
from tests.unit.simulation.bench import Bench, refuses


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_an_order_arrives_once_and_as_it_was_written_down(bench: Bench) -> None:
    with refuses("not in the journal"):
        bench.reach(submit())
    sent = bench.order(intent(Side.BUY, 3))
    with refuses("twice"):
        bench.reach(sent)


def test_an_order_for_something_else_is_found(bench: Bench) -> None:
    (sent,) = [said for said in bench.hear(intent(Side.BUY, 1)) if isinstance(said, Submit)]
    with refuses("decided was"):
        bench.reach(msgspec.structs.replace(sent, qty=2))


def test_an_order_that_was_proved_absent_never_arrives(bench: Bench) -> None:
    (sent,) = [said for said in bench.hear(intent(Side.BUY, 1)) if isinstance(said, Submit)]
    bench.judge.orders[sent.client_id].status = Status.ABSENT
    with refuses("after it was proved absent"):
        bench.reach(sent)


def test_no_more_is_filled_than_was_decided(bench: Bench) -> None:
    sent = bench.order(intent(Side.BUY, 3))
    (entry,) = bench.books.of_client(sent.client_id)
    with refuses("more than was ordered"):
        bench.books.report(entry, filled(sent.client_id, "F1", Side.BUY, 4, 17_400), OPEN)


def test_the_limit_counts_what_works_at_the_broker(bench: Bench) -> None:
    bench.order(intent(Side.BUY, 3))
    larger = bench.hear(intent(Side.BUY, 2, k=2))
    (sent,) = [said for said in larger if isinstance(said, Submit)]
    bench.books._working[TXF, Side.BUY] += 1  # noqa: SLF001 - as a gate that does not count would have let it
    with refuses("6 passes the limit of 5"):
        bench.reach(sent)


def test_exits_close_no_more_than_their_entry_opened(bench: Bench) -> None:
    sent = bench.order(intent(Side.BUY, 2, exit_plan=ExitPlan(stop_ticks=5)))
    bench.fill(sent, 2)
    (leaves,) = [said for said in bench.hear(tick(17_395)) if isinstance(said, Submit)]
    (entry,) = bench.books.of_client(sent.client_id)
    entry.filled = 1
    with refuses("for 2 contracts, and it has opened 1"):
        bench.reach(leaves)


def test_at_rest_the_book_is_the_ledger_order_by_order(bench: Bench) -> None:
    sent = bench.order(intent(Side.BUY, 2))
    bench.fill(sent, 2)
    bench.books.same_as(bench.trader)
    bench.books._own[TXF] += 1  # noqa: SLF001 - a fill that nobody heard of
    with refuses("the broker 3"):
        bench.books.same_as(bench.trader)
    (entry,) = bench.books.of_client(sent.client_id)
    entry.filled = 1
    with refuses("at the broker is in the journal"):
        bench.books.same_as(bench.trader)


def test_an_order_that_ended_without_our_knowledge_is_found_at_rest(bench: Bench) -> None:
    sent = bench.order(intent(Side.BUY, 2))
    (entry,) = bench.books.of_client(sent.client_id)
    bench.books.report(entry, Canceled(sent.client_id, OPEN, 2), OPEN)
    with refuses("at the broker is in the journal"):
        bench.books.same_as(bench.trader)
