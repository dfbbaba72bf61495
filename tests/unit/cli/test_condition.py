import json
from pathlib import Path
from typing import Self

import pytest
from typer.testing import CliRunner

from autofutures.cli import assembled
from autofutures.domain.errors import BadInput
from autofutures.ops import operator
from autofutures.ops.folder import Folder, make_folder
from tests.runs import ema, generated
from tests.unit.assemble.test_nodes import LEVELS

TERMS = [
    word
    for pair in (
        "side=buy",
        "trigger=17300",
        "turning_point=30",
        "take_profit=120",
        "stop_loss=30",
        "quantity=1",
        "following=true",
    )
    for word in ("--set", pair)
]

Values = dict[str, int | str | bool]


class Takes:
    """An operator whose trader takes every command."""

    taken: tuple[tuple[str, str, str, Values], ...] = ()
    conditions: tuple[tuple[str, tuple[Values, ...]], ...] = ()

    def __init__(self, folder: Folder) -> None:
        self._folder = folder

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def ask(self, what: str) -> dict[str, object]:
        assert what == "conditions"
        return {"conditions": {name: list(rows) for name, rows in Takes.conditions}}

    def command(self, strategy: str, verb: str, name: str, values: Values) -> None:
        Takes.taken = (*Takes.taken, (strategy, verb, name, values))


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(operator, "Operator", Takes)
    monkeypatch.setattr(Takes, "taken", ())
    made = make_folder(None, generated(LEVELS))
    made.leave()
    return made


def condition(*arguments: str) -> str:
    result = CliRunner().invoke(assembled(), ["condition", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_a_new_condition_goes_to_the_only_strategy_in_its_contracts_ticks() -> None:
    assert condition("add", "--name", "s2", *TERMS) == "levels: add s2: done\n"
    ((strategy, verb, name, values),) = Takes.taken
    assert (strategy, verb, name) == ("levels", "add", "s2")
    assert (values["trigger_ticks"], values["following"]) == (17_300, True)


@pytest.mark.parametrize("verb", ["pause", "resume", "remove"])
def test_a_condition_is_paused_resumed_and_removed_by_its_name(verb: str) -> None:
    said = json.loads(condition(verb, "s1", "--json"))
    assert said == {"strategy": "levels", "verb": verb, "name": "s1", "accepted": True}
    assert Takes.taken == (("levels", verb, "s1", {}),)


def test_a_condition_is_given_other_terms() -> None:
    condition("change", "s1", *TERMS)
    assert [(verb, name) for _, verb, name, _ in Takes.taken] == [("change", "s1")]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["add", "--name", "s2"], "say what the condition is: --set side=buy"),
        (["change", "s1"], "say what shall change: --set trigger=17350"),
        (["add", "--name", "s2", *TERMS, "--set", "quantity=0"], "quantity"),
        (["add", "--name", "s2", "--set", "side"], "write NAME=VALUE"),
        (["pause", "s1", "--strategy", "dream"], "say which strategy with --strategy: one of levels"),
        (["pause", "s1", "--run", "absent"], "absent"),
    ],
)
def test_what_makes_no_sense_is_refused_before_the_machine_is_asked(
    arguments: list[str], sentence: str
) -> None:
    with pytest.raises(BadInput, match=sentence):
        condition(*arguments)
    assert Takes.taken == ()


def test_where_a_run_has_several_strategies_one_must_be_named(tmp_path: Path) -> None:
    several = make_folder(tmp_path / "several", generated(ema(), LEVELS))
    several.leave()
    with pytest.raises(BadInput, match="say which strategy with --strategy: one of ema_cross, levels"):
        condition("pause", "s1", "--run", str(several.root))
    condition("pause", "s1", "--run", str(several.root), "--strategy", "levels")
    with pytest.raises(BadInput, match="EmaCross takes no conditions"):
        condition("add", "--name", "s2", *TERMS, "--run", str(several.root), "--strategy", "ema_cross")
    assert [taken[0] for taken in Takes.taken] == ["levels"]


def test_conditions_are_listed_as_a_table_and_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    rows: tuple[Values, ...] = ({"name": "s1", "status": "armed"}, {"name": "s2", "status": "paused"})
    monkeypatch.setattr(Takes, "conditions", (("levels", rows),))
    said = condition("list")
    assert all(word in said for word in ("strategy", "levels", "s1", "armed", "s2", "paused"))
    assert json.loads(condition("list", "--json")) == {"conditions": {"levels": list(rows)}}


def test_no_conditions_are_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Takes, "conditions", (("levels", ()),))
    assert condition("list") == "no conditions\n"
