from collections import Counter

import pytest

from autofutures.assemble.check import check_run
from autofutures.assemble.market import make_broker
from autofutures.domain.units import SECOND
from autofutures.processes.chaos.driver import Drill, strikes_by
from autofutures.processes.chaos.plan import ROLES, run_of, strikes_of


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_role_has_a_tenth_of_two_hundred_kills_and_of_the_stops(seed: int) -> None:
    strikes = strikes_of(seed, 200)
    kills = Counter(strike.role for strike in strikes if strike.signal == "kill")
    stops = Counter(strike.role for strike in strikes if strike.signal == "stop")
    assert kills.total() == 200
    assert stops.total() == 40
    assert all(kills[role] >= 20 and stops[role] >= 4 for role in ROLES)


def test_a_handful_of_kills_leaves_no_role_out() -> None:
    assert {strike.role for strike in strikes_of(9, 5) if strike.signal == "kill"} == set(ROLES)


def test_a_seed_decides_its_strikes_and_another_seed_others() -> None:
    assert strikes_of(4, 50) == strikes_of(4, 50)
    assert strikes_of(4, 50) != strikes_of(5, 50)


def test_strikes_are_of_many_kinds() -> None:
    strikes = strikes_of(1, 200)
    assert 15 <= sum(not strike.waits for strike in strikes) <= 60
    assert 80 <= sum(strike.aimed for strike in strikes) <= 160
    assert 10 <= sum(strike.cut_ms > 0 for strike in strikes) <= 60
    assert strikes[0].waits
    hanging = [strike.stopped_ns for strike in strikes if strike.signal == "stop"]
    assert min(hanging) < 1_500_000_000
    assert max(hanging) > 4_000_000_000


def test_the_run_of_a_seed_is_one_that_the_machine_takes() -> None:
    run = run_of(3)
    check_run(run)
    make_broker(run)
    assert run.policy.reconciles
    assert run.faults["lost_fill"] > 0


def test_a_bad_hour_is_a_kill_after_so_long_each_and_every_role_has_its_turn() -> None:
    strikes = strikes_by(Drill(seed=3, minutes=60, every_s=30))
    assert len(strikes) == 120
    assert {strike.pause_ns for strike in strikes} == {30 * SECOND}
    assert {(strike.signal, strike.waits, strike.aimed) for strike in strikes} == {("kill", False, False)}
    assert {strike.role for strike in strikes} == set(ROLES)
    assert strikes == strikes_by(Drill(seed=3, kills=120, every_s=30))
    assert strikes_by(Drill(seed=3, kills=5)) == strikes_of(3, 5)
