"""The machine as processes trades what a backtest trades: the same orders, fills, money, however delayed."""

import hashlib
from pathlib import Path

import pytest

from autofutures.domain.messages import Gap
from autofutures.processes.stream import read_stream
from tests.process.machine import DAY, EMA, Json, Machine, alive, children_of
from tests.runs import DAY_FILLS, DAY_ORDERS

SAME = (
    "ticks_seen",
    "orders",
    "refused",
    "fills",
    "contracts",
    "gross_pnl",
    "fees",
    "tax",
    "net_pnl",
    "max_drawdown",
    "positions",
    "order_hash",
    "fill_hash",
)
RECORDED = ("ema_cross", "--symbol", "TXF202108", "--date", "2021-07-26", *EMA[2:])


def pick(figures: Json) -> Json:
    """What must be equal."""
    return {name: figures[name] for name in SAME}


def test_processes_trade_a_recorded_morning_as_a_backtest_does(replaying: Machine) -> None:
    ran = replaying.up("--replay", DAY, *EMA, "--until-end", "--limit", "3000")
    figures = ran.json()

    assert pick(figures) == pick(replaying.backtest(*RECORDED, "--limit", "3000"))
    assert (figures["ticks_seen"], figures["ticks_lost"]) == (3_000, 0)
    assert figures["orders"] == 56
    left = {path.name for path in ran.folder.root.iterdir()}
    assert {"report.html", "orders.csv", "fills.csv", "stream.msgpack", "journal.sqlite"} <= left
    assert set(children_of(ran.folder)) == {"exchange", "gateway", "trader", "recorder", "strategy/ema_cross"}
    assert alive(list(children_of(ran.folder).values())) == []


@pytest.mark.timeout(300)
def test_pauses_change_nothing_and_each_latency_has_the_fills_that_its_backtest_has(
    replaying: Machine,
) -> None:
    found: list[Json] = []
    for seed, latency in ((1, "0"), (2, "5ms"), (3, "2s")):
        options = ("--limit", "1000", "--order-latency", latency)
        drill = ("--until-end", "--pause-seed", str(seed))
        paused = replaying.up("--replay", DAY, *EMA, *drill, *options).json()
        assert pick(paused) == pick(replaying.backtest(*RECORDED, *options))
        assert paused["ticks_lost"] == 0
        found.append(paused)

    assert len({str(figures["fill_hash"]) for figures in found}) == 3
    assert len({str(figures["order_hash"]) for figures in found}) == 1


def test_processes_trade_a_generated_session_to_its_close_as_a_backtest_does(machine: Machine) -> None:
    session = ("--generate", "--seed", "5", "--trades", "700")
    ran = machine.up(*session, *EMA, "--until-end").json()

    assert pick(ran) == pick(machine.backtest("ema_cross", *session, *EMA[2:]))
    assert int(str(ran["fills"])) > 0
    assert ran["ticks_lost"] == 0


@pytest.mark.timeout(600)
def test_processes_trade_the_whole_day_as_nodes_and_kernel_do(replaying: Machine, tmp_path: Path) -> None:
    orders, fills = tmp_path / "orders.csv", tmp_path / "fills.csv"
    rows = ("--engine", "processes", "--orders", str(orders), "--fills", str(fills))
    figures = replaying.backtest(*RECORDED, *rows, patience_s=500)

    assert (figures["order_hash"], figures["fill_hash"]) == (DAY_ORDERS, DAY_FILLS)
    assert (figures["ticks_seen"], figures["ticks_lost"], figures["orders"]) == (95_414, 0, 1_949)
    assert [_hash_of(orders), _hash_of(fills)] == [DAY_ORDERS, DAY_FILLS]


def _hash_of(rows: Path) -> str:
    """Of a file's lines under its header."""
    return hashlib.sha256(rows.read_bytes().partition(b"\n")[2]).hexdigest()


def test_a_lost_frame_is_counted_and_recorded_as_a_gap(machine: Machine) -> None:
    ran = machine.up("--generate", *EMA, "--until-end", "--limit", "200", "--drop-frame", "60")
    figures = ran.json()

    gaps = [e.body for e in read_stream(ran.folder.stream) if isinstance(e.body, Gap)]
    assert figures["ticks_lost"] == 1
    assert [gap.missed for gap in gaps] == [1]
    assert "frame dropped on purpose" in ran.folder.log("gateway").read_text()
