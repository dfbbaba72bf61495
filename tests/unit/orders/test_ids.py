import pytest
from hypothesis import given
from hypothesis import strategies as st

from autofutures.domain.errors import BrokenInvariant
from autofutures.market.dates import taipei_ns
from autofutures.orders.ids import MAX_COUNTER, MAX_EPOCH, ClientIds, base36
from tests.makers import OPEN


@given(st.integers(0, 36**5 - 1))
def test_a_number_in_base_36_can_be_read_back(number: int) -> None:
    text = base36(number, 5)
    assert len(text) == 5
    assert int(text, 36) == number


@pytest.mark.parametrize(("number", "width"), [(36**2, 2), (-1, 2), (36**5, 5)])
def test_a_number_that_does_not_fit_stops_the_process(number: int, width: int) -> None:
    with pytest.raises(BrokenInvariant, match=f"{number} does not fit {width} characters"):
        base36(number, width)


def test_an_id_is_day_epoch_and_counter_in_ten_characters() -> None:
    ids = ClientIds(epoch=37)
    first, second = ids.next(OPEN), ids.next(OPEN)
    assert first == base36(7_877, 3) + "11" + "00001"  # 2021-07-26 is 7,877 days after 2000-01-01
    assert second == first[:5] + "00002"
    assert len(first) == 10


def test_the_day_is_taipeis_and_the_counter_runs_on_over_midnight() -> None:
    ids = ClientIds(epoch=1)
    midnight = taipei_ns(20210727)
    before, after = ids.next(midnight - 1), ids.next(midnight)
    assert int(after[:3], 36) == int(before[:3], 36) + 1
    assert (before[5:], after[5:]) == ("00001", "00002")


@given(
    st.lists(st.tuples(st.integers(0, MAX_EPOCH), st.integers(0, 5)), unique_by=lambda e: e[0], max_size=5)
)
def test_no_id_is_made_twice_in_any_epoch_even_when_the_clock_jumps(epochs: list[tuple[int, int]]) -> None:
    made = []
    for epoch, count in epochs:
        ids = ClientIds(epoch)
        made += [ids.next(OPEN + (-1) ** number * number * 86_400 * 10**9) for number in range(count)]
    assert len(set(made)) == len(made)
    assert {len(client_id) for client_id in made} <= {10}


def test_an_epoch_too_many_stops_the_process() -> None:
    assert ClientIds(MAX_EPOCH).next(OPEN)[3:5] == "zz"
    with pytest.raises(BrokenInvariant, match="does not fit 2 characters"):
        ClientIds(MAX_EPOCH + 1)


def test_an_order_too_many_stops_the_process_and_says_what_to_do() -> None:
    ids = ClientIds(1, MAX_COUNTER - 1)
    assert ids.next(OPEN)[5:] == "zzzzz"
    with pytest.raises(BrokenInvariant, match="start a new epoch"):
        ids.next(OPEN)


def test_a_time_before_the_first_day_still_has_an_id() -> None:
    assert ClientIds(1).next(0) == "0000100001"
