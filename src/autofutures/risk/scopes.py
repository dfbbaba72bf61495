"""For whom a limit holds: the account, one strategy, or one instrument. A narrower limit holds besides the wider ones.

In a settings file a scope is a table within its rule's: `[risk.position.strategy.ema]`, or
`[risk.position.instrument."TAIFEX:TXF202108"]`, where a product (`TXF`) stands for all its contracts.
Everywhere else it is one word with the rule, as `position.strategy.ema`.
"""

from collections.abc import Mapping

import msgspec

from autofutures.domain.errors import BadInput
from autofutures.domain.instrument import instrument
from autofutures.domain.messages import Intent
from autofutures.risk.base import Exposure

STRATEGY, INSTRUMENT = "strategy", "instrument"
KINDS = (STRATEGY, INSTRUMENT)

Limits = Mapping[str, Mapping[str, int]]
"""Settings by rule id, or by rule id with its scope."""


RiskTable = dict[str, int | dict[str, dict[str, int]]]
"""A rule's table in a settings file: its limits, and a table of limits for each strategy or instrument."""


class Scope(msgspec.Struct, frozen=True):
    """One strategy or one instrument; of kind `` the whole account."""

    kind: str = ""
    name: str = ""

    @property
    def text(self) -> str:
        """As it stands behind a rule's id: empty for the account."""
        return f"{self.kind}.{self.name}" if self.kind else ""

    @property
    def words(self) -> str:
        """As a person reads it."""
        return f"{self.kind} {self.name}" if self.kind else "account"

    def binds(self, intent: Intent) -> bool:
        """Whether a limit of this scope is of this order."""
        if self.kind == STRATEGY:
            return intent.strategy == self.name
        return not self.kind or is_of(intent.symbol, self.name)

    def view(self, exposure: Exposure) -> Exposure:
        """What a limit of this scope measures."""
        if self.kind == STRATEGY:
            return exposure.seen_by_strategy()
        if self.kind == INSTRUMENT and exposure.others_value:
            return msgspec.structs.replace(exposure, others_value=0)
        return exposure


ACCOUNT = Scope()


def is_of(symbol: str, name: str) -> bool:
    """Whether a contract is the one that is named, or of the product that is."""
    product = instrument(symbol).product
    return name in (symbol, f"{product.exchange}:{product.root}")


def scope_of(text: str) -> Scope:
    """Reads `strategy.ema`, `instrument.TXF202108`, or the empty text of the account.

    Raises:
        BadInput: it is neither, or names no instrument.
    """
    if not text:
        return ACCOUNT
    kind, _, name = text.partition(".")
    if kind not in KINDS or not name:
        raise BadInput(f"{text!r} is no scope: write strategy.NAME or instrument.SYMBOL, or leave it out")
    return Scope(kind, instrument(name).symbol if kind == INSTRUMENT else name)


def split(key: str) -> tuple[str, Scope]:
    """Rule id and scope of `position.strategy.ema`."""
    rule, _, rest = key.partition(".")
    return rule, scope_of(rest)


def key_of(rule: str, scope: Scope) -> str:
    """The word for a rule in a scope."""
    return f"{rule}.{scope.text}" if scope.kind else rule


def flat(table: Mapping[str, RiskTable]) -> dict[str, dict[str, int]]:
    """Limits of a settings file, with the tables of scopes beside those of their rules.

    Raises:
        BadInput: a scope is none, or a table stands where a limit should.
    """
    limits: dict[str, dict[str, int]] = {}
    for key, settings in table.items():
        rule, scope = split(key)
        own = limits.setdefault(key_of(rule, scope), {})
        for name, value in settings.items():
            if isinstance(value, int):
                own[name] = value
            else:
                for owner, inner in value.items():
                    limits.setdefault(key_of(rule, scope_of(f"{name}.{owner}")), {}).update(inner)
    return limits
