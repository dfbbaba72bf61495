"""Reads recordings of Binance's futures streams: gzip, each line `<receive time ns> <JSON as received>`.

`trade` or `aggTrade` become trades, `bookTicker` quotes, `depthUpdate` and the snapshots between them depth. Times are
the exchange's transaction time `T` in whole milliseconds, in the order of the lines: the recorder's own clock may be
seconds off. Depth starts with a snapshot and goes on while each update's `pu` is the `u` before it, as Binance asks
("How to manage a local order book correctly"): updates that came before the snapshot but belong after it are kept.
When the UTC date turns the whole book is written as a snapshot, so that each day of the catalogue can be read alone.
"""

import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator

import msgspec
import polars as pl

from autofutures.data.importers import Options
from autofutures.data.rules import Parsed, Sides, depth_of, quotes_of, trades_of
from autofutures.data.source import Member
from autofutures.data.vendor_codes import symbol_of
from autofutures.domain.errors import BadInput, NotThisFormat
from autofutures.market.dates import DAY_NS
from autofutures.market.sessions import Calendar

_LINE = re.compile(rb"\d{19} \{")
_TRADES = ("trade", "aggTrade")
_MS = 1_000_000
_TEXT = 200
_CODE = re.compile(rb'"s":\s*"([A-Z0-9_]+)"')
_FLUSH_ROWS = 100_000

_Levels = list[tuple[str, str]]


class _Wrapped(msgspec.Struct):
    """A message of a combined stream; of a single one there is no `data`."""

    data: msgspec.Raw = msgspec.Raw()


class _Head(msgspec.Struct):
    e: str = ""
    last_id: int = msgspec.field(default=0, name="lastUpdateId")


class _Trade(msgspec.Struct):
    T: int
    s: str
    p: str
    q: str


class _Ticker(msgspec.Struct):
    T: int
    s: str
    b: str
    B: str
    a: str
    A: str


class _Update(msgspec.Struct):
    T: int
    s: str
    U: int
    u: int
    pu: int
    b: _Levels
    a: _Levels
    line: int = 0


class _Snapshot(msgspec.Struct):
    last_id: int = msgspec.field(name="lastUpdateId")
    T: int
    bids: _Levels
    asks: _Levels
    symbol: str = ""
    line: int = 0


_wrapped = msgspec.json.Decoder(_Wrapped).decode
_head = msgspec.json.Decoder(_Head).decode
_trade = msgspec.json.Decoder(_Trade).decode
_ticker = msgspec.json.Decoder(_Ticker).decode
_update = msgspec.json.Decoder(_Update).decode
_snapshot = msgspec.json.Decoder(_Snapshot).decode

_Value = int | str | bool | None
_DepthRow = tuple[int, int, str, int, str, str, bool, str | None]


class BinanceStream:
    """A recording of one or several symbols; quantities are coins, or contracts where margined in coin."""

    def __init__(self, options: Options) -> None: ...

    def claims(self, member: Member) -> bool:
        """Whether the first line is a time in nanoseconds and a JSON object."""
        return _LINE.match(member.data) is not None

    def read(self, member: Member, calendar: Calendar) -> tuple[Parsed, ...]:
        """Reads all lines; events of other streams are counted and left out.

        Raises:
            NotThisFormat: none of its lines is a trade, a quote or depth.
        """
        # Of which symbols there are is asked first: a snapshot says whose it is only where there is no other.
        heard = _Heard({code.decode() for code in _CODE.findall(member.data)})
        for number, line in enumerate(io.BytesIO(member.data), 1):
            if line.strip():
                heard.line(number, line.strip())
        found = heard.parsed(calendar)
        if not found:
            raise NotThisFormat(
                f"{member.name} records a stream without trades, quotes or depth: {heard.others()}"
            )
        return found


class _Rows:
    """Rows that are kept as columns: a day of depth has too many for objects of their own."""

    def __init__(self, schema: dict[str, type[pl.DataType]]) -> None:
        self._schema = schema
        self._waiting: list[tuple[_Value, ...]] = []
        self._frames: list[pl.DataFrame] = []

    def __len__(self) -> int:
        return len(self._waiting) + sum(map(len, self._frames))

    def add(self, row: tuple[_Value, ...]) -> None:
        self._waiting.append(row)
        if len(self._waiting) >= _FLUSH_ROWS:
            self._flush()

    def _flush(self) -> None:
        self._frames.append(pl.DataFrame(self._waiting, schema=self._schema, orient="row"))
        self._waiting = []

    def frame(self) -> pl.DataFrame:
        self._flush()
        return pl.concat(self._frames)


class _Heard:
    """What the lines said, by kind."""

    def __init__(self, codes: set[str]) -> None:
        self._trades = _Rows(_TRADES_SCHEMA)
        self._quotes = _Rows(_QUOTES)
        self._depth = _Rows(_DEPTH)
        self._others: Counter[str] = Counter()
        self._names = {code: _name(code) for code in sorted(codes)}
        self._books = {code: _Book(self._names[code] or "") for code in self._names}
        self._only = next(iter(codes)) if len(codes) == 1 else ""
        self._unnamed = 0

    def line(self, number: int, line: bytes) -> None:
        stamp, _, text = line.partition(b" ")
        try:
            if not stamp.isdigit():
                raise msgspec.ValidationError("no receive time")
            self._event(number, bytes(_wrapped(text).data) or text)
        except msgspec.MsgspecError:
            shown = line[:_TEXT].decode("utf-8", errors="replace")
            self._trades.add((number, shown, "", None, None, None, None, "wrong_columns"))

    def _event(self, number: int, text: bytes) -> None:
        head = _head(text)
        if head.e in _TRADES:
            trade = _trade(text)
            shown = f"{trade.p} x {trade.q}"
            self._trades.add(
                (number, shown, head.e, trade.T * _MS, self._names.get(trade.s), trade.p, trade.q, None)
            )
        elif head.e == "bookTicker":
            one = _ticker(text)
            self._quotes.add((number, one.T * _MS, self._names.get(one.s), one.b, one.B, one.a, one.A))
        elif head.e == "depthUpdate":
            update = _update(text)
            update.line = number
            self._keep(self._books.setdefault(update.s, _Book("")).hear(update))
        elif head.last_id:
            snapshot = _snapshot(text)
            snapshot.line = number
            book = self._books.get(snapshot.symbol or self._only)
            self._unnamed += book is None
            self._keep(book.begin(snapshot) if book else ())
        else:
            self._others[head.e or "reply"] += 1

    def _keep(self, rows: Iterable[_DepthRow]) -> None:
        for row in rows:
            self._depth.add(row)

    def others(self) -> str:
        """What was left out, in words."""
        return (
            ", ".join(f"{count} {event}" for event, count in sorted(self._others.items())) or "nothing else"
        )

    def parsed(self, calendar: Calendar) -> tuple[Parsed, ...]:
        """All kinds that the recording holds."""
        for book in self._books.values():
            self._keep(book.rest())
        found = []
        if self._trades:
            found.append(trades_of(self._trade_rows(), Sides(), calendar, 0, "ticks"))
        if self._quotes:
            shown = pl.format("{} x {} / {} x {}", "bid", "bid_qty", "ask", "ask_qty")
            rows = self._quotes.frame().with_columns(text=shown, reason=pl.lit(None, dtype=pl.String))
            found.append(quotes_of(rows, calendar))
        if self._depth or self._unnamed:
            rows = self._depth.frame().with_columns(text=pl.format("{} {} x {}", "side", "price", "qty"))
            found.append(depth_of(rows, calendar))
        if found:
            found[0] = msgspec.structs.replace(found[0], notes=(*found[0].notes, *self._notes()))
        return tuple(found)

    def _trade_rows(self) -> pl.DataFrame:
        rows = self._trades.frame()
        # The two streams tell the same trades, `aggTrade` those of one order at one price as one.
        singly = rows.filter(pl.col("event") == "trade")["name"].unique().to_list()
        again = (pl.col("event") == "aggTrade") & pl.col("name").is_in(singly)
        reason = pl.coalesce("reason", pl.when(again).then(pl.lit("told_twice")))
        return rows.with_columns(reason=reason, auction=pl.lit(value=False))

    def _notes(self) -> Iterator[str]:
        books = self._books.values()
        carried, breaks = sum(book.carried for book in books), sum(book.breaks for book in books)
        if self._others:
            yield f"left out: {self.others()}"
        if carried:
            yield f"when the UTC date turned the book was written anew: {carried} levels more than the file holds"
        if breaks:
            yield f"the sequence of depth breaks {breaks} times; what follows until a snapshot is set aside"
        if self._unnamed:
            yield f"{self._unnamed} snapshots do not say whose they are, among several symbols: they are left out"


def _name(code: str) -> str | None:
    try:
        return symbol_of(code, "BINANCE", 0)
    except BadInput:
        return None


_TRADES_SCHEMA: dict[str, type[pl.DataType]] = {
    "line": pl.Int64,
    "text": pl.String,
    "event": pl.String,
    "at": pl.Int64,
    "name": pl.String,
    "price": pl.String,
    "qty": pl.String,
    "reason": pl.String,
}
_QUOTES: dict[str, type[pl.DataType]] = {
    "line": pl.Int64,
    "at": pl.Int64,
    "name": pl.String,
    "bid": pl.String,
    "bid_qty": pl.String,
    "ask": pl.String,
    "ask_qty": pl.String,
}
_DEPTH: dict[str, type[pl.DataType]] = {
    "line": pl.Int64,
    "at": pl.Int64,
    "name": pl.String,
    "side": pl.Int64,
    "price": pl.String,
    "qty": pl.String,
    "first": pl.Boolean,
    "reason": pl.String,
}


class _Book:
    """The sequence of one symbol's updates."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.breaks = 0
        self.carried = 0
        """Levels that were written again because the date turned."""
        self._levels: dict[tuple[int, str], str] = {}
        self._day = 0
        self._last = 0
        """The `u` of the update before, or the snapshot's number; 0: the book is not known."""
        self._is_fresh = False
        """Whether the snapshot is the last thing that happened to the book."""
        self._waiting: list[_Update] = []

    def hear(self, event: _Update) -> Iterator[_DepthRow]:
        """Takes an update, and says its levels, now or when a snapshot comes."""
        if self._is_fresh and event.u < self._last:
            yield from _update_rows(event, self._name, "no_snapshot")  # The snapshot holds it already.
        elif self._follows(event):
            yield from self._apply(event)
        else:
            self._waiting.append(event)

    def rest(self) -> Iterator[_DepthRow]:
        """What waits in vain, at the end."""
        waiting, self._waiting = self._waiting, []
        for event in waiting:
            yield from _update_rows(event, self._name, "no_snapshot")

    def begin(self, snapshot: _Snapshot) -> Iterator[_DepthRow]:
        """Takes a snapshot: the book anew, and the updates that waited for it."""
        if self._last and not self._is_fresh and snapshot.last_id <= self._last:
            return  # An older picture of a book that is known.
        waiting, self._waiting = self._waiting, []
        self._last, self._is_fresh = snapshot.last_id, True
        late = [event for event in waiting if event.u >= snapshot.last_id]
        for event in waiting:
            if event.u < snapshot.last_id:
                yield from _update_rows(event, self._name, "no_snapshot")
        at = min([snapshot.T, *(event.T for event in late)]) * _MS
        bids = {(1, price): qty for price, qty in snapshot.bids}
        self._levels = bids | {(-1, price): qty for price, qty in snapshot.asks}
        self._day = at // DAY_NS
        yield from self._written(snapshot.line, at)
        for event in late:
            if self._follows(event):
                yield from self._apply(event)
            else:
                self._waiting.append(event)

    def _follows(self, event: _Update) -> bool:
        if not self._last:
            return False
        if self._is_fresh:
            follows = event.U <= self._last <= event.u or event.pu == self._last
        else:
            follows = event.pu == self._last
        if not follows:
            self.breaks += 1
            self._last = 0
        return follows

    def _apply(self, event: _Update) -> Iterator[_DepthRow]:
        self._last, self._is_fresh = event.u, False
        day = event.T * _MS // DAY_NS
        if day > self._day:
            self._day = day
            self.carried += len(self._levels)
            yield from self._written(event.line, event.T * _MS)
        for side, levels in ((1, event.b), (-1, event.a)):
            for price, qty in levels:
                if qty.strip("0."):
                    self._levels[side, price] = qty
                else:
                    self._levels.pop((side, price), None)
        yield from _update_rows(event, self._name, None)

    def _written(self, line: int, at: int) -> Iterator[_DepthRow]:
        """The book as a snapshot."""
        for number, ((side, price), qty) in enumerate(self._levels.items()):
            yield line, at, self._name, side, price, qty, number == 0, None


def _update_rows(event: _Update, name: str, reason: str | None) -> Iterator[_DepthRow]:
    for side, levels in ((1, event.b), (-1, event.a)):
        for price, qty in levels:
            yield event.line, event.T * _MS, name, side, price, qty, False, reason
