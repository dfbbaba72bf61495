"""A gateway that is killed between any two of its steps: no order reaches the broker twice, and none in secret."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from autofutures.domain.messages import Submit, decode
from autofutures.matching.broker import Broker
from autofutures.matching.exchange import Exchange
from autofutures.matching.prints import PrintMarket
from autofutures.storage.send_log import StoredSendLog
from tests.makers import OPEN, TXF

GATEWAY = """
import os, signal, sys
from pathlib import Path
from autofutures.domain.messages import encode
from autofutures.gateway import Gateway
from autofutures.storage.send_log import StoredSendLog
from tests.makers import OPEN, submit

folder, dies_at, *orders = sys.argv[1:]

def come_to(point):
    if point == dies_at:
        os.kill(os.getpid(), signal.SIGKILL)

log = StoredSendLog.open(Path(folder) / "gateway.sqlite")
wire = os.open(Path(folder) / "wire", os.O_CREAT | os.O_APPEND | os.O_WRONLY)
gateway = Gateway(log)
for order in orders:
    request = submit(order)
    come_to("before log")
    leaves = [out for out in gateway.request(request, 1, OPEN) if out is request]
    come_to("after log")
    for out in leaves:
        os.write(wire, encode(out).hex().encode() + b"\\n")
    come_to("after send")
    gateway.sent(leaves)
    come_to("after mark")
log.close()
"""


def run_gateway(folder: Path, dies_at: str, *orders: str) -> int:
    command = [sys.executable, "-c", GATEWAY, str(folder), dies_at, *orders]
    return subprocess.run(command, cwd=Path(__file__).parents[2], timeout=60, check=False).returncode


def broker_after(folder: Path) -> Broker:
    """A broker that heard what went over the wire."""
    broker = Broker(Exchange({TXF: PrintMarket()}))
    broker.connect(OPEN)
    for line in (folder / "wire").read_text().splitlines():
        request = decode(bytes.fromhex(line))
        assert isinstance(request, Submit)
        broker.hear(request, 1, OPEN)
    return broker


@pytest.mark.parametrize(
    ("dies_at", "sent"), [("before log", 1), ("after log", 0), ("after send", 1), ("after mark", 1)]
)
def test_a_gateway_killed_at_any_step_sends_no_order_twice(tmp_path: Path, dies_at: str, sent: int) -> None:
    assert run_gateway(tmp_path, dies_at, "o1") == -signal.SIGKILL
    for entry in broker_after(tmp_path).ledger.orders.values():
        with StoredSendLog.open(tmp_path / "gateway.sqlite") as log:
            assert not log.write(entry.client_id, 1)  # What was sent had been written down.

    assert run_gateway(tmp_path, "", "o1", "o2") == 0

    broker = broker_after(tmp_path)
    assert broker.statement().orders_per_client_id_max == 1
    assert [line.client_id for line in broker.statement().orders] == ["o1"] * sent + ["o2"]


def test_without_the_log_the_same_death_makes_two_orders(tmp_path: Path) -> None:
    assert run_gateway(tmp_path, "after send", "o1") == -signal.SIGKILL
    (tmp_path / "gateway.sqlite").unlink()
    (tmp_path / "gateway.sqlite-wal").unlink()
    assert run_gateway(tmp_path, "", "o1") == 0
    assert broker_after(tmp_path).statement().orders_per_client_id_max == 2
