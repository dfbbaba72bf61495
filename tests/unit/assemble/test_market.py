from collections import Counter
from pathlib import Path

import msgspec
import pytest

from autofutures.assemble.market import (
    GATHERING_NS,
    begins_at,
    make_broker,
    make_exchange,
    make_feed,
    session_of,
    with_bands,
    with_market,
)
from autofutures.assemble.nodes import bands_of, make_trader
from autofutures.config import RunSettings
from autofutures.domain.errors import BadInput
from autofutures.domain.messages import Accepted, SessionEnded, Tick
from autofutures.domain.units import MINUTE, SECOND, OrderType
from autofutures.market.contract_days import sessions_of
from autofutures.market.dates import taipei_ns
from autofutures.market.sessions import Calendar
from autofutures.matching.model import DepthChanged
from tests.makers import submit
from tests.runs import DAY, RECORDED, RECORDED_DAY, TXF, a_catalog, generated, recorded
from tests.unit.data.files import put
from tests.unit.data.test_stream_quotes import keep

MXF = "TAIFEX:MXF202108"


def test_a_generated_run_has_one_session_of_its_day() -> None:
    session = session_of(generated())
    assert (session.day, session.name, session.opens_at) == (DAY, "day", taipei_ns(DAY, 31_500))


def test_more_contracts_than_a_generated_session_has_are_refused() -> None:
    run = msgspec.structs.replace(generated(), symbols=(TXF, "TAIFEX:MXF202608"))
    with pytest.raises(BadInput, match="one contract, and 2 were named: replay recorded data"):
        session_of(run)


def test_a_session_that_is_not_there_is_refused() -> None:
    run = msgspec.structs.replace(generated(), day=20260822)
    with pytest.raises(BadInput, match=f"{TXF} has no day session on 20260822: choose a trading day"):
        session_of(run)


def test_a_generated_market_is_the_same_for_the_same_seed() -> None:
    one, same = list(make_feed(generated())), list(make_feed(generated()))
    other = list(make_feed(msgspec.structs.replace(generated(), seed=2)))
    assert one == same != other
    assert isinstance(one[-1], SessionEnded)


def test_a_short_session_has_all_its_trades_in_its_length_and_then_ends() -> None:
    run = msgspec.structs.replace(generated(trades=2_000), length_ns=2 * MINUTE)
    events = list(make_feed(run))
    opens_at = session_of(run).opens_at
    ended = events[-1]
    assert isinstance(ended, SessionEnded)
    assert events[0].at == begins_at(run) > opens_at - GATHERING_NS
    assert ended.at == opens_at + 2 * MINUTE + SECOND
    assert max(event.at for event in events[:-1]) < opens_at + 2 * MINUTE


def test_the_broker_of_a_run_misbehaves_as_the_run_says() -> None:
    run = msgspec.structs.replace(generated(), faults={"reject": 1_000})
    broker = make_broker(run, life=3)
    broker.connect(0)
    broker.hear(submit("o1", symbol=TXF), 1, 0)
    (order,) = broker.statement().orders
    assert (order.venue_id, order.status) == ("B3.1", "rejected")


def test_a_steady_market_trades_at_its_pace() -> None:
    run = msgspec.structs.replace(generated(trades=5), source="steady", interval_ns=SECOND)
    events = list(make_feed(run))
    opens_at = session_of(run).opens_at
    assert [event.at - opens_at for event in events] == [n * SECOND for n in range(5)]
    assert all(isinstance(event, Tick) for event in events)


def test_a_recorded_market_is_the_catalogues(tmp_path: Path) -> None:
    run = recorded(a_catalog(tmp_path))
    shown = {SessionEnded: "session", Tick: "price_ticks"}
    assert [getattr(event, shown[type(event)]) for event in make_feed(run)] == [
        17409,
        17410,
        "night",
        17473,
        17475,
        17460,
        17450,
        17480,
        17400,
        "day",
    ]


def test_what_was_not_imported_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no trades of TAIFEX:TXF202109"):
        make_feed(recorded(a_catalog(tmp_path), ("TAIFEX:TXF202109",)))


def test_price_limits_come_from_the_settlement_price_of_the_day_before(tmp_path: Path) -> None:
    catalog = a_catalog(tmp_path)
    tomorrow = msgspec.structs.replace(recorded(catalog), day=20210727)
    assert with_bands(tomorrow).bands == {RECORDED: (15_660, 19_140)}
    today = recorded(catalog)
    assert with_bands(today) == today
    assert with_bands(generated()) == generated()


def closing(day: int, price_ticks: int) -> list[tuple[int, int]]:
    """A trade at the open, and one in the last minute: the settlement price."""
    by_day = sessions_of(RECORDED, day, Calendar())[1]
    return [(by_day.opens_at, price_ticks), (by_day.closes_at - SECOND, price_ticks)]


def three_days(folder: Path) -> RunSettings:
    """Three trading days that settle at 17,000, 18,000 and 17,000; of the first the day before is not known."""
    for day, price_ticks in zip(DAYS, (17_000, 18_000, 17_000), strict=True):
        put(folder, RECORDED, day, closing(day, price_ticks))
    return with_bands(msgspec.structs.replace(recorded(folder), until=DAYS[-1]))


DAYS = (20210726, 20210727, 20210728)


def test_each_day_of_a_run_has_the_limits_of_the_settlement_before_it(tmp_path: Path) -> None:
    run = three_days(tmp_path)
    assert run.bands == {}
    assert run.later_bands == {DAYS[1]: {RECORDED: (15_300, 18_700)}, DAYS[2]: {RECORDED: (16_200, 19_800)}}
    night = sessions_of(RECORDED, DAYS[1], Calendar())[0]
    bands = bands_of(run)[RECORDED]
    assert bands.at(night.accepts_from - 1) == (0, 0)
    assert bands.at(night.accepts_from) == (15_300, 18_700)


def test_the_exchange_rejects_what_is_outside_the_limits_of_its_own_day(tmp_path: Path) -> None:
    run = three_days(tmp_path)
    exchange, said = make_exchange(run), []
    for n, event in enumerate(make_feed(run)):
        if isinstance(event, Tick):
            exchange.handle(
                submit(f"o{n}", at=event.at, price_ticks=15_500, kind=OrderType.LIMIT), event.at - 1
            )
        said += [type(one).__name__ for one in exchange.handle(event, event.at)]
    assert [name for name in said if name in ("Accepted", "Rejected")] == [
        *["Accepted"] * 4,
        *["Rejected"] * 2,
    ]


def test_the_trader_hears_no_trade_outside_the_limits_of_its_own_day(tmp_path: Path) -> None:
    run = three_days(tmp_path)
    trader = make_trader(run)
    opens = [sessions_of(RECORDED, day, Calendar())[1].opens_at for day in DAYS]
    said = [trader.handle(Tick(RECORDED, at, 15_500, 1), at) for at in opens]
    assert [len(one) for one in said] == [0, 0, 1]


@pytest.mark.parametrize(("latency_ns", "acts_at"), [(0, 1), (SECOND, 1), (SECOND + 1, 900)])
def test_an_order_reaches_the_market_after_the_runs_latency(
    tmp_path: Path, latency_ns: int, acts_at: int
) -> None:
    run = msgspec.structs.replace(recorded(a_catalog(tmp_path)), order_latency_ns=latency_ns)
    exchange, opens_at = make_exchange(run), taipei_ns(RECORDED_DAY, 31_500)
    exchange.handle(submit(at=opens_at), opens_at)
    later = [event for event in make_feed(run) if event.at > opens_at]
    said = [message for event in later for message in exchange.handle(event, event.at)]
    accepted = [message.at for message in said if isinstance(message, Accepted)]
    assert accepted == [opens_at + acts_at * SECOND]


def test_the_exchange_of_a_generated_run_says_its_own_trades() -> None:
    run = generated()
    exchange = make_exchange(run)
    said = [message for event in make_feed(run) for message in exchange.handle(event, event.at)]
    assert sum(isinstance(message, Tick) for message in said) > 100


@pytest.mark.parametrize(
    ("asked", "kinds", "market"),
    [
        ("auto", ("ticks",), "prints"),
        ("auto", ("ticks", "quotes"), "quotes"),
        ("auto", ("quotes",), "quotes"),
        ("auto", ("ticks", "depth"), "prints"),
        ("auto", (), "prints"),
        ("prints", ("ticks", "quotes"), "prints"),
        ("depth", ("ticks", "depth"), "depth"),
    ],
)
def test_a_run_uses_the_quotes_that_are_recorded_unless_told_otherwise(
    tmp_path: Path, asked: str, kinds: tuple[str, ...], market: str
) -> None:
    run = quoted(tmp_path, *kinds)
    found = with_market(run, asked, None)
    assert (found.market, found.slippage_ticks) == (market, 1 if market == "prints" else 0)
    assert with_market(run, asked, 3).slippage_ticks == 3


def test_a_day_without_quotes_among_days_with_them_makes_it_a_run_of_prints(tmp_path: Path) -> None:
    run = msgspec.structs.replace(quoted(tmp_path, "ticks", "quotes"), until=RECORDED_DAY + 1)
    assert with_market(run, "auto", None).market == "quotes"
    keep(tmp_path, "ticks", [(0, 100, 1, False)], RECORDED_DAY + 1)
    assert with_market(run, "auto", None).market == "prints"
    other = msgspec.structs.replace(quoted(tmp_path, "quotes"), symbols=(RECORDED, MXF))
    assert with_market(other, "auto", None).market == "prints"


def test_a_market_that_is_none_or_not_for_the_run_is_refused() -> None:
    with pytest.raises(BadInput, match="--market 'tape': write auto, prints, quotes, depth"):
        with_market(generated(), "tape", None)
    with pytest.raises(BadInput, match="a generated session has a book of its own"):
        with_market(generated(), "quotes", None)
    assert with_market(generated(), "auto", None).market == "prints"


def test_each_market_hears_what_its_feed_says(tmp_path: Path) -> None:
    run = quoted(tmp_path, "ticks", "quotes", "depth")
    for market in ("prints", "quotes", "depth"):
        known = with_market(run, market, None)
        exchange = make_exchange(known)
        said = [message for event in make_feed(known) for message in exchange.handle(event, event.at)]
        assert not any(isinstance(message, DepthChanged) for message in said)
        assert isinstance(said[-1], SessionEnded)


def quoted(folder: Path, *kinds: str) -> RunSettings:
    """A run of a catalogue that has so much of its contract."""
    if "ticks" in kinds:
        keep(folder, "ticks", [(1, 100, 2, False)])
    if "quotes" in kinds:
        keep(folder, "quotes", [(0, 99, 5, 100, 6)])
    if "depth" in kinds:
        keep(folder, "depth", [(0, 1, 99, 5, True)])
    return RunSettings(symbols=(RECORDED,), day=RECORDED_DAY, source="recorded", catalog=str(folder))


def test_a_generated_market_of_several_days_has_each_session_of_them_once_and_a_book_that_begins_anew() -> (
    None
):
    run = generated(trades=200)
    run = msgspec.structs.replace(run, until=20260804, length_ns=2 * MINUTE)
    exchange, ends, trades = make_exchange(run), list[tuple[int, str]](), Counter[int]()
    last_at = 0
    for event in make_feed(run):
        assert event.at > last_at
        last_at = event.at
        for said in exchange.handle(event, event.at):
            if isinstance(said, SessionEnded):
                ends.append((said.day, said.session))
            trades[len(ends)] += isinstance(said, Tick)
    assert ends == [(DAY, "day"), (20260804, "night"), (20260804, "day")]
    assert all(150 < trades[number] < 300 for number in range(3)), trades
