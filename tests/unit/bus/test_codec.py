from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autofutures.bus.codec import CONTROL, Inbox, Outbox
from autofutures.domain.errors import BadMessage
from autofutures.domain.messages import (
    Accepted,
    AnyMessage,
    Ask,
    Done,
    Envelope,
    Gap,
    Quote,
    Ready,
    SessionEnded,
    Step,
    Stop,
    Tick,
    encode,
)
from tests.makers import OPEN, TXF, tick

QUOTE = Quote(TXF, OPEN, 17_399, 1, 17_401, 1)
ENDED = SessionEnded(TXF, OPEN, 20210726, "day")
REPORT = Accepted("o1", OPEN, "X1")
STEP = Step(1, OPEN, 0)

KINDS: tuple[AnyMessage, ...] = (
    tick(),
    QUOTE,
    ENDED,
    REPORT,
    STEP,
    Done("t", 1),
    Ready("t"),
    Stop(OPEN, "end"),
)


def numbers(heard: list[Envelope]) -> list[tuple[str, int]]:
    return [(envelope.source, envelope.seq) for envelope in heard]


def gaps(heard: list[Envelope]) -> list[tuple[str, int]]:
    return [(e.body.source, e.body.missed) for e in heard if isinstance(e.body, Gap)]


def test_market_data_and_everything_else_are_numbered_apart() -> None:
    outbox = Outbox("gateway", 3)
    sent = [outbox.wrap(message, OPEN) for message in (tick(), REPORT, QUOTE, ENDED, tick())]
    assert numbers(sent) == [
        ("gateway.market", 1),
        ("gateway", 1),
        ("gateway.market", 2),
        ("gateway", 2),
        ("gateway.market", 3),
    ]
    assert {envelope.epoch for envelope in sent} == {3}


def test_a_control_message_carries_the_number_reached_and_does_not_raise_it() -> None:
    outbox = Outbox("gateway")
    sent = [
        outbox.wrap(message, OPEN) for message in (tick(), STEP, STEP, REPORT, Done("g", 1), tick(), REPORT)
    ]
    assert numbers(sent) == [
        ("gateway.market", 1),
        ("gateway.market", 1),
        ("gateway.market", 1),
        ("gateway", 1),
        ("gateway", 1),
        ("gateway.market", 2),
        ("gateway", 2),
    ]


def test_an_envelope_says_when_why_and_for_which_request() -> None:
    envelope = Outbox("trader", 2).wrap(REPORT, OPEN, cause=7, flow="f1")
    assert (envelope.at, envelope.cause, envelope.flow, envelope.body) == (OPEN, 7, "f1", REPORT)


def test_a_frame_is_heard_as_it_was_said() -> None:
    said = (tick(), REPORT, STEP)
    assert [e.body for e in Inbox().open(Outbox("gateway").frame(said, OPEN))] == list(said)


def test_a_frame_that_comes_again_is_dropped_but_its_control_messages_are_heard() -> None:
    inbox, data = Inbox(), Outbox("gateway").frame((tick(), REPORT, STEP), OPEN)
    inbox.open(data)
    assert [e.body for e in inbox.open(data)] == [STEP]
    assert inbox.repeated == 2


def test_what_was_lost_is_a_gap_just_before_what_shows_it() -> None:
    inbox, outbox = Inbox(), Outbox("gateway")
    inbox.open(outbox.frame((tick(),), OPEN))
    outbox.frame((tick(), tick(), REPORT), OPEN)
    heard = inbox.open(outbox.frame((tick(17_405), REPORT), OPEN + 1))
    assert [e.body for e in heard] == [
        Gap("gateway.market", OPEN + 1, 2),
        tick(17_405),
        Gap("gateway", OPEN + 1, 1),
        REPORT,
    ]


def test_a_step_shows_the_loss_of_market_data_though_no_more_follows() -> None:
    inbox, outbox = Inbox(), Outbox("gateway")
    outbox.frame((tick(), tick()), OPEN)
    step = outbox.frame((STEP,), OPEN)
    assert gaps(inbox.open(step)) == [("gateway.market", 2)]
    assert gaps(inbox.open(step)) == []


def test_a_process_that_starts_again_is_heard_from_its_first_message_on() -> None:
    inbox, old, new = Inbox(), Outbox("trader", 1), Outbox("trader", 2)
    inbox.open(old.frame((REPORT, REPORT, REPORT), OPEN))
    assert [e.body for e in inbox.open(new.frame((REPORT,), OPEN))] == [REPORT]
    assert (inbox.repeated, gaps(inbox.open(new.frame((REPORT,), OPEN)))) == (0, [])


def test_bytes_that_are_no_frame_are_refused() -> None:
    with pytest.raises(BadMessage, match="3 bytes are not a frame"):
        Inbox().open(b"\x93\x01\x02")
    with pytest.raises(BadMessage, match="run the same version"):
        Inbox().open(encode([Envelope(99, "x", 0, 1, OPEN, 0, "", tick())]))


def test_questions_are_control_messages() -> None:
    assert isinstance(Ask("f", "status"), CONTROL)
    assert not isinstance(REPORT, CONTROL)
    assert not isinstance(Tick(TXF, OPEN, 1, 1), CONTROL)


@given(st.data())
def test_whatever_is_dropped_or_repeated_every_message_is_heard_or_missed_exactly_once(
    data: st.DataObject,
) -> None:
    outbox = Outbox("gateway")
    bodies = data.draw(st.lists(st.lists(st.sampled_from(KINDS), min_size=1, max_size=5), max_size=8))
    frames = [outbox.frame(body, OPEN) for body in bodies]
    arriving = data.draw(st.lists(st.sampled_from(frames), max_size=20)) if frames else []
    end = outbox.frame((STEP, Done("gateway", 1)), OPEN)

    inbox = Inbox()
    heard = [envelope for frame in (*arriving, end) for envelope in inbox.open(frame)]
    counted = [e for e in heard if not isinstance(e.body, (Gap, *CONTROL))]
    missed: Counter[str] = Counter()
    for source, number in gaps(heard):
        missed[source] += number

    assert len(set(numbers(counted))) == len(counted)
    for source, market in (("gateway.market", True), ("gateway", False)):
        sent = sum(
            isinstance(message, (Tick, Quote)) is market
            for body in bodies
            for message in body
            if not isinstance(message, CONTROL)
        )
        mine = [e.seq for e in counted if e.source == source]
        assert mine == sorted(mine)
        assert len(mine) + missed[source] == sent
