from autofutures.domain.units import SECOND
from autofutures.seats.freshness import silent_markets
from autofutures.seats.noticed import Noticed
from tests.makers import TXF
from tests.unit.seats.house import House

QUIET_NS = 60 * SECOND


def silent(house: House) -> list[str]:
    return silent_markets(house.trader.trader.view, [TXF], QUIET_NS, house.now)


def test_a_market_in_session_that_is_not_heard_is_a_reason_until_it_is_heard_again() -> None:
    with House().begin() as house:
        house.ticks()
        house.now += QUIET_NS
        assert silent(house) == []
        house.now += SECOND
        [sentence] = silent(house)
        assert sentence == f"{TXF}: no trade or quote for 61 s, though its session is open"
        verdict = house.trader.readiness(house.now, [sentence])
        assert not verdict.ready
        assert sentence in verdict.reasons
        house.ticks()
        assert silent(house) == []


def test_a_closed_market_may_be_silent_and_no_bound_is_none() -> None:
    with House().begin() as house:
        house.now += 3_600 * SECOND
        view = house.trader.trader.view
        assert silent_markets(view, [TXF], 0, house.now) == []
        session = view.session(TXF, house.now)
        assert session is not None
        assert silent_markets(view, [TXF], QUIET_NS, session.ends_at) == []


def test_a_silent_market_is_told_once() -> None:
    with House().begin() as house:
        noticed, verdict = Noticed(), house.trader.readiness(house.now)
        sentence = f"{TXF}: no trade"
        told = [
            [(alert.name, alert.subject) for alert in noticed.look(verdict, silent)]
            for silent in ([], [sentence], [sentence], [], [sentence])
        ]
    assert told == [[], [("market_silent", TXF)], [], [], [("market_silent", TXF)]]
