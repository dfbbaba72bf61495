"""What the machine needs of the computer: a clock that is right, and memory that is left."""

import ctypes
from pathlib import Path
from typing import Literal

import msgspec

from autofutures.domain.units import SECOND

EVERY_NS = 2 * SECOND
"""A look takes a fifth of a millisecond, and a person is to hear within five seconds."""

ClockState = Literal["synchronised", "unsynchronised", "unknown"]

_STA_UNSYNC = 0x0040
_STA_NANO = 0x2000
_FAILED = -1


class _Timex(ctypes.Structure):
    """`struct timex` of adjtimex(2); what follows the clock's status is not read."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 256),
    )


class Clock(msgspec.Struct, frozen=True):
    """The computer's clock as its kernel knows it, milliseconds.

    Without a program that disciplines it (chrony, ntpd, systemd-timesyncd) nobody knows how far it is off: it is
    `unsynchronised`, and the figures say nothing.
    """

    state: ClockState
    offset_ms: float = 0.0
    """What is still to be corrected."""
    error_ms: float = 0.0
    """The most that it may be off."""


class Host(msgspec.Struct, frozen=True):
    """The computer at a moment."""

    clock: Clock
    memory_free_mb: int
    """What programs may still take without anything being moved to disk; below 0 where nobody says."""


def clock_of_kernel() -> Clock:
    """Asks the kernel; `unknown` where it does not answer, as in some containers."""
    asked = _Timex()
    result = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(asked))
    if result == _FAILED:
        return Clock("unknown")
    unit = 1e6 if asked.status & _STA_NANO else 1e3
    state: ClockState = "unsynchronised" if asked.status & _STA_UNSYNC else "synchronised"
    return Clock(state, round(asked.offset / unit, 3), round(asked.maxerror / 1e3, 3))


def memory_free_mb(meminfo: Path = Path("/proc/meminfo")) -> int:
    """What is left, megabytes; below 0 where the system does not say."""
    try:
        for line in meminfo.read_text().splitlines():
            name, _, amount = line.partition(":")
            if name == "MemAvailable":
                return int(amount.split()[0]) // 1_024
    except OSError:
        pass
    return -1


def look() -> Host:
    """The computer now."""
    return Host(clock_of_kernel(), memory_free_mb())


class Bounds(msgspec.Struct, frozen=True):
    """What is asked of the computer before anything new is opened; 0 for nothing."""

    clock_ms: int = 500
    """A clock that is disciplined and still further off than this is wrong: decisions and deadlines go by it."""
    free_mb: int = 128


def trouble_of(host: Host, bounds: Bounds) -> tuple[str, str]:
    """The alert's name and the sentence why nothing new may be opened; empty where all is well.

    A clock of which nobody knows how far it is off is no reason: it is shown, and a person decides.
    """
    clock = host.clock
    if bounds.clock_ms and clock.state == "synchronised":
        off_ms = max(abs(clock.offset_ms), clock.error_ms)
        if off_ms > bounds.clock_ms:
            return "clock", f"the clock may be {off_ms:.0f} ms off, at most {bounds.clock_ms} are allowed"
    if 0 <= host.memory_free_mb < bounds.free_mb:
        return "memory_low", f"{host.memory_free_mb} MB of memory are left on this computer"
    return "", ""
