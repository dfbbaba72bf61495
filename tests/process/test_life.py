"""How a machine of processes is looked at, ends and dies: in order where asked to, and leaving no child."""

import os
import shutil
import signal
from pathlib import Path
from select import select

import msgspec
import pytest

from autofutures import clock
from autofutures.domain.units import SECOND
from tests.process.machine import EMA, Json, Machine, Running, alive, children_of

SLOW = ("--generate", *EMA, "--trades", "400", "--speed", "30")


def status_of(machine: Machine, running: Running) -> Json:
    """What the machine says of itself; it has begun to work when this returns."""
    return machine.run("status", "--run", str(running.folder.root), "--json").json()


def whole(folder: Path) -> bool:
    return all(
        (folder / name).stat().st_size for name in ("result.json", "report.html", "orders.csv", "fills.csv")
    )


def test_a_machine_is_looked_at_and_stopped_from_another_terminal(machine: Machine) -> None:
    with machine.started(*SLOW) as running:
        status = status_of(machine, running)
        newest = machine.run("stop", "--json").json()
        ended = running.end()
        watched = machine.run("status")

    assert status["strategies"] == ["ema_cross"]
    assert status["ticks_lost"] == 0
    assert newest == {"stopping": str(running.folder.root)}
    assert ended.json()["run"] == str(running.folder.root)
    assert whole(running.folder.root)
    assert alive(list(children_of(running.folder).values())) == []
    assert (watched.code, "has ended" in watched.err) == (1, True)


def test_ctrl_c_ends_a_machine_in_order_and_those_who_watch_it(machine: Machine) -> None:
    with machine.started(*SLOW) as running:
        status_of(machine, running)
        with machine.watching(running) as watcher:
            running.signal(signal.SIGINT)
            ended = running.end()
            seen = watcher.end()

    assert ended.code == 0
    assert int(str(ended.json()["ticks_seen"])) < 400
    assert whole(running.folder.root)
    assert alive(list(children_of(running.folder).values())) == []
    assert seen.code == 0
    assert "ticks_seen" in seen.err


def test_a_machine_without_until_end_stays_up_when_its_market_is_over(machine: Machine) -> None:
    with machine.started("--generate", *EMA, "--limit", "30") as running:
        until = clock.stopwatch_ns() + 30 * SECOND
        while (seen := status_of(machine, running)["ticks_seen"]) != 30 and clock.stopwatch_ns() < until:
            pass
        machine.run("stop")
        ended = running.end()

    assert seen == 30
    assert ended.json()["ticks_seen"] == 30


@pytest.mark.parametrize("victim", ["recorder", "exchange"])
def test_a_process_that_dies_ends_the_machine_with_a_sentence_that_names_it(
    machine: Machine, victim: str
) -> None:
    with machine.started(*SLOW) as running:
        status_of(machine, running)
        children = children_of(running.folder)
        os.kill(children[victim], signal.SIGKILL)
        ended = running.end()

    assert ended.code == 1
    assert f"the {victim} process died" in ended.err
    assert ended.out == ""
    assert alive(list(children.values())) == []
    assert not Path(running.folder.machine().sockets).exists()


def test_processes_without_a_supervisor_do_not_trade_on(machine: Machine) -> None:
    # At full speed nobody of them ever hears silence.
    with machine.started("--generate", *EMA, "--trades", "20000", "--until-end") as running:
        status_of(machine, running)
        children = children_of(running.folder)
        assert len(alive(list(children.values()))) == 5
        running.signal(signal.SIGKILL)
        left = wait_for_end_of(list(children.values()))
        shutil.rmtree(running.folder.machine().sockets)  # Nobody was left to do that.

    assert left == []
    assert not running.folder.result.exists()
    assert '"orphaned"' in running.folder.log("trader").read_text()


def wait_for_end_of(pids: list[int]) -> list[int]:
    """Those that still run after some seconds."""
    handles = {os.pidfd_open(pid): pid for pid in alive(pids)}
    until = clock.stopwatch_ns() + 15 * SECOND
    waiting = set(handles)
    while waiting and (left := until - clock.stopwatch_ns()) > 0:
        waiting -= set(select(waiting, (), (), left / SECOND)[0])
    for handle in handles:
        os.close(handle)
    return [handles[handle] for handle in waiting]


def test_the_order_path_is_measured_beside_the_bare_bus(machine: Machine) -> None:
    figures = machine.run("bench", "order-path", "--orders", "30", "--no-sustained", "--json").json()

    assert 15 <= int(str(figures["orders"])) <= 30
    for name in ("latency_us", "bus_floor_us"):
        measured = msgspec.convert(figures[name], dict[str, float])
        assert 15 <= measured["count"] <= 30
        assert 0 < measured["p50"] <= measured["p99"] <= measured["p999"]
    assert float(str(figures["p50_over_floor"])) > 0
    assert float(str(figures["p99_over_floor"])) > 0
    assert figures["durability"] == "process-crash"
