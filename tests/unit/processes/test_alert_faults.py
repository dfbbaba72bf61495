"""Each alert of the table has its fault, injected where it would arise, and a person hears of it within five seconds.

Faults of the book, the venue, the market and the computer are injected on a clock that tests move; those of processes
in real ones. That what is told here leaves as a mail is shown by `tests/process/test_alerts.py`.
"""

import os
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import cast

import msgspec
import pytest

from autofutures.assemble.nodes import view_of
from autofutures.bus.codec import Outbox
from autofutures.bus.sockets import Hub
from autofutures.domain.errors import BrokenInvariant
from autofutures.domain.messages import Ask, Command, Filled, Killed, VenueOrder
from autofutures.domain.order_life import Status
from autofutures.domain.units import SECOND, KillLevel, Mode, Side
from autofutures.ops import host
from autofutures.ops.folder import Folder, make_folder
from autofutures.ops.restart_policy import Patience, RestartPolicy
from autofutures.ops.vitals import MEGABYTE, vitals_of
from autofutures.ops.watcher import Watcher
from autofutures.processes.alerts import LOOK_EVERY_NS
from autofutures.processes.kill import KillProcess
from autofutures.processes.live_supervisor import LiveSupervisor
from autofutures.telemetry.alerts import ALERTS, Notice
from autofutures.telemetry.logs import open_log
from tests.makers import TXF
from tests.unit.processes.alert_house import BUY, PRICE, PROMISE_NS, SELL, Ears, a_run, watched
from tests.unit.seats.house import NIGHT, PINGER

Fault = Callable[[Path, pytest.MonkeyPatch], None]

FAULTS: dict[str, Fault] = {}
LATER = "TAIFEX:TXF202109"
FALLS = tuple(range(PRICE, PRICE - 100, -10))


def injects(name: str) -> Callable[[Fault], Fault]:
    """Marks the fault that an alert of the table is for; a second one may follow its name and a blank."""

    def mark(fault: Fault) -> Fault:
        FAULTS[name] = fault
        return fault

    return mark


def test_every_alert_of_the_table_has_its_fault() -> None:
    assert {name.partition(" ")[0] for name in FAULTS} == set(ALERTS)


# --- the book, the venue and the market


@injects("halted")
def a_risk_control_halts(place: Path, patch: pytest.MonkeyPatch) -> None:
    run = a_run(place, limits={"daily_loss": {"max_loss": 5_000}})
    with watched(place, run, patch) as house:
        house.order(BUY)
        house.tells("halted", FALLS)
        assert house.heard[-1].subject == "daily_loss"


@injects("halted exits")
def the_outcome_of_an_exit_is_not_known(place: Path, patch: pytest.MonkeyPatch) -> None:
    with watched(place, a_run(place, "Plans"), patch) as house:
        house.order(BUY)
        house.wire.mute = True
        while house.trader.trader.inquiry.standing.mode is not Mode.HALTED:
            house.trade(PRICE - 60)
            house.beat()
            assert house.now < NIGHT + 60 * SECOND
        house.tells("halted")
        assert house.heard[-1].subject == "exits"


@injects("uncovered")
def a_lot_loses_its_plan(place: Path, patch: pytest.MonkeyPatch) -> None:
    with watched(place, a_run(place, "Plans"), patch) as house:
        house.order(BUY)
        exits = house.trader.trader.exits
        exits.close(exits.plans()[0], 1)
        house.tells("uncovered")


@injects("unknown_order")
def an_order_gets_no_answer(place: Path, patch: pytest.MonkeyPatch) -> None:
    with watched(place, a_run(place), patch) as house:
        house.wire.mute = True
        house.order(BUY)
        house.tells("unknown_order")


@injects("unexplained")
def the_account_holds_what_nobody_ordered(place: Path, patch: pytest.MonkeyPatch) -> None:
    with watched(place, a_run(place), patch) as house:
        house.until_asked()
        house.wire.beside = {TXF: 1}
        house.tells("unexplained")


@injects("stranger")
def somebody_else_orders_in_the_account(place: Path, patch: pytest.MonkeyPatch) -> None:
    with watched(place, a_run(place), patch) as house:
        house.until_asked()
        house.wire.rows = (VenueOrder("", "V9", TXF, Side.BUY, 1, 0, Status.WORKING, house.now),)
        house.tells("stranger")


@injects("exit_failing")
def exits_are_refused(place: Path, patch: pytest.MonkeyPatch) -> None:
    with watched(place, a_run(place, "Plans"), patch) as house:
        house.order(BUY)
        house.wire.refuses = True
        house.tells("exit_failing", (PRICE - 60,))


@injects("breaker")
def orders_are_refused_again_and_again(place: Path, patch: pytest.MonkeyPatch) -> None:
    with watched(place, a_run(place), patch) as house:
        house.wire.refuses = True
        for _ in range(5):
            house.order(BUY)
        house.tells("breaker")


@injects("book_stop")
def a_strategy_loses_all_that_it_may(place: Path, patch: pytest.MonkeyPatch) -> None:
    with watched(place, a_run(place, book_stop=5_000), patch) as house:
        house.order(BUY)
        house.tells("book_stop", FALLS)


@injects("contract_ends")
def the_contract_has_little_time_left(place: Path, patch: pytest.MonkeyPatch) -> None:
    close = view_of(a_run(place)).last_close_at(TXF)
    run = a_run(place)
    policy = msgspec.structs.replace(run.policy, flat_before_expiry_ns=close - NIGHT - 10 * SECOND)
    with watched(place, msgspec.structs.replace(run, policy=policy), patch) as house:
        house.order(BUY)
        while house.now < NIGHT + 10 * SECOND:
            house.beat()
        house.tells("contract_ends", (PRICE,))


@injects("left_over")
def the_book_holds_what_the_run_does_not_trade(place: Path, patch: pytest.MonkeyPatch) -> None:
    run = a_run(place)
    with watched(place, run, patch) as house:
        house.order(BUY)
        strategies = tuple(msgspec.structs.replace(one, symbols=(LATER,)) for one in run.strategies)
        house.trades_now(msgspec.structs.replace(run, symbols=(LATER,), strategies=strategies))
        house.tells("left_over")


@injects("left_open")
def what_should_be_closed_cannot_be(place: Path, patch: pytest.MonkeyPatch) -> None:
    run = a_run(place)
    policy = msgspec.structs.replace(run.policy, leave_ns=3 * SECOND)
    strategies = tuple(msgspec.structs.replace(one, on_stop="flatten") for one in run.strategies)
    with watched(place, msgspec.structs.replace(run, policy=policy, strategies=strategies), patch) as house:
        house.order(BUY)
        house.wire.refuses = True
        house.ask(Ask("f", "stop"))
        house.tells("left_open")


@injects("link_down")
def the_link_breaks(place: Path, patch: pytest.MonkeyPatch) -> None:
    with watched(place, a_run(place), patch) as house:
        house.link(up=False)
        house.tells("link_down")


@injects("link_down gateway")
def the_gateway_falls_silent(place: Path, patch: pytest.MonkeyPatch) -> None:
    with watched(place, a_run(place), patch) as house:
        house.cut.add(("gateway", "trader"))
        house.tells("link_down")


@injects("market_silent")
def a_market_falls_silent(place: Path, patch: pytest.MonkeyPatch) -> None:
    with watched(place, a_run(place), patch) as house:
        quiet_until = house.now + (house.folder.machine().quiet_s - 1) * SECOND
        while house.now < quiet_until:
            house.beat()
            house.listen()
        assert house.heard == []
        house.tells("market_silent")


@injects("limit_near")
def a_position_grows(place: Path, patch: pytest.MonkeyPatch) -> None:
    with watched(place, a_run(place, limits={"position": {"max_contracts": 5}}), patch) as house:
        for _ in range(3):
            house.order(BUY)
        house.beat(20)
        house.listen()
        assert house.heard == []
        house.order(BUY)
        house.tells("limit_near")


@injects("imposter")
def a_strategy_says_what_the_venue_says(place: Path, patch: pytest.MonkeyPatch) -> None:
    with watched(place, a_run(place), patch) as house:
        filled = Filled("0", house.now, "F9", TXF, Side.BUY, 1, PRICE)
        house.trader.hear(PINGER, Outbox("pinger", house.lives.life).frame((filled,), house.now), house.now)
        house.tells("imposter")


# --- the computer


@injects("disk")
def the_disk_is_full(place: Path, patch: pytest.MonkeyPatch) -> None:
    with watched(place, a_run(place), patch) as house:
        patch.setattr("autofutures.storage.disk.FileDisk.free_bytes", lambda _: 1 << 20)
        house.tells("disk")


@injects("clock")
def the_clock_goes_wrong(place: Path, patch: pytest.MonkeyPatch) -> None:
    with watched(place, a_run(place), patch) as house:
        house.clock = host.Clock("synchronised", 700.0, 1.0)
        house.tells("clock")


@injects("clock disk")
def the_clock_goes_wrong_where_the_disk_was(place: Path, patch: pytest.MonkeyPatch) -> None:
    with watched(place, a_run(place), patch) as house, patch.context() as disk:
        disk.setattr("autofutures.storage.disk.FileDisk.free_bytes", lambda _: 1 << 20)
        house.tells("disk")
        house.clock = host.Clock("synchronised", 700.0, 1.0)
        house.beat(30)
        disk.undo()
        house.tells("clock")


@injects("memory_low")
def the_memory_is_used_up(place: Path, patch: pytest.MonkeyPatch) -> None:
    with watched(place, a_run(place), patch) as house:
        house.free_mb = 20
        house.tells("memory_low")


# --- processes


class Silence:
    """A hub on which nobody speaks."""

    def offer(self, peer: str, data: bytes) -> bool:
        return True

    def receive(self, timeout_ms: int = -1) -> None:
        return None

    take = receive


def a_folder(place: Path, patch: pytest.MonkeyPatch, **machine: str | float) -> Folder:
    patch.setenv("XDG_CONFIG_HOME", str(place / "config"))
    patch.setattr("tempfile.tempdir", str(place))
    return make_folder(place / "run", a_run(place), live=True, **machine)


def named(notices: Sequence[Notice], name: str) -> list[Notice]:
    return [notice for notice in notices if notice.name == name]


def kill_is_told(place: Path, patch: pytest.MonkeyPatch, name: str, ended: list[int]) -> None:
    """The kill switch is used, and the gateway is deaf to it."""
    now = [1_000 * SECOND]
    patch.setattr("autofutures.clock.stopwatch_ns", lambda: now[0])
    patch.setattr("autofutures.clock.now_ns", lambda: now[0])
    patch.setattr(KillProcess, "_gateway", lambda _: 4_242)
    folder = a_folder(place, patch)
    ears = Ears(folder)
    log = open_log(folder.log("kill"), "kill")
    kill = KillProcess(folder, cast("Hub", Silence()), log, lambda pid, _: ended.append(pid))
    kill.turn(now[0])
    killed = Killed(0, 0, KillLevel.NONE, 0, done=True, admits=True, who="", text="")
    kill.hear("gateway", Outbox("gateway").frame((killed,), 0), now[0])
    for _ in range(50):  # Nobody has asked for anything: a gateway may be silent.
        now[0] += SECOND // 10
        kill.turn(now[0])
    assert ears.told(now[0]) == []
    began = now[0]
    kill.hear("kill/1", Outbox("kill").frame((Command("f", "", "kill", "flatten", {}, "me"),), 0), now[0])
    while not named(ears.told(now[0]), name):
        now[0] += SECOND // 10
        kill.turn(now[0])
        assert now[0] - began + LOOK_EVERY_NS <= PROMISE_NS
    folder.leave()


@injects("killed")
def the_kill_switch_is_used(place: Path, patch: pytest.MonkeyPatch) -> None:
    kill_is_told(place, patch, "killed", [])


@injects("gateway_deaf")
def the_gateway_does_not_hear_the_kill_switch(place: Path, patch: pytest.MonkeyPatch) -> None:
    ended: list[int] = []
    kill_is_told(place, patch, "gateway_deaf", ended)
    assert ended == [4_242]


def heavy_is_told(
    place: Path, patch: pytest.MonkeyPatch, name: str, grow: Callable[[], bytes | list[int]]
) -> None:
    """This very process comes to a limit that it was below before."""
    vitals = vitals_of(os.getpid())
    assert vitals is not None
    folder = a_folder(
        place,
        patch,
        memory_soft_mb=vitals.rss_bytes // MEGABYTE + 32,
        memory_hard_mb=0,
        descriptors=vitals.descriptors + 40,
    )
    ears, watcher = Ears(folder), Watcher(folder, open_log(folder.log("supervisor"), "supervisor"))
    watcher.turn((), 1)
    assert ears.told(1) == []
    kept = grow()
    watcher.turn((), 1 + SECOND)
    [notice] = ears.told(1 + SECOND)
    assert (notice.name, notice.subject) == (name, "supervisor")
    for handle in kept if isinstance(kept, list) else ():
        os.close(handle)
    folder.leave()


@injects("memory")
def a_process_takes_much_memory(place: Path, patch: pytest.MonkeyPatch) -> None:
    heavy_is_told(place, patch, "memory", lambda: b"x" * (64 * MEGABYTE))


@injects("descriptors")
def a_process_closes_nothing(place: Path, patch: pytest.MonkeyPatch) -> None:
    heavy_is_told(place, patch, "descriptors", opened)


def opened() -> list[int]:
    """So many files that nobody closes are too many."""
    return [os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC) for _ in range(60)]


def deaths_are_told(place: Path, patch: pytest.MonkeyPatch, name: str, dies: str) -> None:
    """One process of a machine dies with each start, and twice is too often."""
    lives = ["tests.unit.processes.dies", "--lives", "1.5"]
    commands = [(role, lives if role != dies else lives[:1]) for role in ("trader", "projector")]
    patch.setattr("autofutures.processes.live_supervisor.commands_of", lambda *_, **__: commands)
    patch.setattr("autofutures.ops.children.RestartPolicy", lambda: RestartPolicy(Patience(quick=1)))
    patch.setattr("autofutures.processes.live_supervisor.SPARED", "")
    folder = a_folder(place, patch)
    with suppress(BrokenInvariant):
        LiveSupervisor(folder).run()
    [notice] = named(Ears(folder).told(1), name)
    assert notice.subject == dies
    [died_at] = re.findall(r"died at (\d+)", notice.text)
    assert notice.last_at - int(died_at) + LOOK_EVERY_NS <= PROMISE_NS


@injects("process_restarted")
def a_process_dies(place: Path, patch: pytest.MonkeyPatch) -> None:
    deaths_are_told(place, patch, "process_restarted", "projector")


@injects("restart_budget")
def a_process_dies_too_often(place: Path, patch: pytest.MonkeyPatch) -> None:
    deaths_are_told(place, patch, "restart_budget", "trader")


@injects("given_up")
def a_process_that_nobody_waits_for_dies_too_often(place: Path, patch: pytest.MonkeyPatch) -> None:
    deaths_are_told(place, patch, "given_up", "projector")


@pytest.mark.parametrize("name", list(FAULTS))
def test_a_person_hears_of_it_within_five_seconds(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    FAULTS[name](tmp_path, monkeypatch)


@pytest.mark.parametrize("name", ["Own", "Plans"])
def test_a_machine_that_is_well_tells_nothing(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with watched(tmp_path, a_run(tmp_path, name), monkeypatch) as house:
        for number in range(120):
            house.order(BUY if number % 2 else SELL)
            house.trade(PRICE - 60)  # Reaches a plan's stop.
            house.beat(5)
            house.listen()
        assert len(house.at_broker) > 50
        assert house.heard == []
