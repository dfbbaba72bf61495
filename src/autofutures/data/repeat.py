"""A recorded day again and again, under the dates of other trading days: data of any length, for measuring.

The files are real ones, in a catalogue of their own: whoever measures with them opens, decodes and merges as a run
over years does. Each session's trades keep their distance from its open. The contract is given an expiry beyond the
last of its days.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl

from autofutures.config import RunSettings
from autofutures.data.catalog import Catalog, TickColumns, place_of, write_frame
from autofutures.domain.errors import BadInput
from autofutures.domain.instrument import instrument
from autofutures.market.contract_days import sessions_of
from autofutures.market.sessions import Calendar


def repeat(source: Catalog, symbols: Sequence[str], day: int, ticks: int, target: Path) -> RunSettings:
    """Writes at least so many trades, and returns the run over them.

    Args:
        source: has the recorded day.
        symbols: the contracts; their trades together count.
        day: the recorded trading day, YYYYMMDD.
        ticks: how many trades there shall be at least.
        target: a folder for the new catalogue.

    Raises:
        BadInput: the catalogue has not the day, or it had no trades.
    """
    calendar = Calendar()
    recorded = [source.ticks(symbol, day) for symbol in symbols]
    in_a_day = sum(len(columns) for columns in recorded)
    if not in_a_day:
        raise BadInput(f"{', '.join(symbols)} had no trades on {day}: name a day that had some")
    days = [day]
    while len(days) * in_a_day < ticks:
        days.append(calendar.next_trading_day(days[-1], instrument(symbols[0]).product.sessions))
    expiry = f"{days[-1] // 10_000 + 1}12"
    names = [instrument(f"{instrument(one.symbol).product.root}{expiry}").symbol for one in recorded]
    for name, columns in zip(names, recorded, strict=True):
        for new in days:
            write_frame(_moved(columns, new, calendar), target / place_of("ticks", name, new))
    return RunSettings(symbols=tuple(names), day=day, until=days[-1], source="recorded", catalog=str(target))


def _moved(columns: TickColumns, day: int, calendar: Calendar) -> pl.DataFrame:
    """The trades under the date of another trading day."""
    root = instrument(columns.symbol).product.root
    olds, news = sessions_of(root, columns.day, calendar), sessions_of(root, day, calendar)
    opens = np.array([session.opens_at for session in olds], np.int64)
    shifts = np.array([new.opens_at - old.opens_at for old, new in zip(olds, news, strict=True)], np.int64)
    session = np.maximum(np.searchsorted(opens, columns.at, side="right") - 1, 0)
    return pl.DataFrame(
        {
            "at": columns.at + shifts[session],
            "price_ticks": columns.price_ticks,
            "qty": columns.qty,
            "auction": columns.auction,
        }
    )
