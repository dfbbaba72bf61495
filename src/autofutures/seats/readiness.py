"""Whether the machine may trade: one verdict, and each reason against it."""

from collections.abc import Iterable, Mapping

import msgspec


class Readiness(msgspec.Struct, frozen=True):
    """The verdict at a moment."""

    ready: bool
    reasons: tuple[str, ...]
    """Why not; empty where it is ready."""
    lives: dict[str, int]
    """Every process's life, by name; 0 for one that has not greeted."""
    uncovered_lots: int
    """Open contracts without a live exit plan, of strategies that promise one for each."""
    at: int


def judge(
    book: Iterable[str], absent: Iterable[str], lives: Mapping[str, int], uncovered_lots: int, now: int
) -> Readiness:
    """The verdict.

    Args:
        book: why the book may not do all: its link, its comparison with the venue, its mode.
        absent: peers that have not greeted, or are silent.
        lives: every process's life.
        uncovered_lots: open contracts that no exit plan covers and ought to.
        now: the trader's time.
    """
    reasons = [f"{name} is away" for name in absent]
    reasons += book
    if uncovered_lots:
        reasons.append(f"{uncovered_lots} open contracts have no exit plan")
    return Readiness(not reasons, tuple(reasons), dict(lives), uncovered_lots, now)
