"""A broker whose lists are short says from when on they tell what has ended, and leaves nothing out that was missed."""

from autofutures.domain.messages import Query, Snapshot
from autofutures.domain.units import SECOND
from autofutures.matching.broker import PAGE_NS, PAGE_ROWS
from autofutures.matching.said import NEVER
from tests.makers import OPEN, TXF, submit
from tests.unit.matching.test_broker import a_broker, a_list, logged_in, resting, trade


def test_a_short_list_has_what_works_and_what_ended_lately() -> None:
    broker = logged_in(list_ns=SECOND)
    broker.hear(resting("rests", OPEN), 1, OPEN)
    for number in range(3):
        at = OPEN + number * SECOND
        broker.hear(submit(f"o{number}", at=at), 1, at)
        trade(broker, at + 1)
    snapshot = a_list(broker, OPEN + 2 * SECOND + 2)
    assert snapshot.since == OPEN + SECOND + 2
    assert [row.client_id for row in snapshot.orders] == ["rests", "o2"]
    assert [fill.client_id for fill in snapshot.fills] == ["o2"]
    assert snapshot.positions == {TXF: 3}


def test_after_an_absence_a_short_list_reaches_back_to_what_was_missed() -> None:
    broker = logged_in(list_ns=SECOND)
    for number in range(3):
        at = OPEN + number * SECOND
        broker.hear(submit(f"o{number}", at=at), 1, at)
        trade(broker, at + 1)
    a_list(broker, OPEN + 2 * SECOND + 2)
    broker.drop(OPEN + 3 * SECOND)
    back = OPEN + 60 * SECOND
    broker.connect(back)
    snapshot = a_list(broker, back + SECOND // 2)
    assert (snapshot.since, [row.client_id for row in snapshot.orders]) == (OPEN + SECOND + 2, ["o2"])
    assert a_list(broker, back + 2 * SECOND).since == back + SECOND

    resumed = a_broker(list_ns=SECOND)
    resumed.resume(broker.statement())
    resumed.connect(back)
    assert (a_list(resumed, back).since, len(a_list(resumed, back).fills)) == (0, 3)


def test_a_long_list_comes_in_pages_with_time_between_them_and_its_fills_first() -> None:
    broker = logged_in()
    for number in range(PAGE_ROWS):
        at = OPEN + number
        broker.hear(submit(f"o{number}", at=at), 1, at)
        trade(broker, at)
    at = OPEN + SECOND
    broker.hear(resting("rests", at), 1, at)
    broker.say(at)
    broker.hear(Query("q", at), 1, at)
    pages = []
    for place in range(3):
        assert broker.due_at == at + place * PAGE_NS
        (page,) = broker.say(broker.due_at)
        assert isinstance(page, Snapshot)
        assert (page.page, page.pages, page.positions) == (place, 3, {TXF: PAGE_ROWS})
        pages.append(page)
    assert broker.due_at == NEVER
    assert [len(page.fills) for page in pages] == [PAGE_ROWS, 0, 0]
    assert [len(page.orders) for page in pages] == [0, PAGE_ROWS, 1]
    assert [row.client_id for row in pages[2].orders] == ["rests"]
