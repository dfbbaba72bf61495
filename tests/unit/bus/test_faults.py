import pytest

from autofutures import clock
from autofutures.bus.faults import LONGEST_NS, Faults


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    waits: list[int] = []
    monkeypatch.setattr(clock, "sleep_ns", waits.append)
    return waits


def pauses(slept: list[int], seed: int, process: str, events: int = 10_000) -> list[int]:
    slept.clear()
    faults = Faults(seed, process)
    for _ in range(events):
        faults.pause()
    return list(slept)


def test_without_a_seed_nothing_waits(slept: list[int]) -> None:
    assert pauses(slept, 0, "trader") == []


def test_one_event_in_a_hundred_waits_up_to_5_ms(slept: list[int]) -> None:
    waits = pauses(slept, 1, "trader")
    assert 60 < len(waits) < 140
    assert all(0 <= wait < LONGEST_NS for wait in waits)
    assert max(waits) > LONGEST_NS // 2


def test_each_seed_and_each_process_waits_elsewhere_and_always_there(slept: list[int]) -> None:
    assert pauses(slept, 1, "trader") == pauses(slept, 1, "trader")
    assert pauses(slept, 1, "trader") != pauses(slept, 2, "trader")
    assert pauses(slept, 1, "trader") != pauses(slept, 1, "gateway")


def test_the_frame_of_the_given_number_is_lost_and_no_other() -> None:
    faults = Faults(drop_frame=3)
    assert [faults.drops() for _ in range(6)] == [False, False, True, False, False, False]
    assert not any(Faults().drops() for _ in range(1))
