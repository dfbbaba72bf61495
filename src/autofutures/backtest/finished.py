"""A finished run as data: what it decided and got, as tables, as figures and as a page; kept in a folder and read back.

result = backtest.run("ema_cross", symbol="TXF202108", date="2021-07-26", fast=20, slow=60)
result.summary.net_pnl
result.fills                  # a Polars frame: Taipei's time, prices as quoted
result.report("report.html")
result.save("runs/first")     # and backtest.load("runs/first")
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import polars as pl

from autofutures.assemble.nodes import instruments_of
from autofutures.backtest import frames
from autofutures.backtest.charts import thinned
from autofutures.backtest.decided import decision_ticks
from autofutures.backtest.fingerprint import fingerprint
from autofutures.backtest.measures import Measures
from autofutures.backtest.page import UpColour
from autofutures.backtest.report import (
    ReportData,
    report_measures,
    report_statistics,
    trading_days_of,
    write_report,
)
from autofutures.backtest.run_report import data_of
from autofutures.backtest.runner import Result, assumptions_of, market_prices, notes_of
from autofutures.backtest.statistics import OpenLot, RoundTrip, Statistics, Ticks
from autofutures.backtest.wording import money
from autofutures.config import RunSettings
from autofutures.domain.errors import BadInput
from autofutures.domain.instrument import Instrument, minor_unit
from autofutures.domain.messages import Placed, Refused, Traded
from autofutures.portfolio.tally import EquityPoint, Summary

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

RUN_FILE = "run.json"
REPORT_FILE = "report.html"
TABLES = ("orders", "fills", "refusals", "equity", "trades", "prices")


class Made(msgspec.Struct, frozen=True):
    """How a run was made: its engine, how long it took, and the hashes of the data and the code behind it."""

    engine: str = "nodes"
    events: int = 0
    seconds: float = 0.0
    data_hash: str = ""
    code_hash: str = ""
    version: str = ""


class Kept(msgspec.Struct, frozen=True):
    """`run.json`: all of a saved run that is no table."""

    settings: RunSettings
    summary: Summary
    statistics: Statistics
    measures: Measures
    made: Made
    assumptions: tuple[str, ...]
    notes: tuple[str, ...]
    ticks: dict[str, int]
    """How many trades each symbol's market had; `prices` has those that charts show."""


class Rows(msgspec.Struct, frozen=True):
    """What a run decided and got, row by row."""

    orders: Sequence[Placed]
    fills: Sequence[Traded]
    refusals: Sequence[Refused]
    equity: Sequence[EquityPoint]
    decided: Mapping[str, int] = {}
    """The last trade at each order's decision, ticks by client id, where the run itself has noted it."""


class Market(msgspec.Struct, frozen=True):
    """What the market's trades say of a run.

    `shown` are those to draw, `trips` have their excursions, `decided` is the last trade at each order's decision,
    ticks by client id.
    """

    shown: Mapping[str, Ticks]
    trips: Sequence[RoundTrip]
    decided: Mapping[str, int]


class FinishedRun:
    """A run that is over. Make one with `backtest.run` or `backtest.load`.

    Attributes:
        settings: all that decided what it did.
        summary: what it did, as `autofutures backtest --json` prints it.
        made: its engine, its time, and the hashes of its data and its code.
        assumptions: what its fills take for granted.
        notes: what the reader of its figures must know.
    """

    def __init__(
        self,
        settings: RunSettings,
        summary: Summary,
        rows: Rows,
        made: Made,
        said: tuple[tuple[str, ...], tuple[str, ...]],
        market: Market | None = None,
    ) -> None:
        self.settings = settings
        self.summary = summary
        self.made = made
        self.assumptions, self.notes = said
        self.rows = rows
        self._market = market

    @classmethod
    def of(cls, settings: RunSettings, result: Result, engine: str = "nodes") -> "FinishedRun":
        """The run that `runner.run` has just traded."""
        tally = result.tally
        rows = Rows(tally.orders, tally.fills, tally.refusals, tally.equity, tally.decided)
        found = fingerprint(settings)
        engine = str(getattr(result, "engine", engine))
        made = Made(engine, result.events, result.seconds, found.data, found.code, found.version)
        return cls(settings, result.summary, rows, made, (assumptions_of(settings), notes_of(settings)))

    @cached_property
    def instruments(self) -> dict[str, Instrument]:
        """The instruments of the run, by symbol."""
        return instruments_of(self.settings)

    @cached_property
    def market(self) -> Market:
        """What the market's trades say of the run; the market is read again, once."""
        if self._market is not None:
            return self._market
        prices = market_prices(self.settings)
        trips, _, _ = report_statistics(self._data(prices, None))
        decided = self.rows.decided or decision_ticks(self.rows.orders, prices)
        return Market({symbol: thinned(tape) for symbol, tape in prices.items()}, trips, decided)

    @cached_property
    def orders(self) -> pl.DataFrame:
        """Every order that passed the gate, with the last trade at its decision."""
        return frames.orders_frame(self.rows.orders, self.market.decided, self.instruments)

    @cached_property
    def fills(self) -> pl.DataFrame:
        """Every fill, with fee and tax in minor units."""
        return frames.fills_frame(self.rows.fills, self.instruments)

    @cached_property
    def refusals(self) -> pl.DataFrame:
        """What the risk gate refused."""
        return frames.refusals_frame(self.rows.refusals)

    @cached_property
    def equity(self) -> pl.DataFrame:
        """Net profit after costs at moments, and how far it is below its peak; minor units."""
        return frames.equity_frame(self._whole_data().equity)

    @cached_property
    def trades(self) -> pl.DataFrame:
        """The round trips, first in, first out, with their worst and best open profit."""
        return frames.trades_frame(self.market.trips, self.instruments)

    @cached_property
    def prices(self) -> pl.DataFrame:
        """The market's trades as charts show them: thinned where there are many, highs and lows kept."""
        return frames.prices_frame(self.market.shown, self.instruments)

    @cached_property
    def statistics(self) -> Statistics:
        """What the run was worth; what the sample is too small to say is None, and `why_none` tells why."""
        return report_statistics(self._whole_data())[2]

    @cached_property
    def measures(self) -> Measures:
        """Where the profit came from: by month, weekday and hour, by type of order, beside a benchmark."""
        data = self._whole_data()
        return report_measures(data, self.market.trips, trading_days_of(data))[0]

    @property
    def open_lots(self) -> list[OpenLot]:
        """What was still open at the end."""
        return report_statistics(self._whole_data())[1]

    def report(self, path: str | Path, *, up: UpColour = "red") -> Path:
        """Writes the self-contained page.

        Args:
            path: where; its folder must exist.
            up: the colour of a rise, red in Taiwan.

        Raises:
            BadInput: the file cannot be written.
        """
        write_report(self._whole_data(), Path(path), up_colour=up)
        return Path(path)

    def plot(self, symbol: str = "") -> "Figure":
        """Equity, and the price of a symbol with its trades, as a Plotly figure; the first symbol unless told.

        Raises:
            BadInput: the run does not trade the symbol.
        """
        from autofutures.backtest.figure import figure_of  # noqa: PLC0415 - notebooks alone draw this way

        chosen = symbol or self.settings.symbols[0]
        prices = self.prices.filter(symbol=chosen)
        if chosen not in self.settings.symbols:
            raise BadInput(f"{chosen} is not traded by this run: it has {', '.join(self.settings.symbols)}")
        return figure_of(self.title, self.equity, prices, self.fills.filter(symbol=chosen))

    def save(self, folder: str | Path, *, up: UpColour = "red") -> Path:
        """Writes the run into a folder: `run.json`, tables as CSV and Parquet, and `report.html`.

        Raises:
            BadInput: the folder cannot be written.
        """
        place = Path(folder)
        figures = (self.summary, self.statistics, self.measures)
        ticks = {symbol: tape.whole for symbol, tape in self.market.shown.items()}
        kept = Kept(self.settings, *figures, self.made, self.assumptions, self.notes, ticks)
        try:
            place.mkdir(parents=True, exist_ok=True)
            for name in TABLES:
                frame: pl.DataFrame = getattr(self, name)
                frame.write_csv(place / f"{name}.csv")
                frame.write_parquet(place / f"{name}.parquet")
            self.report(place / REPORT_FILE, up=up)
            # Last, so that a folder with it has the rest as well.
            (place / RUN_FILE).write_bytes(msgspec.json.format(msgspec.json.encode(kept), indent=2))
        except OSError as error:
            raise BadInput(
                f"the run cannot be saved in {place}: {error.strerror}; name another folder"
            ) from error
        return place

    def data(self) -> ReportData:
        """All that a page of the run says."""
        return self._whole_data()

    def _whole_data(self) -> ReportData:
        return self._data(self.market.shown, self.market)

    def _data(self, ticks: Mapping[str, Ticks], market: Market | None) -> ReportData:
        rows = self.rows
        data = data_of(
            self.settings, self.summary, ticks, (rows.orders, rows.fills, rows.refusals, rows.equity)
        )
        return msgspec.structs.replace(
            data,
            settings={**data.settings, **_made_words(self.made)},
            assumptions=self.assumptions,
            notes=self.notes,
            trips=None if market is None else market.trips,
            decided={} if market is None else market.decided,
        )

    @property
    def title(self) -> str:
        """Strategies, symbols and day."""
        return self._data({}, None).title

    def __repr__(self) -> str:
        summary = self.summary
        return (
            f"<{self.title}: {summary.orders:,} orders, {summary.fills:,} fills, "
            f"net {money(summary.net_pnl, sign=True)} {minor_unit(self.settings.currency)}>"
        )

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        summary, currency = self.summary, minor_unit(self.settings.currency)
        shown = {
            f"net profit, {currency}": money(summary.net_pnl, sign=True),
            f"gross profit, {currency}": money(summary.gross_pnl, sign=True),
            f"fees and tax, {currency}": money(summary.fees + summary.tax),
            f"maximum drawdown, {currency}": money(-summary.max_drawdown),
            "orders": f"{summary.orders:,} ({summary.refused:,} refused)",
            "fills": f"{summary.fills:,} of {summary.contracts:,} contracts",
            "at the end": ", ".join(f"{qty:+} {name}" for name, qty in summary.positions.items()) or "flat",
            "order hash": summary.order_hash[:16],
        }
        body = "".join(
            f'<tr><th scope="row" style="text-align:left">{escape(name)}</th>'
            f'<td style="text-align:right">{escape(value)}</td></tr>'
            for name, value in shown.items()
        )
        return f"<table><caption>{escape(self.title)}</caption><tbody>{body}</tbody></table>"


def load_run(folder: str | Path) -> FinishedRun:
    """The run that `save` has written.

    Raises:
        BadInput: the folder has none, or its files are damaged or do not belong together.
    """
    place = Path(folder)
    for name in (RUN_FILE, *(f"{table}.parquet" for table in TABLES)):
        if not (place / name).exists():
            raise BadInput(
                f"{place} is no saved run, {name} is missing: make one with `autofutures backtest ... --save DIR`"
            )
    try:
        kept = msgspec.json.decode((place / RUN_FILE).read_bytes(), type=Kept)
        tables = {name: pl.read_parquet(place / f"{name}.parquet") for name in TABLES}
        orders, decided = frames.orders_of(tables["orders"])
        rows = Rows(
            orders,
            frames.fills_of(tables["fills"]),
            frames.refusals_of(tables["refusals"]),
            frames.equity_of(tables["equity"]),
            decided,
        )
        shown = {
            symbol: msgspec.structs.replace(tape, whole=kept.ticks.get(symbol, 0))
            for symbol, tape in frames.prices_of(tables["prices"]).items()
        }
        market = Market(shown, frames.trades_of(tables["trades"]), decided)
    except (OSError, msgspec.MsgspecError, pl.exceptions.PolarsError, KeyError) as error:
        raise BadInput(f"the run in {place} is damaged ({error}): save it again") from error
    if (len(rows.orders), len(rows.fills)) != (kept.summary.orders, kept.summary.fills):
        raise BadInput(
            f"{place} holds {len(rows.orders)} orders and {len(rows.fills)} fills, and its run had "
            f"{kept.summary.orders} and {kept.summary.fills}: files of two runs are mixed, save it again"
        )
    return FinishedRun(kept.settings, kept.summary, rows, kept.made, (kept.assumptions, kept.notes), market)


def _made_words(made: Made) -> dict[str, str]:
    """The lines that a page has of how the run was made."""
    hashes = {"data hash": made.data_hash, "code hash": made.code_hash, "version": made.version}
    return {"engine": made.engine, **{name: value for name, value in hashes.items() if value}}
