"""Small files of the exchange's making, for the tests of this room."""

import gzip
import io
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from autofutures.data.catalog import Catalog, place_of, write_frame
from autofutures.data.importers import Options
from autofutures.data.importing import Imported, import_file

HEADER = "成交日期,商品代號,到期月份(週別),成交時間,成交價格,成交數量(B+S),近月價格,遠月價格,開盤集合競價 "
SPREAD_HEADER = HEADER.replace("開盤集合競價", "屬價差對價差成交者")

DAY_ROWS = (
    "20210723,TX     ,202108     ,150000,17409,4,-,-,*",
    "20210726,TX     ,202108     ,084500,17473,2,-,-,*",
    "20210726,TX     ,202108     ,084500,17473,2,-,-, ",
    "20210726,TX     ,202108     ,134500,17202,6,-,-, ",
    "20210726,TX     ,202108/202109,090000,-85,8,17400,17315, ",
    "20210726,CDF    ,202108     ,084501,583.5,2,-,-, ",
)
"""Trading day 2021-07-26: four trades of TXF202108 (7 contracts), 2 spreads in one trade, one unspecified."""


def tick_text(rows: Sequence[str] = DAY_ROWS, header: str = HEADER, end: str = "\r\n") -> str:
    return end.join((header, *rows)) + end


def tick_file(folder: Path, rows: Sequence[str] = DAY_ROWS, name: str = "Daily_2021_07_26.csv") -> Path:
    path = folder / name
    path.write_bytes(tick_text(rows).encode("cp950"))
    return path


def zipped(members: dict[str, bytes]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            info = zipfile.ZipInfo(name)  # Of 1980, whenever it is made: the bytes are always the same.
            archive.writestr(info, data, zipfile.ZIP_DEFLATED)
    return held.getvalue()


def imported(path: Path, root: Path, *, replace: bool = False) -> Imported:
    return import_file(path, Catalog(root), Options(), replace=replace)


def put(root: Path, symbol: str, day: int, rows: Sequence[tuple[int, int]], qty: int = 1) -> None:
    """Puts a contract's day, as (at, price in ticks), into a catalogue."""
    frame = pl.DataFrame(
        {
            "at": [at for at, _ in rows],
            "price_ticks": [price for _, price in rows],
            "qty": [qty] * len(rows),
            "auction": [False] * len(rows),
        }
    )
    write_frame(frame, root / place_of("ticks", symbol, day))


def recorded_stream(folder: Path) -> Path:
    """A recording of BTCUSDT on 2024-08-08: a trade, three quotes (one locked, one one-sided) and a snapshot."""
    at = 1723161256300
    ticker = {"e": "bookTicker", "s": "BTCUSDT", "b": "61800.20", "B": "2.507", "a": "61800.30", "A": "2.5"}
    events: list[dict[str, object]] = [
        {"e": "trade", "T": at, "s": "BTCUSDT", "p": "61800.30", "q": "0.006"},
        {**ticker, "T": at},
        {**ticker, "T": at + 1, "a": "61800.20"},
        {**ticker, "T": at + 2, "A": "0.000"},
        {"lastUpdateId": 7, "T": at, "bids": [["61800.20", "1.5"]], "asks": [["61800.30", "2"]]},
    ]
    lines = (f"{1723161255000000000 + number} {json.dumps(event)}\n" for number, event in enumerate(events))
    path = folder / "btcusdt.gz"
    path.write_bytes(gzip.compress("".join(lines).encode(), mtime=0))
    return path
