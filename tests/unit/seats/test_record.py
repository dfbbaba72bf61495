"""The record keeps what was heard, when, and what came of it; and what no recorder has taken yet."""

import msgspec

from autofutures.assemble.sources import strategy_hash
from autofutures.bus.codec import Outbox
from autofutures.domain.messages import (
    AnyMessage,
    BadTick,
    Beat,
    Command,
    Filled,
    Heard,
    Snapshot,
    Started,
    Tick,
    VenueOrder,
    decode_frame,
)
from autofutures.domain.order_life import Status
from autofutures.domain.units import Side
from autofutures.portfolio.tally import Tally
from autofutures.seats.port import RECORDER, TRADER
from autofutures.seats.record import MOST_FRAMES, Record, Rows
from tests.makers import OPEN, TXF, tick
from tests.unit.seats.house import House, a_run


class Away:
    """A recorder who is away, until he is there."""

    def __init__(self) -> None:
        self.there = False
        self.frames: list[bytes] = []

    def send(self, _peer: str, data: bytes) -> bool:
        if self.there:
            self.frames.append(data)
        return self.there


def a_record(port: Away) -> Record:
    return Record(Outbox(TRADER, 1), port, Tally({}))


def test_trades_are_a_number_where_the_stream_has_them_and_a_bad_one_is_kept_whole() -> None:
    port = Away()
    port.there = True
    record = a_record(port)
    good, bad = tick(), tick(0)
    said: list[AnyMessage] = [good, BadTick(bad.symbol, OPEN, 0, "zero")]
    record.note([good, bad, Beat(OPEN)], [(0, OPEN), (2, OPEN + 5)], said, OPEN + 7, 1, 9)
    record.flush()

    heard, *stream = [envelope.body for envelope in decode_frame(port.frames[0])]
    assert isinstance(heard, Heard)
    assert heard.moments == ((2, OPEN), (1, OPEN + 5))
    assert (heard.number, heard.market_seq, heard.said, heard.at) == (1, 9, 2, OPEN + 7)
    assert heard.inputs.startswith(b"\x93\x01")  # Three items, the first of them the number 1.
    assert stream == said


def test_what_no_recorder_takes_waits_for_him_in_its_sequence() -> None:
    port = Away()
    record = a_record(port)
    for number in range(3):
        record.note([Beat(OPEN + number)], [(0, OPEN)], (), OPEN, 0, 0)
        record.flush()
    assert record.waits
    port.there = True
    record.flush()
    heard = [envelope.body for frame in port.frames for envelope in decode_frame(frame)]
    assert [message.number for message in heard if isinstance(message, Heard)] == [1, 2, 3]
    assert not record.waits


def test_beyond_the_room_the_oldest_is_given_up() -> None:
    port = Away()
    record = a_record(port)
    for _ in range(MOST_FRAMES + 2):
        record.note([Beat(OPEN)], [(0, OPEN)], (), OPEN, 0, 0)
        record.flush()
    port.there = True
    record.flush()
    first = decode_frame(port.frames[0])[0].body
    assert isinstance(first, Heard)
    assert (len(port.frames), first.number) == (MOST_FRAMES, 3)


def test_a_recorder_that_comes_late_has_the_whole_day() -> None:
    with House(a_run()) as house:
        house.lost.add((RECORDER, TRADER))
        house.cut.add((TRADER, RECORDER))
        house.begin()
        house.ticks(3)
        house.beat()
        assert house.tape.messages == []
        house.lost.clear()
        house.cut.clear()
        house.beat(6)

        kept = [message for message in house.tape.messages if not isinstance(message, Heard)]
        assert isinstance(kept[0], Started)
        assert sum(isinstance(message, Tick) for message in kept) == 3


def test_a_command_is_journaled_with_the_person_who_gave_it() -> None:
    with House(a_run()).begin() as house:
        house.ask(Command("f1", "pinger", "pause", "c1", {}, "ada"), "operator/7")
        inputs = [message for batch in house.journal.batches() for message in batch.inputs]
        assert [message.who for message in inputs if isinstance(message, Command)] == ["ada operator/7"]


def test_a_life_begins_with_what_it_is_made_of() -> None:
    with House(a_run()).begin() as house:
        house.new_trader()
        batches = list(house.journal.batches())
        started = [message for batch in batches for message in batch.outputs if isinstance(message, Started)]
        assert [message.epoch for message in started] == [1, 2]
        assert started[0].batch == 0
        assert 0 < started[1].batch < batches[-1].id + 1
        assert b'"every":1' in started[0].settings


def test_a_strategy_says_the_hash_of_its_source() -> None:
    with House(a_run()).begin() as house:
        heard = [message.inputs for message in house.tape.messages if isinstance(message, Heard)]
        assert any(strategy_hash("pinger").encode() in data for data in heard)


def test_a_row_of_the_venues_list_is_told_once_and_read_back() -> None:
    row = VenueOrder("c1", "B1", TXF, Side.BUY, 2, 0, Status.WORKING, OPEN)
    filled = msgspec.structs.replace(row, filled=1)
    fill = Filled("c1", OPEN, "F1", TXF, Side.BUY, 1, 17_400)
    pages = [
        Snapshot("q1", OPEN, 0, (row,), (), {}),
        Snapshot("q2", OPEN, 0, (row,), (), {}),
        Snapshot("q3", OPEN, 0, (filled, row), (fill, fill), {TXF: 1}, 1, 2),
    ]
    writer, reader = Rows(), Rows()
    kept = [writer.short(page) for page in pages]
    assert [page.orders for page in kept] == [(row,), (0,), (filled, 0)]
    assert kept[2].fills == (fill, 2)
    assert [reader.whole(page) for page in kept] == pages
