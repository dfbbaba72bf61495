"""The README's first strategy, step by step: its files are written, its commands and its programs run."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from autofutures.cli import assembled
from autofutures.domain.errors import BadInput
from autofutures.strategies.load import load

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
SECTION = README.partition("## Your first strategy in ten minutes\n")[2].partition("\n## ")[0]
BLOCKS: list[tuple[str, str]] = re.findall(r"```(\w+)\n(.*?)```", SECTION, flags=re.DOTALL)
STRATEGY, CHANGED, PROGRAM = [text for language, text in BLOCKS if language == "python"]
COMMANDS = [
    shlex.split(line)
    for language, text in BLOCKS
    if language == "console"
    for line in text.replace("\\\n", " ").splitlines()
]
MISTAKES: list[tuple[str, str]] = re.findall(
    r"^\| `(self.*?|\w+: .*?)` \| `+ ?(.*?) ?`+ \|$", SECTION, flags=re.MULTILINE
)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "breakout.py").write_text(STRATEGY, "utf-8")
    return tmp_path


def changed() -> str:
    """The strategy with the README's other line in place of the one that it names."""
    lines = STRATEGY.splitlines(keepends=True)
    (place,) = [
        number for number, line in enumerate(lines) if line.strip().startswith("if self._highest and")
    ]
    return "".join([*lines[:place], CHANGED, *lines[place + 1 :]])


def autofutures(words: list[str]) -> None:
    assert words[0] == ".venv/bin/autofutures"
    result = CliRunner().invoke(assembled(), words[1:], catch_exceptions=False)
    assert result.exit_code == 0, result.output


def test_the_steps_lead_from_a_file_to_three_runs_and_their_comparison(here: Path) -> None:
    first, *others = COMMANDS
    autofutures(first)
    (here / "breakout.py").write_text(changed(), "utf-8")
    for words in others:
        autofutures(words)
    for run in ("forty", "higher", "wide"):
        assert "</html>" in (here / "runs" / run / "report.html").read_text("utf-8")
    assert "is the first that differs" in (here / "compared.html").read_text("utf-8")


def test_the_program_prints_and_writes_its_page(here: Path) -> None:
    (here / "program.py").write_text(PROGRAM, "utf-8")
    ran = subprocess.run([sys.executable, "program.py"], capture_output=True, text=True, check=True)
    assert re.match(r"-?\d+ \d+\n", ran.stdout)
    assert "price" in ran.stdout
    assert (here / "sixty.html").stat().st_size > 1_000_000


def test_the_readme_shows_mistakes_of_several_kinds() -> None:
    assert len(MISTAKES) == 4


@pytest.mark.parametrize(("written", "sentence"), MISTAKES)
def test_a_mistake_is_answered_as_the_readme_says(here: Path, written: str, sentence: str) -> None:
    *lines, last = STRATEGY.splitlines()
    indent = "        " if written.startswith("self") else "    "
    (here / "breakout.py").write_text("\n".join([*lines, indent + written, ""]), "utf-8")
    assert last.strip().startswith("self._highest = ")
    with pytest.raises(BadInput) as refused:
        load("breakout.py:Breakout")
    assert str(refused.value) == sentence
