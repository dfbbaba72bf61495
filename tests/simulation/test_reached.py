"""Only what comes by a line can know it: how that is found out."""

import subprocess
import sys
from pathlib import Path

import pytest

from autofutures.config import environment_of_children
from tests.simulation.reached import probe, reaching

_CODE = """
def sign(number):
    if number > 0:
        return 1
    elif number < 0:
        return -1
    return pick(
        0,
    )

def pick(number):
    return number
"""

_TESTS = {
    "test_above": "from code_under import sign\n\ndef test_it():\n    assert sign(5) == 1\n",
    "test_below": "from code_under import sign\n\ndef test_it():\n    assert sign(-5) == -1\n",
    "test_child": (
        "import subprocess, sys\n\ndef test_it():\n    for _ in range(2):\n"
        "        subprocess.run([sys.executable, '-c', 'import code_under; code_under.sign(0)'], check=True)\n"
    ),
    "test_neither": "def test_it():\n    pass\n",
}

LINES = {"above": 4, "elif": 5, "below": 6, "argument": 8, "loaded": 11}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "code_under.py").write_text(_CODE)
    (tmp_path / "tests" / "unit").mkdir(parents=True)
    for name, text in _TESTS.items():
        (tmp_path / "tests" / "unit" / f"{name}.py").write_text(text)
    return tmp_path


def reached(project: Path) -> dict[str, list[str]]:
    probe(project / "source" / "code_under.py", list(LINES.items()))
    return reaching(project / "source", [*LINES, "nowhere"], project)


def test_each_line_has_the_files_that_come_by_it_processes_that_they_start_included(project: Path) -> None:
    assert reached(project) == {
        "above": ["tests/unit/test_above.py"],
        "elif": ["tests/unit/test_below.py", "tests/unit/test_child.py"],
        "below": ["tests/unit/test_below.py"],
        "argument": ["tests/unit/test_child.py"],
        "loaded": ["tests/unit"],
        "nowhere": [],
    }


def test_where_a_unit_test_fails_nothing_is_said(project: Path) -> None:
    (project / "tests" / "unit" / "test_wrong.py").write_text("def test_it():\n    assert False\n")
    with pytest.raises(RuntimeError, match="fail on the unchanged code"):
        reached(project)


def test_a_probed_module_does_what_it_did(project: Path) -> None:
    probe(project / "source" / "code_under.py", list(LINES.items()))
    (project / "source" / "reached_lines.py").write_text("def note(name, in_function): print(name)\n")
    program = [sys.executable, "-c", "import code_under as c; print(c.sign(2), c.sign(-2), c.sign(0))"]
    environment = environment_of_children({"PYTHONPATH": str(project / "source")})
    ran = subprocess.run(program, capture_output=True, text=True, check=True, env=environment)
    assert ran.stdout.split() == ["loaded", "above", "elif", "below", "elif", "argument", "1", "-1", "0"]
