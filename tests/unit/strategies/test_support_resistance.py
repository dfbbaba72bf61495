from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autofutures.domain.messages import (
    TRADER_K,
    Canceled,
    Command,
    ExitMoved,
    ExitPlan,
    Intent,
    OrderChanged,
    Refused,
    Rejected,
    Report,
    Saved,
    Submit,
    Tick,
    handle_of,
)
from autofutures.domain.order_life import Status
from autofutures.domain.units import OrderType, Side
from autofutures.risk.order_size import OrderSize
from autofutures.strategies.host import Host
from autofutures.strategies.support_resistance import SupportResistance
from tests.unit.strategies.conditions_house import (
    Values,
    entered,
    house,
    note,
    prices,
    rows,
    silent,
    status,
    values,
)
from tests.unit.strategies.house import MXF, OPEN, TXF, House, filled, fills_whole, view_of

PLANNED = [22000, 22030, 22150, 22000]
FELL = [21950, 21980, 22100, 21950]
SELL_PLANNED = [22000, 21970, 21850, 22000]
ROSE = [22050, 22020, 21900, 22050]
Step = tuple[int, list[str], str, list[int]]
GOLDEN: dict[str, tuple[Values, list[Step]]] = {
    "buy, following, take profit": (
        values(following=True),
        [
            (22010, [], "waiting", PLANNED),
            (22000, [], "armed", PLANNED),
            (21950, [], "armed", FELL),
            (21979, [], "armed", FELL),
            (21980, ["buy 1"], "entering", FELL),
            (22099, [], "open", FELL),
            (22100, ["sell 1"], "exiting", FELL),
            (22100, [], "done", FELL),
            (21900, [], "done", FELL),
        ],
    ),
    "buy, following, stop": (
        values(following=True),
        [
            (22000, [], "armed", PLANNED),
            (21950, [], "armed", FELL),
            (21980, ["buy 1"], "entering", FELL),
            (21951, [], "open", FELL),
            (21950, ["sell 1"], "exiting", FELL),
            (22500, [], "done", FELL),
        ],
    ),
    "sell, following": (
        values("sell", following=True),
        [
            (21990, [], "waiting", SELL_PLANNED),
            (22000, [], "armed", SELL_PLANNED),
            (22050, [], "armed", ROSE),
            (22021, [], "armed", ROSE),
            (22020, ["sell 1"], "entering", ROSE),
            (22049, [], "open", ROSE),
            (21900, ["buy 1"], "exiting", ROSE),
            (21900, [], "done", ROSE),
        ],
    ),
    "sell, stop": (
        values("sell"),
        [
            (22010, [], "armed", SELL_PLANNED),
            (22050, [], "armed", SELL_PLANNED),
            (21970, ["sell 1"], "entering", SELL_PLANNED),
            (21999, [], "open", SELL_PLANNED),
            (22000, ["buy 1"], "exiting", SELL_PLANNED),
        ],
    ),
    "buy, not following": (
        values(),
        [
            (22010, [], "waiting", PLANNED),
            (21950, [], "armed", PLANNED),
            (22029, [], "armed", PLANNED),
            (22030, ["buy 1"], "entering", PLANNED),
            (22149, [], "open", PLANNED),
            (22150, ["sell 1"], "exiting", PLANNED),
            (22150, [], "done", PLANNED),
        ],
    ),
    "following acts from the trigger tick": (
        values(following=True),
        [(21950, [], "armed", FELL), (21980, ["buy 1"], "entering", FELL)],
    ),
    "turning 0": (
        values(turning_point_ticks=0),
        [
            (22000, [], "armed", [22000, 22000, 22120, 21970]),
            (22000, ["buy 1"], "entering", [22000, 22000, 22120, 21970]),
        ],
    ),
    "gap": (
        values(),
        [
            (21000, [], "armed", PLANNED),
            (22500, ["buy 1"], "entering", PLANNED),
            (22150, ["sell 1"], "exiting", PLANNED),
        ],
    ),
    "gap, and the stop is still the planned one": (
        values(),
        [
            (21000, [], "armed", PLANNED),
            (22500, ["buy 1"], "entering", PLANNED),
            (22001, [], "open", PLANNED),
            (22000, ["sell 1"], "exiting", PLANNED),
        ],
    ),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_a_golden_vector_holds_tick_for_tick(name: str) -> None:
    terms, steps = GOLDEN[name]
    h = house(terms)
    assert [(price, h.tick(price), status(h), prices(h)) for price, _, _, _ in steps] == steps


def as_it_was(terms: Values, ticks: Sequence[int]) -> list[tuple[int, int]]:
    """The former machine's loop with its flags: (tick, +1 or -1) of each signal."""
    s = 1 if terms["side"] == "buy" else -1
    turning, profit, stop = (int(terms[f"{k}_ticks"]) for k in ("turning_point", "take_profit", "stop_loss"))
    trigger = int(terms["trigger_ticks"])
    triggered = ordered = False
    signals = []
    for number, price in enumerate(ticks):
        order = trigger + s * turning
        if not triggered:
            triggered = price * s <= trigger * s
        elif not ordered:
            if price * s >= order * s:
                ordered = True
                signals.append((number, s))
        elif price * s >= (order + s * profit) * s or price * s <= (order - s * stop) * s:
            return [*signals, (number, -s)]
        if terms["following"] and not ordered and price * s <= trigger * s:
            trigger = price
    return signals


@given(
    side=st.sampled_from(["buy", "sell"]),
    distances=st.tuples(st.integers(1, 6), st.integers(1, 9), st.integers(1, 9)),
    following=st.booleans(),
    moves=st.lists(st.integers(-5, 5), min_size=5, max_size=40),
)
def test_signals_are_those_of_the_former_machine(
    side: str, distances: tuple[int, int, int], following: bool, moves: list[int]
) -> None:
    turning, profit, stop = distances
    terms = values(
        side,
        trigger_ticks=100,
        turning_point_ticks=turning,
        take_profit_ticks=profit,
        stop_loss_ticks=stop,
        following=following,
    )
    ticks = [100 + sum(moves[: n + 1]) + (3 if side == "buy" else -3) for n in range(len(moves))]
    ticks = [max(1, price) for price in ticks]
    h = house(terms)
    said = [(number, order) for number, price in enumerate(ticks) for order in h.tick(price)]
    words = {1: "buy 1", -1: "sell 1"}
    assert said == [(number, words[sign]) for number, sign in as_it_was(terms, ticks)]


def intents_of(exit_from: str) -> list[Intent]:
    host = Host("sr", SupportResistance(), (TXF,), view_of(TXF))
    host.handle(Command("f", "sr", "add", "c", values(quantity=3, exit_from=exit_from)), OPEN)
    said = [each for price in (21900, 22040) for each in host.handle(Tick(TXF, OPEN, price, 1), OPEN)]
    return [each for each in said if isinstance(each, Intent)]


def test_the_entry_is_one_market_order_that_carries_its_exits() -> None:
    (planned,) = intents_of("plan")
    assert (planned.side, planned.qty, planned.type, planned.cause_seq) == (Side.BUY, 3, OrderType.MARKET, 2)
    assert planned.exit == ExitPlan(120, 30, 22030)
    (from_fill,) = intents_of("fill")
    assert from_fill.exit == ExitPlan(120, 30, 0)


def test_exits_from_the_fill_count_from_the_average_price() -> None:
    h = house(values(exit_from="fill"))
    for price in (22000, 22030, 22040):
        h.tick(price)
    assert prices(h)[2:] == [22160, 22010]
    assert h.tick(22159) == []
    assert h.tick(22160) == ["sell 1"]


def test_sending_opens_nothing_and_a_fill_does() -> None:
    h = entered(silent)
    assert [h.tick(price) for price in (22200, 21000)] == [[], []]
    assert status(h) == "entering"
    h.report(filled(h.submits()[0], 22030, h.now))
    assert status(h) == "open"


def test_a_refusal_of_the_gate_halts_until_a_person_resumes() -> None:
    h = House(SupportResistance(), rules=[OrderSize(1)])
    h.command("add", "c1", values(quantity=2))
    h.tick(22000)
    assert h.tick(22030) == []
    assert status(h) == "halted"
    assert note(h).startswith("the gate refused its entry: ")
    assert [h.tick(price) for price in (22000, 22030)] == [[], []]
    assert h.command("resume", "c1") == ""
    assert status(h) == "waiting"
    assert h.tick(22000) == []
    assert status(h) == "armed"


def test_a_rejected_entry_halts() -> None:
    h = entered(silent)
    h.report(Rejected(h.submits()[0].client_id, h.now, "margin"))
    assert (status(h), note(h)) == ("halted", "the venue rejected its entry: margin")
    assert [h.tick(price) for price in (22000, 22030, 22150)] == [[], [], []]


def test_an_entry_that_ends_with_nothing_halts() -> None:
    h = entered(silent)
    h.report(Canceled(h.submits()[0].client_id, h.now, 1, "no one sold"))
    assert (status(h), note(h)) == ("halted", "its entry is over and nothing was filled: no one sold")
    assert [h.tick(price) for price in (22000, 22030, 22150)] == [[], [], []]


def test_a_fill_of_a_rejected_entry_opens_it_after_all() -> None:
    h = entered(silent)
    submit = h.submits()[0]
    h.report(Rejected(submit.client_id, h.now, "margin"), filled(submit, 22030, h.now))
    assert (status(h), note(h)) == ("open", "")
    assert h.tick(22150) == ["sell 1"]


def test_a_partial_fill_is_open_and_its_exit_is_no_more_than_it() -> None:
    def fills_two(submit: Submit, price_ticks: int, at: int) -> Sequence[Report]:
        if submit.side is Side.SELL:
            return fills_whole(submit, price_ticks, at)
        return filled(submit, price_ticks, at, 2), Canceled(submit.client_id, at, 1, "ioc")

    h = entered(fills_two, quantity=3)
    assert h.tick(22031) == []
    assert (status(h), rows(h)[0]["filled"], rows(h)[0]["open"]) == ("open", 2, 2)
    assert h.tick(22150) == ["sell 2"]
    h.tick(22150)
    assert (status(h), rows(h)[0]["open"]) == ("done", 0)


def test_an_exit_takes_the_rest_of_its_entry_back() -> None:
    h = entered(silent, quantity=3)
    entry = h.submits()[0]
    h.report(filled(entry, 22030, h.now, 1))
    assert (status(h), rows(h)[0]["open"]) == ("open", 1)
    assert h.tick(22150) == ["sell 1"]
    assert [cancel.client_id for cancel in h.cancels()] == [entry.client_id]
    h.report(filled(h.submits()[1], 22150, h.now))
    assert status(h) == "exiting"  # two of the entry may still be filled
    h.tick(22149)
    assert status(h) == "done"
    assert len(h.submits()) == 2


def test_a_fill_that_beats_the_cancel_is_open_again_under_its_plan() -> None:
    h = entered(silent, quantity=3)
    entry = h.submits()[0]
    h.report(filled(entry, 22030, h.now, 1))
    h.tick(22150)
    h.report(filled(h.submits()[1], 22150, h.now))
    h.report(filled(entry, 22151, h.now, 2, n=2))
    assert (status(h), rows(h)[0]["open"]) == ("open", 2)
    assert h.tick(22000) == ["sell 2"]


def test_an_exit_in_parts_is_exiting_until_the_last() -> None:
    h = entered(quantity=3)
    h.tick(22031)
    h.venue = silent
    assert h.tick(22000) == ["sell 3"]
    submit = h.submits()[1]
    h.report(filled(submit, 22000, h.now, 2))
    assert (status(h), rows(h)[0]["open"], note(h)) == ("exiting", 1, "stop loss")
    h.report(filled(submit, 22000, h.now, 1, n=2))
    assert status(h) == "done"


def test_a_rejected_exit_is_shown_and_the_next_trade_tries_again() -> None:
    h = entered()
    h.tick(22031)
    h.venue = lambda submit, price_ticks, at: (Rejected(submit.client_id, at, "closed"),)
    assert h.tick(22150) == ["sell 1"]
    h.report(Rejected(h.submits()[1].client_id, h.now, "closed"))
    assert (status(h), note(h)) == (
        "exiting",
        "an exit was rejected, the next trade tries again: closed",
    )
    assert h.tick(22100) == ["sell 1"]


def doubted(h: House, handle: int, to: Status = Status.UNKNOWN, filled_qty: int = 0, left: int = 1) -> None:
    """The trader says it does not know, or knows again, what became of an order."""
    seq, k = handle >> 16, handle & 0xFFFF
    h.host.handle(OrderChanged("x", "sr", seq, k, h.now, TXF, to, filled_qty, left, "no answer"), h.now)


def test_doubt_about_an_entry_halts_until_it_is_resolved() -> None:
    h = entered(silent)
    entry = handle_of(2, 1)
    doubted(h, entry)
    assert (status(h), note(h)) == ("halted", "nobody knows what became of its entry: no answer")
    assert "cannot be resumed now" in h.command("resume", "c1")
    doubted(h, entry, Status.WORKING)
    assert (status(h), note(h)) == ("entering", "")
    doubted(h, entry)
    h.report(filled(h.submits()[0], 22030, h.now))
    assert status(h) == "open"


def test_doubt_about_an_entry_that_was_never_filled_stays_halted_when_it_is_canceled() -> None:
    h = entered(silent)
    doubted(h, handle_of(2, 1))
    h.report(Canceled(h.submits()[0].client_id, h.now, 1))
    assert (status(h), note(h)) == ("halted", "its entry is over and nothing was filled")


def test_doubt_about_an_exit_halts_until_it_is_resolved() -> None:
    h = entered()
    h.tick(22031)
    h.venue = silent
    h.tick(22150)
    exit_order = handle_of(4, TRADER_K)
    doubted(h, exit_order)
    assert (status(h), note(h)) == ("halted", "nobody knows what became of its exit")
    doubted(h, handle_of(4, TRADER_K + 1), Status.WORKING)
    assert status(h) == "halted"  # another order's news
    doubted(h, exit_order, Status.WORKING)
    assert status(h) == "exiting"
    doubted(h, exit_order)
    h.report(filled(h.submits()[1], 22150, h.now))
    assert status(h) == "done"


def test_a_refusal_as_a_repeat_says_nothing_of_the_order() -> None:
    h = entered(silent)
    h.host.handle(Refused("sr", 2, 1, h.now, "duplicate", 1, 2, "handled before"), h.now)
    assert status(h) == "entering"


def test_news_of_others_moves_nothing() -> None:
    h = entered(silent)
    doubted(h, handle_of(9, 9))
    h.host.handle(ExitMoved("sr", 9, 9, h.now, TXF, Side.BUY, 1, 2, 3), h.now)
    assert status(h) == "entering"


def test_news_that_cannot_be_leaves_a_note() -> None:
    h = entered()
    for price in (22031, 22150, 22150):
        h.tick(price)
    assert status(h) == "done"
    doubted(h, handle_of(2, 1), Status.WORKING, 0, 1)
    assert status(h) == "done"
    assert note(h) == "sent was heard while done, which cannot be: compare with the orders"


def test_a_stale_decision_expires_and_is_recorded() -> None:
    h = house(values(deadline_ms=500))
    h.tick(22000)
    assert h.tick(22030, late=501_000_000) == []
    assert (status(h), rows(h)[0]["expired"]) == ("armed", 1)
    assert note(h) == "the turn at 22030 was heard 501 ms late, its deadline is 500 ms"
    assert isinstance(h.kept[-1], Saved)
    assert h.tick(22030, late=500_000_000) == ["buy 1"]


def test_a_decision_has_a_deadline_of_ten_seconds_unless_told() -> None:
    h = house(values())
    h.tick(22000)
    assert h.tick(22030, late=10_001_000_000) == []
    assert h.tick(22030, late=10_000_000_000) == ["buy 1"]


def test_a_price_of_zero_or_less_is_no_tick() -> None:
    h = house(values())
    h.tick(0)
    h.tick(-5)
    assert status(h) == "waiting"
    assert h.trader.market_seq == 0


def test_a_condition_hears_its_own_contract_only() -> None:
    h = house(values(symbol=TXF), values(symbol=MXF), symbols=(TXF, MXF))
    h.tick(22000, MXF)
    assert [row["status"] for row in rows(h)] == ["waiting", "armed"]
    assert h.tick(22030, TXF) == []
    assert h.tick(22030, MXF) == ["buy 1"]
    assert h.submits()[-1].symbol == MXF


def test_two_conditions_of_one_contract_have_their_own_orders_and_exits() -> None:
    h = house(values(quantity=1), values(quantity=2, trigger_ticks=22020, take_profit_ticks=30))
    assert h.tick(22000) == []
    assert h.tick(22030) == ["buy 1"]
    assert h.tick(22050) == ["buy 2"]
    assert h.tick(22060) == []
    assert [status(h, 1), status(h, 2)] == ["open", "open"]
    assert h.tick(22080) == ["sell 2"]
    assert h.tick(22100) == []
    assert [status(h, 1), status(h, 2)] == ["open", "done"]
    assert h.tick(22000) == ["sell 1"]


def test_two_conditions_may_enter_on_one_tick() -> None:
    h = house(values(quantity=1), values(quantity=2))
    h.tick(22000)
    assert h.tick(22030) == ["buy 1", "buy 2"]
    h.tick(22031)
    assert h.tick(22150) == ["sell 1", "sell 2"]


def test_conditions_of_both_sides_have_their_own_orders_and_exits() -> None:
    h = house(values(), values("sell", trigger_ticks=22080))
    said = [h.tick(price) for price in (22000, 22030, 22080, 22050, 22040, 22149, 22150, 22160)]
    assert said == [[], ["buy 1"], [], ["sell 1"], [], ["buy 1"], ["sell 1"], []]
    assert [status(h, 1), status(h, 2)] == ["done", "done"]
