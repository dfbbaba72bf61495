from pathlib import Path

import msgspec

from autofutures.backtest.run_report import report_of
from autofutures.backtest.runner import market_prices, run
from autofutures.config import RunSettings
from tests.runs import a_catalog, ema, generated, recorded


def page_of(settings: RunSettings, path: Path) -> str:
    report_of(settings, run(settings).tally, market_prices(settings), path)
    return path.read_text("utf-8")


def test_the_page_of_a_generated_run_names_everything_that_decided_it(tmp_path: Path) -> None:
    settings = msgspec.structs.replace(
        generated(latency_ns=5_000_000), seed=7, fee=33, limits={"order_size": {"max_contracts": 4}}
    )
    page = page_of(settings, tmp_path / "report.html")
    for words in (
        "ema_cross on TAIFEX:TXF202608, 20260803",
        "generated from seed 7",
        "33 TWD a contract and side",
        "5 ms",
        "ema_cross fast=2, slow=5",
        "limit order_size",
        "max_contracts=4",
        "places in the queue",
    ):
        assert words in page


def test_the_page_holds_the_runs_own_figures(tmp_path: Path) -> None:
    settings = generated()
    page = page_of(settings, tmp_path / "report.html")
    summary = run(settings).summary
    assert summary.order_hash in page
    assert summary.fill_hash in page


def test_the_page_of_a_recorded_run_says_what_its_fills_assume(tmp_path: Path) -> None:
    page = page_of(recorded(a_catalog(tmp_path)), tmp_path / "report.html")
    assert "recorded trades" in page
    assert "price limit unknown" in page
    assert "places in the queue" not in page


def test_several_strategies_are_all_named(tmp_path: Path) -> None:
    settings = generated(ema(), msgspec.structs.replace(ema(slow=9), name="slow"), limit=50)
    assert "ema_cross, slow on TAIFEX:TXF202608" in page_of(settings, tmp_path / "report.html")
