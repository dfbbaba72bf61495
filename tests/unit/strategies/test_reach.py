"""A strategy reaches no risk state: its file may not import it, its process holds none, the bus takes no such word."""

import subprocess
import sys
from pathlib import Path

import pytest

from autofutures.bus.codec import Outbox
from autofutures.domain.errors import BadInput
from autofutures.domain.messages import AnyMessage, Command, HaltReset, LimitSet, PeakMoved, RiskDay, Traded
from autofutures.domain.units import Side
from autofutures.seats.peers import Peer
from autofutures.strategies.load import load
from tests.makers import TXF

REACHES = """{line}
from autofutures.strategies.base import Strategy


class Mine(Strategy):
    def on_tick(self, tick, ctx):
        {inner}
"""


@pytest.mark.parametrize(
    ("line", "inner", "module"),
    [
        ("import autofutures.risk.gate", "pass", "autofutures.risk.gate"),
        ("from autofutures import risk", "pass", "autofutures.risk"),
        ("from autofutures.risk.state import RiskState", "pass", "autofutures.risk.state"),
        ("", "from autofutures.orders.risk_desk import RiskDesk", "autofutures.orders.risk_desk"),
        ("import autofutures.trader", "pass", "autofutures.trader"),
        ("import gc", "pass", "gc"),
        ("", "import ctypes", "ctypes"),
    ],
)
def test_a_file_that_imports_the_traders_side_is_refused_with_its_line(
    tmp_path: Path, line: str, inner: str, module: str
) -> None:
    path = tmp_path / "mine.py"
    path.write_text(REACHES.format(line=line, inner=inner), "utf-8")
    with pytest.raises(BadInput, match=f"a strategy may not import {module}") as refused:
        load(f"{path}:Mine")
    assert f"mine.py:{1 if line else 7}: " in str(refused.value)


def test_a_file_that_imports_what_strategies_need_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(REACHES.format(line="from autofutures.domain.units import Side", inner="pass"), "utf-8")
    assert load(f"{path}:Mine").__name__ == "Mine"


SEARCH = """
import gc
from autofutures.assemble.nodes import make_host
from autofutures.processes import live_strategy
from autofutures.risk.gate import Gate
from autofutures.risk.state import RiskState
from autofutures.trader import Trader
from tests.runs import ema, generated

run = generated()
host = make_host(run, run.strategies[0])
print(sum(isinstance(one, (Gate, RiskState, Trader)) for one in gc.get_objects()))
"""


def test_who_walks_every_object_of_a_strategys_process_finds_no_risk_state() -> None:
    found = subprocess.run([sys.executable, "-c", SEARCH], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "0"


@pytest.mark.parametrize(
    "message",
    [
        HaltReset("f", "daily_loss", "", 1, "s", "r"),
        LimitSet("f", "position", "max_contracts", 1, "s", 1, 99, "r"),
        RiskDay(1, 20210726, {}),
        PeakMoved("", 1, 0),
        Command("f", "", "reset", "risk", {"control": "daily_loss", "reason": "r"}),
        Traded("c", "s", 1, 1, 1, 1, TXF, Side.BUY, 1, 17_400, 0, 0, 1, "F"),
    ],
)
def test_the_trader_takes_no_word_of_risk_from_a_strategy(message: AnyMessage) -> None:
    assert not Peer("strategy/s", Outbox("trader", 1)).may_say(message)
