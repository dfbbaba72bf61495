"""The gate: every intent becomes `Approved` or `Refused` here, and `Approved` is made nowhere else."""

import inspect
from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import cast

from autofutures.domain.errors import BadInput
from autofutures.domain.messages import Intent, Refused
from autofutures.risk import RULES
from autofutures.risk.base import Approved, Exposure, Rule, Stateless


class Gate:
    """Asks the rules in turn."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.rules = tuple(rules)
        self._exit_rules = tuple(rule for rule in self.rules if rule.binds_exits)
        self._counting = tuple(rule for rule in self.rules if not isinstance(rule, Stateless))

    def check(self, intent: Intent, exposure: Exposure, *, exits: bool = False) -> Approved | Refused:
        """The verdict on an intent; `exits` marks the trader's own orders, which only ever reduce a position."""
        for rule in self._exit_rules if exits else self.rules:
            violation = rule.check(intent, exposure)
            if violation is not None:
                return Refused(
                    strategy=intent.strategy,
                    cause_seq=intent.cause_seq,
                    k=intent.k,
                    at=exposure.now,
                    rule=rule.id,
                    limit=violation.limit,
                    value=violation.value,
                    reason=violation.reason,
                )
        self.remember(intent, exposure.now)
        return Approved(intent)

    def remember(self, intent: Intent, now: int) -> None:
        """Tells the rules that count of an approved order; recovery folds journaled orders through here."""
        for rule in self._counting:
            rule.approved(intent, now)


def make_gate(limits: Mapping[str, Mapping[str, int]] | None = None) -> Gate:
    """A gate with every rule of the table; `limits` changes settings, one table for each rule id.

    Raises:
        BadInput: an unknown rule or setting, or a limit that is not a whole number above zero.
    """
    limits = limits or {}
    unknown = sorted(set(limits) - set(RULES))
    if unknown:
        raise BadInput(f"there is no risk rule {', '.join(unknown)}: the rules are {', '.join(RULES)}")
    return Gate(_make_rule(rule_id, limits.get(rule_id, {})) for rule_id in RULES)


def _make_rule(rule_id: str, settings: Mapping[str, int]) -> Rule:
    module, _, name = RULES[rule_id].partition(":")
    rule_class = getattr(import_module(module), name)
    known = tuple(inspect.signature(rule_class).parameters)
    for key, value in settings.items():
        if key not in known:
            raise BadInput(f"risk rule {rule_id} has no setting {key!r}; it has {', '.join(known) or 'none'}")
        if type(value) is not int or value <= 0:
            raise BadInput(f"risk rule {rule_id}: {key} must be a whole number above zero, not {value!r}")
    return cast("Rule", rule_class(**settings))
