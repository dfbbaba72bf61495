from collections.abc import Callable, Iterable
from itertools import pairwise
from random import Random

from autofutures.domain.messages import Decision, Gap, Intent, Revoke, Saved, SessionEnded, Tick, WakeAt
from autofutures.domain.units import SECOND, OrderType, TimeInForce
from autofutures.market.sessions import Calendar
from autofutures.market.view import MarketView
from autofutures.simulation.fuzz import Event, Fuzz, Planned, random_market
from autofutures.strategies.host import Host
from tests.makers import OPEN, TXF

MXF = "TAIFEX:MXF202108"
SESSIONS = Calendar().sessions_of(20210726, "taifex-index")
PACE_NS = SECOND // 10


def market(seed: int, enough: Callable[[], bool] = lambda: False) -> list[Event]:
    return list(random_market(Random(seed), {TXF: 17_400, MXF: 16_900}, SESSIONS, PACE_NS, enough))


def ticks_of(events: Iterable[Event]) -> list[Tick]:
    return [event for event in events if isinstance(event, Tick)]


def test_a_market_is_in_time_order_inside_its_sessions_and_each_ends() -> None:
    for seed in range(10):
        events = market(seed)
        assert [event.at for event in events] == sorted(event.at for event in events)
        ends = [event for event in events if isinstance(event, SessionEnded)]
        assert [(end.session, end.symbol) for end in ends] == [
            (session.name, symbol) for session in SESSIONS for symbol in (TXF, MXF)
        ]
        assert all(any(session.holds(tick.at) for session in SESSIONS) for tick in ticks_of(events))


def test_a_market_ends_with_the_session_in_which_it_was_enough() -> None:
    ends = [event for event in market(1, lambda: True) if isinstance(event, SessionEnded)]
    assert {end.session for end in ends} == {SESSIONS[0].name}


def test_each_symbol_has_prices_of_its_own() -> None:
    for seed in range(10):
        prices = {TXF: [], MXF: []}  # type: dict[str, list[int]]
        for tick in ticks_of(market(seed)):
            prices[tick.symbol].append(tick.price_ticks)
        assert prices[TXF][0] - prices[MXF][0] > 300


def test_markets_have_whole_seconds_and_nanoseconds_and_lulls() -> None:
    markets = [ticks_of(market(seed)) for seed in range(10)]
    assert any(all(tick.at % SECOND == 0 for tick in ticks[:50]) for ticks in markets)
    assert any(tick.at % SECOND for ticks in markets for tick in ticks)
    pairs = [pair for ticks in markets for pair in pairwise(ticks)]
    assert any(one.at == other.at for one, other in pairs)
    assert any(5 * SECOND < other.at - one.at < 20 * SECOND for one, other in pairs)


def host_of(strategy: Fuzz) -> Host:
    view = MarketView(Calendar())
    view.add(TXF, "taifex-index", 20210818)
    return Host("fuzz", strategy, (TXF,), view)


def decisions(strategy: Fuzz, first: int = 0, last: int = 600) -> list[Decision]:
    """What it says to trades number `first` to `last`, one a second, not knowing of anything before."""
    host = host_of(strategy)
    ticks = [Tick(TXF, OPEN + number * SECOND, 17_400 + number % 9, 1) for number in range(first, last)]
    return [decision for tick in ticks for decision in host.handle(tick, tick.at)]


def wishes(said: list[Decision]) -> list[tuple[int, OrderType, int, int]]:
    return [(said.side, said.type, said.qty, said.at) for said in said if isinstance(said, Intent)]


def test_the_fuzz_sends_orders_of_every_kind_with_and_without_plans_and_cancels() -> None:
    said = decisions(Fuzz(seed=1))
    intents = [decision for decision in said if isinstance(decision, Intent)]
    assert {intent.type for intent in intents} == set(OrderType)
    assert {intent.tif for intent in intents if intent.type is OrderType.LIMIT} == set(TimeInForce)
    assert {intent.exit is None for intent in intents} == {True, False}
    assert {type(decision) for decision in said} == {Intent, Revoke, WakeAt}


def test_who_plans_has_a_plan_of_some_kind_behind_every_order() -> None:
    intents = [decision for decision in decisions(Planned(seed=1)) if isinstance(decision, Intent)]
    kinds = {intent.exit for intent in intents}
    assert None not in kinds
    assert len(kinds) >= len(Planned.exit_plans)


def test_the_fuzz_is_its_seed_and_goes_on_where_its_state_was() -> None:
    assert decisions(Fuzz(seed=3)) == decisions(Fuzz(seed=3))
    assert wishes(decisions(Fuzz(seed=3))) != wishes(decisions(Fuzz(seed=4)))
    kept = Fuzz(seed=3)
    decisions(kept, 0, 100)
    restored = Fuzz(seed=3).unpack(kept.pack())
    assert wishes(decisions(restored, 100, 130)) == wishes(decisions(kept, 100, 130))
    assert wishes(decisions(restored, 100, 130)) != wishes(decisions(Fuzz(seed=3), 100, 130))


def test_the_fuzz_has_itself_kept_at_a_gap() -> None:
    said = host_of(Fuzz()).handle(Gap("gateway.market", OPEN, 1), OPEN)
    assert [type(decision) for decision in said] == [Saved]
