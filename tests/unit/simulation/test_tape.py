"""A tape is whole, or says what is not there."""

from random import Random

import pytest

from autofutures.domain.messages import SCHEMA, AnyMessage, Envelope, Gap, Ready, encode
from autofutures.simulation.fate import Fate
from autofutures.simulation.tape import Tape, check_tape
from tests.makers import tick
from tests.unit.simulation.bench import refuses


def frame(*bodies: tuple[int, AnyMessage], epoch: int = 1) -> bytes:
    return encode([Envelope(SCHEMA, "trader", epoch, seq, 0, 0, "", body) for seq, body in bodies])


WHOLE = (
    frame((1, tick()), (2, Ready("trader")), (2, tick())),
    frame((5, Gap("trader", 0, 2)), (5, tick())),
    frame((1, tick()), epoch=2),
    frame((6, Gap("exchange.market", 0, 7))),  # News of others' gaps is numbered as everything else.
)


def test_every_number_is_there_or_in_a_gap() -> None:
    check_tape(WHOLE)


@pytest.mark.parametrize("number", [6, 8])
def test_a_number_that_is_missing_or_there_twice_is_found(number: int) -> None:
    with refuses("number 7 "):
        check_tape([*WHOLE, frame((number, tick()))])


def test_a_new_life_goes_on_where_the_tape_ends() -> None:
    tape = Tape(Fate(Random(1), 0))
    for kept in WHOLE:
        tape.write(kept)
    assert tape.seen() == {("trader", 1): 6, ("trader", 2): 1}
