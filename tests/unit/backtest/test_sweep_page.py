import json
from pathlib import Path

import msgspec
import polars as pl
import pytest

from autofutures import backtest
from autofutures.backtest.panels import Panel
from autofutures.backtest.sweep_page import MOST_LINES, parameters_of, read_sets, sweep_html, write_sweep
from autofutures.domain.errors import BadInput
from tests.unit.backtest.test_report import Page

ROWS: list[dict[str, int | float | str | None]] = [
    {
        "fast": fast,
        "slow": slow,
        "how": how,
        "net_pnl": fast * 10 - slow,
        "sharpe": None,
        "order_hash": f"{fast}{slow}",
    }
    for fast in (5, 10, 15)
    for slow in (40, 60)
    for how in ("calm", "quick")
]
FRAME = pl.DataFrame(ROWS, infer_schema_length=None)


def panels(html: str) -> dict[str, Panel]:
    return {each.id: each for each in msgspec.json.decode(Page(html).scripts[1], type=list[Panel])}


def test_a_map_has_a_cell_for_each_set_and_the_worst_of_its_neighbours() -> None:
    html = sweep_html(FRAME, parameters=["fast", "slow"])
    drawn = panels(html)
    assert set(drawn) == {"panel-map-0", "panel-worst-0", "panel-parallel"}
    heat = drawn["panel-map-0"].traces[0]
    assert heat["x"] == ["5", "10", "15"]
    assert heat["y"] == ["40", "60"]
    assert heat["z"] == [[10, 60, 110], [-10, 40, 90]]
    assert drawn["panel-worst-0"].traces[0]["z"] == [[-10, -10, 40], [10, -10, 40]]
    assert "Highest at fast=15, slow=40" in Page(html).text


def test_columns_that_are_no_figures_and_vary_are_parameters() -> None:
    assert parameters_of(FRAME) == ["fast", "slow", "how"]
    assert parameters_of(FRAME.with_columns(fast=pl.lit(3))) == ["slow", "how"]
    with pytest.raises(BadInput, match="fats: no such column; there are fast, slow"):
        parameters_of(FRAME, ["fats"])
    with pytest.raises(BadInput, match="no column of the table is a parameter"):
        parameters_of(FRAME.select("net_pnl"))


def test_pairs_that_move_the_figure_most_come_first_and_words_have_an_axis() -> None:
    html = sweep_html(FRAME)
    drawn = panels(html)
    assert "fast and slow" in Page(html).texts
    dimensions = drawn["panel-parallel"].traces[0]["dimensions"]
    assert isinstance(dimensions, list)
    assert [each["label"] for each in dimensions] == ["fast", "slow", "how", "net_pnl"]
    assert dimensions[2]["ticktext"] == ["calm", "quick"]
    assert len(dimensions[0]["values"]) == len(ROWS)


def test_sets_that_say_nothing_are_holes_and_are_counted() -> None:
    holed = FRAME.with_columns(net_pnl=pl.when(pl.col("fast") == 5).then(None).otherwise(pl.col("net_pnl")))
    html = sweep_html(holed, parameters=["fast", "slow"])
    assert panels(html)["panel-map-0"].traces[0]["z"] == [[None, 60, 110], [None, 40, 90]]
    assert "4 say nothing, their samples are too small" in Page(html).text
    with pytest.raises(BadInput, match="no set of the search has sharpe: its samples are too small"):
        sweep_html(FRAME, "sharpe")
    with pytest.raises(BadInput, match="no column 'sharp'"):
        sweep_html(FRAME, "sharp")


def test_a_drawdown_is_turned_round_so_that_up_is_better() -> None:
    html = sweep_html(FRAME.rename({"net_pnl": "max_drawdown"}), "max_drawdown", ["fast", "slow"])
    assert panels(html)["panel-map-0"].traces[0]["z"] == [[-10, -60, -110], [10, -40, -90]]
    assert "Highest at fast=5, slow=60" in Page(html).text


def test_of_very_many_sets_the_best_are_all_drawn() -> None:
    many = pl.DataFrame({"n": list(range(9_000)), "m": [1, 2] * 4_500, "net_pnl": list(range(9_000))})
    dimensions = panels(sweep_html(many, parameters=["n"]))["panel-parallel"].traces[0]["dimensions"]
    assert isinstance(dimensions, list)
    assert len(dimensions[0]["values"]) <= 1.5 * MOST_LINES
    assert set(range(8_900, 9_000)) <= set(dimensions[0]["values"])


@pytest.mark.parametrize("kind", ["csv", "parquet", "json", "told"])
def test_a_table_is_read_from_what_a_search_writes(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"tried.{'json' if kind == 'told' else kind}"
    if kind == "csv":
        FRAME.write_csv(path)
    elif kind == "parquet":
        FRAME.write_parquet(path)
    elif kind == "json":
        path.write_text(json.dumps(ROWS))
    else:
        sets = [{"parameters": {"fast": row["fast"]}, "figures": {"net_pnl": row["net_pnl"]}} for row in ROWS]
        path.write_text(json.dumps({"search": 1, "sets": sets}))
    assert read_sets(path)["net_pnl"].to_list() == FRAME["net_pnl"].to_list()
    assert read_sets(path)["fast"].to_list() == FRAME["fast"].to_list()


def test_what_is_no_table_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("{")
    for name, sentence in (
        ("x.txt", "is no table of a search"),
        ("no.csv", "there is no file"),
        ("x.json", "cannot be read"),
    ):
        with pytest.raises(BadInput, match=sentence):
            read_sets(tmp_path / name)


def test_a_search_in_python_gives_a_table_that_can_be_drawn(tmp_path: Path) -> None:
    run = backtest.run("ema_cross", generate=True, trades=200, fast=2, slow=5)
    url = f"sqlite:///{tmp_path / 'results.sqlite'}"
    found = backtest.sweep(run, {"fast": range(2, 5), "slow": [6, 9]}, results=url)
    assert len(found) == 6
    assert found["net_pnl"].is_sorted(descending=True)
    best = found.row(0, named=True)
    again = backtest.run("ema_cross", generate=True, trades=200, fast=best["fast"], slow=best["slow"])
    assert again.summary.order_hash == best["order_hash"]
    assert write_sweep(found, tmp_path / "x.html").exists()
    assert callable(backtest.sweep)
