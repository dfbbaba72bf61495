"""The machine lives through trading days on end, in one run of its processes."""

from pathlib import Path

import msgspec
import pytest

from autofutures.portfolio.tally import Summary
from autofutures.processes.lived import Lived
from tests.process.machine import EMA, Machine
from tests.process.test_parity import pick

CONTRACTS = "TXF202605,TXF202606"
DAYS = ("19", "20", "21")
"""The expiring contract's last two days, and the next one's first."""


@pytest.fixture
def with_days(shared_data: Path, tmp_path: Path) -> Machine:
    """A user who has the bars of three days around a settlement day."""
    catalog = tmp_path / "bars"
    files = [shared_data / "taifex" / "tx_1min" / f"TX_2026-05-{day}_1min.json" for day in DAYS]
    machine = Machine(tmp_path / "home", catalog)
    done = machine.on_catalog("data", "import", *map(str, files))
    assert done.code == 0, done.err
    return machine


@pytest.mark.timeout(300)
def test_processes_live_through_a_settlement_day_as_a_backtest_does(
    with_days: Machine, tmp_path: Path
) -> None:
    pages = tmp_path / "pages"
    days = ("--replay", f"{CONTRACTS}@2026-05-19..2026-05-21", "--market", "bars")
    ran = with_days.up(*days, *EMA, "--until-end", "--report", str(pages))
    figures = ran.json()
    span = ("--from", "2026-05-19", "--to", "2026-05-21", "--market", "bars")
    backtest = with_days.backtest("ema_cross", "--symbol", CONTRACTS, *span, *EMA[2:])

    assert pick(figures) == pick(backtest)
    assert figures["positions"] == {}
    lived = msgspec.convert(figures["lived"], Lived)
    assert (lived.broken, lived.examples) == (0, ())
    assert (lived.closes, lived.orders, lived.fills) == (10, figures["orders"], figures["fills"])
    by_day = msgspec.convert(figures["days"], dict[str, Summary])
    assert list(by_day) == ["2026-05-19", "2026-05-20", "2026-05-21"]
    assert sum(day.net_pnl for day in by_day.values()) == figures["net_pnl"]
    assert by_day["2026-05-19"].positions != {}
    assert by_day["2026-05-20"].positions == {}
    assert {page.name for page in pages.iterdir()} == {"report.html", *(f"{day}.html" for day in by_day)}
