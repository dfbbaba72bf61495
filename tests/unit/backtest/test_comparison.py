import base64
from pathlib import Path

import msgspec
import pytest

from autofutures import backtest
from autofutures.backtest.comparison import Divergence, compare, compare_html, diverging, write_comparison
from autofutures.backtest.finished import FinishedRun
from autofutures.backtest.panels import Panel
from autofutures.domain.errors import BadInput
from tests.unit.backtest.test_report import Page


@pytest.fixture(scope="module")
def runs() -> dict[str, FinishedRun]:
    def run(slow: int) -> FinishedRun:
        return backtest.run("ema_cross", generate=True, trades=300, fast=2, slow=slow)

    return {"five": run(5), "nine": run(9), "again": run(5)}


def test_the_first_row_that_differs_is_named() -> None:
    assert diverging(["a", "b"], ["a", "b"]) is None
    assert diverging(["a", "b"], ["a", "c"]) == Divergence(2, "b", "c")
    assert diverging(["a"], ["a", "c"]) == Divergence(2, None, "c")
    assert diverging([], []) is None


def test_orders_are_equal_where_their_hashes_are(runs: dict[str, FinishedRun]) -> None:
    found = compare(runs)
    assert found.orders["again"] is found.fills["again"] is None
    apart = found.orders["nine"]
    assert apart is not None
    assert apart.first != apart.other
    assert runs["five"].rows.orders[apart.number - 1].intent.at == int((apart.first or "").split(",")[0])


def test_figures_and_settings_stand_side_by_side(runs: dict[str, FinishedRun]) -> None:
    found = compare(runs)
    assert found.figures["nine"]["net_pnl"] == runs["nine"].summary.net_pnl
    assert found.settings == {"strategies.1.settings.slow": {"five": "5", "nine": "9", "again": "5"}}
    assert found.why_no_correlation == "too few: 1 of 20 common trading days needed"


def test_the_page_says_it_in_words(runs: dict[str, FinishedRun]) -> None:
    page = Page(compare_html(runs))
    number = compare(runs).orders["nine"]
    assert number is not None
    assert f"nine: order {number.number} is the first that differs." in page.texts
    assert "again has every order of five." in page.texts
    difference = runs["nine"].summary.net_pnl - runs["five"].summary.net_pnl
    assert f"{difference:+,}" in page.texts
    panels = msgspec.json.decode(page.scripts[1], type=list[Panel])
    assert [panel.id for panel in panels] == ["panel-equity", "panel-drawdown"]
    assert [trace["name"] for trace in panels[0].traces] == ["five", "nine", "again"]
    assert "n/a — too few: 1 of 20 common trading days needed." in page.texts


def test_runs_of_many_days_have_a_correlation(
    runs: dict[str, FinishedRun], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autofutures.backtest.comparison.MIN_DAYS", 1)
    found = compare(runs)
    assert found.why_no_correlation == ""
    # Of a single day nothing can be said of it either.
    assert set(found.correlation["five"].values()) == {None}
    assert "n/a — it never changes" in Page(compare_html(runs)).texts


def test_one_run_alone_is_not_compared(runs: dict[str, FinishedRun], tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="at least two saved runs"):
        compare({"five": runs["five"]})
    with pytest.raises(BadInput, match="cannot write the report"):
        write_comparison(runs, tmp_path / "nowhere" / "x.html")
    assert backtest.compare(runs, tmp_path / "x.html").stat().st_size > 1_000_000


def test_a_hostile_name_of_a_run_is_shown_and_never_run(runs: dict[str, FinishedRun]) -> None:
    hostile = "</script><img src=x onerror=alert(1)>"
    page = Page(compare_html({hostile: runs["five"], "nine": runs["nine"]}))
    assert [tag for tag, _ in page.elements if tag == "img"] == []
    assert hostile in page.texts


def test_curves_are_thinned(runs: dict[str, FinishedRun], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autofutures.backtest.comparison.MOST_SHOWN", 10)
    (equity, _) = msgspec.json.decode(Page(compare_html(runs)).scripts[1], type=list[Panel])
    y = equity.traces[0]["y"]
    assert isinstance(y, dict)
    assert len(base64.b64decode(y["bdata"])) <= 10 * 8
