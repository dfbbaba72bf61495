"""The judge of the kill switch says no: each promise broken by hand."""

import msgspec
import pytest

from autofutures.domain.messages import Canceled, Kill, Query, Reconciled, Submit, Traded
from autofutures.domain.units import SECOND, KillLevel, OrderType, Side, TimeInForce
from autofutures.simulation.kill_judge import MOST_LOOKS, QUIET_NS
from autofutures.simulation.switches import BESIDE, switches_of
from tests.makers import OPEN, TXF, filled, intent, submit
from tests.unit.simulation.bench import RUN, Bench, refuses

LATER = OPEN + 20 * SECOND


class KillBench(Bench):
    """A bench whose gateway has kept what a person asks for, at once."""

    def __init__(self) -> None:
        super().__init__(msgspec.structs.replace(RUN, limits={"position": {"max_contracts": 50}}))
        self.kill = self.judge.kill
        self.kill.new_life()
        self.number, self.k = 0, 1

    def asks(self, level: KillLevel) -> None:
        self.number += 1
        self.kill.asked(Kill(self.number, OPEN, level))
        self.kill.taken(self.number)

    def holds(self, qty: int) -> None:
        self.fill(self.order(intent(Side.BUY, qty)), qty)

    def decided(self, side: Side, kind: OrderType = OrderType.MARKET, qty: int = 1) -> Submit:
        """What the trader wants to send, whatever the gateway makes of it."""
        price = 17_300 if kind is OrderType.LIMIT else 0
        self.k += 1
        wanted = intent(side, qty, kind, k=self.k, price_ticks=price)
        (sent,) = [said for said in self.hear(wanted) if isinstance(said, Submit)]
        return sent

    def leaves(self, sent: Submit, now: int = OPEN) -> None:
        self.kill.sends(sent, now)

    def closes(self, client_id: str, qty: int, at: int = LATER) -> Submit:
        """The kill switch sells, and its order reaches the broker."""
        sold = submit(client_id, Side.SELL, qty, at=at)
        self.kill.sends(sold, at)
        self.reach(sold)
        return sold

    def closed(self, sold: Submit, qty: int, fill_id: str) -> None:
        (entry,) = self.books.of_client(sold.client_id)
        fill = filled(sold.client_id, fill_id, Side.SELL, qty, 17_400, at=sold.at)
        self.books.report(entry, fill, sold.at)

    def look(self, times: int = MOST_LOOKS + 1) -> None:
        self.kill.trades(TXF, LATER)
        for _ in range(times):
            self.kill.look(self.books, LATER, is_well=True)


@pytest.fixture
def bench() -> KillBench:
    return KillBench()


def test_without_entries_what_opens_is_found_and_what_reduces_leaves(bench: KillBench) -> None:
    bench.holds(2)
    bench.asks(KillLevel.ENTRIES)
    bench.leaves(bench.decided(Side.SELL, qty=2))
    with refuses("opens though the kill switch is at entries"):
        bench.leaves(bench.decided(Side.BUY))


def test_what_would_rest_is_found_when_all_is_taken_back(bench: KillBench) -> None:
    bench.holds(1)
    bench.asks(KillLevel.CANCEL)
    with refuses("would rest though the kill switch is at cancel"):
        bench.leaves(bench.decided(Side.SELL, OrderType.LIMIT))


def test_nothing_of_a_traders_leaves_while_all_is_closed(bench: KillBench) -> None:
    bench.holds(1)
    bench.asks(KillLevel.FLATTEN)
    bench.kill.new_life()
    with refuses("leaves though the kill switch is at flatten"):
        bench.leaves(bench.decided(Side.SELL))


def test_only_resume_lowers_the_level(bench: KillBench) -> None:
    held_to: list[KillLevel] = []
    for level in (KillLevel.FLATTEN, KillLevel.ENTRIES, KillLevel.NONE):
        bench.asks(level)
        held_to.append(bench.kill.level)
    assert held_to == [KillLevel.FLATTEN, KillLevel.FLATTEN, KillLevel.NONE]


def test_the_trader_of_before_is_found_after_resume(bench: KillBench) -> None:
    bench.leaves(bench.decided(Side.BUY))
    bench.asks(KillLevel.FLATTEN)
    bench.asks(KillLevel.NONE)
    with refuses("the trader of before the kill is not heard any more"):
        bench.leaves(bench.decided(Side.BUY))


@pytest.mark.parametrize(("asked_at", "unexplained"), [(LATER, {}), (LATER + QUIET_NS, {TXF: 1})])
def test_an_order_before_a_comparison_that_counts_is_found(
    bench: KillBench, asked_at: int, unexplained: dict[str, int]
) -> None:
    bench.holds(1)
    bench.asks(KillLevel.FLATTEN)
    bench.closed(bench.closes("k1", 1), 1, "F9")
    bench.asks(KillLevel.NONE)
    bench.kill.new_life()
    bench.kill.sends(Query("q1", asked_at), asked_at)
    bench.kill.kept((), (Reconciled("q1", asked_at, 0, 0, 0, unexplained),), {})
    with refuses("before book and venue were compared"):
        bench.leaves(bench.decided(Side.BUY), LATER)
    with refuses("at rest book and venue were not compared"):
        bench.kill.fills.clear()
        bench.kill.at_rest()


def test_after_a_comparison_that_counts_orders_leave_again(bench: KillBench) -> None:
    bench.asks(KillLevel.FLATTEN)
    bench.asks(KillLevel.NONE)
    bench.kill.new_life()
    bench.kill.sends(Query("q1", LATER), LATER)
    bench.kill.kept((), (Reconciled("q1", LATER, 0, 0, 0, {}),), {})
    bench.leaves(bench.decided(Side.BUY), LATER)
    assert bench.judge.recoveries.counts["readmitted"] == 1


def test_more_than_is_held_is_found_at_once_and_in_the_next_order(bench: KillBench) -> None:
    bench.holds(2)
    bench.asks(KillLevel.FLATTEN)
    with refuses("makes 3 contracts that the kill switch closes, and 2 are held"):
        bench.closes("k1", 3)
    again = KillBench()
    again.holds(2)
    again.asks(KillLevel.FLATTEN)
    again.closes("k1", 2)
    with refuses("makes 4 contracts that the kill switch closes, and 2 are held"):
        again.closes("k2", 2)


def test_what_was_sold_once_is_not_held_any_more(bench: KillBench) -> None:
    bench.holds(2)
    bench.asks(KillLevel.FLATTEN)
    bench.closed(bench.closes("k1", 2), 2, "F9")
    with refuses("makes 2 contracts that the kill switch closes, and 0 are held"):
        bench.closes("k2", 2)


def test_what_others_trade_just_then_may_make_it_too_much(bench: KillBench) -> None:
    bench.holds(2)
    bench.asks(KillLevel.FLATTEN)
    entry = bench.books.receive("B9", submit("", Side.SELL, 1, at=LATER), LATER, 1)
    bench.books.report(entry, filled("", "F8", Side.SELL, 1, 17_400), LATER)
    bench.closes("k1", 2)


@pytest.mark.parametrize(
    ("qty", "at", "why"),
    [(11, LATER, "for more than 10 contracts"), (1, OPEN - 3_600 * SECOND, "its session is closed")],
)
def test_an_order_above_the_cap_or_out_of_its_session_is_found(
    bench: KillBench, qty: int, at: int, why: str
) -> None:
    bench.holds(10)
    bench.asks(KillLevel.FLATTEN)
    with refuses(why):
        bench.closes("k1", qty, at)


def test_nothing_is_closed_that_nobody_asked_for(bench: KillBench) -> None:
    bench.holds(1)
    bench.asks(KillLevel.CANCEL)
    with refuses("leaves though the kill switch is at cancel"):
        bench.closes("k1", 1)


def test_its_ids_are_given_once(bench: KillBench) -> None:
    bench.holds(2)
    bench.asks(KillLevel.FLATTEN)
    bench.closed(bench.closes("k1", 1), 1, "F9")
    with refuses("k1 of the kill switch reached the broker twice"):
        bench.closes("k1", 1)


def test_whoever_says_that_all_is_done_is_believed_by_the_ledger_alone(bench: KillBench) -> None:
    resting = bench.decided(Side.BUY, OrderType.LIMIT)
    bench.reach(msgspec.structs.replace(resting, tif=TimeInForce.ROD))
    bench.asks(KillLevel.CANCEL)
    with refuses("has done all, and .* works"):
        bench.kill.done(bench.books, LATER)
    (entry,) = bench.books.of_client(resting.client_id)
    bench.books.report(entry, Canceled(resting.client_id, LATER, 1, ""), LATER)
    bench.kill.done(bench.books, LATER)
    assert bench.judge.recoveries.counts["killed_cancelled"] == 1


def test_a_position_that_is_left_is_found_when_all_is_said_to_be_done(bench: KillBench) -> None:
    bench.holds(1)
    bench.asks(KillLevel.FLATTEN)
    with refuses("has done all, and 1 TAIFEX:TXF202108 are held"):
        bench.kill.done(bench.books, LATER)


def test_what_is_due_and_does_not_happen_is_found(bench: KillBench) -> None:
    bench.holds(1)
    bench.look()
    bench.kill.asked(Kill(1, OPEN, KillLevel.FLATTEN))
    with refuses("is not taken, after 25 s"):
        bench.look()
    bench.kill.taken(1)
    with refuses("TXF202108 is still held though the kill switch closes it"):
        bench.look()


def test_what_cannot_happen_is_not_due(bench: KillBench) -> None:
    bench.holds(1)
    bench.asks(KillLevel.FLATTEN)
    for _ in range(2 * MOST_LOOKS):
        bench.kill.look(bench.books, LATER, is_well=True)  # Nobody trades.
    bench.look(MOST_LOOKS)
    bench.kill.look(bench.books, LATER, is_well=False)
    bench.look(MOST_LOOKS)


def test_what_it_closed_is_booked_once_and_to_those_who_held_it(bench: KillBench) -> None:
    bench.holds(2)
    bench.asks(KillLevel.FLATTEN)
    bench.closed(bench.closes("k1", 2), 2, "F9")
    traded = Traded("", "s", 0, 0, 0, LATER, TXF, Side.SELL, 2, 17_400, 0, 0, 0, "F9")
    with refuses("closes what the kill switch closed, and 1 were held"):
        bench.kill.kept((), (traded,), {("s", TXF): 1})
    bench.kill.kept((), (traded,), {("s", TXF): 2})
    bench.kill.kept((), (traded,), {("s", TXF): 2})
    with refuses("which the kill switch traded, 4 are in the book"):
        bench.kill.at_rest()


def test_one_seed_in_four_uses_it_and_always_alike() -> None:
    found = [switches_of(seed, 2_000) for seed in range(400)]
    assert found == [switches_of(seed, 2_000) for seed in range(400)]
    assert 60 < sum(bool(switches) for switches in found) < 140
    uses = [switch for switches in found for switch in switches]
    assert {switch.level for switch in uses} == set(KillLevel) - {KillLevel.NONE}
    assert {switch.beside for switch in uses} == set(BESIDE)
    assert all(switch.after < 2_000 for switch in uses)
