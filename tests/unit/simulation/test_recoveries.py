"""Every branch is counted when the journal shows that it was taken."""

from autofutures.domain.messages import (
    Alert,
    AnyMessage,
    BookMode,
    BookStop,
    LinkChanged,
    OrderChanged,
    Placed,
    Refused,
    Rejected,
    Snapshot,
    Traded,
)
from autofutures.domain.order_life import Status
from autofutures.domain.units import Mode, Side
from autofutures.simulation.recoveries import BRANCHES, Recoveries
from tests.makers import OPEN, TXF, filled, intent

SNAPSHOT = Snapshot("q1", OPEN, 0, (), (), {})
FULL = "the disk of journal is full: what is written now uses the last reserve"


def changed(status: Status, reason: str = "") -> OrderChanged:
    return OrderChanged("o1", "s", 1, 1, OPEN, TXF, status, 0, 0, reason)


def traded(fill_id: str) -> Traded:
    return Traded("o1", "s", 1, 1, 1, OPEN, TXF, Side.BUY, 1, 17_400, 0, 0, 1, fill_id)


def counted(*batches: tuple[tuple[AnyMessage, ...], tuple[AnyMessage, ...]]) -> dict[str, int]:
    recoveries = Recoveries()
    for inputs, outputs in batches:
        recoveries.heard(inputs, outputs)
    return {branch: number for branch, number in recoveries.counts.items() if number}


def test_what_a_list_taught_is_told_from_what_was_heard() -> None:
    heard = filled("o1", "F1", Side.BUY, 1, 17_400)
    found = changed(Status.CANCELED, "found in the venue's list")
    assert counted(((heard,), (traded("F1"),)), ((SNAPSHOT,), (traded("F2"), found))) == {
        "fill_found_by_query": 1,
        "end_found_by_query": 1,
    }


def test_links_refusals_and_strangers() -> None:
    first, again = (LinkChanged("v", OPEN, up=True, session=number) for number in (1, 2))
    late = Rejected("o1", OPEN, "not sent: 5 ms past its deadline")
    unsent = Rejected("o1", OPEN, "not sent: no gateway")
    refused = [Refused("s", 1, 1, OPEN, rule, 0, 1, "") for rule in ("epoch", "unknown", "mode", "position")]
    assert counted(((first, again, late, unsent), (*refused, Alert("stranger", OPEN, "B1", "")))) == {
        "link_reconnected": 1,
        "late_order_refused": 1,
        "unsent_order_returned": 1,
        "former_life_refused": 1,
        "entry_refused_in_doubt": 1,
        "entry_refused_by_mode": 1,
        "stranger_handled": 1,
    }


def test_a_second_exit_of_a_lot_and_a_book_that_is_normal_again() -> None:
    leaves = Placed("o1", Status.SENT, intent(Side.SELL, closes=(1, 1)))
    modes = [
        BookMode(OPEN, Mode.REDUCING, (FULL,)),
        BookMode(OPEN, Mode.HALTED, ("exit o1 in doubt",)),
        BookMode(OPEN, Mode.NORMAL, ()),
    ]
    stopped = BookStop("s", TXF, OPEN, fired=True, limit=1, loss=1)
    assert counted(((), (leaves, leaves, *modes, stopped))) == {
        "exit_redecided": 1,
        "book_stop_fired": 1,
        "disk_recovered": 1,
        "halt_ended": 1,
        "book_normal_again": 1,
    }


def test_how_doubt_ended() -> None:
    recoveries = Recoveries()
    for status in (Status.FILLED, Status.WORKING, Status.ABSENT, Status.CANCELED, Status.EXPIRED):
        recoveries.moved(Status.UNKNOWN, changed(status))
    recoveries.moved(Status.WORKING, changed(Status.EXPIRED))
    assert {branch: number for branch, number in recoveries.counts.items() if number} == {
        "unknown_resolved_filled": 1,
        "unknown_resolved_working": 1,
        "unknown_proved_absent": 1,
        "unknown_resolved_over": 2,
        "expired_by_session": 2,
    }
    assert list(recoveries.counts) == list(BRANCHES)
