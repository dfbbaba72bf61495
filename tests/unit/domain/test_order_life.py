from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autofutures.domain.order_life import ALIVE, NEXT, Event, Status, after

NEVER_SENT = {
    (Status.HELD, Event.ACCEPTED),
    (Status.HELD, Event.FILLED_IN_PART),
    (Status.HELD, Event.FILLED_WHOLE),
    (Status.HELD, Event.REJECTED),
}
MORE_THAN_WHOLE = {(Status.FILLED, Event.FILLED_IN_PART), (Status.FILLED, Event.FILLED_WHOLE)}
MISSED_WITHOUT_DOUBT = {(status, Event.MISSED) for status in (Status.HELD, Status.SENT, Status.WORKING)}
FIRED_TWICE = {(status, Event.FIRED) for status in Status if status is not Status.HELD}


def test_every_status_answers_every_event() -> None:
    assert set(NEXT) == set(Status)
    assert {len(row) for row in NEXT.values()} == {len(Event)}


def test_what_cannot_meet_is_exactly_what_is_documented() -> None:
    impossible = {(status, event) for status in Status for event in Event if after(status, event) is None}
    assert impossible == NEVER_SENT | MORE_THAN_WHOLE | FIRED_TWICE | MISSED_WITHOUT_DOUBT


def test_alive_is_what_a_whole_fill_may_still_follow_without_contradiction() -> None:
    assert {Status.HELD, Status.SENT, Status.WORKING, Status.UNKNOWN} == ALIVE
    for status in set(Status) - ALIVE:
        assert after(status, Event.DOUBTED) is status
    for status in ALIVE - {Status.HELD}:
        assert after(status, Event.DOUBTED) is Status.UNKNOWN


@pytest.mark.parametrize(
    ("status", "event", "expected"),
    [
        (Status.HELD, Event.FIRED, Status.SENT),
        (Status.SENT, Event.ACCEPTED, Status.WORKING),
        (Status.SENT, Event.REJECTED, Status.REJECTED),
        (Status.WORKING, Event.FILLED_IN_PART, Status.WORKING),
        (Status.WORKING, Event.FILLED_WHOLE, Status.FILLED),
        (Status.WORKING, Event.REJECTED, Status.WORKING),
        (Status.CANCELED, Event.FILLED_IN_PART, Status.CANCELED),
        (Status.CANCELED, Event.FILLED_WHOLE, Status.FILLED),
        (Status.REJECTED, Event.FILLED_IN_PART, Status.WORKING),
        (Status.EXPIRED, Event.ACCEPTED, Status.EXPIRED),
        (Status.FILLED, Event.CANCELED, Status.FILLED),
        (Status.UNKNOWN, Event.ACCEPTED, Status.WORKING),
    ],
)
def test_the_table_says(status: Status, event: Event, expected: Status) -> None:
    assert after(status, event) is expected


HISTORIES = (
    (Event.ACCEPTED, Event.FILLED_IN_PART, Event.REJECTED),
    (Event.ACCEPTED, Event.FILLED_IN_PART, Event.CANCELED, Event.REJECTED),
    (Event.ACCEPTED, Event.FILLED_IN_PART, Event.EXPIRED, Event.REJECTED),
    (Event.ACCEPTED, Event.REJECTED),
    (Event.ACCEPTED, Event.CANCELED),
    (Event.REJECTED,),
)


@pytest.mark.parametrize("history", HISTORIES, ids=lambda history: "-".join(e.name.lower() for e in history))
def test_reports_of_one_order_lead_to_one_status_in_any_sequence(history: tuple[Event, ...]) -> None:
    ends = set()
    for events in permutations(history):
        status = Status.SENT
        for event in events:
            following = after(status, event)
            assert following is not None
            status = following
        ends.add(status)
    assert len(ends) == 1


@given(st.sampled_from(Status), st.sampled_from([e for e in Event if e is not Event.FIRED]))
def test_a_repeated_report_changes_nothing(status: Status, event: Event) -> None:
    once = after(status, event)
    if once is None or event is Event.FILLED_WHOLE:
        return
    assert after(once, event) is once


def test_a_status_is_written_in_lower_case() -> None:
    assert [status.word for status in Status][:3] == ["held", "sent", "working"]
