"""The page of all controls, `docs/risk-controls.md`, from the rules themselves."""

import inspect
from typing import Protocol, cast

from autofutures.risk import RULES
from autofutures.risk.gate import class_of, settings_of
from autofutures.risk.halting import Halting

_HEAD = """# Risk controls

Every order passes the gate, which asks these controls in this sequence; the first violation is the verdict, and is
recorded. This page is generated: `autofutures risk docs --write docs/risk-controls.md`.

Money is in minor units (TWD: whole dollars). A setting of 0 is off. A limit for one strategy or one instrument, as in
`[risk.position.strategy.ema]`, holds besides the account's. *Halts* means: once reached, entries are refused until a
person resets it with a reason (`autofutures risk reset`); exits go on, and with `flatten = 1` what is held is closed.
*Binds exits* means: the trader's own exit orders must pass it too.

Sources: SEC Rule 15c3-5; RTS 6 is Regulation (EU) 2017/589; FIA is the *Best Practices for Automated Trading Risk
Controls* (2024) by its list of controls.
"""


class _Documented(Protocol):
    formula: str
    source: str
    binds_exits: bool


def page() -> str:
    """The page as Markdown."""
    return "\n".join([_HEAD, *(_section(rule_id) for rule_id in RULES)])


def negative_test(rule_id: str) -> str:
    """Where a control is proved to refuse."""
    return f"tests/unit/risk/test_{rule_id}.py"


def _section(rule_id: str) -> str:
    rule = class_of(rule_id)
    said = cast("_Documented", rule)
    settings = ", ".join(f"`{name} = {value}`" for name, value in settings_of(rule_id).items())
    scopes = ", ".join(("account", *rule.scopes)) if settings else "account"
    notes = [
        note
        for note, holds in (("halts", issubclass(rule, Halting)), ("binds exits", said.binds_exits))
        if holds
    ]
    lines = [
        f"## `{rule_id}`",
        "",
        " ".join((inspect.getdoc(rule) or "").split("Attributes:")[0].split()),
        "",
        f"- Formula: {said.formula}",
        f"- Source: {said.source}",
        f"- Default: {settings or 'no setting: always on'}",
        f"- Scopes: {scopes}" + (f"; {', '.join(notes)}" if notes else ""),
        f"- Negative test: `{negative_test(rule_id)}`, and its row in `tests/unit/risk/test_gate.py`",
        "",
    ]
    return "\n".join(lines)
