import typing
from enum import EnumType
from types import NoneType, UnionType

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from autofutures.domain import messages
from autofutures.domain.errors import BadMessage
from autofutures.domain.messages import (
    SCHEMA,
    AnyMessage,
    Done,
    Envelope,
    Message,
    decode,
    decode_frame,
    encode,
)
from autofutures.domain.units import Side

KINDS: tuple[type[Message], ...] = typing.get_args(AnyMessage)
INT64 = st.integers(min_value=-(2**63), max_value=2**63 - 1)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def values_of(kind: object) -> SearchStrategy[object]:
    """A strategy for any annotation that a message may have."""
    simple: dict[object, SearchStrategy[object]] = {
        int: INT64,
        bool: st.booleans(),
        str: TEXT,
        bytes: st.binary(max_size=20),
        NoneType: st.none(),
    }
    if kind in simple:
        return simple[kind]
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin is UnionType:
        return st.one_of([values_of(part) for part in inner])
    if origin is tuple and Ellipsis not in inner:
        return st.tuples(*map(values_of, inner))
    if origin is tuple:
        return st.lists(values_of(inner[0]), max_size=2).map(tuple)
    if origin is dict:
        return st.dictionaries(values_of(inner[0]), values_of(inner[1]), max_size=3)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return structs_of(kind)
    assert isinstance(kind, EnumType), f"no message may hold {kind}"
    return st.sampled_from(list[object](kind))


def structs_of(kind: type[msgspec.Struct]) -> SearchStrategy[object]:
    return st.builds(kind, **{field.name: values_of(field.type) for field in msgspec.structs.fields(kind)})


def defined_messages() -> set[type[Message]]:
    """Every message class of the page, found by its base."""
    return {
        item
        for item in vars(messages).values()
        if isinstance(item, type) and issubclass(item, Message) and item is not Message
    }


def test_every_message_of_the_page_can_travel_but_the_part_of_an_intent() -> None:
    assert defined_messages() - set(KINDS) == {messages.ExitPlan}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_what_is_decoded_is_what_was_encoded(kind: type[Message]) -> None:
    @settings(max_examples=25)
    @given(structs_of(kind))
    def returns_the_same(message: object) -> None:
        assert decode(encode(message)) == message
        assert type(decode(encode(message))) is kind

    returns_the_same()


@given(structs_of(Envelope))
def test_an_envelope_keeps_its_whole_content(drawn: object) -> None:
    assert isinstance(drawn, Envelope)
    envelope = msgspec.structs.replace(drawn, schema=SCHEMA)
    assert decode_frame(encode([envelope, envelope])) == [envelope, envelope]


def test_a_message_is_an_array_headed_by_its_name() -> None:
    assert msgspec.msgpack.decode(encode(messages.Woke("a", 7, 1))) == ["Woke", "a", 7, 1]


def test_words_come_back_as_words() -> None:
    fill = messages.Filled("o1", 1, "f1", "TAIFEX:TXF202108", Side.SELL, 2, 17_400)
    back = decode(encode(fill))
    assert isinstance(back, messages.Filled)
    assert back.side is Side.SELL


@given(st.binary(max_size=60))
def test_any_bytes_are_a_message_or_a_bad_message(data: bytes) -> None:
    for read in (decode, decode_frame):
        try:
            read(data)
        except BadMessage as error:
            assert f"{len(data)} bytes are not a" in str(error)  # noqa: PT017 - most bytes are bad, some are not


@given(st.sampled_from(KINDS).flatmap(structs_of), st.data())
def test_a_message_with_one_byte_changed_is_a_message_or_a_bad_message(
    message: object, data: st.DataObject
) -> None:
    whole = bytearray(encode(message))
    whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        decode(bytes(whole))
    except BadMessage as error:
        assert "are not a message" in str(error)  # noqa: PT017 - a changed number is still a message


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc1",
        encode(["NoSuchMessage", 1]),
        encode(["Done", "a"]),
        encode(["Done", 1, "a"]),
        encode(Done("a", 1)) + b"\x00",
        encode(Done("a", 1))[:-1],
        encode(["Filled", "o1", 1, "f1", "TXF", 7, 1, 1]),
        b"\x93\xa4Done\xa1\xff\x01",
        b"\xdd\xff\xff\xff\xff",
        b"\x91" * 100_000,
    ],
    ids=[
        "nothing",
        "no such code",
        "unknown name",
        "a field is missing",
        "fields of another type",
        "more than a message",
        "torn",
        "no such side",
        "text that is no text",
        "an array longer than its bytes",
        "arrays without end",
    ],
)
def test_malformed_bytes_die_at_the_door(data: bytes) -> None:
    with pytest.raises(BadMessage, match="are not a message that this version knows"):
        decode(data)
    with pytest.raises(BadMessage, match="are not a frame that this version knows"):
        decode_frame(data)


def test_a_peer_of_another_schema_is_told_to_run_the_same_version() -> None:
    other = Envelope(SCHEMA + 1, "gateway", 1, 1, 1, 0, "", Done("a", 1))
    with pytest.raises(BadMessage, match=f"gateway speaks schema {SCHEMA + 1}.*run the same version"):
        decode_frame(encode([other]))


def test_no_message_can_be_changed() -> None:
    with pytest.raises(AttributeError):
        Done("a", 1).number = 2  # type: ignore[misc]  # what mypy forbids must fail when run, too
