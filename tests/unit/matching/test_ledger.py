from collections import Counter

import msgspec

from autofutures.domain.messages import Accepted, Canceled, Expired, Filled, Rejected, Report
from autofutures.domain.order_life import Status
from autofutures.domain.units import Side
from autofutures.matching.ledger import Entry, Ledger, Statement
from tests.makers import TXF, submit


def status_of(entry: Entry) -> tuple[Status, int, int]:
    return entry.status, entry.filled, entry.left


def fill(client_id: str, number: int, qty: int = 1, side: Side = Side.BUY) -> Filled:
    return Filled(client_id, 0, f"F{number}", TXF, side, qty, 17_400)


def test_an_order_goes_through_its_life_in_the_books() -> None:
    ledger = Ledger()
    entry = ledger.receive("B1", submit("o1", qty=3), 10, 1)
    assert status_of(entry) == (Status.SENT, 0, 3)
    ledger.report(entry, Accepted("o1", 11, "B1"), 11)
    ledger.report(entry, fill("o1", 1, 2), 12)
    assert status_of(entry) == (Status.WORKING, 2, 1)
    ledger.report(entry, Rejected("o1", 13, "too late", of_cancel=True), 13)
    assert status_of(entry) == (Status.WORKING, 2, 1)
    ledger.report(entry, fill("o1", 2), 14)
    assert status_of(entry) == (Status.FILLED, 3, 0)
    assert ledger.positions == {TXF: 3}


def test_what_ends_otherwise_leaves_nothing_to_trade() -> None:
    ledger = Ledger()
    ends: tuple[Report, ...] = (Canceled("o", 1, 1, "asked to"), Expired("o", 1, 1), Rejected("o", 1, "no"))
    ended = []
    for number, end in enumerate(ends):
        entry = ledger.receive(f"B{number}", submit("o"), 0, 1)
        ledger.report(entry, end, 1)
        ended.append((*status_of(entry), entry.reason))
    assert ended == [
        (Status.CANCELED, 0, 0, "asked to"),
        (Status.EXPIRED, 0, 0, ""),
        (Status.REJECTED, 0, 0, "no"),
    ]


def test_a_late_list_shows_what_was_then() -> None:
    ledger = Ledger()
    entry = ledger.receive("B1", submit("o1", qty=2), 10, 1)
    ledger.report(entry, Accepted("o1", 20, "B1"), 20)
    ledger.report(entry, fill("o1", 1), 30)
    ledger.report(entry, fill("o1", 2), 40)
    seen = [(row.status, row.filled) if (row := entry.row(at)) else None for at in (9, 10, 20, 39, 40)]
    assert seen == [
        None,
        (Status.SENT, 0),
        (Status.WORKING, 0),
        (Status.WORKING, 1),
        (Status.FILLED, 2),
    ]
    assert [len(ledger.fills(at)) for at in (29, 30, 40)] == [0, 1, 2]
    assert [ledger.positions_at(at) for at in (29, 30, 40)] == [{}, {TXF: 1}, {TXF: 2}]


def test_two_orders_under_one_id_are_counted_and_people_are_not() -> None:
    ledger = Ledger()
    for number, client_id in enumerate(("o1", "o2", "o1", "", "")):
        ledger.receive(f"B{number}", submit(client_id), number, 1)
    assert ledger.statement(1, Counter()).orders_per_client_id_max == 2
    assert Ledger().statement(0, Counter()).orders_per_client_id_max == 0


def test_a_statement_tells_strangers_apart_and_is_json() -> None:
    ledger = Ledger()
    ours = ledger.receive("B1", submit("o1", qty=2), 10, 1)
    ledger.report(ours, fill("o1", 1, 2), 11)
    theirs = ledger.receive("B2", submit("", Side.SELL), 12, 1)
    ledger.report(theirs, fill("", 2, 1, Side.SELL), 13)
    statement = ledger.statement(4, Counter(slow=2))
    assert (statement.positions, statement.strangers) == ({TXF: 1}, {TXF: -1})
    assert (statement.sessions, statement.faults) == (4, {"slow": 2})
    assert [(line.client_id, line.venue_id, line.qty) for line in statement.fills] == [
        ("o1", "B1", 2),
        ("", "B2", 1),
    ]
    assert msgspec.json.decode(msgspec.json.encode(statement), type=Statement) == statement


def test_books_go_on_after_a_restart_and_what_worked_has_ended_with_its_session() -> None:
    ledger = Ledger()
    done, working = (ledger.receive(f"B{n}", submit(f"o{n}", qty=3), n, 1) for n in (1, 2))
    ledger.report(done, fill("o1", 1, 3), 12)
    ledger.report(working, Accepted("o2", 11, "B2"), 11)
    before = ledger.statement(4, Counter())

    again = Ledger()
    again.restore(before)

    after = again.statement(4, Counter())
    assert (after.fills, after.positions) == (before.fills, before.positions)
    assert [(line.client_id, line.filled, line.status) for line in after.orders] == [
        ("o1", 3, "filled"),
        ("o2", 0, "expired"),
    ]
