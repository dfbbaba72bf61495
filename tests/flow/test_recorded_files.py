"""Every recorded file imports to the facts that were computed without us, or is refused in words.

What cannot be compared: `facts.json` counts rows that we put aside (trades of no contracts, crossed quotes), so where
there are such rows the facts' open, close and times are not ours, and the number of rows is ours with theirs.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TypedDict

import polars as pl
import pytest

from autofutures.data.catalog import Catalog, place_of
from autofutures.data.importers import Options
from autofutures.data.importing import Imported, import_file
from autofutures.data.rules import Kind
from autofutures.domain.errors import BadInput, Refusal
from autofutures.domain.instrument import instrument
from autofutures.domain.units import MINUTE, SECOND
from tests.conftest import data_folder

NO_DATA = "recorded data is not here: put it at ../shared/data or name it in AUTOFUTURES_SHARED_DATA"


class Side(TypedDict):
    open: float
    high: float
    low: float
    close: float


class Facts(TypedDict, total=False):
    """Of a file, or of a part of one."""

    rows: int
    ticks: int
    first_ts_utc: str
    last_ts_utc: str
    open: float
    high: float
    low: float
    close: float
    volume: float
    vwap: float
    vwap_of_closes: float
    zero_volume_rows: int
    meta: dict[str, str]
    member: str
    members: list["Facts"]
    series: list["Facts"]
    sessions: dict[str, "Facts"]
    product: str
    expiry: str
    data_rows: int
    spread_rows: int
    contracts_total: int
    out_of_order_rows_within_series: int
    days: list["Facts"]
    trades: "Facts"
    trades_all: "Facts"
    minutes_by_trade_time_T: list["Facts"]
    bars_by_instrument_id: dict[str, "Facts"]
    top_of_book: "Book"
    book_ticker: "Book"
    depth: dict[str, int]
    empty_bid_rows: int
    empty_ask_rows: int
    crossed_close_rows: int
    locked_close_rows: int
    bid: Side
    ask: Side
    first_best: list[float]
    last_best: list[float]


class Book(TypedDict, total=False):
    rows: int
    first_ts_utc: str
    last_ts_utc: str
    first: list[float]
    last: list[float]
    bid_high: float
    ask_low: float


def all_facts() -> dict[str, Facts]:
    place = data_folder() / "facts.json"
    found: dict[str, Facts] = json.loads(place.read_text("utf-8"))["files"] if place.exists() else {}
    return found


class Read:
    """What the catalogue has of a file that was imported into it alone."""

    def __init__(self, path: Path, root: Path, options: Options | None = None) -> None:
        self.catalog = Catalog(root)
        self.imported: Imported = import_file(path, self.catalog, options or Options())
        self.record = self.imported.record

    def frame(self, symbol: str, kind: Kind) -> pl.DataFrame:
        """All days of a contract, in order of time."""
        days = self.catalog.days(symbol, kind)
        places = [self.catalog.root / place_of(kind, symbol, day) for day in days]
        return pl.concat([pl.read_parquet(place) for place in places])

    def aside(self, member: str = "") -> dict[str, int]:
        """Rows put aside, by reason, of one file within the archive."""
        if self.imported.quarantine is None:
            return {}
        rows = pl.read_csv(self.imported.quarantine, schema_overrides={"text": pl.String})
        if member:
            rows = rows.filter(pl.col("file") == member)
        return dict(rows.group_by("reason").len().rows())


def ns(text: str) -> int:
    whole, _, part = text.removesuffix("Z").partition(".")
    seconds = int(datetime.fromisoformat(whole).replace(tzinfo=UTC).timestamp())
    return seconds * SECOND + int((part or "0").ljust(9, "0"))


def ticks(symbol: str, price: float) -> int:
    return instrument(symbol).to_ticks(Decimal(str(price)))


def lots(symbol: str, qty: float) -> int:
    found, rest = divmod(Decimal(str(qty)), instrument(symbol).product.lot)
    assert not rest
    return int(found)


def check_prices(symbol: str, frame: pl.DataFrame, facts: Facts, aside: int = 0) -> None:
    """Rows, times, open to close, volume and mean price; `aside` rows of no contracts are in the facts alone."""
    bars = "open_ticks" in frame.columns
    first, high, low, last = (
        (f"{word}_ticks" if bars else "price_ticks") for word in ("open", "high", "low", "close")
    )
    assert len(frame) + aside == facts["rows"]
    assert frame["qty"].sum() == lots(symbol, facts["volume"])
    found = (
        int(frame[first][0]),
        max(frame[high].to_list()),
        min(frame[low].to_list()),
        int(frame[last][-1]),
    )
    bounds = [ticks(symbol, facts[word]) for word in ("open", "high", "low", "close")]
    if aside:
        assert bounds[2] <= found[2] <= found[1] <= bounds[1]
    else:
        assert list(found) == bounds
        assert (frame["at"][0], frame["at"][-1]) == (ns(facts["first_ts_utc"]), ns(facts["last_ts_utc"]))
    mean = facts.get("vwap", facts.get("vwap_of_closes"))
    if mean is not None:
        worth = int((frame[last] * frame["qty"]).sum())
        tick = float(instrument(symbol).product.tick)
        assert worth * tick / int(frame["qty"].sum()) == pytest.approx(mean, abs=1e-6)


def check_taifex(read: Read, facts: Facts) -> None:
    record = read.record
    kind: Kind = "spreads" if record.name.endswith("_C.zip") else "ticks"
    assert record.rows == facts["data_rows"]
    assert record.quarantined_by_reason.get("time_backwards", 0) == facts.get(
        "out_of_order_rows_within_series", 0
    )
    if kind == "ticks":
        assert record.spreads == facts["spread_rows"]
        # The exchange counts both legs of a spread.
        total = sum(one.contracts * (2 if "/" in one.symbol else 1) for one in record.series)
        assert facts["contracts_total"] - total == (73 if record.quarantined else 0)
    else:
        assert 2 * sum(one.contracts for one in record.series) == facts["contracts_total"]
    for part in facts["series"]:
        found = instrument(part["product"] + part["expiry"])
        if not found.product.grid_checked or record.quarantined:
            continue
        if found.is_spread:
            part["volume"] /= 2
        check_prices(found.symbol, read.frame(found.symbol, kind), part)


def check_taifex_bars(read: Read, facts: Facts) -> None:
    symbol = instrument(facts["meta"]["product"] + facts["meta"]["contract"]).symbol
    frame = read.frame(symbol, "bars")
    assert (len(frame), frame["qty"].sum(), frame["trades"].sum()) == (
        facts["rows"],
        facts["volume"],
        facts["ticks"],
    )
    assert (frame["at"][0], frame["at"][-1]) == (ns(facts["first_ts_utc"]), ns(facts["last_ts_utc"]))
    for part in facts["sessions"].values():
        inside = pl.col("at").is_between(ns(part["first_ts_utc"]), ns(part["last_ts_utc"]))
        check_prices(symbol, frame.filter(inside), part)


def lean_symbol(member: str) -> str:
    name = member.removesuffix(".csv").split("_")
    root = name[1] if name[0].isdigit() else name[0]
    return instrument(root.upper() + ("" if name[-1] == "perp" else name[-1])).symbol


def check_lean_trades(read: Read, facts: Facts) -> None:
    kinds = {one.kind for one in read.record.series}
    assert read.record.rows == facts["rows"]
    assert len(kinds) == 1
    for part in facts["members"]:
        aside = read.aside(part["member"])
        assert set(aside) <= {"quantity_not_positive"}
        if "ticks" in kinds:
            assert aside.get("quantity_not_positive", 0) == part["zero_volume_rows"]
        symbol = lean_symbol(part["member"])
        if part["volume"]:
            check_prices(symbol, read.frame(symbol, *kinds), part, sum(aside.values()))
        else:
            assert sum(aside.values()) == part["rows"]


def check_lean_quotes(read: Read, facts: Facts) -> None:
    assert read.record.rows == facts["rows"]
    for part in facts["members"]:
        symbol = lean_symbol(part["member"])
        frame = read.frame(symbol, "quotes")
        assert read.aside(part["member"]) == (
            {"quote_crossed": part["crossed_close_rows"]} if part["crossed_close_rows"] else {}
        )
        assert len(frame) + part["crossed_close_rows"] == part["rows"]
        bids, asks = frame.filter(pl.col("bid_qty") > 0), frame.filter(pl.col("ask_qty") > 0)
        assert len(frame) - len(bids) == part["empty_bid_rows"]
        assert len(frame) - len(asks) == part["empty_ask_rows"]
        locked = bids.filter((pl.col("ask_qty") > 0) & (pl.col("bid_ticks") == pl.col("ask_ticks")))
        assert len(locked) == part["locked_close_rows"]
        for side, rows, told in (("bid", bids, part["bid"]), ("ask", asks, part["ask"])):
            prices = rows[f"{side}_ticks"]
            assert prices[-1] == ticks(symbol, told["close"])
            assert prices.is_between(ticks(symbol, told["low"]), ticks(symbol, told["high"])).all()
        # A quote bar is known when its minute is over.
        assert frame["at"][0] == ns(part["first_ts_utc"]) + MINUTE - 1
        assert frame["at"][-1] == ns(part["last_ts_utc"]) + MINUTE - 1


def check_top(symbol: str, frame: pl.DataFrame, told: list[float], row: int) -> None:
    names = ("bid_ticks", "bid_qty", "ask_ticks", "ask_qty")
    found = [frame[name][row] for name in names]
    if len(told) == 2:
        assert found[::2] == [ticks(symbol, told[0]), ticks(symbol, told[1])]
    else:
        assert found == [
            ticks(symbol, told[0]),
            lots(symbol, told[1]),
            ticks(symbol, told[2]),
            lots(symbol, told[3]),
        ]


def check_binance(read: Read, facts: Facts) -> None:
    symbol = "BINANCE:BTCUSDT"
    trades, quotes, depth = (read.frame(symbol, kind) for kind in ("ticks", "quotes", "depth"))
    check_prices(symbol, trades, facts["trades_all"])
    for minute, part in enumerate(facts["minutes_by_trade_time_T"]):
        start = ns("2024-08-08T23:54:00Z") + minute * MINUTE
        rows = trades.filter(pl.col("at").is_between(start, start + MINUTE - 1))
        assert len(rows) == part["rows"]
        assert rows["qty"].sum() == lots(symbol, part["volume"])
        assert rows["price_ticks"].max() == ticks(symbol, part["high"])
    book = facts["book_ticker"]
    assert (len(quotes), quotes["at"][0], quotes["at"][-1]) == (
        book["rows"],
        ns(book["first_ts_utc"]),
        ns(book["last_ts_utc"]),
    )
    check_top(symbol, quotes, book["first"], 0)
    check_top(symbol, quotes, book["last"], -1)
    assert quotes["bid_ticks"].max() == ticks(symbol, book["bid_high"])
    assert quotes["ask_ticks"].min() == ticks(symbol, book["ask_low"])
    # One snapshot of 2,000 levels; the updates before it are put aside, all others follow it without a break.
    aside = read.aside()
    carried = int(
        next(note for note in read.record.notes if "written anew" in note).split(": ")[1].split()[0]
    )
    assert len(depth) + aside["no_snapshot"] == facts["depth"]["levels"] + 2_000 + carried
    assert set(aside) == {"no_snapshot"}
    assert depth["first"].to_list()[:2] == [True, False]
    # The date turns before the recording ends, and each day begins with the whole book.
    assert [read.catalog.depth(symbol, day).first.sum() for day in (20240808, 20240809)] == [1, 1]
    assert read.catalog.depth(symbol, 20240809).first[0]
    assert facts["depth"]["sequence_breaks_pu_ne_previous_u"] == 0
    assert not any("breaks" in note for note in read.record.notes)
    gone = (depth["qty"] == 0).sum()
    assert (
        facts["depth"]["zero_size_levels"] - aside["no_snapshot"]
        <= gone
        <= facts["depth"]["zero_size_levels"]
    )
    last = (quotes["bid_ticks"][-1], quotes["ask_ticks"][-1])
    assert best_of_depth(depth) == best_of_depth(depth.slice(depth["first"].arg_true()[-1])) == last


def best_of_depth(depth: pl.DataFrame) -> tuple[int, int]:
    """The best bid and ask of the book that all changes leave."""
    last = depth.group_by("side", "price_ticks", maintain_order=True).last().filter(pl.col("qty") > 0)
    bids, asks = (last.filter(pl.col("side") == side)["price_ticks"].to_list() for side in (1, -1))
    return max(bids), min(asks)


def check_databento(read: Read, facts: Facts) -> None:
    symbols = {"118": "CME:ES202409", "4358": "CME:NQ202409"}
    for number, part in facts.get("bars_by_instrument_id", {}).items():
        check_prices(symbols[number], read.frame(symbols[number], "bars"), part)
    if "trades" in facts:
        check_prices(symbols["118"], read.frame(symbols["118"], "ticks"), facts["trades"])
    if "top_of_book" in facts:
        quotes = read.frame(symbols["118"], "quotes")
        assert len(quotes) == facts["top_of_book"]["rows"]
        check_top(symbols["118"], quotes, facts["top_of_book"]["first"], 0)
        check_top(symbols["118"], quotes, facts["top_of_book"]["last"], -1)
    assert read.record.quarantined == 0


def check_xcme(read: Read, facts: Facts) -> None:
    symbol = "CME:6E202403"
    frame = read.frame(symbol, "bars")
    assert frame["at"][0] == ns("2024-01-01T23:00:00Z")
    check_prices(symbol, frame.with_columns(pl.col("at") + MINUTE), facts)
    # Trading days turn in the evening, so the first one holds the evening before it too.
    assert read.catalog.days(symbol, "bars")[:2] == [20240102, 20240103]


def check_tardis(read: Read, facts: Facts) -> None:
    symbol = "BINANCE:BTCUSDTOFOLD"
    quotes, depth = read.frame(symbol, "quotes"), read.frame(symbol, "depth")
    assert (len(quotes), quotes["at"][0], quotes["at"][-1]) == (
        facts["rows"],
        ns(facts["first_ts_utc"]),
        ns(facts["last_ts_utc"]),
    )
    check_top(symbol, quotes, facts["first_best"], 0)
    check_top(symbol, quotes, facts["last_best"], -1)
    assert depth["first"].sum() == facts["rows"]
    assert best_of_depth(depth.slice(depth["first"].arg_true()[-1])) == (
        quotes["bid_ticks"][-1],
        quotes["ask_ticks"][-1],
    )


CHECKS: list[tuple[str, Callable[[Read, Facts], None]]] = [
    ("taifex/Daily_*.zip", check_taifex),
    ("taifex/TX_sample_*.csv", check_taifex),
    ("taifex/tx_1min/*.json", check_taifex_bars),
    ("binance_usdm/*.gz", check_binance),
    ("lean/*/*/minute/*/*_quote.zip", check_lean_quotes),
    ("lean/*/*/*/*_trade.zip", check_lean_trades),
    ("lean/*/*/*/*/*_trade.zip", check_lean_trades),
    ("databento/futures_mbp-1_*", check_databento),
    ("databento/futures_ohlcv-1m_*", check_databento),
    ("databento/futures_trades_*", check_databento),
    ("xcme/*.gz", check_xcme),
]
OTHER_GRID = [("tardis/*.csv", check_tardis)]
REFUSED = [
    ("taifex/tx_daily/*.tsv", r"a table of bars \(open, high, low, close\), not trades"),
    ("lean/*/*/margin_interest/*.csv", "funding rates of a perpetual"),
    ("equity/*.csv", "an account's equity day by day, not a market"),
    ("databento/esh4-*.mbo.*", r"8,725 changes of single orders \(mbo\) and no trade"),
    ("databento/futures_definition.*", "ESU4 agrees with what we know of CME:ES202409, .* NQU4 agrees with"),
    ("databento/definition-glbx-es-fut.*", "ESM3 agrees with what we know of CME:ES202306, .* on 20230616$"),
    ("databento/definition-*-futspread.*", "ESH5-ESM5 is no outright contract"),
    ("tardis/*.csv", "no price lies on the product's grid, .* Say --symbol EXCHANGE:NAME"),
]


@pytest.mark.parametrize("name", sorted(all_facts()) or [pytest.param("", marks=pytest.mark.skip(NO_DATA))])
def test_a_recorded_file_imports_to_its_facts_or_is_refused_in_words(name: str, tmp_path: Path) -> None:
    path, facts = data_folder() / name, all_facts()[name]
    refusal = next((words for pattern, words in REFUSED if Path(name).match(pattern)), None)
    if refusal is not None:
        with pytest.raises(BadInput, match=refusal):
            import_file(path, Catalog(tmp_path), Options())
        assert Catalog(tmp_path).records() == []
    options = Options()
    check = next((check for pattern, check in CHECKS if Path(name).match(pattern)), None)
    if check is None:
        check = next((check for pattern, check in OTHER_GRID if Path(name).match(pattern)), None)
        options = Options(symbol="BINANCE:BTCUSDTOFOLD")
    assert check or refusal, f"{name} has no check: say what its import shall give"
    if check is not None:
        check(Read(path, tmp_path, options), facts)


def test_files_of_utc_dates_together_make_the_trading_days_of_chicago(tmp_path: Path) -> None:
    if not all_facts():
        pytest.skip(NO_DATA)
    catalog = Catalog(tmp_path)
    names = [f"lean/future/cme/minute/es/2013100{day}_trade.zip" for day in (6, 7, 8)]
    for name in names:
        import_file(data_folder() / name, catalog, Options())
    # A file of a UTC date ends one trading day and begins the next: Monday's has Sunday's evening.
    monday = catalog.bars("ES201312", 20131007)
    assert (monday.at[0], monday.at[-1]) == (ns("2013-10-06T22:00:00Z"), ns("2013-10-07T21:14:00Z"))
    stamps = monday.at.tolist()
    assert stamps == sorted(set(stamps))
    assert {one.name for one in catalog.records()} == {Path(name).name for name in names}


def test_trades_that_two_files_tell_are_refused_and_named(tmp_path: Path) -> None:
    if not all_facts():
        pytest.skip(NO_DATA)
    catalog = Catalog(tmp_path)
    book, trades = (
        next((data_folder() / "databento").glob(f"futures_{schema}_*")) for schema in ("mbp-1", "trades")
    )
    import_file(book, catalog, Options())
    with pytest.raises(Refusal, match=r"holds CME:ES202409 on 2024-07-02, which .* from futures_mbp-1_"):
        import_file(trades, catalog, Options())
    assert len(catalog.ticks("ES202409", 20240702)) == len(import_and_read(trades, tmp_path / "alone"))


def import_and_read(path: Path, root: Path) -> pl.DataFrame:
    return Read(path, root).frame("CME:ES202409", "ticks")
