"""A house where everything goes wrong is replayed all the same: deaths, restarts, silence and late words are inputs."""

from collections.abc import Sequence

import msgspec
import pytest

from autofutures.domain.messages import AnyMessage
from autofutures.processes.parity.recording import Recording, recording_of
from autofutures.processes.parity.replay import Divergence, Replay
from autofutures.simulation.house import House
from autofutures.simulation.seeds import plan_of
from autofutures.storage.journal import facts_of

TICKS = 300


def replayed(seed: int) -> tuple[Recording, Replay, Divergence | None]:
    """The house of a seed, and its replay. No frame is lost in silence: that, a socket does not do."""
    plan = plan_of(seed, TICKS)
    weather = msgspec.structs.replace(plan.weather, dropped=0, again=0)
    house = House(msgspec.structs.replace(plan, weather=weather))
    house.play()
    recording = recording_of(house.supervisor.tape.frames)
    with house.world.disk.open() as journal:
        batches = list(journal.batches())
    house.close()

    def facts(until: int) -> Sequence[AnyMessage]:
        return [fact for batch in batches if batch.id <= until for fact in facts_of(batch)]

    replay = Replay(plan.run, recording, facts)
    return recording, replay, replay.play()


@pytest.mark.parametrize(
    ("seed", "lives", "decisions"),
    [(8, 13, 80), (11, 12, 50), (14, 20, 40), (22, 2, 100), (37, 8, 30)],
)
def test_a_house_in_trouble_decides_the_same_again(seed: int, lives: int, decisions: int) -> None:
    recording, replay, found = replayed(seed)
    assert found is None
    assert len(recording.starts) >= lives
    assert replay.decisions >= decisions


def test_a_recorder_that_was_killed_leaves_a_hole_and_the_replay_ends_there() -> None:
    recording, replay, found = replayed(3)
    assert found is None
    assert recording.hole is not None
    assert "the recorder lost" in recording.hole.why
    assert replay.messages > 100
