"""Each promise that a drill proves is broken here once, in the ledger or in the journal, and must be found."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from autofutures.domain.messages import AnyMessage, BookKept, OrderChanged, Placed, Submit, Traded
from autofutures.domain.order_life import Status
from autofutures.domain.units import SECOND, Side
from autofutures.matching.ledger import FillLine, OrderLine, Statement
from autofutures.ops.folder import Folder, make_folder
from autofutures.processes.chaos.figures import Figures
from autofutures.processes.chaos.judge import Course, judge
from autofutures.processes.chaos.plan import Strike
from autofutures.processes.chaos.watch import Sight
from autofutures.storage.journal import Journal
from tests.makers import OPEN, intent, submit
from tests.runs import TXF, ema, generated

WORD = OrderChanged("", "ema_cross", 0, 1, OPEN, TXF, Status.WORKING, 0, 0)
replace = msgspec.structs.replace


class Case(msgspec.Struct):
    """A run's end: what the ledger has, and what the journal."""

    orders: list[OrderLine]
    fills: list[FillLine]
    positions: dict[str, int]
    facts: list[AnyMessage]


def order(number: int, qty: int = 2) -> list[AnyMessage]:
    """An order in the journal, filled whole."""
    client_id = f"o{number}"
    placed = Placed(
        client_id, Status.SENT, intent(Side.BUY, qty, strategy="ema_cross", symbol=TXF, cause_seq=number)
    )
    traded = Traded(
        client_id, "ema_cross", number, 1, 1, OPEN, TXF, Side.BUY, qty, 100, 0, 0, qty * number, f"F{number}"
    )
    changed = replace(
        WORD, client_id=client_id, order_seq=number, status=Status.FILLED, filled=qty, left=0, at=OPEN
    )
    return [placed, submit(client_id, qty=qty, symbol=TXF), traded, changed]


def line(number: int, qty: int = 2) -> OrderLine:
    return OrderLine(f"B{number}", f"o{number}", TXF, Side.BUY, qty, qty, 0, "filled", 1, OPEN, "")


def fill(number: int, qty: int = 2) -> FillLine:
    return FillLine(f"F{number}", f"B{number}", f"o{number}", TXF, Side.BUY, qty, 100, OPEN)


def two_orders() -> Case:
    return Case([line(1), line(2)], [fill(1), fill(2)], {TXF: 4}, [*order(1), *order(2)])


def judged(place: Path, case: Case, sight: Sight | None = None) -> Figures:
    folder = a_folder(place)
    with Journal.open(folder.journal) as journal:
        journal.next_epoch()
        for number, fact in enumerate(case.facts):
            journal.commit((), [fact], OPEN + number)
    statement = Statement(
        orders=tuple(case.orders),
        fills=tuple(case.fills),
        positions=case.positions,
        strangers={},
        orders_per_client_id_max=1,
        sessions=1,
        faults={"cut": 2},
    )
    folder.ledger.write_bytes(msgspec.json.encode(statement))
    return judge(folder, Course(sight or Sight(folder, 0), 0, SECOND, (), 1.0))


def a_folder(place: Path) -> Folder:
    folder = make_folder(place / "run", generated(ema()), live=True)
    folder.leave()
    return folder


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path


def test_equal_books_have_no_violation(place: Path) -> None:
    found = judged(place, two_orders())
    assert found.broken == ()
    assert (found.orders, found.fills, found.orders_per_decision_max) == (2, 2, 1)
    assert (found.fills_lost, found.fills_doubled, found.links_cut) == (0, 0, 2)
    assert found.books_equal
    assert found.journal_verified


def lose_a_fill(case: Case) -> None:
    del case.facts[2]


def book_a_fill_twice(case: Case) -> None:
    case.facts.append(replace(case.facts[2], n=2))


def invent_a_fill(case: Case) -> None:
    del case.fills[1]


def forget_an_order(case: Case) -> None:
    del case.facts[4:]


def send_a_decision_twice(case: Case) -> None:
    placed = case.facts[4]
    assert isinstance(placed, Placed)
    case.facts[4] = replace(placed, intent=replace(placed.intent, cause_seq=1))


def send_an_order_twice(case: Case) -> None:
    case.orders.append(replace(line(1), venue_id="B3", filled=0, status="canceled"))


def fill_too_much(case: Case) -> None:
    case.fills[0] = replace(case.fills[0], qty=3)


def leave_it_at_work(case: Case) -> None:
    case.orders[0] = replace(case.orders[0], left=1)


def move_the_position(case: Case) -> None:
    case.positions[TXF] = 5


def never_send_it(case: Case) -> None:
    case.facts += [message for message in order(3) if isinstance(message, (Placed, Submit))]


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (lose_a_fill, "1 fills of the exchange are not in the book: F1"),
        (book_a_fill_twice, "1 fills were booked twice, or are none of the exchange: F1"),
        (invent_a_fill, "1 fills were booked twice, or are none of the exchange: F2"),
        (forget_an_order, "1 orders at the exchange are not in the journal: o2"),
        (send_a_decision_twice, "1 decisions have more than one order at the exchange: ('ema_cross', 1, 1)"),
        (send_an_order_twice, "1 decisions have more than one order at the exchange: ('ema_cross', 1, 1)"),
        (fill_too_much, "o1 was for 2, and 3 were filled"),
        (leave_it_at_work, "o1 in the book is filled, 2 filled and 0 left; in the ledger filled, 2 and 1"),
        (move_the_position, f"4 of {TXF} in the book, 5 in the ledger"),
        (never_send_it, "o3 is sent in the book and was never at the exchange"),
    ],
)
def test_a_broken_promise_is_found_and_named(place: Path, harm: Callable[[Case], None], words: str) -> None:
    case = two_orders()
    harm(case)
    found = judged(place, case)
    assert words in " | ".join(found.broken)
    assert found.violations == len(found.broken)


def test_a_damaged_journal_is_named_and_nothing_in_it_counts(place: Path) -> None:
    judged(place, two_orders())
    folder = Folder(place / "run")
    with closing(sqlite3.connect(folder.journal)) as journal, journal:
        journal.execute("UPDATE batch SET at = at + 1 WHERE id = 3")
    found = judge(folder, Course(Sight(folder, 0), 0, SECOND, (), 1.0))
    assert not found.journal_verified
    assert "batch 3 of the journal: it does not fit its hash and the batch before it" in found.broken
    assert found.orders_unknown_to_journal == 2


def test_a_snapshot_that_forgot_something_is_found(place: Path) -> None:
    judged(place, two_orders())
    folder = Folder(place / "run")
    with Journal.open(folder.journal) as journal:
        journal.snapshot([BookKept(OPEN, 2, ())], OPEN)
    found = judge(folder, Course(Sight(folder, 0), 0, SECOND, (), 1.0))
    assert not found.books_equal
    assert "ledgers by the snapshot []" in found.broken[0]


def test_open_contracts_without_a_plan_are_a_violation_at_any_readiness(place: Path) -> None:
    sight = Sight(a_folder(place), 0)
    sight.uncovered_lots = 2
    found = judged(place, two_orders(), sight)
    assert found.broken == ("2 open contracts had no exit plan",)


def test_a_kill_between_the_sending_and_the_end_of_an_order_counts_as_in_flight(place: Path) -> None:
    sight = Sight(a_folder(place), 0)
    kill = Strike(role="trader", signal="kill", pause_ns=0)
    # The first order is sent at 1, and answered and over at 3.
    for moment in (0, 1, 2, 3):
        sight.heal(sight.wound(kill, "trader", OPEN + moment), OPEN + moment + 2 * SECOND)
    sight.wound(replace(kill, role="gateway", signal="stop"), "gateway", OPEN + 2)
    found = judged(place, two_orders(), sight)
    assert (found.kills, found.kills_in_flight, found.kills_unanswered, found.stops) == (4, 2, 2, 1)
    assert found.kills_by_role["trader"] == 4
    assert (found.recovery_s.count, found.recovery_s.p50, found.recovery_s.by_role["trader"].max) == (
        4,
        2.0,
        2.0,
    )
