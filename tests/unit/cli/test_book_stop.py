import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from autofutures.cli import assembled
from autofutures.ops import operator
from autofutures.ops.folder import make_folder
from tests.runs import generated
from tests.unit.cli.test_condition import Takes


@pytest.fixture(autouse=True)
def taking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(operator, "Operator", Takes)
    monkeypatch.setattr(Takes, "taken", ())
    make_folder(None, generated()).leave()


def test_a_person_resets_the_book_stop_of_a_strategy() -> None:
    result = CliRunner().invoke(assembled(), ["book-stop", "reset", "ema_cross", "--json"])
    assert json.loads(result.stdout) == {"strategy": "ema_cross", "reset": True}
    assert Takes.taken == (("ema_cross", "reset", "book_stop", {}),)


def test_people_read_a_line() -> None:
    assert CliRunner().invoke(assembled(), ["book-stop", "reset", "s"]).stdout == "s: reset\n"
