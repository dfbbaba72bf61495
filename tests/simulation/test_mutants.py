"""The simulation can fail: with one line of the house removed, some seed of the first fifty says so."""

from collections.abc import Sequence

import pytest

from autofutures.bus.codec import Inbox
from autofutures.domain.messages import AnyMessage, Envelope, Filled, Gap, Intent
from autofutures.gateway import Gateway
from autofutures.orders.book import Order, Orders
from autofutures.orders.exits import Exits
from autofutures.orders.plan import Plan
from autofutures.risk.base import Exposure, Violation
from autofutures.risk.duplicate import Duplicate
from autofutures.risk.position import Position, reach
from autofutures.simulation.house import Result, simulate
from autofutures.simulation.seeds import plan_of
from autofutures.storage.journal import Journal
from autofutures.trader import Trader

SEEDS = range(1, 51)


def first_broken() -> Result:
    """The first seed that says no."""
    for seed in SEEDS:
        result = simulate(plan_of(seed))
        if result.broken:
            return result
    pytest.fail("no seed noticed")


def test_without_the_memory_of_fills_it_goes_red(monkeypatch: pytest.MonkeyPatch) -> None:
    fill = Orders.fill

    def forgetful(self: Orders, order: Order, filled: Filled) -> bool:
        self._heard.pop(filled.fill_id, None)
        return fill(self, order, filled)

    monkeypatch.setattr(Orders, "fill", forgetful)
    result = first_broken()
    assert "fill" in result.broken
    assert any("Filled(" in line for line in result.story)


def test_without_the_gateways_send_log_it_goes_red(monkeypatch: pytest.MonkeyPatch) -> None:
    def open_door(self: Gateway, message: AnyMessage, now: int) -> Sequence[AnyMessage]:
        return (message,)

    monkeypatch.setattr(Gateway, "handle", open_door)
    assert "reached the exchange twice" in first_broken().broken


def test_without_working_orders_in_the_position_rule_it_goes_red(monkeypatch: pytest.MonkeyPatch) -> None:
    def blind(self: Position, intent: Intent, exposure: Exposure) -> Violation | None:
        value = reach(exposure.position, 0, intent.side, intent.qty)
        return Violation(self.max_contracts, value, "too many") if value > self.max_contracts else None

    monkeypatch.setattr(Position, "check", blind)
    assert "passes the limit" in first_broken().broken


def test_without_room_for_exits_in_the_limit_it_goes_red(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Exits, "pending", lambda *_: 0)
    assert "passes the limit" in first_broken().broken


def test_without_the_rule_on_repeated_decisions_it_goes_red(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Duplicate, "check", lambda *_: None)
    assert "was placed twice" in first_broken().broken


def test_with_exits_that_cover_for_ever_it_goes_red(monkeypatch: pytest.MonkeyPatch) -> None:
    def keeps(self: Exits, plan: Plan, qty: int) -> None:
        """Closes nothing."""

    monkeypatch.setattr(Exits, "close", keeps)
    assert "covers more than is open" in first_broken().broken


def test_with_a_journal_that_loses_batches_it_goes_red(monkeypatch: pytest.MonkeyPatch) -> None:
    commit = Journal.commit

    def lossy(self: Journal, inputs: Sequence[AnyMessage], outputs: Sequence[AnyMessage], at: int) -> None:
        if not any(isinstance(message, Filled) for message in inputs):
            commit(self, inputs, outputs, at)

    monkeypatch.setattr(Journal, "commit", lossy)
    assert "journal" in first_broken().broken


def test_with_a_trader_that_says_nothing_of_intents_it_goes_red(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Trader, "_intent", lambda *_, **__: None)
    assert "met with silence" in first_broken().broken


def test_with_gaps_that_nobody_hears_of_it_goes_red(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = Inbox.open

    def deaf(self: Inbox, data: bytes) -> list[Envelope]:
        return [envelope for envelope in opened(self, data) if not isinstance(envelope.body, Gap)]

    monkeypatch.setattr(Inbox, "open", deaf)
    assert "was due" in first_broken().broken


def test_a_crash_anywhere_in_the_house_is_a_broken_promise(monkeypatch: pytest.MonkeyPatch) -> None:
    def crashes(*_: object) -> bool:
        raise KeyError("lost")

    monkeypatch.setattr(Orders, "fill", crashes)
    assert first_broken().broken == "KeyError: 'lost'"
