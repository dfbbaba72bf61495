"""The judge says no: each promise broken by hand."""

from collections.abc import Sequence

import msgspec
import pytest

from autofutures.assemble.nodes import make_trader
from autofutures.config import RunSettings
from autofutures.domain.errors import BrokenInvariant
from autofutures.domain.messages import (
    SCHEMA,
    Accepted,
    AnyMessage,
    Cancel,
    Envelope,
    ExitPlan,
    Gap,
    Intent,
    Ready,
    Restored,
    Revoke,
    Submit,
    Tick,
)
from autofutures.domain.units import OrderType, Side
from autofutures.market.dates import taipei_ns
from autofutures.simulation.judge import Continuity, Judge
from autofutures.storage.memory import memory_journal
from tests.makers import OPEN, TXF, filled, intent, submit, tick

NEXT_DAY = taipei_ns(20210727, 9 * 3600)
RUN = RunSettings(symbols=(TXF,), day=20210726, source="recorded", limits={"position": {"max_contracts": 5}})


class Bench:
    """A trader and its judge; the trader's words are kept unless a test says otherwise."""

    def __init__(self) -> None:
        self.trader = make_trader(RUN)
        self.judge = Judge(RUN)
        self.hear(tick())

    def hear(self, message: AnyMessage) -> list[AnyMessage]:
        said = list(self.trader.handle(message, OPEN))
        self.judge.kept(self.trader, (message,), said)
        return said

    def order(self, wanted: Intent) -> Submit:
        (sent,) = [said for said in self.hear(wanted) if isinstance(said, Submit)]
        self.judge.reached(sent)
        return sent

    def fill(self, sent: Submit, qty: int, fill_id: str = "F1") -> None:
        report = filled(sent.client_id, fill_id, sent.side, qty, 17_400)
        self.judge.reported(report)
        self.hear(report)

    def at_rest(self) -> None:
        with memory_journal() as journal:
            self.judge.at_rest(self.trader, journal, RUN)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def refuses(why: str) -> pytest.RaisesExc[BrokenInvariant]:
    return pytest.raises(BrokenInvariant, match=why)


def test_what_the_trader_did_and_its_journal_does_not_know_is_found(bench: Bench) -> None:
    sent = bench.order(intent(Side.BUY, 2))
    report = filled(sent.client_id, "F1", Side.BUY, 1, 17_400)
    said = list(bench.trader.handle(report, OPEN))
    with refuses("fills heard, each once, 0"):
        bench.judge.kept(bench.trader, (), said)


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


def test_a_strategy_that_starts_behind_its_own_orders_is_found(bench: Bench) -> None:
    bench.order(intent(cause_seq=50))
    (restored,) = bench.trader.handle(Ready("s"), OPEN)
    assert isinstance(restored, Restored)
    bench.judge.welcomes(restored)
    with refuses("starts again at event 49"):
        bench.judge.welcomes(msgspec.structs.replace(restored, cause_seq=49))


def test_the_exchange_takes_an_order_once_known_and_within_the_limit(bench: Bench) -> None:
    with refuses("not in the journal"):
        bench.judge.reached(submit())
    sent = bench.order(intent(Side.BUY, 3))
    bench.judge.reached(Cancel(sent.client_id, OPEN, TXF))
    with refuses("twice"):
        bench.judge.reached(sent)
    with refuses("more than was ordered"):
        bench.judge.reported(filled(sent.client_id, "F1", Side.BUY, 4, 17_400))


def test_the_limit_counts_what_works_at_the_exchange(bench: Bench) -> None:
    sent = bench.order(intent(Side.BUY, 3))
    larger = msgspec.structs.replace(sent, client_id="another", qty=3)
    bench.judge._written.add("another")  # noqa: SLF001 - as a gate that does not count would have let it
    with refuses("6 passes the limit of 5"):
        bench.judge.reached(larger)


def test_at_rest_book_and_ledger_agree_order_by_order(bench: Bench) -> None:
    sent = bench.order(intent(Side.BUY, 2))
    bench.fill(sent, 2)
    with refuses("a trader from the journal"):  # Of which the bench keeps none.
        bench.at_rest()
    bench.judge.positions[TXF] += 1
    with refuses("the exchange 3"):
        bench.at_rest()
    bench.judge.positions[TXF] -= 1
    bench.judge.exchange[sent.client_id].cost += 1
    with refuses("at the exchange is"):
        bench.at_rest()
    bench.judge.exchange.clear()
    with refuses("never reached the exchange"):
        bench.at_rest()


def heard(*bodies: tuple[int, AnyMessage], epoch: int = 1) -> Sequence[Envelope]:
    return [Envelope(SCHEMA, "peer", epoch, seq, 0, 0, "", body) for seq, body in bodies]


def test_every_number_is_heard_or_is_in_a_gap() -> None:
    trade = tick()
    continuity = Continuity()
    continuity.heard(heard((1, trade), (2, Ready("peer")), (4, Gap("peer", 0, 2)), (4, trade)))
    continuity.heard(heard((1, trade), epoch=2))
    continuity.heard(
        heard((5, Gap("peer", 0, 7)), (6, Gap("other", 0, 7)))
    )  # News of others' gaps is numbered.
    for lost in (8, 6):
        with refuses("number 7 "):
            continuity.heard(heard((lost, trade)))
    assert isinstance(trade, Tick)
