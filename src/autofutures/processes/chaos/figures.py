"""What a drill found, as it is printed, and how its strikes are counted."""

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from autofutures.domain.units import SECOND
from autofutures.processes.chaos.plan import ROLES
from autofutures.processes.chaos.watch import Sight, Wound, share_outside

Span = tuple[int, int]
"""From, and until before."""


class Shares(msgspec.Struct, frozen=True):
    """Seconds of recovery; all 0 where there was none."""

    count: int
    p50: float
    p99: float
    max: float


class Recovery(Shares, frozen=True):
    """From the signal until the trader said that all is ready, with the struck process in a new life.

    What was stopped and went on by itself counts from there.
    """

    by_role: dict[str, Shares]


class Availability(msgspec.Struct, frozen=True, kw_only=True):
    """How much of the time between the first readiness and the last the machine could trade, and what took the rest."""

    session_s: float
    ready: float
    """The share of it in which the machine was ready."""
    covered: float
    """In which every open lot had its exit plan, as far as there was a trader to say so."""
    both: float
    """In which both was so."""
    noticing_s: float
    """Seconds from signals until supervisors had started new processes."""
    starting_s: float
    """And from there until all was ready."""
    by_role_s: dict[str, float]
    """Seconds of recovery, by who was struck."""


def availability_of(sight: Sight, begins_at: int, ends_at: int) -> Availability:
    """The shares of a time, and their parts."""
    healed = [wound for wound in sight.wounds if wound.healed_at]
    again = [wound for wound in healed if wound.restarted_at]
    return Availability(
        session_s=round((ends_at - begins_at) / SECOND, 1),
        ready=round(share_outside(sight.down, begins_at, ends_at), 4),
        covered=round(share_outside(sight.bare, begins_at, ends_at), 4),
        both=round(share_outside([*sight.down, *sight.bare], begins_at, ends_at), 4),
        noticing_s=_seconds(wound.restarted_at - wound.at for wound in again),
        starting_s=_seconds(wound.healed_at - wound.restarted_at for wound in again),
        by_role_s={
            role: _seconds(wound.recovery_ns for wound in healed if wound.strike.role == role)
            for role in ROLES
        },
    )


def _seconds(spans: Iterable[int]) -> float:
    return round(sum(spans) / SECOND, 2)


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What a drill found. Orders and fills are those of the exchange's own ledger."""

    seed: int
    kills: int
    kills_by_role: dict[str, int]
    kills_in_flight: int
    """At so many kills an order had left and was not over: unanswered, or at work."""
    kills_unanswered: int
    """At so many of them the book had no word yet of an order that had left."""
    stops: int
    stops_by_role: dict[str, int]
    killed_by_watchdog: int
    links_cut: int
    sessions: int
    orders: int
    fills: int
    orders_per_decision_max: int
    orders_unknown_to_journal: int
    fills_lost: int
    fills_doubled: int
    uncovered_lots: int
    books_equal: bool
    journal_verified: bool
    recovery_s: Recovery
    recovery_alone_s: Recovery
    """As `recovery_s`, of strikes into whose recovery no other fell."""
    availability: float
    """The share of the time from the first readiness to the last in which the machine was ready."""
    availability_parts: Availability
    restarts: int
    alerts: dict[str, int]
    broker_faults: dict[str, int]
    violations: int
    broken: tuple[str, ...]
    """Each violation as a sentence."""
    seconds: float
    folder: str
    """The run's; empty where it was taken away."""


def by_role(wounds: Sequence[Wound]) -> dict[str, int]:
    """How many strikes each role had."""
    counts = Counter(wound.strike.role for wound in wounds)
    return {role: counts[role] for role in ROLES}


def in_flight(wounds: Sequence[Wound], offset_ns: int, spans: Sequence[Span]) -> int:
    """At how many of the strikes some order was in flight.

    Args:
        wounds: the strikes, by the computer's time.
        offset_ns: the run's time less the computer's.
        spans: from when to when each order was in flight, by the run's time.
    """
    moments = [wound.at + offset_ns for wound in wounds]
    return sum(any(start <= moment < end for start, end in spans) for moment in moments)


def recovery_of(wounds: Sequence[Wound]) -> Recovery:
    """How long the strikes took to heal."""
    whole = _shares(wounds)
    roles = {role: _shares([wound for wound in wounds if wound.strike.role == role]) for role in ROLES}
    return Recovery(whole.count, whole.p50, whole.p99, whole.max, roles)


def _shares(wounds: Sequence[Wound]) -> Shares:
    seconds = sorted(wound.recovery_ns / SECOND for wound in wounds if wound.healed_at)
    count = len(seconds)
    if not count:
        return Shares(0, 0.0, 0.0, 0.0)
    p50, p99, longest = seconds[(count - 1) // 2], seconds[-(count // 100) - 1], seconds[-1]
    return Shares(count, round(p50, 3), round(p99, 3), round(longest, 3))
