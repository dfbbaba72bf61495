"""Writes a contract's day as CSV or Parquet, which other programs read, and our importer too."""

from collections.abc import Callable
from pathlib import Path

import polars as pl

from autofutures.data.catalog import Catalog, TickColumns
from autofutures.data.decimals import price_texts
from autofutures.domain.errors import BadInput
from autofutures.domain.instrument import instrument

REIMPORT_MAP = "at=at,symbol=symbol,price=price,qty=qty,auction=auction"
"""The `--map` with which an exported CSV is imported again."""

_TIME = "%Y-%m-%dT%H:%M:%S%.9fZ"


def export_ticks(catalog: Catalog, symbol: str, day: int, form: str, out: Path) -> int:
    """Writes the trades of a contract's trading day (YYYYMMDD) and returns how many there are.

    Columns: at (UTC, nanoseconds), symbol, price (decimal), qty (contracts), auction; Parquet has price_ticks
    too.

    Raises:
        BadInput: the format is unknown, the data is not there, or `out` cannot be written.
    """
    if form not in _WRITERS:
        raise BadInput(f"--format {form!r} is unknown: choose {' or '.join(_WRITERS)}")
    ticks = catalog.ticks(symbol, day)
    part = out.with_name(out.name + ".part")
    try:
        _WRITERS[form](ticks, part)
        part.replace(out)
    except OSError as error:
        raise BadInput(f"cannot write {out}: {error.strerror or error}") from error
    return len(ticks)


def _frame(ticks: TickColumns) -> pl.DataFrame:
    contract = instrument(ticks.symbol)
    return pl.DataFrame(
        {
            "at": pl.Series(ticks.at).cast(pl.Datetime("ns", "UTC")),
            "symbol": pl.repeat(ticks.symbol, len(ticks), eager=True),
            "price": price_texts(contract, ticks.price_ticks),
            "price_ticks": ticks.price_ticks,
            "qty": ticks.qty,
            "auction": ticks.auction,
        }
    )


def _write_csv(ticks: TickColumns, path: Path) -> None:
    _frame(ticks).drop("price_ticks").with_columns(pl.col("at").dt.strftime(_TIME)).write_csv(path)


def _write_parquet(ticks: TickColumns, path: Path) -> None:
    # Four decimals hold every grid that TAIFEX prints in, the unchecked one too.
    _frame(ticks).with_columns(pl.col("price").str.to_decimal(scale=4)).write_parquet(
        path, compression="zstd"
    )


_WRITERS: dict[str, Callable[[TickColumns, Path], None]] = {"csv": _write_csv, "parquet": _write_parquet}
