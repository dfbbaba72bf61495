"""A halt and a changed limit outlive the trader; a person's reset is recorded and lets trade again."""

from pathlib import Path
from typing import cast

import msgspec
import pytest

from autofutures.domain.errors import BadInput
from autofutures.ops.operator import Operator
from autofutures.ops.risk_shown import history
from tests.process.live import LiveMachine, pinging, until
from tests.process.machine import Json

SCOPE = "strategy.pinger"
LIMITS = {f"repeated_execution.{SCOPE}": {"max_orders": 3}, "position": {"max_contracts": 50}}


def risk(machine: LiveMachine) -> Json:
    with Operator(machine.folder) as operator:
        return operator.ask("risk")


def limits_of(shown: Json) -> list[object]:
    """Each limit with what has halted and, of counters, how much is used: the rest moves with the market."""
    counted = ("repeated_execution", "loss_streak", "daily_messages")
    names = ("control", "scope", "settings", "on", "halted")
    limits = cast("list[Json]", shown["limits"])
    return [(*(one[name] for name in names), one["control"] in counted and one["use"]) for one in limits]


def test_a_halt_and_a_changed_limit_outlive_a_killed_trader_until_a_person_resets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    run = msgspec.structs.replace(pinging(), limits=LIMITS)
    with LiveMachine(tmp_path / "run", run) as machine:
        machine.until_ready()
        until(lambda: bool(risk(machine)["halts"]), lambda: str(risk(machine)))
        with Operator(machine.folder) as operator:
            operator.command(
                "",
                "set",
                "risk",
                {"key": "order_size", "setting": "max_contracts", "value": 7, "reason": "r"},
            )
            with pytest.raises(BadInput, match="daily_loss has not halted"):
                operator.command("", "reset", "risk", {"control": "daily_loss", "reason": "r"})
        before = risk(machine)
        machine.kill("trader")
        after = risk(machine)
        kept = ("day", "halts", "changed", "messages")
        assert {name: after[name] for name in kept} == {name: before[name] for name in kept}
        assert limits_of(after) == limits_of(before)
        (halt,) = cast("list[Json]", after["halts"])
        assert (halt["control"], halt["scope"], halt["value"]) == ("repeated_execution", SCOPE, 3)
        with Operator(machine.folder) as operator:
            operator.command(
                "",
                "reset",
                "risk",
                {"control": "repeated_execution", "scope": SCOPE, "reason": "looked at it"},
            )
        until(
            lambda: [one.what for one in history(machine.folder)].count("halted") == 2,
            lambda: str(risk(machine)),
        )
    told = [(one.what, one.key, bool(one.who)) for one in history(machine.folder) if one.what != "refused"]
    key = f"repeated_execution.{SCOPE}"
    assert told == [
        ("halted", key, False),
        ("set", "order_size", True),
        ("reset", key, True),
        ("halted", key, False),
    ]
