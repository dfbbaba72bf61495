"""Reads 1-minute bars of one TAIFEX contract and day: JSON with `meta` and `bars`, times with an offset."""

from datetime import datetime

import msgspec
import polars as pl

from autofutures.data.importers import Options
from autofutures.data.rules import Parsed, bars_of_rows
from autofutures.data.source import Member
from autofutures.domain.errors import BadInput, NotThisFormat
from autofutures.domain.units import SECOND
from autofutures.market.dates import parse_day
from autofutures.market.sessions import Calendar


class _Meta(msgspec.Struct):
    product: str
    contract: str
    trade_date: str = ""
    timeframe: str = "1min"
    bar_count: int = -1
    total_volume: int = -1


class _File(msgspec.Struct):
    meta: _Meta
    bars: list[msgspec.Raw]


class _Bar(msgspec.Struct):
    # Prices stay the text that the file has: a float would lose what is written.
    t: datetime
    o: msgspec.Raw
    h: msgspec.Raw
    l: msgspec.Raw  # noqa: E741 - the file's own name for the low
    c: msgspec.Raw
    v: msgspec.Raw
    n: msgspec.Raw


_decode_file = msgspec.json.Decoder(_File).decode
_decode_bar = msgspec.json.Decoder(_Bar).decode


class TaifexOneMinuteJson:
    """One contract's day of 1-minute bars; a bar's `line` is its number in the list, from 1."""

    def __init__(self, options: Options) -> None: ...

    def claims(self, member: Member) -> bool:
        """Whether the text is a JSON object with `meta` and `bars`."""
        start = member.data.lstrip(b"\xef\xbb\xbf \t\r\n")[:4096]
        return start.startswith(b"{") and b'"meta"' in start and b'"bars"' in member.data

    def read(self, member: Member, calendar: Calendar) -> tuple[Parsed, ...]:
        """Reads all bars, and compares their number and volume with what `meta` says."""
        try:
            file = _decode_file(member.data.removeprefix(b"\xef\xbb\xbf"))
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise NotThisFormat(
                f"{member.name} looks like 1-minute bars in JSON, but torn: {error}"
            ) from error
        if file.meta.timeframe != "1min":
            raise NotThisFormat(
                f"{member.name} holds bars of {file.meta.timeframe!r}: only '1min' can be imported"
            )
        name = file.meta.product + file.meta.contract
        rows = pl.DataFrame(
            [_row(number, bar, name) for number, bar in enumerate(file.bars, 1)],
            schema=_SCHEMA,
            orient="row",
        )
        parsed = bars_of_rows(rows, calendar, _day(file.meta, member))
        notes = (*parsed.notes, *_differences(file, parsed))
        return (msgspec.structs.replace(parsed, notes=notes),)


_SCHEMA = {"line": pl.Int64, "text": pl.String, "at": pl.Int64, "name": pl.String} | dict.fromkeys(
    ("open", "high", "low", "close", "qty", "trades", "reason"), pl.String
)

_Row = tuple[
    int,
    str,
    int | None,
    str,
    str | None,
    str | None,
    str | None,
    str | None,
    str | None,
    str | None,
    str | None,
]


def _row(number: int, raw: msgspec.Raw, name: str) -> _Row:
    text = bytes(raw).decode("utf-8", errors="replace")
    try:
        bar = _decode_bar(raw)
    except msgspec.MsgspecError:
        return number, text, None, name, None, None, None, None, None, None, "wrong_columns"
    at = None if bar.t.tzinfo is None else int(bar.t.timestamp()) * SECOND + bar.t.microsecond * 1000
    opened, high, low, close, qty, trades = (
        bytes(v).decode() for v in (bar.o, bar.h, bar.l, bar.c, bar.v, bar.n)
    )
    return number, text, at, name, opened, high, low, close, qty, trades, None


def _day(meta: _Meta, member: Member) -> int:
    try:
        return parse_day(meta.trade_date)
    except BadInput:
        return member.date_in_name()


def _differences(file: _File, parsed: Parsed) -> tuple[str, ...]:
    volume = int(parsed.frame["qty"].sum())
    notes = []
    if file.meta.bar_count not in (-1, len(file.bars)):
        notes.append(f"meta says {file.meta.bar_count} bars, the file holds {len(file.bars)}")
    if file.meta.total_volume not in (-1, volume):
        notes.append(f"meta says {file.meta.total_volume} contracts, the imported bars hold {volume}")
    return tuple(notes)
