import time

import pytest

from autofutures import clock


def test_the_hour_is_the_systems_in_utc_nanoseconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: 1_627_260_300_000_000_000)
    assert clock.now_ns() == 1_627_260_300_000_000_000


def test_the_stopwatch_only_goes_forward() -> None:
    readings = [clock.stopwatch_ns() for _ in range(100)]
    assert readings == sorted(readings)


def test_a_wait_is_given_in_nanoseconds_and_less_than_nothing_is_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    for duration in (2_500_000_000, 0, -1):
        clock.sleep_ns(duration)
    assert waits == [2.5]
