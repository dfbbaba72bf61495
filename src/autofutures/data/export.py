"""Writes what the catalogue has of a contract's day as CSV or Parquet, which other programs read, and our importer."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from autofutures.data.catalog import BarColumns, Catalog, DepthColumns, QuoteColumns, TickColumns
from autofutures.data.decimals import price_texts, qty_texts
from autofutures.data.rules import BAR_KINDS
from autofutures.domain.errors import BadInput
from autofutures.domain.instrument import Instrument, instrument

REIMPORT_MAP = "at=at,symbol=symbol,price=price,qty=qty,auction=auction"
"""The `--map` with which exported trades are imported again."""

_TIME = "%Y-%m-%dT%H:%M:%S%.9fZ"
_LEAST_DECIMALS = 4
"""They hold every grid that TAIFEX prints in, the unchecked one too."""

_Columns = dict[str, pl.Series]


def export_ticks(catalog: Catalog, symbol: str, day: int, form: str, out: Path) -> int:
    """`export_day` of the trades."""
    return export_day(catalog, symbol, day, "trades", form, out)


def export_day(catalog: Catalog, symbol: str, day: int, what: str, form: str, out: Path) -> int:
    """Writes a contract's trading day (YYYYMMDD) and returns how many rows it has.

    Columns: at (UTC, nanoseconds) and symbol; then of trades price, qty, auction; of quotes bid, bid_qty, ask,
    ask_qty (empty where a side is absent); of depth side, price, qty, first; of bars open, high, low, close, qty,
    trades. Prices are decimals; Parquet has those of trades in ticks too.

    Args:
        catalog: where it is.
        symbol: the contract.
        day: the trading day.
        what: `trades`, `quotes`, `depth`, or bars of `1m`, `1h` or `1d`.
        form: `csv` or `parquet`.
        out: the file to write.

    Raises:
        BadInput: what or the format is unknown, the data is not there, or `out` cannot be written.
    """
    if form not in _WRITERS:
        raise BadInput(f"--format {form!r} is unknown: choose {' or '.join(_WRITERS)}")
    if what not in _FRAMES:
        raise BadInput(f"--what {what!r} is unknown: choose {', '.join(_FRAMES)}")
    frame = _FRAMES[what](catalog, symbol, day)
    part = out.with_name(out.name + ".part")
    try:
        _WRITERS[form](frame, instrument(symbol), part)
        part.replace(out)
    except OSError as error:
        raise BadInput(f"cannot write {out}: {error.strerror or error}") from error
    return len(frame)


def _stamped(symbol: str, at: NDArray[np.int64]) -> _Columns:
    return {
        "at": pl.Series(at).cast(pl.Datetime("ns", "UTC")),
        "symbol": pl.repeat(symbol, len(at), eager=True),
    }


def _prices(item: Instrument, ticks: NDArray[np.int64]) -> pl.Series:
    return pl.Series(price_texts(item, ticks), dtype=pl.String)


def _quantities(item: Instrument, qty: NDArray[np.int64]) -> pl.Series:
    """Contracts as whole numbers; of a product with another lot, decimals of what the lot is of."""
    return pl.Series(qty) if item.product.lot == 1 else pl.Series(qty_texts(item, qty), dtype=pl.String)


def _trades(catalog: Catalog, symbol: str, day: int) -> pl.DataFrame:
    ticks: TickColumns = catalog.ticks(symbol, day)
    item = instrument(ticks.symbol)
    return pl.DataFrame(
        _stamped(ticks.symbol, ticks.at)
        | {
            "price": _prices(item, ticks.price_ticks),
            "price_ticks": pl.Series(ticks.price_ticks),
            "qty": _quantities(item, ticks.qty),
            "auction": pl.Series(ticks.auction),
        }
    )


def _quotes(catalog: Catalog, symbol: str, day: int) -> pl.DataFrame:
    quotes: QuoteColumns = catalog.quotes(symbol, day)
    item = instrument(quotes.symbol)
    columns = _stamped(quotes.symbol, quotes.at)
    for side, ticks, qty in (
        ("bid", quotes.bid_ticks, quotes.bid_qty),
        ("ask", quotes.ask_ticks, quotes.ask_qty),
    ):
        there = pl.Series(qty > 0)
        columns[side] = pl.DataFrame({"price": _prices(item, ticks), "there": there}).select(
            pl.when("there").then("price")
        )["price"]
        columns[f"{side}_qty"] = _quantities(item, qty)
    return pl.DataFrame(columns)


def _depth(catalog: Catalog, symbol: str, day: int) -> pl.DataFrame:
    depth: DepthColumns = catalog.depth(symbol, day)
    item = instrument(depth.symbol)
    side = pl.Series(np.where(depth.side > 0, "bid", "ask"))
    return pl.DataFrame(
        _stamped(depth.symbol, depth.at)
        | {
            "side": side,
            "price": _prices(item, depth.price_ticks),
            "qty": _quantities(item, depth.qty),
            "first": pl.Series(depth.first),
        }
    )


def _bars(span: str) -> Callable[[Catalog, str, int], pl.DataFrame]:
    def frame(catalog: Catalog, symbol: str, day: int) -> pl.DataFrame:
        bars: BarColumns = catalog.bars(symbol, day, span)
        item = instrument(bars.symbol)
        prices = {name: getattr(bars, f"{name}_ticks") for name in ("open", "high", "low", "close")}
        return pl.DataFrame(
            _stamped(bars.symbol, bars.at)
            | {name: _prices(item, ticks) for name, ticks in prices.items()}
            | {"qty": _quantities(item, bars.qty), "trades": pl.Series(bars.trades)}
        )

    return frame


_FRAMES: dict[str, Callable[[Catalog, str, int], pl.DataFrame]] = {
    "trades": _trades,
    "quotes": _quotes,
    "depth": _depth,
    **{span: _bars(span) for span in BAR_KINDS},
}


def _write_csv(frame: pl.DataFrame, _item: Instrument, path: Path) -> None:
    plain = frame.drop("price_ticks", strict=False)
    plain.with_columns(pl.col("at").dt.strftime(_TIME)).write_csv(path)


def _write_parquet(frame: pl.DataFrame, item: Instrument, path: Path) -> None:
    decimals = max(_LEAST_DECIMALS, -int(item.product.tick.as_tuple().exponent))
    names = ("price", "bid", "ask", "open", "high", "low", "close")
    found = [pl.col(name).str.to_decimal(scale=decimals) for name in names if name in frame.columns]
    frame.with_columns(found).write_parquet(path, compression="zstd")


_WRITERS: dict[str, Callable[[pl.DataFrame, Instrument, Path], None]] = {
    "csv": _write_csv,
    "parquet": _write_parquet,
}
