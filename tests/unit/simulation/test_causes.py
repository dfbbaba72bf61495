"""Orders leave for a cause: what the judge of causes refuses."""

import msgspec
import pytest

from autofutures.config import RunSettings
from autofutures.domain.messages import BadTick, ExitMoved, LinkChanged, Reconciled, Tick
from autofutures.domain.units import SECOND, OrderType, Side
from autofutures.market.dates import taipei_ns
from autofutures.orders.policy import Policy
from autofutures.simulation.causes import CONDITIONS, Causes
from tests.makers import OPEN, TXF, intent, submit, tick
from tests.unit.simulation.bench import refuses

MXF = "TAIFEX:MXF202108"
RUN = RunSettings(
    symbols=(TXF, MXF),
    day=20210726,
    source="recorded",
    bands={TXF: (17_000, 18_000)},
    policy=Policy(reconciles=True),
)
STOP = intent(Side.BUY, 1, OrderType.STOP, stop_ticks=17_405)
FIRED = ExitMoved("s", 1, 1, OPEN, TXF, Side.BUY, 1, 17_420, 17_390, "stop loss")


@pytest.fixture
def causes() -> Causes:
    return Causes(RUN)


@pytest.mark.parametrize("price_ticks", [0, -5, 16_999, 18_001])
def test_a_print_that_is_no_trade_must_be_called_so(causes: Causes, price_ticks: int) -> None:
    print_ = Tick(TXF, OPEN, price_ticks, 1)
    causes.heard((print_,), (BadTick(TXF, OPEN, price_ticks, ""),), OPEN)
    with refuses("1 prints"):
        causes.heard((print_,), (), OPEN)
    with refuses("1 prints"):
        causes.heard((tick(),), (BadTick(TXF, OPEN, 17_400, ""),), OPEN)


def test_a_condition_decides_on_a_trade_of_its_contract(causes: Causes) -> None:
    causes.heard((tick(),), (), OPEN)
    decided = intent(Side.BUY, 1, strategy=CONDITIONS, at=OPEN)
    causes.heard((decided,), (), OPEN + SECOND)
    with refuses(f"decided on a trade of {TXF}"):
        causes.heard((msgspec.structs.replace(decided, symbol=MXF),), (), OPEN + SECOND)


def test_a_stop_leaves_when_a_trade_of_its_contract_has_reached_it(causes: Causes) -> None:
    causes.heard((tick(17_405),), (), OPEN)
    causes.stop_leaves(STOP)
    for other in (tick(17_404), tick(17_410, symbol=MXF)):
        causes.heard((other,), (), OPEN)
        with refuses("no trade has reached its stop"):
            causes.stop_leaves(STOP)


def test_an_exit_fires_when_a_trade_of_its_contract_has_reached_it(causes: Causes) -> None:
    causes.heard((tick(17_390),), (), OPEN)
    causes.exit_moves(FIRED)
    causes.heard((tick(17_400),), (), OPEN)
    causes.exit_moves(FIRED)  # It has fired before.
    with refuses("no trade has reached its price"):
        causes.exit_moves(msgspec.structs.replace(FIRED, order_k=2))
    with refuses("no trade has reached its price"):
        causes.exit_moves(msgspec.structs.replace(FIRED, order_k=3, reason="take profit"))


def test_an_order_leaves_in_time_and_in_its_session(causes: Causes) -> None:
    decided = intent(at=OPEN)
    causes.leaves(msgspec.structs.replace(submit(), at=OPEN + 2 * SECOND), decided)
    with refuses("after its decision"):
        causes.leaves(msgspec.structs.replace(submit(), at=OPEN + 2 * SECOND + 1), decided)
    closed = taipei_ns(20210726, 14 * 3600)
    with refuses("no session takes it"):
        causes.leaves(msgspec.structs.replace(submit(), at=closed), intent(at=closed))


def test_nothing_is_sent_long_after_it_was_written_down_whatever_its_deadline(causes: Causes) -> None:
    sent = msgspec.structs.replace(submit(), at=OPEN, until=0)
    causes.sends(sent, OPEN + 2 * SECOND)
    with refuses("after its deadline"):
        causes.sends(sent, OPEN + 2 * SECOND + 1)
    with refuses("after its deadline"):
        causes.sends(msgspec.structs.replace(sent, until=OPEN + 3 * SECOND), OPEN + 2 * SECOND + 1)


def test_without_a_link_and_before_a_comparison_nothing_opens(causes: Causes) -> None:
    up = LinkChanged("v", OPEN, up=True, session=1)
    assert causes.may_open(()) == "while there is no link"
    assert not causes.may_open((up,))  # Which came first in this batch nobody knows.
    causes.links((up,), ())
    assert causes.may_open(()) == "before book and venue were compared"
    causes.links((), (Reconciled("q1", OPEN, 0, 0, 0, {}),))
    assert not causes.may_open(())
    causes.links((msgspec.structs.replace(up, up=False),), ())
    assert causes.may_open(()) == "while there is no link"
    causes.links((up,), ())
    causes.reconciled()
    assert not causes.may_open(())
    causes.new_life()
    assert causes.may_open(()) == "while there is no link"
