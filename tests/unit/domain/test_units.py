import pytest

from autofutures.domain.units import MINUTE, SECOND, OpenClose, OrderType, Side, TimeInForce


def test_a_side_is_the_sign_of_its_fills() -> None:
    assert (Side.BUY * 3, Side.SELL * 3) == (3, -3)


@pytest.mark.parametrize("side", list(Side))
def test_the_opposite_of_the_opposite_is_the_side_itself(side: Side) -> None:
    assert side.opposite == -side
    assert side.opposite.opposite is side


def test_words_are_written_in_lower_case_as_hashes_have_them() -> None:
    assert [side.word for side in Side] == ["buy", "sell"]
    assert [kind.word for kind in OrderType] == ["market", "limit", "mwp", "stop", "stop_limit"]
    assert [tif.word for tif in TimeInForce] == ["rod", "ioc", "fok"]
    assert [effect.word for effect in OpenClose] == ["auto", "open", "close"]


def test_the_codes_on_the_wire_never_change() -> None:
    assert [int(kind) for kind in OrderType] == [0, 1, 2, 3, 4]
    assert [int(tif) for tif in TimeInForce] == [0, 1, 2]
    assert [int(effect) for effect in OpenClose] == [0, 1, 2]


def test_time_is_counted_in_nanoseconds() -> None:
    assert SECOND == 10**9
    assert MINUTE == 60 * 10**9
