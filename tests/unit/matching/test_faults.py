import pytest

from autofutures.domain.errors import BadInput
from autofutures.matching.faults import NONE, STALEST_NS, BrokerFaults, read_faults
from autofutures.orders.policy import Policy


def test_a_broker_without_faults_has_none() -> None:
    assert read_faults({}) == NONE
    chances = [name for name in BrokerFaults.__struct_fields__ if not name.endswith("_ns")]
    assert [getattr(NONE, name) for name in chances] == [0] * len(chances)


def test_faults_are_named_in_a_runs_settings() -> None:
    assert read_faults({"slow": 500, "slow_ns": 6, "skew_ns": -3}) == BrokerFaults(
        slow=500, slow_ns=6, skew_ns=-3
    )


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ({"plague": 1}, "no fault 'plague' of a broker; there are slow, slow_ns, lost_ack"),
        ({"reject": 1_001}, "fault reject is 1001: it is a chance in a thousand"),
        ({"reject": -1}, "fault reject is -1"),
        ({"slow_ns": 0}, "fault slow_ns is 0: it is a time in nanoseconds, at least 1"),
        ({"stale_ns": STALEST_NS + 1}, "nobody could prove that an order never arrived"),
    ],
)
def test_what_is_no_fault_is_refused(table: dict[str, int], sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence):
        read_faults(table)


def test_no_list_is_as_late_as_the_quiet_period() -> None:
    assert Policy().quiet_ns > STALEST_NS
