import random
from itertools import islice

from autofutures.domain.units import SECOND
from autofutures.processes.projector import LONGEST_WAIT_NS, waits


def test_each_wait_is_about_twice_the_one_before_until_the_longest() -> None:
    found = list(islice(waits(random.Random(1)), 8))
    whole = [SECOND // 5 << n for n in range(5)] + [LONGEST_WAIT_NS] * 3
    assert [size // 2 <= wait < size for size, wait in zip(whole, found, strict=True)] == [True] * 8


def test_two_processes_do_not_come_back_at_one_moment() -> None:
    assert list(islice(waits(random.Random(1)), 5)) != list(islice(waits(random.Random(2)), 5))
