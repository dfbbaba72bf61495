"""A run of many trading days, day by day: the recorder's stream is cut where the exchange rolls its trading day."""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from autofutures.assemble.nodes import calendar_of, make_tally
from autofutures.backtest.run_report import report_of
from autofutures.backtest.runner import Prices
from autofutures.config import RunSettings
from autofutures.domain.instrument import instrument
from autofutures.market.dates import iso_day
from autofutures.ops.folder import Folder
from autofutures.portfolio.tally import Summary, Tally
from autofutures.processes.stream import read_stream

REPORT = "report.html"
"""The page of the whole run, beside those of its days."""


class Day(msgspec.Struct, frozen=True):
    """One trading day of a run."""

    day: int
    tally: Tally
    """Of this day alone: counts begin at zero, what was held overnight counts from the last price of before."""
    prices: Prices


def days_of(folder: Folder) -> Iterator[Day]:
    """The run's trading days on which anything happened, in order."""
    run = folder.run()
    calendar, hours = calendar_of(run), instrument(run.symbols[0]).product.sessions
    tally, prices, day = make_tally(run), Prices(run.symbols), 0
    for envelope in read_stream(folder.stream):
        of = calendar.trading_day_of(envelope.at, hours) if envelope.at else run.day
        if day and of != day:
            yield Day(day, tally, prices)
            held, lasts = tally.summary().positions, tally.lasts
            tally, prices = make_tally(run), Prices(run.symbols)
            tally.hold(held, lasts)
        day = of
        tally.handle(envelope.body, envelope.at)
        prices.handle(envelope.body, envelope.at)
    if day:
        yield Day(day, tally, prices)


def summaries(folder: Folder) -> dict[str, Summary]:
    """What each trading day came to, by its date."""
    return {iso_day(one.day): one.tally.summary() for one in days_of(folder)}


def write_pages(folder: Folder, place: Path) -> None:
    """A report for each day, and that of the whole, in a folder."""
    run = folder.run()
    place.mkdir(parents=True, exist_ok=True)
    for one in days_of(folder):
        report_of(_only(run, one.day), one.tally, one.prices.ticks(), place / f"{iso_day(one.day)}.html")
    (place / REPORT).write_bytes(folder.report.read_bytes())


def _only(run: RunSettings, day: int) -> RunSettings:
    """The run as if it had one day only, for what its page says."""
    bands = run.bands if day == run.day else run.later_bands.get(day, {})
    return msgspec.structs.replace(run, day=day, until=0, bands=bands, later_bands={})
