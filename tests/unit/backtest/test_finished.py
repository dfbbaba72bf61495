import csv
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import polars as pl
import pytest

import autofutures
from autofutures import backtest
from autofutures.backtest import finished, runner
from autofutures.backtest.charts import thinned
from autofutures.backtest.decided import decision_ticks
from autofutures.backtest.finished import TABLES, FinishedRun, load_run
from autofutures.backtest.runner import market_prices
from autofutures.backtest.statistics import Ticks
from autofutures.domain.errors import BadInput
from autofutures.domain.messages import ExitPlan, Intent, Placed, Tick
from autofutures.domain.order_life import Status
from autofutures.domain.units import OrderType, Side
from autofutures.strategies.base import Strategy
from autofutures.strategies.context import Context
from tests.runs import RECORDED, TXF, a_catalog, ema, generated, recorded


class Plans(Strategy):
    """Orders of several types, with an exit plan, in a class that stands in a test."""

    qty: int = 1
    _trades: int = 0

    def on_tick(self, tick: Tick, ctx: Context) -> None:
        self._trades += 1
        if self._trades % 20 == 1:
            ctx.buy_limit(self.qty, tick.price_ticks + 2, exit=ctx.declare_exit(5, 5))
        elif self._trades % 20 == 2:
            ctx.sell_stop(self.qty, tick.price_ticks - 5, price_ticks=tick.price_ticks - 6)


@pytest.fixture(scope="module")
def run() -> FinishedRun:
    return backtest.run(Plans, generate=True, trades=300, qty=2)


def test_a_run_in_python_is_the_run_of_the_command_line() -> None:
    in_python = backtest.run("ema_cross", generate=True, trades=200, fast=2, slow=5, fee=20)
    assert in_python.summary == runner.run(generated()).summary
    assert in_python.settings.strategies[0].settings == {"fast": 2, "slow": 5}


def test_a_class_is_run_as_it_is_with_its_settings(run: FinishedRun) -> None:
    assert run.settings.strategies[0].name == "Plans"
    assert run.fills["qty"].max() == 2
    assert run.summary.orders == len(run.orders) > 10


def test_what_to_trade_must_be_said() -> None:
    with pytest.raises(BadInput, match="say what to trade: generate=True, or symbol="):
        backtest.run("ema_cross")


def test_frames_have_taipeis_time_prices_as_quoted_and_words(run: FinishedRun) -> None:
    orders, fills = run.orders, run.fills
    assert orders["at"].dtype == pl.Datetime("ns", "Asia/Taipei")
    assert set(orders["type"]) >= {"limit", "stop_limit", "market"}
    assert set(fills["side"]) == {"buy", "sell"}
    assert (fills["price"] == fills["price_ticks"].cast(pl.Float64)).all()
    assert orders.filter(type="market")["price"].is_null().all()
    assert orders.filter(type="limit")["stop_price"].is_null().all()
    assert run.equity["net"][-1] == run.summary.net_pnl != run.rows.equity[-1].net
    assert run.equity["at"].is_sorted()
    assert fills["fee"].sum() == run.summary.fees
    assert run.trades["net"].sum() == sum(trip.net for trip in run.market.trips)
    assert run.refusals.columns[0] == "at"


def test_a_saved_run_comes_back_as_it_was(run: FinishedRun, tmp_path: Path) -> None:
    back = backtest.load(run.save(tmp_path / "deep" / "kept"))
    assert (back.rows.orders, back.rows.fills) == (run.rows.orders, run.rows.fills)
    assert (back.rows.refusals, back.rows.decided) == (run.rows.refusals, run.rows.decided)
    assert (back.settings, back.summary, back.made) == (run.settings, run.summary, run.made)
    assert (back.assumptions, back.notes) == (run.assumptions, run.notes)
    assert back.statistics == run.statistics
    assert back.market.trips == run.market.trips
    assert back.market.decided == run.market.decided
    for name in TABLES:
        assert getattr(back, name).equals(getattr(run, name)), name
    assert repr(back) == repr(run)


def test_a_saved_run_s_page_is_written_again_without_its_market(run: FinishedRun, tmp_path: Path) -> None:
    run.save(tmp_path / "kept")
    first = (tmp_path / "kept" / "report.html").read_bytes()
    assert load_run(tmp_path / "kept").report(tmp_path / "again.html").read_bytes() == first


def test_the_files_of_a_run_are_what_other_programs_read(run: FinishedRun, tmp_path: Path) -> None:
    run.save(tmp_path)
    table = json.loads((tmp_path / "run.json").read_text())
    assert table["summary"]["order_hash"] == run.summary.order_hash
    assert table["settings"]["seed"] == 1
    assert "sharpe" in table["statistics"]["why_none"]
    with (tmp_path / "fills.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["price_ticks"]) for row in rows] == run.fills["price_ticks"].to_list()
    assert pl.read_parquet(tmp_path / "fills.parquet").equals(run.fills)


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (
            lambda folder: (folder / "run.json").unlink(),
            "is no saved run, run.json is missing: make one with",
        ),
        (lambda folder: (folder / "fills.parquet").unlink(), "fills.parquet is missing"),
        (lambda folder: (folder / "run.json").write_text("{}"), "is damaged"),
        (lambda folder: (folder / "orders.parquet").write_bytes(b"torn"), "is damaged"),
        (
            lambda folder: pl.read_parquet(folder / "fills.parquet")[:-1].write_parquet(
                folder / "fills.parquet"
            ),
            "files of two runs are mixed",
        ),
    ],
)
def test_a_folder_that_is_no_run_is_refused(
    run: FinishedRun, tmp_path: Path, spoil: Callable[[Path], object], sentence: str
) -> None:
    run.save(tmp_path)
    spoil(tmp_path)
    with pytest.raises(BadInput, match=sentence):
        load_run(tmp_path)


def test_a_place_that_is_a_file_cannot_keep_a_run(run: FinishedRun, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(BadInput, match="cannot be saved in"):
        run.save(tmp_path / "taken")


def test_a_notebook_sees_a_table_and_a_figure(run: FinishedRun) -> None:
    html = run._repr_html_()
    assert html.startswith("<table>")
    assert f"{run.summary.net_pnl:+,}" in html
    figure = run.plot()
    assert len(figure.data) == 4
    assert len(figure.data[2].x) + len(figure.data[3].x) == run.summary.fills
    with pytest.raises(BadInput, match="is not traded by this run: it has TAIFEX:TXF202608"):
        run.plot("TAIFEX:MXF202608")


def test_the_price_of_a_decision_is_the_trade_that_its_limit_was_set_from(run: FinishedRun) -> None:
    # Now and then the trader has heard one more trade of the same event than the strategy whose decision comes in.
    limits = run.orders.filter(type="limit").select("price_ticks", "decision_ticks").rows()
    beyond = [price_ticks - decision_ticks for price_ticks, decision_ticks in limits]
    assert beyond.count(2) >= len(beyond) - 2
    assert all(abs(ticks - 2) <= 3 for ticks in beyond)


def test_trades_of_one_stamp_are_told_apart_by_their_number() -> None:
    tape = {RECORDED: Ticks.of([(10, 1), (20, 2), (20, 3), (20, 4), (30, 5)])}

    def order(seq: int, at: int) -> Placed:
        return Placed(
            f"c{seq}", Status.SENT, Intent("s", seq, 1, at, RECORDED, Side.BUY, 1, OrderType.MARKET)
        )

    orders = [order(3, 20), order(9, 25), order(1, 5), order(2, 29)]
    assert decision_ticks(orders, tape) == {"c3": 3, "c9": 4, "c2": 4}
    assert decision_ticks(orders, {}) == {}


def test_recorded_prices_are_what_the_exchange_prints(tmp_path: Path) -> None:
    settings = recorded(a_catalog(tmp_path))
    whole = market_prices(settings)
    printed = market_prices(msgspec.structs.replace(settings, limit=1_000))
    assert whole.keys() == printed.keys()
    for symbol, tape in whole.items():
        assert tape.at.tolist() == printed[symbol].at.tolist()
        assert tape.price_ticks.tolist() == printed[symbol].price_ticks.tolist()


def test_exit_plans_survive_the_tables(run: FinishedRun, tmp_path: Path) -> None:
    run.save(tmp_path)
    plans = {order.intent.exit for order in load_run(tmp_path).rows.orders}
    assert ExitPlan(take_profit_ticks=5, stop_ticks=5) in plans


def test_the_package_is_light_until_it_is_used() -> None:
    program = (
        "import sys, autofutures; from autofutures import backtest; autofutures.backtest.__name__; "
        "print([name for name in ('polars', 'numpy', 'plotly') if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
    assert "run" in dir(backtest)
    assert autofutures.backtest is backtest
    with pytest.raises(AttributeError, match="has no attribute 'rnu'"):
        _ = backtest.rnu
    with pytest.raises(AttributeError, match="has no attribute 'front'"):
        _ = autofutures.front


def test_a_finished_run_is_made_of_a_traded_one() -> None:
    settings = generated(ema())
    made = FinishedRun.of(settings, runner.run(settings))
    assert made.title == "ema_cross on TAIFEX:TXF202608, 20260803"
    assert made.open_lots


def test_a_run_says_by_hashes_what_it_depends_on(run: FinishedRun, tmp_path: Path) -> None:
    made = run.made
    assert len(made.data_hash) == len(made.code_hash) == 64
    other = backtest.run(Plans, generate=True, trades=300, qty=2, seed=2).made
    assert (other.code_hash, other.data_hash != made.data_hash) == (made.code_hash, True)
    page = run.report(tmp_path / "x.html").read_text("utf-8")
    assert made.data_hash in page
    assert made.code_hash in page


def test_an_engine_that_is_not_there_is_refused() -> None:
    with pytest.raises(BadInput, match="engine"):
        backtest.run("ema_cross", generate=True, trades=200, engine="dream")


def test_a_page_says_how_many_trades_its_line_was_thinned_from(
    run: FinishedRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finished, "thinned", lambda tape: thinned(tape, 100))
    made = FinishedRun(run.settings, run.summary, run.rows, run.made, (run.assumptions, run.notes))
    made.save(tmp_path)
    whole = len(market_prices(run.settings)[TXF].at)
    words = f"The line has {len(made.prices)} of {whole} ticks, highs and lows kept."
    assert words in (tmp_path / "report.html").read_text("utf-8")
    assert words in load_run(tmp_path).report(tmp_path / "again.html").read_text("utf-8")
