"""Conditions of a machine at work: from a file and by hand, refused with a reason, kept over a restart."""

from pathlib import Path
from typing import cast

import pytest

from tests.process.machine import EMA, Json, Machine, Running

SETTINGS = """
[[strategy]]
use = "support_resistance"

[[strategy.condition]]
name = "from_file"
side = "buy"
trigger = 17000
turning_point = 30
take_profit = 120
stop_loss = 30
quantity = 1
following = true
"""
TERMS = ("side=sell", "trigger=17900", "turning_point=30", "take_profit=120", "stop_loss=30", "quantity=2")
SLOW = ("--generate", "--trades", "200", "--speed", "20")


def as_options(*terms: str) -> list[str]:
    return [word for term in terms for word in ("--set", term)]


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """A settings file with one condition that the market will not reach."""
    file = tmp_path / "autofutures.toml"
    file.write_text(SETTINGS)
    return file


class Person:
    """Says `condition` commands to one run."""

    def __init__(self, machine: Machine, running: Running) -> None:
        self._machine = machine
        self._run = ("--run", str(running.folder.root))

    def refused(self, verb: str, *words: str) -> tuple[int, str]:
        said = self._machine.run("condition", verb, *words, *self._run)
        return said.code, said.err

    def does(self, verb: str, *words: str) -> Json:
        return self._machine.run("condition", verb, *words, *self._run, "--json").json()

    def sees(self) -> dict[str, tuple[bool, int]]:
        """Whether each condition rests, and how many contracts it is for."""
        table = cast("dict[str, list[Json]]", self.does("list")["conditions"])
        rows = table["support_resistance"]
        return {str(row["name"]): (bool(row["paused"]), cast("int", row["quantity"])) for row in rows}


def test_conditions_are_changed_by_hand_and_are_still_there_after_a_restart(
    machine: Machine, settings: Path, tmp_path: Path
) -> None:
    """What was removed by hand does not come back either, though the settings file still has it."""
    condition = SETTINGS[SETTINGS.index("[[strategy.condition]]") :]
    settings.write_text(SETTINGS + condition.replace("from_file", "dropped"))
    same = (*SLOW, "--config", str(settings), "--state", str(tmp_path / "state"))
    with machine.started(*same) as running:
        person = Person(machine, running)
        added = person.does("add", "--name", "by_hand", *as_options(*TERMS, "following=false"))
        assert (added["accepted"], added["name"]) == (True, "by_hand")
        person.does("add", "--name", "unwanted", *as_options(*TERMS, "following=false"))
        person.does("pause", "from_file")
        person.does("pause", "by_hand")
        person.does("resume", "by_hand")
        person.does("change", "by_hand", *as_options("quantity=3"))
        person.does("remove", "unwanted")
        person.does("remove", "dropped")
        before = person.sees()
        assert before == {"from_file": (True, 1), "by_hand": (False, 3)}
        machine.run("stop", "--run", str(running.folder.root))
        assert running.end().code == 0

    with machine.started(*same) as running:
        assert Person(machine, running).sees() == before
        machine.run("stop", "--run", str(running.folder.root))
        assert running.end().code == 0
    assert len(list((tmp_path / "state").glob("stream*.msgpack"))) == 2


def test_a_condition_that_makes_no_sense_is_refused_with_the_reason(machine: Machine, settings: Path) -> None:
    with machine.started(*SLOW, "--config", str(settings)) as running:
        person = Person(machine, running)
        name = ("--name", "bad")
        refusals = [
            person.refused("add", *name, *as_options(*TERMS, "following=perhaps")),
            person.refused("add", *name, *as_options(*TERMS[:-1], "quantity=0", "following=false")),
            person.refused("add", *name, *as_options(*TERMS[:-1], "following=false")),
            person.refused("add", *name),
            person.refused("pause", "nobody"),
            person.refused("add", "--name", "from_file", *as_options(*TERMS, "following=false")),
        ]
        assert person.sees() == {"from_file": (False, 1)}

    assert [code for code, _ in refusals] == [2] * 6
    reasons = ("following", "quantity", "quantity", "--set side=buy", "nobody", "from_file")
    for reason, (_, words) in zip(reasons, refusals, strict=True):
        assert words.startswith("autofutures: ")
        assert reason in words


def test_a_settings_file_with_a_bad_condition_starts_nothing(machine: Machine, settings: Path) -> None:
    settings.write_text(SETTINGS.replace("17000", "-1"))

    ran = machine.up(*SLOW, "--config", str(settings))

    assert ran.code == 2
    assert "trigger" in ran.err
    assert not (machine.home / "state" / "autofutures" / "runs").exists()


def test_two_machines_of_one_user_do_not_meet(machine: Machine) -> None:
    session = ("--generate", *EMA, "--trades", "300", "--until-end")
    with machine.started(*session) as one, machine.started(*session) as other:
        first, second = one.end().json(), other.end().json()

    assert first["run"] != second["run"]
    assert first["fills"] != 0
    assert (first["order_hash"], first["fill_hash"]) == (second["order_hash"], second["fill_hash"])


def test_a_folder_in_which_a_machine_runs_is_not_given_to_a_second_one(
    machine: Machine, tmp_path: Path
) -> None:
    same = (*SLOW, *EMA, "--state", str(tmp_path / "state"))
    with machine.started(*same) as running:
        second = machine.up(*same)
        first = machine.run("stop", "--run", str(tmp_path / "state"))
        ended = running.end()

    assert second.code == 2
    assert "a machine runs in" in second.err
    assert first.code == 0
    assert ended.code == 0
