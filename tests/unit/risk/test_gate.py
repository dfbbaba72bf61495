from collections.abc import Mapping

import pytest

from autofutures.domain.errors import BadInput
from autofutures.domain.messages import Intent, Refused
from autofutures.domain.units import MINUTE, SECOND, Mode, OrderType
from autofutures.risk import RULES
from autofutures.risk.base import Approved, Exposure, MarginSeen
from autofutures.risk.gate import Gate, make_gate
from tests.makers import OPEN, exposure, intent

BAND = (17_300, 17_500)
FAR = intent(kind=OrderType.LIMIT, price_ticks=17_800)
OUTSIDE = intent(kind=OrderType.LIMIT, price_ticks=17_501)
REPEATED = intent(strategy="restarted", cause_seq=7, k=1)


ON = {
    "restricted.strategy.listed": {"on": 1},
    "expiry_guard": {"minutes": 30},
    "order_value": {"max_value": 40_000_000},
    "account_value": {"max_value": 100_000_000},
    "margin": {"min_percent": 100, "capital": 180_000},
    "self_match": {"on": 1},
    "daily_messages": {"max_messages": 100, "reserved": 10},
}
"""Limits for the rules that are off without one."""


def a_gate() -> Gate:
    """A gate that has approved one decision of a strategy that was restarted."""
    gate = make_gate(ON)
    gate.remember(REPEATED, 0)
    return gate


# rule id, the intent, what is known, limit, value: the rule's golden violation with the limits of the issue.
VIOLATIONS: list[tuple[str, Intent, Exposure, int, int]] = [
    ("duplicate", REPEATED, exposure(), 1, 2),
    ("deadline", intent(at=OPEN - 3 * SECOND), exposure(), 2_000, 3_000),
    ("mode", intent(), exposure(mode=Mode.REDUCING), 0, 1),
    ("unknown", intent(), exposure(unknown=2), 0, 2),
    ("book_stop", intent(), exposure(stopped=True), 0, 1),
    ("exit_plan", intent(), exposure(must_plan=True), 1, 0),
    ("session", intent(), exposure(session_open=False), 1, 0),
    ("stale_tick", intent(at=OPEN + 11 * SECOND), exposure(now=OPEN + 11 * SECOND), 10_000, 11_000),
    ("order_size", intent(qty=11), exposure(), 10, 11),
    ("position", intent(qty=2), exposure(position=15, working_buy=4), 20, 21),
    ("restricted", intent(strategy="listed"), exposure(), 0, 1),
    ("expiry_guard", intent(), exposure(last_close_at=OPEN + 29 * MINUTE), 30, 29),
    ("order_value", intent(qty=10), exposure(last_ticks=20_001), 40_000_000, 40_002_000),
    ("account_value", intent(), exposure(others_value=97_000_000), 100_000_000, 100_480_000),
    ("margin", intent(), exposure(margin=MarginSeen(0, 184_000, 0, 0, 0, "")), 100, 97),
    ("self_match", intent(), exposure(lowest_sell_ticks=17_410), 17_410, 17_410),
    ("daily_loss", intent(), exposure(halted="daily_loss"), 10, 11),
    ("drawdown", intent(), exposure(halted="drawdown"), 10, 11),
    ("loss_streak", intent(), exposure(halted="loss_streak"), 10, 11),
    ("repeated_execution", intent(), exposure(halted="repeated_execution"), 10, 11),
    ("daily_messages", intent(), exposure(messages=90), 90, 91),
    ("collar", FAR, exposure(), 200, 230),
    ("price_limit", OUTSIDE, exposure(band=BAND), 17_500, 17_501),
]


def test_the_table_covers_every_rule_but_the_rate_which_needs_a_past() -> None:
    assert {rule for rule, *_ in VIOLATIONS} | {"message_rate"} == set(RULES)


@pytest.mark.parametrize(
    ("rule", "asked", "known", "limit", "value"), VIOLATIONS, ids=[row[0] for row in VIOLATIONS]
)
def test_each_violation_is_refused_with_rule_limit_and_value(
    rule: str, asked: Intent, known: Exposure, limit: int, value: int
) -> None:
    verdict = a_gate().check(asked, known)
    assert isinstance(verdict, Refused)
    assert (verdict.rule, verdict.limit, verdict.value) == (rule, limit, value)
    assert (verdict.strategy, verdict.cause_seq, verdict.k) == (asked.strategy, asked.cause_seq, asked.k)
    assert verdict.at == known.now
    assert verdict.reason


def full_of_orders(limit: int) -> Gate:
    gate = make_gate({"message_rate": {"max_per_second": limit}})
    for number in range(limit):
        assert isinstance(gate.check(intent(cause_seq=number + 1), exposure()), Approved)
    return gate


def test_the_order_beyond_the_rate_is_refused_with_rule_limit_and_value() -> None:
    verdict = full_of_orders(50).check(intent(cause_seq=99), exposure())
    assert isinstance(verdict, Refused)
    assert (verdict.rule, verdict.limit, verdict.value) == ("message_rate", 50, 51)


def test_what_breaks_no_rule_is_approved_as_it_is() -> None:
    asked = intent(qty=10)
    assert make_gate().check(asked, exposure(position=10, band=BAND)) == Approved(asked)


BYPASSED = {
    "deadline",
    "mode",
    "unknown",
    "book_stop",
    "exit_plan",
    "stale_tick",
    "order_size",
    "position",
    "collar",
    "restricted",
    "expiry_guard",
    "order_value",
    "account_value",
    "self_match",
    "margin",
    "daily_loss",
    "drawdown",
    "loss_streak",
    "repeated_execution",
    "daily_messages",
}


@pytest.mark.parametrize(
    ("rule", "asked", "known", "limit", "value"), VIOLATIONS, ids=[row[0] for row in VIOLATIONS]
)
def test_exits_bypass_only_the_rules_that_say_so(
    rule: str, asked: Intent, known: Exposure, limit: int, value: int
) -> None:
    verdict = a_gate().check(asked, known, exits=True)
    assert isinstance(verdict, Approved) == (rule in BYPASSED)


def test_exits_are_not_throttled_but_they_count() -> None:
    gate = full_of_orders(2)
    assert isinstance(gate.check(intent(cause_seq=50), exposure(), exits=True), Approved)
    counted = make_gate({"message_rate": {"max_per_second": 1}})
    counted.check(intent(cause_seq=1), exposure(), exits=True)
    assert isinstance(counted.check(intent(cause_seq=2), exposure()), Refused)


def test_a_refused_intent_is_not_remembered() -> None:
    gate = make_gate()
    assert isinstance(gate.check(intent(qty=99), exposure()), Refused)
    assert isinstance(gate.check(intent(qty=1), exposure()), Approved)


def test_an_order_from_the_journal_is_remembered() -> None:
    gate = make_gate()
    gate.remember(intent(cause_seq=7, k=1), OPEN)
    verdict = gate.check(intent(cause_seq=7, k=1), exposure())
    assert isinstance(verdict, Refused)
    assert verdict.rule == "duplicate"


def test_the_first_violation_of_the_table_is_the_verdict() -> None:
    verdict = make_gate().check(intent(qty=99), exposure(session_open=False))
    assert isinstance(verdict, Refused)
    assert verdict.rule == "session"


def test_a_settings_table_changes_a_limit() -> None:
    gate = make_gate({"order_size": {"max_contracts": 3}})
    verdict = gate.check(intent(qty=4), exposure())
    assert isinstance(verdict, Refused)
    assert (verdict.rule, verdict.limit) == ("order_size", 3)


@pytest.mark.parametrize(
    ("limits", "says"),
    [
        ({"orders": {}}, "there is no risk rule orders: the rules are duplicate, deadline"),
        ({"order_size": {"max": 3}}, "risk rule order_size has no setting 'max'; it has max_contracts"),
        ({"session": {"max": 3}}, "risk rule session has no setting 'max'; it has none"),
        ({"order_size": {"max_contracts": 0}}, "max_contracts must be a whole number above zero, not 0"),
        ({"order_size": {"max_contracts": True}}, "must be a whole number above zero, not True"),
    ],
)
def test_a_wrong_limit_is_refused_with_what_is_right(
    limits: Mapping[str, Mapping[str, int]], says: str
) -> None:
    with pytest.raises(BadInput, match=says):
        make_gate(limits)


@pytest.mark.parametrize("rule_id", RULES)
def test_a_rule_is_named_as_the_table_names_it(rule_id: str) -> None:
    module, _, name = RULES[rule_id].partition(":")
    assert module == f"autofutures.risk.{rule_id}"
    assert getattr(__import__(module, fromlist=[name]), name).id == rule_id
