from pathlib import Path

import pytest

from autofutures.data.catalog import Catalog
from autofutures.data.day_facts import Facts, day_facts
from autofutures.domain.errors import BadInput
from tests.unit.data.files import imported, recorded_stream, tick_file


def test_a_day_of_trades_in_decimals_with_what_the_contract_is(tmp_path: Path) -> None:
    imported(tick_file(tmp_path), tmp_path / "catalog")
    found = day_facts(Catalog(tmp_path / "catalog"), "TX202108", 20210726)
    assert (found.symbol, found.date, found.currency, found.tick) == (
        "TAIFEX:TXF202108",
        "2021-07-26",
        "TWD",
        "1",
    )
    (ticks,) = found.kinds
    assert ticks == Facts(
        kind="ticks",
        rows=4,
        first_utc="2021-07-23T07:00:00.000000000Z",
        last_utc="2021-07-26T05:45:00.000000000Z",
        open="17409",
        high="17473",
        low="17202",
        close="17202",
        contracts=7,
        vwap=17338.571429,
    )


def test_quotes_and_depth_of_a_coin(tmp_path: Path) -> None:
    imported(recorded_stream(tmp_path), tmp_path / "catalog")
    found = day_facts(Catalog(tmp_path / "catalog"), "BTCUSDT", 20240808)
    assert (found.lot, found.payoff, found.certainty[:6]) == ("0.001", "linear", "medium")
    ticks, quotes, depth = found.kinds
    assert (ticks.open, ticks.contracts) == ("61800.3", 6)
    assert (quotes.kind, quotes.rows, quotes.one_sided, quotes.locked) == ("quotes", 3, 1, 1)
    assert (depth.kind, depth.rows, depth.snapshots) == ("depth", 2, 1)


def test_a_day_of_which_there_is_nothing_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="has nothing of TAIFEX:TXF202108 on 2021-07-26"):
        day_facts(Catalog(tmp_path), "TXF202108", 20210726)
