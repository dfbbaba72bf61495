"""The catalogue: recorded trades, quotes, depth and bars as Parquet files, one for each contract and trading day.

    ticks/TAIFEX/TXF202108/2021-07-26.parquet             trades; of spreads TXF202108-202109
    spreads/TAIFEX/...                                    the exchange's own files of all spread trades
    quotes/CME/ES202409/...                               best bid and ask
    depth/BINANCE/BTCUSDT/...                             changes of price levels, after a snapshot
    bars/1m/TAIFEX/...                                    imported bars; also 1h and 1d
    imports/<sha256>.json                                 what each file held: the index
    quarantine/<sha256>.csv                               its rows that broke a rule

Prices are integer ticks, times UTC nanoseconds, rows stand in the order of the file.
"""

import difflib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray
from polars.exceptions import PolarsError

from autofutures.data import shelf
from autofutures.data.record import FileRecord, SeriesRecord
from autofutures.data.rules import BAR_KINDS, Kind
from autofutures.domain.errors import BadInput
from autofutures.domain.instrument import instrument
from autofutures.market.dates import iso_day

_decode_record = msgspec.json.Decoder(FileRecord).decode
_NEAR = 5

ROW_GROUP = 262_144
"""Rows that a file stores together: what is read of a long day at once."""


@dataclass(frozen=True, slots=True, eq=False)
class TickColumns:
    """One contract's trades of one trading day, as columns of equal length in order of time."""

    symbol: str
    day: int
    at: NDArray[np.int64]
    """UTC nanoseconds."""
    price_ticks: NDArray[np.int64]
    qty: NDArray[np.int64]
    """Contracts."""
    auction: NDArray[np.bool_]
    """Whether the call auction printed it."""

    def __len__(self) -> int:
        return len(self.at)


@dataclass(frozen=True, slots=True, eq=False)
class QuoteColumns:
    """One contract's best bids and asks of one trading day, in order of time; quantities are lots.

    A side that is absent has the quantity 0, and 0 for its price.
    """

    symbol: str
    day: int
    at: NDArray[np.int64]
    """UTC nanoseconds."""
    bid_ticks: NDArray[np.int64]
    bid_qty: NDArray[np.int64]
    ask_ticks: NDArray[np.int64]
    ask_qty: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.at)


@dataclass(frozen=True, slots=True, eq=False)
class DepthColumns:
    """Changes of one contract's book on one trading day, in order of time."""

    symbol: str
    day: int
    at: NDArray[np.int64]
    """UTC nanoseconds."""
    side: NDArray[np.int64]
    """1: bids, -1: asks."""
    price_ticks: NDArray[np.int64]
    qty: NDArray[np.int64]
    """All that rests at the price from now on, in lots; 0: nothing."""
    first: NDArray[np.bool_]
    """Begins a snapshot: what was known of the book before is void."""

    def __len__(self) -> int:
        return len(self.at)


@dataclass(frozen=True, slots=True, eq=False)
class BarColumns:
    """One contract's imported bars of one trading day; `at` is each one's start, UTC nanoseconds."""

    symbol: str
    day: int
    at: NDArray[np.int64]
    open_ticks: NDArray[np.int64]
    high_ticks: NDArray[np.int64]
    low_ticks: NDArray[np.int64]
    close_ticks: NDArray[np.int64]
    qty: NDArray[np.int64]
    trades: NDArray[np.int64]
    """0 where the file did not say how many."""

    def __len__(self) -> int:
        return len(self.at)


def place_of(kind: Kind, symbol: str, day: int) -> Path:
    """Where a contract's day lies, within the catalogue's root; `symbol` is whole."""
    exchange, _, name = symbol.partition(":")
    return Path(_FOLDER[kind]) / exchange / name.replace("/", "-") / f"{iso_day(day)}.parquet"


def write_frame(frame: pl.DataFrame, place: Path) -> None:
    """Writes a contract's day so that any part of it, by number or by time, is read without the rest."""
    place.parent.mkdir(parents=True, exist_ok=True)
    frame.write_parquet(place, compression="zstd", row_group_size=ROW_GROUP, statistics=True)


_FOLDER: dict[Kind, str] = {
    "ticks": "ticks",
    "spreads": "spreads",
    "quotes": "quotes",
    "depth": "depth",
    **{kind: f"bars/{span}" for span, kind in BAR_KINDS.items()},
}
_COUNTED: tuple[Kind, ...] = ("ticks", "bars")
_WHAT: dict[Kind, str] = {
    "ticks": "trades",
    "spreads": "trades",
    "quotes": "quotes",
    "depth": "depth",
    **{kind: f"{span} bars" for span, kind in BAR_KINDS.items()},
    "bars": "bars",
}


_QUOTE_COLUMNS = ("at", "bid_ticks", "bid_qty", "ask_ticks", "ask_qty")
_DEPTH_COLUMNS = ("at", "side", "price_ticks", "qty", "first")


class Catalog:
    """Reads what was imported under `root`; what a killed import left undone is done first."""

    def __init__(self, root: Path) -> None:
        self.root = root
        shelf.mend(root)

    def has(self, symbol: str, day: int) -> bool:
        """Whether there are trades of a contract on a trading day."""
        whole = instrument(symbol).symbol
        kinds: tuple[Kind, ...] = ("ticks", "spreads")
        return any((self.root / place_of(kind, whole, day)).exists() for kind in kinds)

    def volume(self, symbol: str, day: int) -> int:
        """Contracts that a symbol traded on a day, by its trades, else by its 1-minute bars; 0 without either."""
        for kind in _COUNTED:
            path = self.root / place_of(kind, symbol, day)
            if path.exists():
                found = self._read(kind, symbol, day, lambda rows: rows.select(pl.col("qty").sum()))
                return int(found.item())
        return 0

    def ticks(self, symbol: str, day: int, since: int = 0) -> TickColumns:
        """The trades of a contract on a trading day (YYYYMMDD), all or those since an instant.

        Of a spread: all of them, where the exchange's file of spread trades is there too.

        Raises:
            BadInput: the symbol is none, or there are no such trades; the text says what there is.
        """
        whole = instrument(symbol).symbol
        kind = self._traded_in(whole, day)
        wanted = pl.col("at") >= since
        frame = self._read(kind, whole, day, (lambda rows: rows.filter(wanted)) if since else None)
        columns = [frame[name].to_numpy() for name in ("at", "price_ticks", "qty", "auction")]
        return TickColumns(whole, day, *columns)

    def last_ticks(self, symbol: str, day: int) -> int | None:
        """The price of a contract's last trade of a trading day, in ticks; `None` where it had none.

        Only the end of the day's file is read.

        Raises:
            BadInput: as `ticks` does.
        """
        whole = instrument(symbol).symbol
        last = self._read(
            self._traded_in(whole, day), whole, day, lambda rows: rows.select("price_ticks").tail(1)
        )
        return int(last.item()) if last.height else None

    def slices(self, symbol: str, day: int, rows: int) -> Iterator[TickColumns]:
        """The trades of a contract on a trading day, `rows` at a time: a long day need not fit into memory.

        Raises:
            BadInput: as `ticks` does.
        """
        whole = instrument(symbol).symbol
        kind = self._traded_in(whole, day)
        for frame in self._frames(kind, whole, day, rows):
            columns = [frame[name].to_numpy() for name in ("at", "price_ticks", "qty", "auction")]
            yield TickColumns(whole, day, *columns)

    def quote_slices(self, symbol: str, day: int, rows: int) -> Iterator[QuoteColumns]:
        """The quotes of a contract on a trading day, `rows` at a time.

        Raises:
            BadInput: as `quotes` does.
        """
        whole = instrument(symbol).symbol
        for frame in self._frames("quotes", whole, day, rows):
            yield QuoteColumns(whole, day, *(frame[name].to_numpy() for name in _QUOTE_COLUMNS))

    def depth_slices(self, symbol: str, day: int, rows: int) -> Iterator[DepthColumns]:
        """The changes of a contract's book on a trading day, `rows` at a time.

        Raises:
            BadInput: as `depth` does.
        """
        whole = instrument(symbol).symbol
        for frame in self._frames("depth", whole, day, rows):
            columns = [frame[name].to_numpy() for name in _DEPTH_COLUMNS]
            yield DepthColumns(whole, day, *columns)

    def quotes(self, symbol: str, day: int) -> QuoteColumns:
        """The best bids and asks of a contract on a trading day (YYYYMMDD).

        Raises:
            BadInput: the symbol is none, or there are no such quotes; the text says what there is.
        """
        whole = instrument(symbol).symbol
        frame = self._read("quotes", whole, day)
        return QuoteColumns(whole, day, *(frame[name].to_numpy() for name in _QUOTE_COLUMNS))

    def depth(self, symbol: str, day: int) -> DepthColumns:
        """The changes of a contract's book on a trading day (YYYYMMDD), from its first snapshot on.

        Raises:
            BadInput: the symbol is none, or there is no such depth; the text says what there is.
        """
        whole = instrument(symbol).symbol
        frame = self._read("depth", whole, day)
        columns = [frame[name].to_numpy() for name in _DEPTH_COLUMNS]
        return DepthColumns(whole, day, *columns)

    def bars(self, symbol: str, day: int, span: str = "1m") -> BarColumns:
        """The imported bars of a contract on a trading day (YYYYMMDD); `span` is 1m, 1h or 1d.

        Raises:
            BadInput: the symbol is none, or there are no such bars; the text says what there is.
        """
        if span not in BAR_KINDS:
            raise BadInput(f"bars of {span!r} are not imported: choose {', '.join(BAR_KINDS)}")
        whole = instrument(symbol).symbol
        frame = self._read(BAR_KINDS[span], whole, day)
        names = ("at", "open_ticks", "high_ticks", "low_ticks", "close_ticks", "qty", "trades")
        return BarColumns(whole, day, *(frame[name].to_numpy() for name in names))

    def days(self, symbol: str, kind: Kind = "ticks") -> list[int]:
        """The trading days on which a contract has data of this kind, ascending."""
        folder = self.root / place_of(kind, instrument(symbol).symbol, 0).parent
        return sorted(int(path.stem.replace("-", "")) for path in folder.glob("*.parquet"))

    def records(self) -> list[FileRecord]:
        """What was imported, in order of import.

        Raises:
            BadInput: a record is damaged.
        """
        found = [_record(path) for path in (self.root / "imports").glob("*.json")]
        return sorted(found, key=lambda record: record.number)

    def series(self) -> list[SeriesRecord]:
        """Every contract and trading day that the catalogue provides, by symbol, kind and day.

        A day that several files share, each a part of it, is there once for each.
        """
        parts = (part for parts in providers(self.records()).values() for part, _ in parts)
        return sorted(parts, key=_order)

    def _traded_in(self, symbol: str, day: int) -> Kind:
        """Where a day's trades are: of a spread in the exchange's file of spread trades, where that is there too."""
        return "spreads" if (self.root / place_of("spreads", symbol, day)).exists() else "ticks"

    def _frames(self, kind: Kind, symbol: str, day: int, rows: int) -> Iterator[pl.DataFrame]:
        start = 0
        while True:
            frame = self._read(kind, symbol, day, partial(pl.LazyFrame.slice, offset=start, length=rows))
            yield frame
            start += rows
            if frame.height < rows:
                return

    def _read(
        self, kind: Kind, symbol: str, day: int, part: Callable[[pl.LazyFrame], pl.LazyFrame] | None = None
    ) -> pl.DataFrame:
        path = self.root / place_of(kind, symbol, day)
        if not path.exists():
            raise BadInput(self._what_there_is(kind, symbol, day))
        try:
            return part(pl.scan_parquet(path)).collect() if part else pl.read_parquet(path)
        except (PolarsError, OSError) as error:
            raise BadInput(f"{path} is damaged ({error}): import its file again with --replace") from error

    def _what_there_is(self, kind: Kind, symbol: str, day: int) -> str:
        missing = f"the catalogue {self.root} has no {_WHAT[kind]} of {symbol} on {iso_day(day)}"
        days = self.days(symbol, kind)
        if days:
            return f"{missing}; it has {', '.join(iso_day(one) for one in days[-_NEAR:])}"
        if kind in ("ticks", "spreads"):
            if self.days(symbol, "bars"):
                return (
                    f"{missing}, only imported 1-minute bars: import the exchange's tick file of that day, or trade "
                    "the bars with --market bars"
                )
            if self.days(symbol, "quotes"):
                return f"{missing}, only quotes: import a file of its trades too"
        folder = self.root / place_of(kind, symbol, 0).parent.parent
        names = {
            f"{folder.name}:{path.name.replace('-', '/')}": path for path in folder.glob("*") if path.is_dir()
        }
        near = difflib.get_close_matches(symbol, sorted(names), n=_NEAR, cutoff=0.6)
        if near:
            return f"{missing}; near it are {', '.join(near)}"
        return f"{missing}: import its file with `autofutures data import`, or see `autofutures data list`"


Part = tuple[SeriesRecord, FileRecord]
"""What lies at a place, or a part of it in time, and the file that provided it."""


def providers(records: Iterable[FileRecord]) -> dict[Path, tuple[Part, ...]]:
    """By place: the parts that lie there; records in order of import.

    A vendor's file of a UTC date holds the end of one trading day and the beginning of the next, so two files give
    one day. Where their times overlap the later import has replaced the earlier one.
    """
    found: dict[Path, tuple[Part, ...]] = {}
    for record in records:
        for series in record.series:
            place = place_of(series.kind, series.symbol, series.day)
            others = (part for part in found.get(place, ()) if not series.overlaps(part[0]))
            found[place] = (*others, (series, record))
    return found


def _order(series: SeriesRecord) -> tuple[str, str, int, int]:
    return series.symbol, series.kind, series.day, series.first_at


def _record(path: Path) -> FileRecord:
    try:
        return _decode_record(path.read_bytes())
    except (msgspec.MsgspecError, OSError) as error:
        raise BadInput(
            f"{path} is damaged ({error}): delete it and import the file again with --replace"
        ) from error
