"""The kill switch of a machine by the clock: the broker's ledger judges, and a strategy goes on wanting to trade."""

from pathlib import Path

import pytest

from autofutures.domain.errors import BadInput, Refusal
from autofutures.matching.ledger import Statement
from autofutures.ops.kill import KillSwitchOf, take_over
from autofutures.ops.operator import Operator
from autofutures.orders.ids import is_kill_id
from tests.process.live import LiveMachine, assert_equal, pinging, until
from tests.process.machine import Machine, alive


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "run"


def at_work(ledger: Statement) -> list[str]:
    return [line.client_id for line in ledger.orders if line.status in ("sent", "working")]


def kill(machine: LiveMachine) -> Statement:
    """Uses the kill switch; the broker's books once all is done, and while the strategy goes on asking."""
    with Operator(machine.folder, "kill") as stranger, pytest.raises(BadInput, match="under its own key"):
        stranger.command("", "kill", "flatten", {})
    with KillSwitchOf(machine.folder) as switch:
        assert switch.standing().level == "none"
        until(lambda: bool(machine.ledger().positions), lambda: "never a position")
        switch.kill("flatten", "a test")
        assert switch.until_done(20).done
    ledger = machine.ledger()
    assert (ledger.positions, at_work(ledger)) == ({}, [])
    machine.until_stopped_by_kill(1)
    assert machine.ledger().orders == ledger.orders
    return ledger


def resume(machine: LiveMachine) -> None:
    """Lets it trade again."""
    with KillSwitchOf(machine.folder) as switch:
        with pytest.raises(BadInput, match="is not this run's name, which is run"):
            switch.resume("another")
        switch.resume("run")
    machine.until_ready()


def test_a_machine_that_was_killed_is_flat_until_it_is_resumed_and_its_books_are_equal(place: Path) -> None:
    with LiveMachine(place, pinging()) as machine:
        machine.until_ready()
        before = kill(machine)
        resume(machine)
        until(lambda: len(machine.ledger().orders) > len(before.orders), lambda: "it does not trade again")
        machine.until_books_are_equal()
        last = machine.stop()

    assert_equal(machine.folder, last)
    assert any(is_kill_id(line.client_id) for line in last.orders)


def at_the_exchange(machine: LiveMachine, what: str) -> None:
    with Operator(machine.folder, "exchange") as operator:
        assert operator.ask(what) == {"done": True}


def lock_a_position(machine: LiveMachine) -> Statement:
    """The price is locked at its limit while something is held and nothing works; the broker's books then."""

    def is_held() -> bool:
        at_the_exchange(machine, "lock")
        ledger = machine.ledger()
        if ledger.positions and not at_work(ledger):
            return True
        at_the_exchange(machine, "unlock")
        return False

    until(is_held, lambda: "never a position")
    return machine.ledger()


def test_at_a_locked_price_it_stays_armed_and_closes_once_it_trades_and_the_last_level_ends_the_session(
    place: Path,
) -> None:
    with LiveMachine(place, pinging()) as machine:
        machine.until_ready()
        held = lock_a_position(machine)
        with KillSwitchOf(machine.folder) as switch:
            switch.kill("flatten", "a test")
            why = "nothing more traded against it (nobody is on the other side)"
            until(lambda: why in switch.standing().text, lambda: switch.standing().text)
            until(lambda: switch.standing().is_armed, lambda: switch.standing().text)
            assert not switch.standing().done
            assert machine.ledger().positions == held.positions
            at_the_exchange(machine, "unlock")
            until(lambda: switch.standing().done, lambda: switch.standing().text)
            assert machine.ledger().positions == {}

            switch.kill("disconnect", "a test")
            log = machine.folder.log("gateway")
            until(lambda: "left the venue" in log.read_text(), lambda: switch.standing().text)
            left = machine.ledger()
            until(lambda: "no link to the venue" in reasons(machine), lambda: str(machine.verdict()))
            assert switch.standing().done
        after = machine.ledger()
        assert (after.orders, after.sessions, after.positions) == (left.orders, left.sessions, {})
        resume(machine)
        until(lambda: len(machine.ledger().orders) > len(after.orders), lambda: "it does not trade again")
        assert machine.ledger().sessions > left.sessions
        machine.until_books_are_equal()
        last = machine.stop()
    assert_equal(machine.folder, last)


def reasons(machine: LiveMachine) -> tuple[str, ...]:
    found = machine.verdict()
    return () if found is None else tuple(found.reasons)


def test_a_machine_that_has_lost_its_supervisor_is_started_again_and_comes_up_killed(place: Path) -> None:
    with LiveMachine(place, pinging()) as machine:
        machine.until_ready()
        assert take_over(machine.folder, "flatten", "a test", "") is None
        until(lambda: bool(machine.ledger().positions), lambda: "never a position")
        machine.supervisor.kill()
        machine.supervisor.wait()
        until(lambda: alive(list(machine.children().values())) == [], lambda: "somebody stays")
        started = take_over(machine.folder, "flatten", "a test", "")
        assert started is not None
        machine.adopt(started)
        until(lambda: is_done(machine), lambda: machine.folder.log("gateway").read_text()[-500:])
        ledger = machine.ledger()
        assert (ledger.positions, at_work(ledger)) == ({}, [])


def is_done(machine: LiveMachine) -> bool:
    """Whether the kill switch answers, and has done what was asked for."""
    try:
        with KillSwitchOf(machine.folder) as switch:
            standing = switch.standing()
    except Refusal:
        return False
    return standing.agrees and standing.level == "flatten" and standing.done


def test_a_machine_that_has_ended_says_so(place: Path) -> None:
    with LiveMachine(place, pinging()) as machine:
        machine.until_ready()
        machine.stop()
        with KillSwitchOf(machine.folder) as switch, pytest.raises(Refusal, match="does not answer"):
            switch.kill("flatten")


def test_whatever_is_broken_the_exchanges_ledger_is_flat_in_time(machine: Machine) -> None:
    found = machine.run("kill", "--drill", "--drills", "4", "--within", "20", "--json", patience_s=240).json()
    assert (found["drills"], found["late"], found["broken"]) == (4, 0, [])
    assert found["books_equal"] is True
    assert (found["admitted_early"], found["orders_per_client_id_max"]) == (0, 1)
