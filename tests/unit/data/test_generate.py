import hashlib
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

import msgspec
import pytest

from autofutures.data.generate import GATHERING, generate
from autofutures.domain.errors import BadInput
from autofutures.domain.messages import Quote, SessionEnded, Tick
from autofutures.domain.units import MINUTE, SECOND, OrderType
from autofutures.matching.book_market import BookMarket
from autofutures.matching.model import FeedEvent, FlowAdd, FlowRemove, SessionOpened

SYMBOL, DAY = "TAIFEX:TXF202108", 20210726
OPENS_AT = 1_627_260_300 * SECOND
"""2021-07-26 08:45 in Taipei."""
CLOSES_AT = OPENS_AT + 300 * MINUTE


def session(seed: int = 7, trades: int = 1_500, day: int = DAY, name: str = "day") -> Iterator[FeedEvent]:
    return generate(SYMBOL, day, name, seed, opens_at=OPENS_AT, closes_at=CLOSES_AT, trades=trades)


def digest(events: Iterator[FeedEvent]) -> str:
    encode = msgspec.msgpack.Encoder().encode
    total = hashlib.sha256()
    for event in events:
        total.update(encode(event))
    return total.hexdigest()


def played(events: Iterator[FeedEvent]) -> list[Tick | Quote]:
    market = BookMarket(SYMBOL, 20, 15_660, 19_140, 17_400)
    return [said for event in events for said in market.hear(event).market]


@pytest.fixture(scope="module")
def whole_day() -> list[Tick | Quote]:
    return played(session(trades=18_000))


def test_one_seed_makes_one_session() -> None:
    assert digest(session()) == digest(session())


def test_another_seed_day_or_session_makes_another() -> None:
    others = [session(seed=8), session(day=20210727), session(name="night")]
    assert len({digest(session()), *map(digest, others)}) == 4


def test_the_session_is_the_same_on_every_machine() -> None:
    assert digest(session(trades=200)) == ("517889e3bf35284242bd4ad8f3c33574f9255cbdc691fee5efbfd9e0f60b29ba")


def test_times_rise_strictly_from_the_gathering_to_a_second_after_the_close() -> None:
    times = [event.at for event in session()]
    assert all(before < after for before, after in pairwise(times))
    assert OPENS_AT - GATHERING < times[0] < OPENS_AT < times[-2] < CLOSES_AT
    assert times[-1] == CLOSES_AT + SECOND


def test_it_opens_once_ends_once_and_says_which_session_it_was() -> None:
    events = list(session())
    assert [event for event in events if isinstance(event, SessionOpened)] == [
        SessionOpened(SYMBOL, OPENS_AT, DAY, "day")
    ]
    assert events[-1] == SessionEnded(SYMBOL, CLOSES_AT + SECOND, DAY, "day")
    assert sum(isinstance(event, SessionEnded) for event in events) == 1


def test_all_kinds_of_orders_come_before_and_after_the_open() -> None:
    kinds = Counter(
        (event.at > OPENS_AT, event.type if isinstance(event, FlowAdd) else None)
        for event in session()
        if isinstance(event, FlowAdd | FlowRemove)
    )
    assert all(kinds[after, kind] > 10 for after in (False, True) for kind in (OrderType.LIMIT, None))
    assert kinds[False, OrderType.MARKET] > 3
    assert kinds[True, OrderType.MARKET] > 300


def test_the_call_auction_prints_first_and_once(whole_day: list[Tick | Quote]) -> None:
    auctions = [place for place, said in enumerate(whole_day) if isinstance(said, Tick) and said.auction]
    assert auctions == [0]


@pytest.mark.parametrize("trades", [40, 1_500, 5_000])
def test_there_are_as_many_trades_as_asked_for(trades: int) -> None:
    printed = sum(isinstance(said, Tick) for said in played(session(trades=trades)))
    assert abs(printed - trades) <= 30 + trades * 0.05


def test_the_book_is_never_crossed_and_never_one_sided(whole_day: list[Tick | Quote]) -> None:
    quotes = [said for said in whole_day if isinstance(said, Quote)]
    assert all(quote.bid_ticks < quote.ask_ticks for quote in quotes)
    assert all(quote.bid_qty > 0 and quote.ask_qty > 0 for quote in quotes)


def test_the_spread_is_mostly_one_to_three_ticks(whole_day: list[Tick | Quote]) -> None:
    spreads = [said.ask_ticks - said.bid_ticks for said in whole_day if isinstance(said, Quote)]
    assert sum(spread <= 3 for spread in spreads) > 0.95 * len(spreads)
    assert sum(spread > 1 for spread in spreads) > 0.05 * len(spreads)


def test_the_price_moves_as_on_a_day_and_a_pair_of_averages_crosses_often(
    whole_day: list[Tick | Quote],
) -> None:
    prices = [said.price_ticks for said in whole_day if isinstance(said, Tick)]
    assert 60 < max(prices) - min(prices) < 1_000
    fast = slow = float(prices[0])
    signs: list[bool] = []
    for price in prices[1:]:
        fast += (price - fast) * 2 / 21
        slow += (price - slow) * 2 / 61
        signs.append(fast > slow)
    crosses = sum(before != after for before, after in pairwise(signs))
    assert 100 <= crosses <= 600


def test_the_ends_of_the_session_are_busier_than_its_middle(whole_day: list[Tick | Quote]) -> None:
    hours = Counter((said.at - OPENS_AT) // (60 * MINUTE) for said in whole_day if isinstance(said, Tick))
    assert min(hours[0], hours[4]) > 1.5 * hours[2]


def test_no_volatility_keeps_the_price_near_its_start() -> None:
    still = generate(
        SYMBOL, DAY, "day", 1, opens_at=OPENS_AT, closes_at=CLOSES_AT, trades=500, volatility_percent=0
    )
    assert all(17_370 < said.price_ticks < 17_430 for said in played(still) if isinstance(said, Tick))


def test_a_strategy_that_takes_from_the_book_leaves_the_flow_playable() -> None:
    market = BookMarket(SYMBOL, 20)
    taken = 0
    for event in session():
        market.hear(event)
        if event.at > OPENS_AT and isinstance(event, FlowAdd) and event.order_id % 3 == 0:
            taken += 1
            market.hear(msgspec.structs.replace(event, order_id=-taken))
    assert taken > 500


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"closes_at": OPENS_AT + SECOND}, "a minute after"),
        ({"gathers_at": OPENS_AT}, "a second before"),
        ({"trades": 0}, "at least 1"),
        ({"trades": 100_000_000}, "at most 100"),
        ({"start_ticks": 10}, "1000 ticks"),
        ({"volatility_percent": -1}, r"0\.\.1000"),
    ],
)
def test_arguments_that_make_no_session_are_refused(changed: dict[str, int], said: str) -> None:
    arguments = {"opens_at": OPENS_AT, "closes_at": CLOSES_AT} | changed
    with pytest.raises(BadInput, match=said):
        generate(SYMBOL, DAY, "day", 1, **arguments)
