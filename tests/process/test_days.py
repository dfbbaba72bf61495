"""The machine lives through trading days on end, in one run of its processes."""

from datetime import datetime, timedelta, timezone
from pathlib import Path

import msgspec
import pytest

from autofutures.domain.units import SECOND
from autofutures.portfolio.tally import Summary
from autofutures.processes.lived import Lived
from tests.process.machine import EMA, Machine
from tests.process.test_parity import pick

CONTRACTS = "TXF202605,TXF202606"
DAYS = ("19", "20", "21")
"""The expiring contract's last two days, and the next one's first."""


OPENER = """
from autofutures.strategies.base import Strategy

class Opener(Strategy):
    _heard: int = 0

    def on_session_open(self, event, ctx):
        self._heard += 1
        if not ctx.position_of(ctx.leg):
            ctx.buy_market(1 + self._heard % 2, leg=ctx.leg)

    def on_session_close(self, event, ctx):
        self._heard += 1

    def on_last_trading_day(self, event, ctx):
        ctx.sell_market(1, leg=ctx.leg)
"""


@pytest.fixture
def with_days(shared_data: Path, tmp_path: Path) -> Machine:
    """A user who has the bars of three days around a settlement day."""
    catalog = tmp_path / "bars"
    files = [shared_data / "taifex" / "tx_1min" / f"TX_2026-05-{day}_1min.json" for day in DAYS]
    machine = Machine(tmp_path / "home", catalog)
    done = machine.on_catalog("data", "import", *map(str, files))
    assert done.code == 0, done.err
    return machine


def taipei(ns: str) -> str:
    return datetime.fromtimestamp(int(ns) // SECOND, timezone(timedelta(hours=8))).strftime(
        "%Y-%m-%dT%H:%M:%S"
    )


@pytest.mark.timeout(300)
def test_processes_live_through_a_settlement_day_as_a_backtest_does(
    with_days: Machine, tmp_path: Path
) -> None:
    pages, opener, config = tmp_path / "pages", tmp_path / "opener.py", tmp_path / "autofutures.toml"
    opener.write_text(OPENER)
    config.write_text(
        f'[[strategy]]\nuse = "{opener}:Opener"\nname = "opener"\nbook_stop = 9000000\n'
        "[risk.daily_loss.strategy.ema_cross]\nmax_loss = 30000\n"
        "[risk.daily_messages]\nmax_messages = 60\nreserved = 20\n"
    )
    days = ("--replay", f"{CONTRACTS}@2026-05-19..2026-05-21", "--market", "bars")
    more = ("--config", str(config))
    ran = with_days.up(*days, *EMA, *more, "--until-end", "--report", str(pages))
    figures = ran.json()
    span = ("--from", "2026-05-19", "--to", "2026-05-21", "--market", "bars")
    backtest = with_days.backtest("ema_cross", "--symbol", CONTRACTS, *span, *EMA[2:], *more)

    assert pick(figures) == pick(backtest)
    rows = [line.split(",") for line in ran.folder.fills.read_text().splitlines()]
    # The first trade at each opening is heard; one of two contracts is sold as the last day begins, one is settled.
    assert [(taipei(row[0]), *row[5:8]) for row in rows if row[1] == "opener"] == [
        ("2026-05-18T15:00:15", "TAIFEX:TXF202605", "buy", "2"),
        ("2026-05-19T15:00:15", "TAIFEX:TXF202605", "sell", "1"),
        ("2026-05-20T13:30:01", "TAIFEX:TXF202605", "sell", "1"),
        ("2026-05-20T15:00:15", "TAIFEX:TXF202606", "buy", "2"),
    ]
    lived = msgspec.convert(figures["lived"], Lived)
    assert (lived.broken, lived.examples) == (0, ())
    assert (lived.closes, lived.orders, lived.fills) == (10, figures["orders"], figures["fills"])
    assert (lived.days_begun, lived.messages) == (3, figures["orders"])
    by_day = msgspec.convert(figures["days"], dict[str, Summary])
    assert list(by_day) == ["2026-05-19", "2026-05-20", "2026-05-21"]
    assert sum(day.net_pnl for day in by_day.values()) == figures["net_pnl"]
    assert by_day["2026-05-19"].positions != {}
    assert "TAIFEX:TXF202605" not in by_day["2026-05-20"].positions
    assert {page.name for page in pages.iterdir()} == {"report.html", *(f"{day}.html" for day in by_day)}
