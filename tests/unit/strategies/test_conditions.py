from collections.abc import Mapping
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autofutures.domain.errors import BadInput
from autofutures.domain.instrument import instrument
from autofutures.strategies.conditions import (
    NEXT,
    Condition,
    Event,
    Status,
    condition_values,
    shown,
    standing,
    terms_of,
    values_of,
)
from tests.unit.strategies.house import MXF, TXF

INSTRUMENT = instrument(TXF)
HALF = msgspec.structs.replace(
    INSTRUMENT, product=msgspec.structs.replace(INSTRUMENT.product, tick=Decimal("0.5"))
)
WRITTEN: dict[str, object] = {
    "side": "buy",
    "trigger": 22000,
    "turning_point": 30,
    "take_profit": 120,
    "stop_loss": 30,
    "quantity": 2,
}
VALUES: dict[str, int | str | bool] = {
    "side": "buy",
    "trigger_ticks": 22000,
    "turning_point_ticks": 30,
    "take_profit_ticks": 120,
    "stop_loss_ticks": 30,
    "quantity": 2,
}


def condition() -> Condition:
    terms = terms_of(VALUES, (TXF,))
    return Condition("c", terms, terms.trigger_ticks)


def test_the_table_answers_every_event_in_every_status() -> None:
    assert set(NEXT) == set(Status)
    assert {len(row) for row in NEXT.values()} == {len(Event)}


def test_only_a_turn_while_armed_sends_an_entry() -> None:
    senders = [
        (status, event)
        for status, row in NEXT.items()
        for event, after in zip(Event, row, strict=True)
        if after is Status.ENTERING and event is not Event.SENT
    ]
    assert senders == [(Status.ARMED, Event.TURNED)]


def test_only_a_person_makes_a_condition_wait_again() -> None:
    people = {Event.CHANGED, Event.PAUSED, Event.RESUMED}
    back = {
        event
        for row in NEXT.values()
        for event, after in zip(Event, row, strict=True)
        if after is Status.WAITING
    }
    assert back == people


def test_whatever_the_facts_are_a_condition_that_entered_can_hear_them() -> None:
    facts = (
        Event.SENT,
        Event.COVERED,
        Event.EXIT_FIRED,
        Event.CLOSED,
        Event.UNFILLED,
        Event.REJECTED,
        Event.REFUSED,
        Event.DOUBTED,
    )
    for status in (Status.ENTERING, Status.HALTED):
        assert all(NEXT[status][event] is not None for event in facts)


@pytest.mark.parametrize(
    ("facts", "event"),
    [
        ({"entry_left": 2}, Event.SENT),
        ({"entry_left": 1, "filled": 1, "open_qty": 1}, Event.COVERED),
        ({"filled": 1, "open_qty": 1, "exit_reason": "stop loss"}, Event.EXIT_FIRED),
        ({"filled": 1, "open_qty": 1, "doubt": 7}, Event.DOUBTED),
        ({"filled": 1, "entry_left": 1}, Event.SENT),
        ({"filled": 2}, Event.CLOSED),
        ({}, Event.UNFILLED),
    ],
)
def test_the_facts_say_where_a_condition_stands(facts: Mapping[str, int | str], event: Event) -> None:
    c = condition()
    for name, value in facts.items():
        setattr(c, name, value)
    assert standing(c) is event


def test_what_a_person_wrote_becomes_ticks() -> None:
    assert condition_values(WRITTEN, INSTRUMENT) == VALUES
    written = {
        "side": " SELL ",
        "trigger": "22000.5",
        "turning_point": 7.5,
        "take_profit": Decimal(60),
        "stop_loss": "30.0",
        "quantity": "3",
        "following": "yes",
        "exit_from": "Fill",
        "symbol": "TXF202108",
        "deadline_ms": 500,
    }
    assert condition_values(written, HALF) == {
        "side": "sell",
        "trigger_ticks": 44001,
        "turning_point_ticks": 15,
        "take_profit_ticks": 120,
        "stop_loss_ticks": 60,
        "quantity": 3,
        "following": True,
        "exit_from": "fill",
        "symbol": TXF,
        "deadline_ms": 500,
    }


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"price": 1}, "a condition has no 'price'; it has symbol, side, trigger, quantity, turning_point"),
        ({"side": "long"}, "side must be buy or sell, not 'long'"),
        ({"trigger": "22000.5"}, "trigger: 22000.5 is not a price of TAIFEX:TXF202108: one tick is 1"),
        ({"trigger": 0}, "trigger must be a whole number, 1 or more, not 0"),
        ({"trigger": "high"}, "trigger must be a number, not 'high'"),
        ({"trigger": "nan"}, "trigger must be a number, not 'nan'"),
        ({"trigger": 10**40}, "trigger must be a number"),
        ({"trigger": True}, "trigger must be a number, not True"),
        ({"turning_point": -1}, "turning_point must be a whole number, 0 or more, not -1"),
        ({"turning_point": 0.5}, "turning_point: 0.5 is not a price"),
        ({"turning_point": 0, "following": True}, "turning_point 0 goes only without following"),
        ({"take_profit": 0}, "take_profit must be a whole number, 1 or more, not 0"),
        ({"stop_loss": -30}, "stop_loss must be a whole number, 1 or more, not -30"),
        ({"quantity": 0}, "quantity must be a whole number, 1 or more, not 0"),
        ({"quantity": 1.5}, "quantity must be a whole number, not 1.5"),
        ({"following": "maybe"}, "following must be true or false, not 'maybe'"),
        ({"following": 1}, "following must be true or false, not 1"),
        ({"exit_from": "entry"}, "exit_from must be plan or fill, not 'entry'"),
        ({"symbol": "MXF202108"}, "symbol 'MXF202108' is not the contract that the prices belong to"),
        ({"symbol": "?"}, "is not a symbol"),
        ({"deadline_ms": 0}, "deadline_ms must be a whole number, 1 or more, not 0"),
    ],
)
def test_what_makes_no_sense_is_refused_where_it_is_entered(wrong: dict[str, object], sentence: str) -> None:
    with pytest.raises(BadInput) as refusal:
        condition_values({**WRITTEN, **wrong}, INSTRUMENT)
    assert sentence in str(refusal.value)


def test_a_spread_is_no_contract_for_a_condition() -> None:
    spread = f"{TXF}/202109"
    with pytest.raises(BadInput, match="is a spread"):
        condition_values(WRITTEN, instrument(spread))
    with pytest.raises(BadInput, match="is a spread"):
        terms_of(VALUES, (spread,))


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"trigger": 22000}, "a condition has no 'trigger'; it has symbol, side, trigger_ticks"),
        ({"symbol": MXF}, f"symbol '{MXF}' is not one that this strategy hears: {TXF}"),
        ({"quantity": True}, "quantity must be a whole number, 1 or more, not True"),
        ({"quantity": "2"}, "quantity must be a whole number, 1 or more, not '2'"),
        ({"following": "yes"}, "following must be true or false, not 'yes'"),
        ({"following": True, "turning_point_ticks": 0}, "turning_point 0 goes only without following"),
        ({"side": "sell", "take_profit_ticks": 21970}, "take_profit would be at 0 ticks"),
    ],
)
def test_a_command_is_checked_like_a_table(wrong: dict[str, int | str | bool], sentence: str) -> None:
    with pytest.raises(BadInput) as refusal:
        terms_of({**VALUES, **wrong}, (TXF,))
    assert sentence in str(refusal.value)


def test_everything_that_has_no_default_is_asked_for() -> None:
    with pytest.raises(
        BadInput,
        match=r"a condition needs side, trigger, quantity, turning_point, take_profit, stop_loss$",
    ):
        terms_of({}, (TXF,))
    with pytest.raises(BadInput, match=r"a condition needs symbol$"):
        terms_of(VALUES, (TXF, MXF))
    assert terms_of({**VALUES, "symbol": MXF}, (TXF, MXF)).symbol == MXF


@given(
    side=st.sampled_from(["buy", "sell"]),
    trigger=st.integers(1_000, 10_000),
    distances=st.tuples(st.integers(1, 300), st.integers(1, 300), st.integers(1, 300)),
    following=st.booleans(),
    exit_from=st.sampled_from(["plan", "fill"]),
)
def test_terms_and_values_say_the_same(
    side: str, trigger: int, distances: tuple[int, int, int], following: bool, exit_from: str
) -> None:
    turning, profit, stop = distances
    table: dict[str, object] = {
        "side": side,
        "trigger": trigger,
        "turning_point": turning,
        "take_profit": profit,
        "stop_loss": stop,
        "quantity": 1,
        "following": following,
        "exit_from": exit_from,
    }
    terms = terms_of(condition_values(table, INSTRUMENT), (TXF,))
    assert terms_of(values_of(terms), (TXF, MXF)) == terms
    assert (terms.side.word, terms.trigger_ticks, terms.following) == (side, trigger, following)


def test_a_condition_is_shown_with_its_prices() -> None:
    c = condition()
    row = shown(c)
    assert (row["status"], row["side"], row["paused"], row["note"]) == ("waiting", "buy", False, "")
    assert (row["order_ticks"], row["take_profit_ticks"], row["stop_loss_ticks"]) == (22030, 22150, 22000)
    c.take_profit_ticks, c.stop_loss_ticks = 22155, 22005
    assert (shown(c)["take_profit_ticks"], shown(c)["stop_loss_ticks"]) == (22155, 22005)
