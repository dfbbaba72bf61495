"""What the drill's judge counts."""

import msgspec
import pytest

from autofutures.domain.messages import AnyMessage, Killed, Reconciled, Started
from autofutures.domain.units import KillLevel
from autofutures.processes.kill_drill import CAUSES, Admission, Shot, Verdict, figures_of

AGREED = Reconciled("q", 0, 0, 0, 0, {})
DIFFERS = msgspec.structs.replace(AGREED, unexplained={"S": 1})


def life(epoch: int) -> Started:
    return Started(0, epoch, "", b"", 0, 0)


def killed(epoch: int, *, admits: bool = False) -> Killed:
    return Killed(1, 0, KillLevel.FLATTEN, epoch, done=False, admits=admits, who="", text="")


@pytest.mark.parametrize(
    ("heard", "compared"),
    [
        ([life(1)], True),
        ([life(1), killed(2)], False),
        ([life(1), killed(2), AGREED], False),  # It is a life of before.
        ([life(1), killed(2), life(2)], False),
        ([life(1), killed(2), life(2), killed(2, admits=True)], False),
        ([life(1), killed(2), life(2), DIFFERS], False),
        ([life(1), killed(2), life(2), AGREED], True),
        ([life(1), killed(2), life(2), AGREED, killed(2)], True),  # The same kill, said again.
        ([life(1), killed(2), life(2), AGREED, killed(3)], False),
    ],
)
def test_a_trader_is_admitted_once_its_own_life_agrees_with_the_venue(
    heard: list[AnyMessage], compared: bool
) -> None:
    admission = Admission()
    for message in heard:
        admission.hear(message)
    assert admission.compared is compared


def test_what_is_late_or_left_over_or_sent_twice_is_a_broken_promise() -> None:
    shots = [Shot(CAUSES[0], 12, 0.5, ""), Shot(CAUSES[1], 12, 1.5, ""), Shot(CAUSES[0], 12, 3.5, "")]
    found = figures_of(shots, [Verdict(kill_orders=6, most=1)], [])
    assert (found.median_s, found.max_s, found.late, found.broken, found.passed) == (1.5, 3.5, 1, (), False)
    assert found.causes[CAUSES[0]].drills == 2
    assert figures_of(shots[:2], [Verdict(most=1)], []).passed
    for verdict in (Verdict(most=2), Verdict(most=1, early=1), Verdict(most=1, equal=False)):
        assert len(figures_of(shots[:2], [verdict], []).broken) == 1
    left = Shot(CAUSES[0], 12, 0.5, "after it was flat: more")
    assert figures_of([left], [Verdict(most=1)], []).broken == ("trader stopped: after it was flat: more",)
