"""The page of controls is what the code says, and no control lacks a negative test."""

import ast

import pytest

from autofutures.risk import RULES
from autofutures.risk.docs import negative_test, page
from tests.architecture.source import ROOT
from tests.unit.risk.test_gate import VIOLATIONS


def test_the_page_of_controls_is_what_the_code_says() -> None:
    written = (ROOT / "docs" / "risk-controls.md").read_text("utf-8")
    assert written == page(), "run: autofutures risk docs --write docs/risk-controls.md"


@pytest.mark.parametrize("rule_id", RULES)
def test_a_control_has_a_negative_test_and_says_what_it_guards(rule_id: str) -> None:
    source = (ROOT / negative_test(rule_id)).read_text("utf-8")
    names = [node.name for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)]
    refuses = ("is not None", "isinstance(refused", "refused(", "violation", "Violation")
    assert any(name.startswith("test_") for name in names)
    assert any(word in source for word in refuses)
    assert rule_id == "message_rate" or rule_id in {row[0] for row in VIOLATIONS}
    section = page().partition(f"## `{rule_id}`")[2].partition("\n## ")[0]
    for line in ("- Formula: ", "- Source: ", "- Default: ", "- Negative test: "):
        assert len(section.partition(line)[2].partition("\n")[0]) > 5
