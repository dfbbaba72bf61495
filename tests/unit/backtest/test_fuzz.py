from random import Random

from autofutures.backtest.fuzz import Fuzz, random_market
from autofutures.domain.messages import Intent, Revoke, Saved, SessionEnded, Tick, WakeAt
from autofutures.domain.units import SECOND, OrderType, TimeInForce
from autofutures.market.sessions import Calendar
from autofutures.market.view import MarketView
from autofutures.strategies.host import Host
from tests.makers import OPEN, TXF

SESSIONS = Calendar().sessions_of(20210726, "taifex-index")


def test_a_market_is_in_time_order_inside_its_sessions_and_each_ends() -> None:
    for seed in range(20):
        events = list(random_market(Random(seed), (TXF, "TAIFEX:MXF202108"), SESSIONS, 200))
        assert [event.at for event in events] == sorted(event.at for event in events)
        ends = [event for event in events if isinstance(event, SessionEnded)]
        assert [(end.session, end.symbol) for end in ends] == [
            (session.name, symbol) for session in SESSIONS for symbol in (TXF, "TAIFEX:MXF202108")
        ]
        ticks = [event for event in events if isinstance(event, Tick)]
        assert all(any(session.holds(tick.at) for session in SESSIONS) for tick in ticks)


def test_markets_have_whole_seconds_and_nanoseconds_and_jumps_of_time() -> None:
    ticks = [
        event
        for seed in range(20)
        for event in random_market(Random(seed), (TXF,), SESSIONS, 200)
        if isinstance(event, Tick)
    ]
    assert any(tick.at % SECOND for tick in ticks)
    pairs = list(zip(ticks, ticks[1:], strict=False))
    assert any(one.at == other.at for one, other in pairs)
    assert any(10 * SECOND < other.at - one.at < 40 * SECOND for one, other in pairs)


def decisions(seed: int, count: int = 600) -> list[object]:
    view = MarketView(Calendar())
    view.add(TXF, "taifex-index", 20210818)
    host = Host("fuzz", Fuzz(seed=seed), (TXF,), view)
    return [
        decision
        for number in range(count)
        for decision in host.handle(
            Tick(TXF, OPEN + number * SECOND, 17_400 + number % 9, 1), OPEN + number * SECOND
        )
    ]


def test_the_fuzz_sends_orders_of_every_kind_with_and_without_plans_and_cancels() -> None:
    said = decisions(1)
    intents = [decision for decision in said if isinstance(decision, Intent)]
    assert {intent.type for intent in intents} == set(OrderType)
    assert {intent.tif for intent in intents if intent.type is OrderType.LIMIT} == set(TimeInForce)
    assert {intent.exit is None for intent in intents} == {True, False}
    assert {type(decision) for decision in said} == {Intent, Revoke, WakeAt}


def test_the_fuzz_is_its_seed_and_goes_on_where_its_state_was() -> None:
    assert decisions(3, 200) == decisions(3, 200)
    assert decisions(3, 200) != decisions(4, 200)
    one = Fuzz(seed=5)
    drawn = [one._draw(100) for _ in range(10)]
    other = Fuzz(seed=5).unpack(one.pack())
    assert [one._draw(100) for _ in range(5)] == [other._draw(100) for _ in range(5)]
    assert len(set(drawn)) > 5


def test_the_fuzz_has_itself_kept_at_a_gap() -> None:
    from autofutures.domain.messages import Gap

    view = MarketView(Calendar())
    view.add(TXF, "taifex-index", 20210818)
    host = Host("fuzz", Fuzz(), (TXF,), view)
    assert [type(said) for said in host.handle(Gap("gateway.market", OPEN, 1), OPEN)] == [Saved]
