import msgspec

from autofutures.risk.base import Violation
from autofutures.risk.deadline import Deadline
from tests.makers import OPEN, exposure, intent

MS = 1_000_000


def test_a_fresh_decision_passes_to_the_last_moment() -> None:
    assert Deadline(2_000).check(intent(at=OPEN), exposure(now=OPEN + 2_000 * MS)) is None


def test_a_decision_that_comes_too_late_has_expired() -> None:
    reason = "decided 2001 ms ago and good for 2000 ms: it has expired"
    assert Deadline(2_000).check(intent(at=OPEN), exposure(now=OPEN + 2_001 * MS)) == Violation(
        2_000, 2_001, reason
    )


def test_a_decision_with_a_deadline_of_its_own_keeps_to_that() -> None:
    mine = msgspec.structs.replace(intent(at=OPEN), until=OPEN + 50 * MS)
    assert Deadline(2_000).check(mine, exposure(now=OPEN + 50 * MS)) is None
    assert Deadline(2_000).check(mine, exposure(now=OPEN + 51 * MS)) is not None
