from random import Random

import pytest

from autofutures.bus import memory
from autofutures.bus.memory import CALM, MemoryBus, Weather
from autofutures.domain.errors import BrokenInvariant


class Ends:
    """Two ends of a link, `a` and `b`, and what `b` heard when."""

    def __init__(self, weather: Weather = CALM, seed: int = 1) -> None:
        self.seen: list[str] = []
        self.heard: list[tuple[int, bytes]] = []
        self.bus = MemoryBus(Random(seed), weather, lambda _, what, __: self.seen.append(what))
        self.bus.connect("b", lambda _, data: self.heard.append((self.bus.now, data)))

    def say(self, *words: str) -> None:
        for word in words:
            self.bus.send("a", "b", word.encode())

    @property
    def words(self) -> list[str]:
        return [data.decode() for _, data in self.heard]


def test_in_fair_weather_everything_is_heard_at_once_and_in_order() -> None:
    ends = Ends()
    ends.say("1", "2", "3")
    ends.bus.run_until(0)
    assert ends.heard == [(0, b"1"), (0, b"2"), (0, b"3")]
    assert not ends.bus.faults
    assert ends.seen == ["a > b"] * 3


def test_late_frames_hold_up_those_behind_them() -> None:
    ends = Ends(Weather(delayed=300, latency_ns=10, delay_ns=1_000))
    words = [str(number) for number in range(50)]
    ends.say(*words)
    ends.bus.drain()
    assert ends.words == words
    assert ends.bus.faults["delayed"] > 0
    assert ends.bus.now > 10


def test_dropped_frames_are_counted_and_never_heard() -> None:
    ends = Ends(Weather(dropped=500))
    ends.say(*"abcdefghijklmnop")
    ends.bus.drain()
    assert len(ends.words) == 16 - ends.bus.faults["dropped"]
    assert 0 < ends.bus.faults["dropped"] < 16
    assert ends.seen.count("dropped: a > b") == ends.bus.faults["dropped"]


def test_repeats_come_again_later() -> None:
    ends = Ends(Weather(repeated=1_000, delay_ns=1_000))
    ends.say("1", "2")
    ends.bus.drain()
    assert sorted(ends.words) == ["1", "1", "2", "2"]
    assert ends.bus.faults["repeated"] == 2


def test_what_comes_for_the_dead_is_lost_and_counted() -> None:
    ends = Ends()
    ends.say("1")
    ends.bus.disconnect("b")
    ends.bus.drain()
    assert ends.words == []
    assert ends.bus.faults["nobody there"] == 1


def test_last_words_may_come_late_and_a_new_life_hears_nothing_that_was_meant_for_the_old() -> None:
    ends = Ends(Weather(delayed=1_000, delay_ns=1_000))
    ends.say("1")
    ends.bus.disconnect("a")
    assert ends.bus.faults["last words late"] == 1
    ends.bus.disconnect("b", inbound=True)
    ends.bus.connect("b", lambda _, data: ends.heard.append((0, data)))
    ends.bus.drain()
    assert ends.words == []


def test_the_clock_goes_on_without_frames_and_never_back() -> None:
    ends = Ends()
    ends.bus.run_until(50)
    ends.bus.call_at(20, lambda: ends.heard.append((ends.bus.now, b"rang")))
    ends.bus.run_until(40)
    assert ends.heard == []  # Asked for at 50, it rings at 50.
    ends.bus.run_until(60)
    assert ends.heard == [(50, b"rang")]
    assert ends.bus.now == 60


def test_a_conversation_without_an_end_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "MOST_TURNS", 10)
    ends = Ends()
    ends.bus.connect("b", lambda _, data: ends.say(data.decode()))
    ends.say("for ever")
    with pytest.raises(BrokenInvariant, match="still talking"):
        ends.bus.drain()


def test_who_stands_still_hears_nothing_and_then_everything_in_its_sequence() -> None:
    ends = Ends()
    ends.bus.stop("b", 100)
    ends.say("1", "2")
    rang: list[int] = []
    ends.bus.call_at(50, lambda: rang.append(ends.bus.now), "b")
    ends.bus.run_until(99)
    assert (ends.heard, rang) == ([], [])
    ends.bus.run_until(150)
    ends.say("3")
    ends.bus.run_until(150)
    assert ends.heard == [(100, b"1"), (100, b"2"), (150, b"3")]
    assert rang == [100]


def test_a_pause_of_everyone_moves_everything_that_is_due() -> None:
    ends = Ends(Weather(latency_ns=1))
    ends.say("1")
    ends.bus.skip(1_000)
    assert ends.bus.now == 1_000
    ends.bus.run_until(1_000)
    assert ends.heard == [(1_000, b"1")]


def test_a_frame_that_is_refused_was_not_sent() -> None:
    ends = Ends(Weather(refused=1_000))
    assert ends.bus.send("a", "b", b"1") is False
    ends.bus.drain()
    assert ends.heard == []
    assert ends.bus.faults["refused"] == 1
