from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autofutures.bus.codec import Outbox
from autofutures.domain.errors import BadMessage
from autofutures.domain.messages import Accepted, AnyMessage
from autofutures.processes.stream import LENGTH, read_stream
from tests.makers import OPEN, tick


def kept(*frames: bytes) -> bytes:
    return b"".join(LENGTH.pack(len(frame)) + frame for frame in frames)


def a_stream(messages: list[list[AnyMessage]]) -> bytes:
    outbox = Outbox("trader", 1)
    return kept(*(outbox.frame(frame, OPEN) for frame in messages))


SAID: list[list[AnyMessage]] = [[tick(17_400), tick(17_401)], [Accepted("o1", OPEN, "X1")], [tick(17_402)]]


def test_a_stream_is_read_in_the_order_in_which_it_was_kept(tmp_path: Path) -> None:
    path = tmp_path / "stream.msgpack"
    path.write_bytes(a_stream(SAID))
    envelopes = list(read_stream(path))
    assert [envelope.body for envelope in envelopes] == [message for frame in SAID for message in frame]
    assert [(envelope.at, envelope.epoch) for envelope in envelopes] == [(OPEN, 1)] * 4


def test_an_empty_stream_holds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "stream.msgpack"
    path.touch()
    assert list(read_stream(path)) == []


@given(st.integers(min_value=1))
def test_a_stream_with_a_torn_end_is_refused_wherever_it_is_torn(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    whole = a_stream(SAID)
    ends = [0]
    while ends[-1] < len(whole):
        ends.append(ends[-1] + LENGTH.size + LENGTH.unpack_from(whole, ends[-1])[0])
    left = cut % len(whole)
    path = tmp_path_factory.getbasetemp() / "torn.msgpack"
    path.write_bytes(whole[:left])
    if left in ends:
        assert len(list(read_stream(path))) == sum(len(frame) for frame in SAID[: ends.index(left)])
        return
    at = max(end for end in ends if end < left)
    with pytest.raises(BadMessage, match=f"ends inside a frame at byte {at}: the recorder was killed there"):
        list(read_stream(path))


@pytest.mark.parametrize("data", [LENGTH.pack(0), kept(b"\xc1"), kept(b"\x01\x02")])
def test_a_stream_of_something_else_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "stream.msgpack"
    path.write_bytes(data)
    with pytest.raises(BadMessage):
        list(read_stream(path))
