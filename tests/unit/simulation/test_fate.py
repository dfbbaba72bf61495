"""A process ends at a point that chance decides, and rather where money is under way."""

from random import Random

import pytest

from autofutures.domain.messages import Heartbeat
from autofutures.simulation.fate import CHANCES, MONEY_WEIGHT, Died, Fate
from autofutures.simulation.tape import Tape, check_tape
from tests.makers import OPEN, submit


def test_whoever_has_no_chance_to_die_lives() -> None:
    fate = Fate(Random(1), 0)
    for _ in range(1_000):
        fate.at("batch")
    assert not fate.points


def test_a_certain_death_is_counted_where_it_came() -> None:
    fate = Fate(Random(1), CHANCES)
    with pytest.raises(Died, match="after log"):
        fate.at("after log")
    assert fate.points == {"after log": 1}


def test_points_with_money_under_way_are_more_dangerous() -> None:
    fate = Fate(Random(1), CHANCES // MONEY_WEIGHT)
    with pytest.raises(Died):
        fate.at("after commit", (), (submit(),))
    harmless = Fate(Random(1), CHANCES // MONEY_WEIGHT)
    harmless.at("after commit", (), (Heartbeat("trader", OPEN),))
    assert not harmless.points


def test_a_recorder_may_end_before_a_frame_is_on_its_tape_or_behind_it() -> None:
    fate = Fate(Random(1), CHANCES)
    tape = Tape(fate)
    with pytest.raises(Died, match="before write"):
        tape.write(b"\x90")
    assert tape.frames == []
    fate.chance = 0
    tape.write(b"\x90")
    assert tape.frames == [b"\x90"]
    check_tape(tape.frames)
