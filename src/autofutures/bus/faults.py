"""Trouble on purpose, for tests and drills: pauses from a seed, and one frame that is dropped."""

from random import Random

from autofutures import clock

ONE_IN = 100
"""How many events pass for each pause, on average."""

LONGEST_NS = 5_000_000


class Faults:
    """One process's troubles.

    Args:
        seed: of the pauses; 0 for none.
        process: makes each process pause elsewhere.
        drop_frame: the number of the frame that `drops` says to drop, from 1; 0 for none.
    """

    def __init__(self, seed: int = 0, process: str = "", drop_frame: int = 0) -> None:
        self._random = Random(f"{seed}/{process}") if seed else None
        self._drop_frame = drop_frame
        self._frames = 0

    def pause(self) -> None:
        """Waits 0 to 5 ms at one event in a hundred."""
        if self._random is not None and self._random.randrange(ONE_IN) == 0:
            clock.sleep_ns(self._random.randrange(LONGEST_NS))

    def drops(self) -> bool:
        """Whether the frame about to be sent is the one that gets lost."""
        self._frames += 1
        return self._frames == self._drop_frame
