"""The measurement behind `autofutures bench stream`: recorded trades from their files to columns in order of time."""

import resource
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

from autofutures import clock
from autofutures.data.catalog import Catalog
from autofutures.data.repeat import repeat
from autofutures.data.stream import chunks, days_of
from autofutures.domain.units import SECOND


class StreamCost(msgspec.Struct, frozen=True):
    """What streaming took; `peak_rss_mb` is the process's highest, the making of the data included."""

    symbols: tuple[str, ...]
    days: int
    events: int
    seconds: float
    events_per_s: int
    written_s: float
    """How long the data took to make: no part of `seconds`."""
    file_mb: int
    peak_rss_mb: int


def measure(catalog: Path, symbols: Sequence[str], day: int, ticks: int, at: Path) -> StreamCost:
    """Makes so many trades of a recorded day in a new folder at a place, streams them, and deletes them.

    Raises:
        BadInput: the catalogue has not the day.
    """
    at.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-stream-", dir=at) as folder:
        began = clock.stopwatch_ns()
        run = repeat(Catalog(catalog), symbols, day, ticks, Path(folder))
        made = clock.stopwatch_ns()
        events = sum(len(chunk) for chunk in chunks(run))
        seconds = (clock.stopwatch_ns() - made) / SECOND
        return StreamCost(
            symbols=run.symbols,
            days=len(days_of(Catalog(Path(folder)), run.symbols[0], run.day, run.last_day)),
            events=events,
            seconds=round(seconds, 3),
            events_per_s=round(events / seconds),
            written_s=round((made - began) / SECOND, 3),
            file_mb=sum(path.stat().st_size for path in Path(folder).rglob("*.parquet")) // 10**6,
            peak_rss_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1_000,
        )
