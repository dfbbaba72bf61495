"""Hears rows of text, says trades, quotes, depth or bars in integers, and puts rows that break a rule aside, with why.

A price or a quantity is text as the file has it, or an Int64 in units of 1e-8 (`UNIT`) where the file is binary.
"""

from collections.abc import Callable, Iterable
from typing import Literal

import msgspec
import polars as pl

from autofutures.domain.errors import BadInput
from autofutures.domain.instrument import instrument
from autofutures.domain.units import MINUTE
from autofutures.market.sessions import Calendar

Kind = Literal["ticks", "spreads", "bars", "bars_1h", "bars_1d", "quotes", "depth"]
"""`spreads` is the exchange's own file of spread trades; it tells again what the tick file holds as legs.

`bars` are of one minute; `quotes` are best bid and ask, `depth` the changes of whole price levels.
"""

BAR_KINDS: dict[str, Kind] = {"1m": "bars", "1h": "bars_1h", "1d": "bars_1d"}
"""Bars by their span."""

REASONS = {
    "wrong_columns": "the row has more or fewer fields than the header",
    "unreadable_time": "the date or time is not one",
    "unreadable_symbol": "the product and expiry are not a contract",
    "unreadable_price": "the price is not a plain decimal number",
    "unreadable_quantity": "the quantity is not a whole number of contracts, or of the product's lots",
    "quantity_not_positive": "the quantity is zero or less",
    "odd_quantity": "the quantity counts every side, yet does not divide by two (by four in a spread)",
    "price_not_positive": "the price of an outright contract is zero or less",
    "price_off_grid": "the price lies between two ticks of the contract",
    "time_backwards": "the time is before that of an earlier row of the same series",
    "open_high_low_close": "the high is below, or the low above, another price of the bar",
    "not_on_the_minute": "the bar does not start on a whole minute (hour, day)",
    "bar_repeated": "the bar does not start after the one before it",
    "quote_empty": "neither side has a price",
    "quote_crossed": "the bid is above the ask",
    "no_snapshot": "no snapshot of the book comes before it, or the sequence broke since",
    "suspicious": "the vendor marks the row as suspicious",
    "told_twice": "another stream of the same file tells these trades",
}
"""Why a row is quarantined, by the word that counts it."""

UNREADABLE = frozenset({"wrong_columns", "unreadable_time", "unreadable_symbol"})
"""A file all of whose rows break one of these is not what its importer took it for."""

UNIT = 100_000_000
"""Prices are compared with the grid in units of 1e-8, in which every tick size and lot is whole."""

_SPAN_NS = {"1m": MINUTE, "1h": 60 * MINUTE, "1d": 24 * 60 * MINUTE}

_OHLC = ("open", "high", "low", "close")
_SHOWN = 200


class Parsed(msgspec.Struct, frozen=True):
    """What an importer made of one file, of one kind.

    `frame` has the columns symbol, day (YYYYMMDD) and at (UTC ns); then for trades price_ticks, qty, auction,
    for bars open_ticks, high_ticks, low_ticks, close_ticks, qty, trades, for quotes bid_ticks, bid_qty, ask_ticks,
    ask_qty, and for depth side, price_ticks, qty, first. `quarantined` has line, reason and text.
    """

    kind: Kind
    frame: pl.DataFrame
    quarantined: pl.DataFrame
    notes: tuple[str, ...] = ()


class Sides(msgspec.Struct, frozen=True):
    """How often a file counts one contract: the exchange's `(B+S)` twice, and a spread's legs each twice."""

    outright: int = 1
    spread: int = 1


def trades_of(rows: pl.DataFrame, sides: Sides, calendar: Calendar, day_in_name: int, kind: Kind) -> Parsed:
    """Judges rows of trades.

    Args:
        rows: in file order: line, text, at (UTC ns or null), name (symbol or null), price and qty as text,
            auction, and reason (null, unless the importer has found one).
        sides: how often the file counts one contract.
        calendar: the trading days.
        day_in_name: the trading day that the file's name claims, 0 for none.
        kind: what the rows are.
    """
    judged = _with_lots(_with_units(_with_contracts(rows), "price"), "qty").rename(
        {"price_units": "units", "qty_lots": "number"}
    )
    divisor = pl.when(pl.col("is_spread")).then(sides.spread).otherwise(sides.outright)
    judged = judged.with_columns(
        reason=_first_reason(
            *_unreadable("units"),
            ("quantity_not_positive", pl.col("number") <= 0),
            ("odd_quantity", pl.col("number") % divisor != 0),
            ("price_not_positive", ~pl.col("signed") & (pl.col("units") <= 0)),
            ("price_off_grid", pl.col("units") % pl.col("grid") != 0),
        )
    )
    judged = _in_order("time_backwards", judged, pl.col("at") < pl.col("at").cum_max().over("symbol"))
    good = judged.filter(pl.col("reason").is_null())
    good, notes = _with_days(good, calendar, day_in_name)
    frame = good.select(
        "symbol",
        "day",
        "at",
        price_ticks=pl.col("units") // pl.col("grid"),
        qty=pl.col("number") // divisor,
        auction="auction",
    )
    return Parsed(kind=kind, frame=frame, quarantined=_quarantined(judged), notes=notes)


def bars_of_rows(rows: pl.DataFrame, calendar: Calendar, day_in_name: int, span: str = "1m") -> Parsed:
    """Judges rows of bars: as `trades_of`, with open, high, low, close, qty and trades; `span` is 1m, 1h or 1d."""
    judged = _with_contracts(rows)
    for name in _OHLC:
        judged = _with_units(judged, name)
    judged = _with_lots(judged, "qty").with_columns(number=pl.col("qty_lots"), count=_whole("trades"))
    prices = [pl.col(f"{name}_units") for name in _OHLC]
    judged = judged.with_columns(
        reason=_first_reason(
            *_unreadable("open_units", "high_units", "low_units", "close_units"),
            ("unreadable_quantity", pl.col("count").is_null()),
            ("quantity_not_positive", (pl.col("number") <= 0) | (pl.col("count") < 0)),
            ("price_not_positive", ~pl.col("signed") & (pl.min_horizontal(prices) <= 0)),
            ("price_off_grid", pl.any_horizontal(*(price % pl.col("grid") != 0 for price in prices))),
            ("open_high_low_close", _is_crooked()),
            ("not_on_the_minute", pl.col("at") % _SPAN_NS[span] != 0),
        )
    )
    judged = _in_order("bar_repeated", judged, pl.col("at") <= pl.col("at").cum_max().shift(1).over("symbol"))
    good, notes = _with_days(judged.filter(pl.col("reason").is_null()), calendar, day_in_name)
    frame = good.select(
        "symbol",
        "day",
        "at",
        **{f"{name}_ticks": pl.col(f"{name}_units") // pl.col("grid") for name in _OHLC},
        qty="number",
        trades="count",
    )
    return Parsed(kind=BAR_KINDS[span], frame=frame, quarantined=_quarantined(judged), notes=notes)


def quotes_of(rows: pl.DataFrame, calendar: Calendar) -> Parsed:
    """Judges rows of best bids and asks.

    A side without a price (null or empty) or of no quantity is absent, which is no fault; two absent sides are.

    Args:
        rows: in file order: line, text, at, name, bid, bid_qty, ask, ask_qty and reason, as in `trades_of`.
        calendar: the trading days.
    """
    judged = _with_contracts(rows)
    for side in ("bid", "ask"):
        judged = _with_lots(_with_units(judged, side), f"{side}_qty")
    there = {side: ~_is_absent(side, rows) & (pl.col(f"{side}_qty_lots") != 0) for side in ("bid", "ask")}
    judged = judged.with_columns(**{f"{side}_there": there[side].fill_null(value=True) for side in there})

    def any_side(breaks: Callable[[str], pl.Expr]) -> pl.Expr:
        return pl.any_horizontal(*(pl.col(f"{side}_there") & breaks(side) for side in there))

    judged = judged.with_columns(
        reason=_first_reason(
            ("unreadable_time", pl.col("at").is_null()),
            ("unreadable_symbol", pl.col("symbol").is_null()),
            ("unreadable_price", any_side(lambda side: pl.col(f"{side}_units").is_null())),
            ("unreadable_quantity", any_side(lambda side: pl.col(f"{side}_qty_lots").is_null())),
            ("quantity_not_positive", any_side(lambda side: pl.col(f"{side}_qty_lots") < 0)),
            ("quote_empty", ~pl.col("bid_there") & ~pl.col("ask_there")),
            ("price_not_positive", any_side(lambda side: ~pl.col("signed") & (pl.col(f"{side}_units") <= 0))),
            ("price_off_grid", any_side(lambda side: pl.col(f"{side}_units") % pl.col("grid") != 0)),
            (
                "quote_crossed",
                pl.col("bid_there") & pl.col("ask_there") & (pl.col("bid_units") > pl.col("ask_units")),
            ),
        )
    )
    judged = _in_order("time_backwards", judged, pl.col("at") < pl.col("at").cum_max().over("symbol"))
    good, notes = _with_days(judged.filter(pl.col("reason").is_null()), calendar, 0)
    columns = {
        f"{side}_{word}": pl.when(f"{side}_there").then(value).otherwise(0)
        for side in there
        for word, value in (
            ("ticks", pl.col(f"{side}_units") // pl.col("grid")),
            ("qty", pl.col(f"{side}_qty_lots")),
        )
    }
    frame = good.select("symbol", "day", "at", **columns)
    return Parsed(kind="quotes", frame=frame, quarantined=_quarantined(judged), notes=notes)


def depth_of(rows: pl.DataFrame, calendar: Calendar) -> Parsed:
    """Judges rows of depth.

    Args:
        rows: in order: line, text, at, name, side (1: bid, -1: ask), price, qty (all that rests there, 0: nothing),
            first (begins a snapshot) and reason, as in `trades_of`.
        calendar: the trading days.
    """
    judged = _with_lots(_with_units(_with_contracts(rows), "price"), "qty")
    judged = judged.with_columns(
        reason=_first_reason(
            ("unreadable_time", pl.col("at").is_null()),
            ("unreadable_symbol", pl.col("symbol").is_null()),
            ("unreadable_price", pl.col("price_units").is_null()),
            ("unreadable_quantity", pl.col("qty_lots").is_null()),
            ("quantity_not_positive", pl.col("qty_lots") < 0),
            ("price_not_positive", ~pl.col("signed") & (pl.col("price_units") <= 0)),
            ("price_off_grid", pl.col("price_units") % pl.col("grid") != 0),
        )
    )
    judged = _in_order("time_backwards", judged, pl.col("at") < pl.col("at").cum_max().over("symbol"))
    good, notes = _with_days(judged.filter(pl.col("reason").is_null()), calendar, 0)
    frame = good.select(
        "symbol",
        "day",
        "at",
        pl.col("side").cast(pl.Int64),
        price_ticks=pl.col("price_units") // pl.col("grid"),
        qty="qty_lots",
        first="first",
    )
    return Parsed(kind="depth", frame=frame, quarantined=_quarantined(judged), notes=notes)


def parsed_once(rows: pl.DataFrame, texts: list[str], **columns: pl.Expr) -> pl.DataFrame:
    """Adds columns that depend on these texts alone, working each different text out once.

    A day has some thousand prices and seconds among half a million rows: this halves the time of an import.
    """
    different = rows.select(texts).unique().with_columns(**columns)
    return rows.join(different, on=texts, how="left", maintain_order="left")


def _is_crooked() -> pl.Expr:
    high, low = pl.col("high_units"), pl.col("low_units")
    body = [pl.col("open_units"), pl.col("close_units")]
    return (high < pl.max_horizontal(*body, low)) | (low > pl.min_horizontal(*body, high))


def _unreadable(*prices: str) -> tuple[tuple[str, pl.Expr], ...]:
    return (
        ("unreadable_time", pl.col("at").is_null()),
        ("unreadable_symbol", pl.col("symbol").is_null()),
        ("unreadable_price", pl.any_horizontal(*(pl.col(price).is_null() for price in prices))),
        ("unreadable_quantity", pl.col("number").is_null()),
    )


def _first_reason(*rules: tuple[str, pl.Expr]) -> pl.Expr:
    """The first rule that a row breaks; what the importer itself found comes before all."""
    broken = [pl.when(breaks).then(pl.lit(reason)) for reason, breaks in rules]
    return pl.coalesce(pl.col("reason"), *broken)


def _in_order(reason: str, judged: pl.DataFrame, breaks: pl.Expr) -> pl.DataFrame:
    """Marks what goes backwards among the rows that broke no rule: a bad row must not set the clock."""
    good = (
        judged.filter(pl.col("reason").is_null()).filter(breaks).select("line", late=pl.lit(reason)).unique()
    )
    if good.is_empty():
        return judged
    joined = judged.join(good, on="line", how="left", maintain_order="left")
    return joined.with_columns(reason=pl.coalesce("reason", "late")).drop("late")


def _quarantined(judged: pl.DataFrame) -> pl.DataFrame:
    return judged.filter(pl.col("reason").is_not_null()).select(
        "line", "reason", pl.col("text").str.slice(0, _SHOWN)
    )


def _with_units(rows: pl.DataFrame, name: str) -> pl.DataFrame:
    """Adds `{name}_units`: the column in units of 1e-8."""
    if rows.schema[name] == pl.Int64:
        return rows.with_columns(pl.col(name).alias(f"{name}_units"))
    return parsed_once(rows, [name], **{f"{name}_units": _units(name)})


def _with_lots(rows: pl.DataFrame, name: str) -> pl.DataFrame:
    """Adds `{name}_lots`: the column in lots of the row's product; null where it is no whole number of them."""
    rows = _with_units(rows, name)
    units, lot = pl.col(f"{name}_units"), pl.col("lot_units")
    return rows.with_columns(pl.when(units % lot == 0).then(units // lot).alias(f"{name}_lots"))


def _is_absent(side: str, rows: pl.DataFrame) -> pl.Expr:
    """Whether the file gives no price of a side at all."""
    absent = pl.col(side).is_null()
    return absent if rows.schema[side] == pl.Int64 else absent | (pl.col(side) == "")


def _units(name: str) -> pl.Expr:
    """A decimal such as `17409`, `.62` or `-.09` in whole units of 1e-8; null where it is not one."""
    groups = pl.col(name).str.extract_groups(r"^([+-]?)(\d{0,10})(?:\.(\d{0,8})0*)?$")
    whole, part = groups.struct[1].fill_null(""), groups.struct[2].fill_null("")
    size = whole.replace("", "0").cast(pl.Int64) * UNIT + part.str.pad_end(8, "0").cast(pl.Int64)
    signed = pl.when(groups.struct[0] == "-").then(-size).otherwise(size)
    return pl.when((whole + part) != "").then(signed)


def _whole(name: str) -> pl.Expr:
    """A whole number, `2` or `2.0`; null where it is not one."""
    return pl.col(name).str.extract(r"^([+-]?\d{1,12})(?:\.0*)?$").cast(pl.Int64)


def _with_contracts(rows: pl.DataFrame) -> pl.DataFrame:
    names = rows["name"].drop_nulls().unique().to_list()
    contracts = pl.DataFrame(
        list(_contracts(names)),
        orient="row",
        schema={
            "name": pl.String,
            "symbol": pl.String,
            "grid": pl.Int64,
            "is_spread": pl.Boolean,
            "signed": pl.Boolean,
            "lot_units": pl.Int64,
            "sessions": pl.String,
            "checked": pl.Boolean,
        },
    )
    return rows.join(contracts, on="name", how="left", maintain_order="left")


_ContractRow = tuple[str, str, int, bool, bool, int, str, bool]


def _contracts(names: Iterable[str]) -> Iterable[_ContractRow]:
    for name in names:
        try:
            found = instrument(name)
        except BadInput:
            continue
        product = found.product
        grid, lot = int(product.tick * UNIT), int(product.lot * UNIT)
        spread = found.is_spread
        # Energy went below zero in April 2020.
        signed = spread or product.exchange == "NYMEX"
        yield name, found.symbol, grid, spread, signed, lot, product.sessions, product.grid_checked


def _with_days(
    good: pl.DataFrame, calendar: Calendar, day_in_name: int
) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Adds each row's trading day.

    Products of TAIFEX that we do not specify have unchecked hours: their evening may begin before the calendar's
    hour for them. So a row that the calendar gives to the day before the file's own trading day belongs to the
    file's day.
    """
    # Trading days change on whole minutes, and there are far fewer minutes than trades.
    minutes = good.select("sessions", minute=pl.col("at") // MINUTE).unique()
    days = [calendar.trading_day_of(minute * MINUTE, sessions) for sessions, minute in minutes.rows()]
    minutes = minutes.with_columns(day=pl.Series(days, dtype=pl.Int64))
    good = good.with_columns(minute=pl.col("at") // MINUTE)
    good = good.join(minutes, on=["sessions", "minute"], how="left", maintain_order="left")
    known = good.filter(pl.col("checked"))["day"].unique().to_list()
    file_day, notes = _file_day(known, day_in_name)
    if file_day:
        is_taifex = pl.col("sessions").str.starts_with("taifex-")
        is_eve = ~pl.col("checked") & is_taifex & (pl.col("day") == calendar.previous_trading_day(file_day))
        good = good.with_columns(day=pl.when(is_eve).then(file_day).otherwise("day"))
    return good, notes


def _file_day(known: list[int], day_in_name: int) -> tuple[int, tuple[str, ...]]:
    """The one trading day that a file holds, 0 where it holds several; its name is a cross check only."""
    if day_in_name and known and day_in_name not in known:
        found = ", ".join(str(day) for day in sorted(known)[:5])
        return 0, (
            f"the name says {day_in_name}, but its trades belong to {found}: the trades were believed",
        )
    if day_in_name:
        return day_in_name, ()
    return (known[0] if len(known) == 1 else 0), ()
