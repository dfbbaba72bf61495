"""Reads recordings of Binance's futures streams: gzip, each line `<receive time ns> <JSON as received>`.

`trade` or `aggTrade` become trades, `bookTicker` quotes, `depthUpdate` and the snapshots between them depth. Times are
the exchange's transaction time `T` in whole milliseconds, in the order of the lines: the recorder's own clock may be
seconds off. Depth starts with a snapshot and goes on while each update's `pu` is the `u` before it, as Binance asks
("How to manage a local order book correctly"): updates that came before the snapshot but belong after it are kept.
When the UTC date turns the whole book is written as a snapshot, so that each day of the catalogue can be read alone.
"""

import re
from collections import Counter
from collections.abc import Iterator

import msgspec
import polars as pl

from autofutures.data.importers import Options
from autofutures.data.rules import Parsed, Sides, depth_of, quotes_of, trades_of
from autofutures.data.source import Member
from autofutures.data.vendor_codes import symbol_of
from autofutures.domain.errors import BadInput
from autofutures.market.dates import DAY_NS
from autofutures.market.sessions import Calendar

_LINE = re.compile(rb"\d{19} \{")
_TRADES = ("trade", "aggTrade")
_MS = 1_000_000
_TEXT = 200

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

_TradeRow = tuple[int, str, str, int | None, str | None, str | None, str | None, str | None]
_QuoteRow = tuple[int, str, int, str, str, str, str, str]
_DepthRow = tuple[int, int, str, int, str, str, bool, str | None]


class BinanceStream:
    """A recording of one or several symbols; quantities are coins, or contracts where margined in coin."""

    def __init__(self, options: Options) -> None: ...

    def claims(self, member: Member) -> bool:
        """Whether the first line is a time in nanoseconds and a JSON object."""
        return _LINE.match(member.data) is not None

    def read(self, member: Member, calendar: Calendar) -> tuple[Parsed, ...]:
        """Reads all lines; events of other streams are counted and left out."""
        heard = _Heard()
        for number, line in enumerate(member.data.split(b"\n"), 1):
            if line.strip():
                heard.line(number, line.strip())
        return heard.parsed(calendar)


class _Heard:
    """What the lines said, by kind."""

    def __init__(self) -> None:
        self._trades: list[_TradeRow] = []
        self._quotes: list[_QuoteRow] = []
        self._depth: list[_Update | _Snapshot] = []
        self._others: Counter[str] = Counter()
        self._names: dict[str, str | None] = {}

    def line(self, number: int, line: bytes) -> None:
        stamp, _, text = line.partition(b" ")
        try:
            if not stamp.isdigit():
                raise msgspec.ValidationError("no receive time")
            self._event(number, bytes(_wrapped(text).data) or text)
        except msgspec.MsgspecError:
            shown = line[:_TEXT].decode("utf-8", errors="replace")
            self._trades.append((number, shown, "", None, None, None, None, "wrong_columns"))

    def _event(self, number: int, text: bytes) -> None:
        head = _head(text)
        shown = text[:_TEXT].decode("utf-8", errors="replace")
        if head.e in _TRADES:
            trade = _trade(text)
            name = self._name(trade.s, trade.T)
            self._trades.append((number, shown, head.e, trade.T * _MS, name, trade.p, trade.q, None))
        elif head.e == "bookTicker":
            one = _ticker(text)
            name = self._name(one.s, one.T) or ""
            self._quotes.append((number, shown, one.T * _MS, name, one.b, one.B, one.a, one.A))
        elif head.e == "depthUpdate":
            update = _update(text)
            update.line = number
            self._name(update.s, update.T)
            self._depth.append(update)
        elif head.last_id:
            snapshot = _snapshot(text)
            snapshot.line = number
            self._depth.append(snapshot)
        else:
            self._others[head.e or "reply"] += 1

    def _name(self, code: str, at_ms: int) -> str | None:
        if code not in self._names:
            try:
                self._names[code] = symbol_of(code, "BINANCE", 0)
            except BadInput:
                self._names[code] = None
        return self._names[code]

    def parsed(self, calendar: Calendar) -> tuple[Parsed, ...]:
        """All kinds that the recording holds."""
        notes = tuple(f"left out: {count} {event}" for event, count in sorted(self._others.items()))
        found = []
        if self._trades:
            found.append(trades_of(self._trade_rows(), Sides(), calendar, 0, "ticks"))
        if self._quotes:
            rows = pl.DataFrame(self._quotes, schema=_QUOTES, orient="row")
            found.append(quotes_of(rows.with_columns(reason=pl.lit(None, dtype=pl.String)), calendar))
        if self._depth:
            found.append(self._depth_parsed(calendar))
        if found and notes:
            found[0] = msgspec.structs.replace(found[0], notes=(*found[0].notes, *notes))
        return tuple(found)

    def _trade_rows(self) -> pl.DataFrame:
        rows = pl.DataFrame(self._trades, schema=_TRADES_SCHEMA, orient="row")
        # The two streams tell the same trades, `aggTrade` those of one order at one price as one.
        singly = rows.filter(pl.col("event") == "trade")["name"].unique().to_list()
        again = (pl.col("event") == "aggTrade") & pl.col("name").is_in(singly)
        reason = pl.coalesce("reason", pl.when(again).then(pl.lit("told_twice")))
        return rows.with_columns(reason=reason, auction=pl.lit(value=False))

    def _depth_parsed(self, calendar: Calendar) -> Parsed:
        rows: list[_DepthRow] = []
        breaks = carried = 0
        codes = [*self._names]
        only = codes[0] if len(codes) == 1 else ""
        for code in codes:
            book = _Book()
            of_code = (
                event
                for event in self._depth
                if (event.s if isinstance(event, _Update) else event.symbol or only) == code
            )
            rows += book.rows(of_code, self._names[code] or "")
            breaks += book.breaks
            carried += book.carried
        frame = pl.DataFrame(rows, schema=_DEPTH, orient="row")
        frame = frame.with_columns(text=pl.format("{} {} x {}", "side", "price", "qty"))
        parsed = depth_of(frame, calendar)
        unnamed = sum(isinstance(one, _Snapshot) and not (one.symbol or only) for one in self._depth)
        said = [
            (
                carried,
                "when the UTC date turned the book was written anew: {} levels more than the file holds",
            ),
            (breaks, "the sequence of depth breaks {} times; what follows until a snapshot is set aside"),
            (unnamed, "{} snapshots do not say whose they are, among several symbols: they are left out"),
        ]
        notes = tuple(text.format(count) for count, text in said if count)
        return msgspec.structs.replace(parsed, notes=(*parsed.notes, *notes))


_TRADES_SCHEMA = {"line": pl.Int64, "text": pl.String, "event": pl.String, "at": pl.Int64} | dict.fromkeys(
    ("name", "price", "qty", "reason"), pl.String
)
_QUOTES = {"line": pl.Int64, "text": pl.String, "at": pl.Int64} | dict.fromkeys(
    ("name", "bid", "bid_qty", "ask", "ask_qty"), pl.String
)
_DEPTH = {
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

    def __init__(self) -> None:
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

    def rows(self, events: Iterator[_Update | _Snapshot], name: str) -> list[_DepthRow]:
        found: list[_DepthRow] = []
        for event in events:
            if isinstance(event, _Snapshot):
                found += self._begin(event, name)
            elif self._is_fresh and event.u < self._last:
                found += _update_rows(event, name, "no_snapshot")  # The snapshot holds it already.
            elif self._follows(event):
                found += self._apply(event, name)
            else:
                self._waiting.append(event)
        for event in self._waiting:
            found += _update_rows(event, name, "no_snapshot")
        return found

    def _begin(self, snapshot: _Snapshot, name: str) -> Iterator[_DepthRow]:
        if self._last and not self._is_fresh and snapshot.last_id <= self._last:
            return  # An older picture of a book that is known.
        waiting, self._waiting = self._waiting, []
        self._last, self._is_fresh = snapshot.last_id, True
        late = [event for event in waiting if event.u >= snapshot.last_id]
        for event in waiting:
            if event.u < snapshot.last_id:
                yield from _update_rows(event, name, "no_snapshot")
        at = min([snapshot.T, *(event.T for event in late)]) * _MS
        bids = {(1, price): qty for price, qty in snapshot.bids}
        self._levels = bids | {(-1, price): qty for price, qty in snapshot.asks}
        self._day = at // DAY_NS
        yield from self._written(snapshot.line, at, name)
        for event in late:
            if self._follows(event):
                yield from self._apply(event, name)
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

    def _apply(self, event: _Update, name: str) -> Iterator[_DepthRow]:
        self._last, self._is_fresh = event.u, False
        day = event.T * _MS // DAY_NS
        if day > self._day:
            self._day = day
            self.carried += len(self._levels)
            yield from self._written(event.line, event.T * _MS, name)
        for side, levels in ((1, event.b), (-1, event.a)):
            for price, qty in levels:
                if qty.strip("0."):
                    self._levels[side, price] = qty
                else:
                    self._levels.pop((side, price), None)
        yield from _update_rows(event, name, None)

    def _written(self, line: int, at: int, name: str) -> Iterator[_DepthRow]:
        """The book as a snapshot."""
        for number, ((side, price), qty) in enumerate(self._levels.items()):
            yield line, at, name, side, price, qty, number == 0, None


def _update_rows(event: _Update, name: str, reason: str | None) -> Iterator[_DepthRow]:
    for side, levels in ((1, event.b), (-1, event.a)):
        for price, qty in levels:
            yield event.line, event.T * _MS, name, side, price, qty, False, reason
