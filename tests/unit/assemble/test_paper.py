import msgspec

from autofutures.assemble.market import session_of
from autofutures.assemble.paper import (
    LEAST_TRADES,
    LIST_NS,
    OPENS_AFTER_NS,
    by_the_clock,
    for_days,
    offset_ns,
)
from tests.runs import generated


def test_a_run_by_the_clock_asks_its_broker_and_has_a_lively_market() -> None:
    run = by_the_clock(generated())
    assert run.policy.reconciles
    assert (run.day, run.trades) == (generated().day, LEAST_TRADES)
    busy = by_the_clock(msgspec.structs.replace(generated(), trades=200_000))
    assert busy.trades == 200_000


def test_its_brokers_lists_do_not_grow_all_day_unless_the_run_says_how_long_they_are() -> None:
    assert by_the_clock(generated()).faults == {"list_ns": LIST_NS}
    longer = msgspec.structs.replace(generated(), faults={"list_ns": 2 * LIST_NS, "slow": 1})
    assert by_the_clock(longer).faults == longer.faults


def test_a_steady_market_keeps_its_pace() -> None:
    assert by_the_clock(msgspec.structs.replace(generated(), source="steady", trades=7)).trades == 7


def test_a_book_goes_on_with_the_trading_day_after_its_last() -> None:
    friday = msgspec.structs.replace(generated(), day=20260807)
    assert by_the_clock(generated(), friday).day == 20260810
    assert by_the_clock(friday, generated()).day == 20260807


def test_the_session_opens_in_a_moment_by_the_shifted_clock() -> None:
    run, now = generated(), 1_000
    assert now + offset_ns(run, now) == session_of(run).opens_at - OPENS_AFTER_NS
    assert now + offset_ns(run, now, 5) == session_of(run).opens_at - 5


def test_days_on_end_are_trading_days_and_the_next_run_begins_after_the_last_of_them() -> None:
    friday = msgspec.structs.replace(generated(), day=20260807)
    assert for_days(friday, 1).until == 0
    assert for_days(friday, 3).until == 20260811
    assert by_the_clock(friday, for_days(friday, 3)).day == 20260812
