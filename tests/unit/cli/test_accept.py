"""`autofutures accept`: what the trader is told, and what is refused before it is asked."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from autofutures.cli import assembled
from autofutures.domain.errors import BadInput
from autofutures.ops import operator
from autofutures.ops.folder import Folder, make_folder
from tests.runs import generated
from tests.unit.cli.test_condition import Takes


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(operator, "Operator", Takes)
    monkeypatch.setattr(Takes, "taken", ())
    return make_folder(tmp_path / "run", generated())


def run(folder: Folder, *words: str) -> str:
    result = CliRunner().invoke(
        assembled(), ["accept", *words, "--run", str(folder.root)], catch_exceptions=False
    )
    assert result.exit_code == 0, result.output
    return result.stdout


def test_a_difference_below_zero_is_no_option_and_a_price_becomes_ticks(folder: Folder) -> None:
    said = run(
        folder, "EXF202108", "-2", "--price", "820.55", "--strategy", "ema", "--reason", "by telephone"
    )
    values = {
        "symbol": "TAIFEX:EXF202108",
        "qty": -2,
        "price_ticks": 16_411,
        "strategy": "ema",
        "reason": "by telephone",
    }
    assert Takes.taken == (("", "accept", "position", values),)
    assert said == "-2 TAIFEX:EXF202108 at 820.55: in the book of ema\n"


def test_scripts_read_what_was_accepted(folder: Folder) -> None:
    said = json.loads(run(folder, "TXF202108", "+1", "--price", "17250", "--reason", "r", "--json"))
    assert said == {
        "symbol": "TAIFEX:TXF202108",
        "qty": 1,
        "price_ticks": 17_250,
        "strategy": "",
        "reason": "r",
        "accepted": True,
    }


@pytest.mark.parametrize(
    ("qty", "price", "reason"),
    [
        ("one", "17250", "write \\+1 or -2"),
        ("1", "dear", "as the exchange quotes it"),
        ("1", "0.5", "one tick is 1"),
    ],
)
def test_what_is_no_number_is_refused_before_anybody_is_asked(
    folder: Folder, qty: str, price: str, reason: str
) -> None:
    with pytest.raises(BadInput, match=reason):
        run(folder, "TXF202108", qty, "--price", price, "--reason", "r")
    assert Takes.taken == ()
