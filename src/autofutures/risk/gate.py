"""The gate: every intent becomes `Approved` or `Refused` here, and `Approved` is made nowhere else."""

import inspect
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import import_module
from typing import cast

import msgspec

from autofutures.domain.errors import BadInput
from autofutures.domain.messages import Intent, Refused
from autofutures.risk import RULES
from autofutures.risk.base import Approved, Exposure, Rule, Stateless, Violation
from autofutures.risk.halting import Halting
from autofutures.risk.scopes import ACCOUNT, INSTRUMENT, STRATEGY, Limits, Scope, is_of, key_of, split


class Limit(msgspec.Struct, frozen=True):
    """One rule with its settings, for all or for one scope."""

    scope: Scope
    rule: Rule
    settings: Mapping[str, int] = {}
    """What is set; the rest is as the rule has it."""


class Gate:
    """Asks the rules in turn: each for the account, then for the scopes that have limits of their own.

    Args:
        limits: every rule, in the order in which they are asked.

    Attributes:
        on: ids of the rules that are asked of anybody.
        wants_own: whether some limit is of a strategy's own stake.
    """

    def __init__(self, limits: Iterable[Limit]) -> None:
        self._limits = {key_of(limit.rule.id, limit.scope): limit for limit in limits}
        self._sort()

    def _sort(self) -> None:
        """Only what is on is asked."""
        order = {rule_id: number for number, rule_id in enumerate(RULES)}
        limits = sorted(
            self._limits.values(), key=lambda one: (order.get(one.rule.id, 0), bool(one.scope.kind))
        )
        asked = [limit for limit in limits if not limit.rule.off or isinstance(limit.rule, Halting)]
        self._asked = [(limit.scope, limit.rule) for limit in asked]
        self._unhalted = [limit for limit in self._asked if not isinstance(limit[1], Halting)]
        self._exit_rules = [(limit.scope, limit.rule) for limit in asked if limit.rule.binds_exits]
        self._counting = [
            (limit.scope, limit.rule) for limit in asked if not isinstance(limit.rule, Stateless)
        ]
        self.on = frozenset(limit.rule.id for limit in limits if not limit.rule.off)
        self.wants_own = any(limit.scope.kind == STRATEGY for limit in asked)

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The account's rules, one of each id."""
        return tuple(limit.rule for limit in self._limits.values() if not limit.scope.kind)

    def limits(self) -> list[Limit]:
        """Every limit: the account's of each rule, and those of scopes."""
        return list(self._limits.values())

    def setting(self, rule_id: str, scope: Scope, name: str) -> int:
        """A limit as it is now; 0 where it is not set."""
        limit = self._limits.get(key_of(rule_id, scope))
        if limit is None or name in limit.settings:
            return 0 if limit is None else limit.settings[name]
        return settings_of(rule_id)[name]

    def of_instrument(self, rule_id: str, symbol: str, name: str) -> int:
        """A setting for one contract, else for its product; 0 where neither is set."""
        for limit in self._limits.values():
            if limit.rule.id == rule_id and limit.scope.name == symbol and name in limit.settings:
                return limit.settings[name]
        for limit in self._limits.values():
            scope = limit.scope
            named = scope.kind == INSTRUMENT and is_of(symbol, scope.name)
            if limit.rule.id == rule_id and named and name in limit.settings:
                return limit.settings[name]
        return 0

    def changed(self, rule_id: str, scope: Scope, name: str, value: int) -> Limit:
        """The limit as it would be with another number; changes nothing.

        Raises:
            BadInput: there is no such rule, scope or setting, or the number is not above zero.
        """
        if rule_id not in RULES:
            raise BadInput(f"there is no risk rule {rule_id}: the rules are {', '.join(RULES)}")
        known = self._limits.get(key_of(rule_id, scope))
        settings = {} if known is None else dict(known.settings)
        return make_limit(rule_id, scope, {**settings, name: value})

    def change(self, rule_id: str, scope: Scope, name: str, value: int) -> None:
        """Changes a limit between two orders. What a rule has counted it goes on with."""
        key = key_of(rule_id, scope)
        limit, known = self.changed(rule_id, scope, name, value), self._limits.get(key)
        if known is not None:
            limit.rule.succeed(known.rule)
        self._limits[key] = limit
        self._sort()

    def check(self, intent: Intent, exposure: Exposure, *, exits: bool = False) -> Approved | Refused:
        """The verdict on an intent; `exits` marks the trader's own orders, which only ever reduce a position."""
        asked = self._asked if exposure.halts else self._unhalted
        for scope, rule in self._exit_rules if exits else asked:
            if scope is ACCOUNT:
                violation = rule.check(intent, exposure)
            elif scope.binds(intent):
                violation = rule.check(intent, scope.view(exposure))
            else:
                continue
            if violation is not None:
                return _refused(intent, exposure.now, rule.id, scope, violation)
        self.remember(intent, exposure.now)
        return Approved(intent)

    def remember(self, intent: Intent, now: int) -> None:
        """Tells the rules that count of an approved order; recovery folds journaled orders through here."""
        for scope, rule in self._counting:
            if scope is ACCOUNT or scope.binds(intent):
                rule.approved(intent, now)


def _refused(intent: Intent, now: int, rule_id: str, scope: Scope, violation: Violation) -> Refused:
    of_scope = f" (limit of {scope.words})" if scope.kind else ""
    return Refused(
        strategy=intent.strategy,
        cause_seq=intent.cause_seq,
        k=intent.k,
        at=now,
        rule=rule_id,
        limit=violation.limit,
        value=violation.value,
        reason=violation.reason + of_scope,
    )


def make_gate(limits: Limits | None = None) -> Gate:
    """A gate with every rule of the table; `limits` changes settings, one table for each rule id and scope.

    Raises:
        BadInput: an unknown rule, scope or setting, or a limit that is not a whole number above zero.
    """
    given = {split(key): settings for key, settings in (limits or {}).items()}
    unknown = sorted({rule_id for rule_id, _ in given} - set(RULES))
    if unknown:
        raise BadInput(f"there is no risk rule {', '.join(unknown)}: the rules are {', '.join(RULES)}")
    scoped = [key for key in given if key[1].kind]
    keys = [*((rule_id, ACCOUNT) for rule_id in RULES), *scoped]
    return Gate(make_limit(rule_id, scope, given.get((rule_id, scope), {})) for rule_id, scope in keys)


def make_limit(rule_id: str, scope: Scope, settings: Mapping[str, int]) -> Limit:
    """A limit with its rule; raises as `make_rule` does."""
    return Limit(scope, make_rule(rule_id, scope, settings), dict(settings))


def make_rule(rule_id: str, scope: Scope, settings: Mapping[str, int]) -> Rule:
    """One rule with settings; what they leave out is as the rule has it, but a scope's rule has nothing unasked.

    Raises:
        BadInput: the rule has no such setting or scope, or a number is not above zero.
    """
    rule_class = class_of(rule_id)
    defaults = settings_of(rule_id)
    for key, value in settings.items():
        if key not in defaults:
            raise BadInput(
                f"risk rule {rule_id} has no setting {key!r}; it has {', '.join(defaults) or 'none'}"
            )
        if type(value) is not int or value < 0 or (value == 0 and defaults[key]):
            raise BadInput(f"risk rule {rule_id}: {key} must be a whole number above zero, not {value!r}")
    if scope.kind and (not settings or scope.kind not in rule_class.scopes):
        can = ", ".join(f"{kind}.NAME" for kind in rule_class.scopes) or "the account alone"
        raise BadInput(f"risk rule {rule_id} for {scope.words} needs a setting, and can be for {can}")
    return cast("Rule", rule_class(**settings))


def class_of(rule_id: str) -> type[Stateless]:
    """The rule's class."""
    module, _, name = RULES[rule_id].partition(":")
    return cast("type[Stateless]", getattr(import_module(module), name))


@cache
def settings_of(rule_id: str) -> Mapping[str, int]:
    """The rule's settings with their defaults; 0 is off."""
    parameters = inspect.signature(class_of(rule_id)).parameters
    return {name: int(parameter.default) for name, parameter in parameters.items()}
