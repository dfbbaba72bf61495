"""A batch is handled, kept, and only then sent, and no older life has a say."""

from collections.abc import Sequence

import pytest

from autofutures.bus.codec import Outbox
from autofutures.domain.messages import (
    Accepted,
    Alert,
    AnyMessage,
    BookKept,
    BookMode,
    BookStop,
    Command,
    Filled,
    Gap,
    LinkChanged,
    OrderChanged,
    Query,
    Ready,
    Refused,
    Rejected,
    Restored,
    Saved,
    SessionEnded,
    Snapshot,
    Stop,
    Submit,
    TermsTold,
    Tick,
    WakeAt,
    Woke,
)
from autofutures.domain.order_life import Status
from autofutures.domain.units import SECOND, Side
from autofutures.ops.risk_shown import risk_shown
from autofutures.seats.port import GATEWAY, RECORDER, TRADER, Watch
from tests.makers import TXF, intent
from tests.unit.seats.house import NIGHT, PINGER, House, a_run


class Killed(Exception):
    """The trader died here, on purpose."""


class Points(Watch):
    """Writes down where a seat has come, and ends it at one point."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.dies_at = ""

    def at(self, point: str, inputs: Sequence[AnyMessage], outputs: Sequence[AnyMessage]) -> None:
        self.seen.append(point)
        if point == self.dies_at:
            raise Killed


def facts(house: House, *kinds: type[AnyMessage]) -> list[AnyMessage]:
    return [fact for fact in house.journal.facts() if isinstance(fact, kinds)]


def test_everyone_meets_and_the_machine_is_ready() -> None:
    with House() as house:
        assert house.trader.readiness(house.now).reasons[:3] == (
            "gateway is away",
            "strategy/pinger is away",
            "recorder is away",
        )
        house.begin()
        verdict = house.trader.readiness(house.now)
    assert (verdict.ready, verdict.reasons) == (True, ())
    assert verdict.lives == {"trader": 1, "gateway": 1, "strategy/pinger": 1, "recorder": 2}


def test_a_tick_becomes_an_order_at_the_venue_and_a_line_of_the_record() -> None:
    with House().begin() as house:
        house.ticks()
        house.beat()
        [submit] = house.venue.submits
        assert facts(house, Submit) == [submit]
        assert [type(m) for m in house.tape.messages if isinstance(m, (Tick, Submit))] == [Tick, Submit]
        assert house.trader.tally.ticks_seen == 1


def test_a_batch_of_many_frames_is_kept_before_anything_of_it_leaves() -> None:
    points = Points()
    with House(a_run(), points).begin() as house:
        points.seen.clear()
        house.gateway.from_venue([(Tick(TXF, house.now, 17_400, 1), house.now)])
        house.gateway.from_venue([(Tick(TXF, house.now, 17_401, 1), house.now)])
        for sender, _, data in list(house.frames):
            house.trader.hear(sender, data, house.now)
        house.frames.clear()
        assert house.trader.heard == 2
        house.trader.settle(house.now)
        assert points.seen == [
            *("batch", "handle") * 2,
            *("before commit", "after commit", "between sends", "after sends"),
        ]
        assert [receiver for _, receiver, _ in house.frames] == [PINGER]


def test_what_was_not_kept_never_leaves() -> None:
    points = Points()
    with House(a_run(), points).begin() as house:
        points.dies_at = "before commit"
        with pytest.raises(Killed):
            house.ticks()
        assert (house.venue.submits, facts(house, Submit)) == ([], [])


def test_without_write_ahead_an_order_leaves_that_nobody_has_written_down() -> None:
    with House() as house:
        house.new_trader(write_ahead=False)
        house.begin()
        house.ticks()
        assert len(house.venue.submits) == 1
        assert facts(house, Submit) == []
        house.beat(10)
        assert len(facts(house, Submit)) == 1


def test_a_request_that_nobody_could_take_is_known_not_to_be_sent() -> None:
    with House().begin() as house:
        house.cut.add((TRADER, GATEWAY))
        house.ticks()
        assert house.venue.submits == []
        [rejected] = [m for batch in house.journal.batches() for m in batch.inputs if isinstance(m, Rejected)]
        assert rejected.reason == "not sent: no gateway"
        [*_, changed] = facts(house, OrderChanged)
        assert isinstance(changed, OrderChanged)
        assert changed.status is Status.REJECTED


def test_a_restarted_trader_is_found_by_all_and_knows_its_orders() -> None:
    with House().begin() as house:
        house.ticks()
        [submit] = house.venue.submits
        house.frames.clear()
        house.new_trader()
        house.beat(3)
        assert house.trader.readiness(house.now).lives["trader"] == 2
        assert not [r for r in house.trader.readiness(house.now).reasons if "away" in r]
        house.gateway.from_venue([(Accepted(submit.client_id, house.now, "X1"), house.now)])
        house.talk()
        order = house.trader.trader.orders.get(submit.client_id)
        assert order is not None
        assert order.status is Status.WORKING


def test_a_restarted_strategy_asks_for_what_it_must_know_and_its_older_life_has_no_say() -> None:
    with House().begin() as house:
        old = house.strategy
        house.new_strategy()
        house.beat()
        house.venue.sent.clear()
        data = Outbox(PINGER, old.life).frame((intent(strategy="pinger", at=house.now),), house.now)
        house.trader.hear(PINGER, data, house.now)
        house.trader.settle(house.now)
        [refused] = facts(house, Refused)
        assert isinstance(refused, Refused)
        assert refused.rule == "epoch"
        assert house.venue.submits == []


def test_a_report_counts_whichever_life_of_the_gateway_tells_it() -> None:
    with House().begin() as house:
        house.ticks()
        [submit] = house.venue.submits
        old = Outbox(GATEWAY, house.gateway.life)
        old.frame((submit,) * 50, 0)
        house.new_gateway()
        house.beat(2)
        fill = Filled(submit.client_id, house.now, "f1", TXF, Side.BUY, 1, 17_400)
        house.trader.hear(GATEWAY, old.frame((fill,), house.now), house.now)
        house.trader.settle(house.now)
        assert house.trader.trader.portfolio.net(TXF) == 1


def test_a_lost_report_is_a_gap_that_makes_the_trader_ask() -> None:
    with House().begin() as house:
        house.lost.add((GATEWAY, TRADER))
        house.gateway.from_venue([(Accepted("o1", house.now, "X1"), house.now)])
        house.lost.clear()
        house.venue.sent.clear()
        house.beat(2)
        assert [m for m in house.tape.messages if isinstance(m, Gap) and m.source == GATEWAY]
        assert house.venue.sent


def test_nobody_is_heard_with_a_word_that_is_not_his_to_say() -> None:
    with House().begin() as house:
        house.ticks()
        [submit] = house.venue.submits
        before = house.trader.trader.market_seq
        fill = Filled(submit.client_id, house.now, "f1", TXF, Side.BUY, 1, 17_400)
        words: dict[str, list[AnyMessage]] = {
            RECORDER: [fill, intent(strategy="pinger", at=house.now), Stop(house.now, "now")],
            PINGER: [
                Tick(TXF, house.now, 17_500, 1),
                fill,
                LinkChanged("sim", house.now, up=False, session=9),
                Snapshot("q", house.now, 0, (), (), {}),
                intent(strategy="another", at=house.now),
                Saved("another", house.now, b"x"),
            ],
            GATEWAY: [intent(strategy="pinger", at=house.now), Restored("pinger", 0, b"", (), (), (), {})],
        }
        lives = house.trader.readiness(house.now).lives
        house.venue.sent.clear()
        voices = {name: Outbox(name, lives[name]) for name in words}
        for name, messages in words.items():
            voices[name].frame((submit,) * 50, 0)  # It has said more than that before.
            house.trader.hear(name, voices[name].frame(messages, house.now), house.now)
            house.trader.settle(house.now)
        node = house.trader.trader
        assert (node.market_seq, node.portfolio.net(TXF), house.venue.sent) == (before, 0, [])
        assert not house.trader.desk.stop_asked
        assert house.trader.readiness(house.now).ready
        assert house.trader.imposters == sum(map(len, words.values()))
        said = [m for m in house.trader.news if isinstance(m, Alert) and m.name == "imposter"]
        assert len(said) == house.trader.imposters
        house.trader.hear(RECORDER, voices[RECORDER].frame([fill], house.now), house.now)
        assert house.trader.imposters == len(said) + 1
        assert [m for m in house.trader.news if isinstance(m, Alert) and m.name == "imposter"] == said


def test_a_silent_peer_is_away_after_two_seconds() -> None:
    with House().begin() as house:
        house.cut.add((RECORDER, TRADER))
        house.beat(19)
        assert house.trader.readiness(house.now).ready
        house.beat(3)
        assert house.trader.readiness(house.now).reasons == ("recorder is away",)


def test_a_trader_that_was_stopped_itself_hears_what_waits_before_it_calls_anyone_silent() -> None:
    with House().begin() as house:
        house.cut.add((RECORDER, TRADER))
        house.beat(23)
        house.venue.sent.clear()
        house.now += 10 * SECOND
        house.trader.beat(house.now)
        assert house.trader.readiness(house.now).reasons == ("recorder is away",)  # It was away before.
        house.now += 2 * SECOND + 1
        house.trader.beat(house.now)  # Stopped again, and nobody has spoken meanwhile.
        assert "gateway is away" in house.trader.readiness(house.now).reasons


def test_without_a_gateway_there_is_no_link_and_one_that_comes_back_is_asked_for_everything() -> None:
    with House().begin() as house:
        house.cut |= {(GATEWAY, TRADER), (TRADER, GATEWAY)}
        house.beat(22)
        assert "no link to the venue" in house.trader.readiness(house.now).reasons
        house.cut.clear()
        house.venue.sent.clear()
        house.beat(3)
        assert house.trader.readiness(house.now).ready
        assert any(isinstance(message, Query) for message in house.venue.sent)


def test_a_gateway_that_starts_again_has_no_link_until_it_says_so() -> None:
    with House().begin() as house:
        house.new_gateway()
        house.beat(2)
        assert house.trader.readiness(house.now).reasons == ("no link to the venue", "not reconciled")
        house.link(up=True)
        house.beat(2)
        assert house.trader.readiness(house.now).ready


@pytest.mark.parametrize("up", [True, False])
def test_news_of_the_link_that_was_lost_is_asked_for(up: bool) -> None:
    with House().begin() as house:
        if up:
            house.link(up=False)
        house.lost.add((GATEWAY, TRADER))
        house.link(up=up)
        house.lost.clear()
        house.lost.add((TRADER, GATEWAY))  # So is the question, once.
        house.beat()
        house.lost.clear()
        house.beat(3)
        assert house.trader.trader.inquiry.standing.link_up is up
        asked = [message for message in house.tape.messages if isinstance(message, BookMode)]
        house.beat(3)
        assert asked == [message for message in house.tape.messages if isinstance(message, BookMode)]


def test_timers_ring_when_they_are_due_and_not_for_a_life_that_is_over() -> None:
    with House().begin() as house:
        life = house.strategy.life
        ask = (WakeAt("pinger", house.now + SECOND, 1), WakeAt("pinger", house.now + 3 * SECOND, 2))
        outbox = Outbox(PINGER, life)
        house.trader.hear(PINGER, outbox.frame(ask, house.now), house.now)
        house.trader.settle(house.now)
        assert house.trader.wake_at == NIGHT + 13 * SECOND // 10
        house.beat(12)
        assert [m.timer for m in house.tape.messages if isinstance(m, Woke)] == [1]
        house.new_strategy()
        house.beat()
        assert house.trader.wake_at == 0


def test_a_command_is_answered_when_it_is_kept() -> None:
    with House().begin() as house:
        [mine] = house.ask(Command("f1", "pinger", "add", "c1", {}))
        assert "takes no commands" in str(mine["refused"])
        [nobodys] = house.ask(Command("f2", "nobody", "add", "c1", {}))
        assert "there is no strategy 'nobody' here" in str(nobodys["refused"])


def test_the_reset_of_a_book_stop_is_kept_and_answered_and_no_strategy_hears_of_it() -> None:
    with House().begin() as house:
        trader = house.trader.trader
        fired = BookStop("pinger", TXF, house.now, True, 1, 1)
        trader.fold(fired)
        [accepted] = house.ask(Command("f1", "pinger", "reset", "book_stop", {}))
        assert accepted == {"accepted": True}
        house.beat(12)
        assert [m.fired for m in house.tape.messages if isinstance(m, BookStop)] == [False]
        [refused] = house.ask(Command("f2", "pinger", "reset", "book_stop", {}))
        assert "no book stop of 'pinger' has fired" in str(refused["refused"])
        assert dict(trader.configured("pinger")) == {}


def test_nobody_is_told_of_a_reset_that_is_not_kept_yet() -> None:
    points = Points()
    with House(a_run(), points).begin() as house:
        house.trader.trader.fold(BookStop("pinger", TXF, house.now, True, 1, 1))
        points.dies_at = "before commit"
        with pytest.raises(Killed):
            house.ask(Command("f1", "pinger", "reset", "book_stop", {}))
        assert [receiver for _, receiver, _ in house.frames if receiver.startswith("operator")] == []


def test_a_stop_lets_strategies_say_what_to_keep_and_refuses_what_they_decide_after_it() -> None:
    with House().begin() as house:
        house.trader.stop(house.now, "a person asked")
        assert house.trader.waits_for == {PINGER}
        house.talk()
        assert house.trader.waits_for == set()
        assert house.strategy.stopped
        house.trader.end(house.now)
        house.talk()
        assert (house.trader.waits_for, house.recorder.stopped, house.gateway.stopped) == (set(), True, True)


def test_a_strategy_that_greets_while_the_machine_stops_is_told_so() -> None:
    with House().begin() as house:
        house.cut.add((TRADER, PINGER))
        house.trader.stop(house.now, "a person asked")
        house.talk()
        house.cut.clear()
        house.trader.waits_for = {PINGER}
        house.new_strategy()
        house.beat(2)
        assert house.strategy.stopped
        assert house.trader.waits_for == set()


def test_a_greeting_that_is_said_again_is_answered_again() -> None:
    with House() as house:
        house.lost.add((TRADER, PINGER))
        house.beat(2)
        house.lost.clear()
        house.beat(6)
        assert house.strategy.restored
        frame = Outbox(PINGER, house.strategy.life).frame((Ready("pinger", (TXF,)),), house.now)
        house.trader.hear(PINGER, frame, house.now)
        house.talk()
        house.ticks()
        assert len(house.venue.submits) <= 1


def test_a_long_life_leaves_little_to_fold_and_the_next_stands_where_it_stood() -> None:
    with House() as house:
        house.journal.snapshot_every = 10
        house.begin()
        for _ in range(20):
            house.ticks(2)
            house.beat()
        orders = len(house.venue.submits)
        folded = len(list(house.journal.facts()))
        everything = sum(len(batch.outputs) for batch in house.journal.batches())
        before = [order.kept() for order in house.trader.trader.orders.alive()]
        assert orders == len(before) > 5
        assert house.journal.since_snapshot < 10 < everything - folded
        house.new_trader()
        after = [order.kept() for order in house.trader.trader.orders.alive()]
        assert [order.client_id for order in after] == [order.client_id for order in before]


@pytest.mark.parametrize("snapshot", [False, True])
def test_a_trader_that_dies_after_a_login_knows_its_price_limits_and_margins_without_a_word(
    snapshot: bool,
) -> None:
    with House().begin() as house:
        for margin in (150_000, 209_000, 209_000):  # The last login tells nothing new.
            limits, margins = {TXF: (15_665, 19_145)}, {TXF: margin}
            link = LinkChanged("sim", house.now, up=True, session=2, limits=limits, margins=margins)
            house.gateway.from_venue([(link, house.now)])
            house.talk()
        told = [fact.margins for fact in facts(house, TermsTold) if isinstance(fact, TermsTold)]
        assert told == [{TXF: 150_000}, {TXF: 209_000}]
        before = risk_shown(house.trader.trader, house.now)
        if snapshot:
            house.journal.snapshot(house.trader.trader.facts(house.now), house.now)
        house.cut.add((GATEWAY, TRADER))
        trader = house.new_trader().trader
        assert risk_shown(trader, house.now) == before
        assert before["margins"] == {TXF: {"initial": 209_000, "told": 209_000, "set": 0}}
        assert trader.view.band(TXF, house.now) == (15_665, 19_145)
        assert trader.view.band(TXF, house.now + 86_400 * SECOND) == (0, 0)


def test_the_end_of_a_session_is_a_time_for_a_whole_snapshot() -> None:
    with House() as house:
        house.begin()
        house.ticks(2)
        assert house.journal.since_snapshot > 0
        house.gateway.from_venue([(SessionEnded(TXF, house.now, 20210726, "day"), house.now)])
        house.talk()
        house.trader.beat(house.now)
        assert house.journal.since_snapshot == 0
        assert isinstance(next(house.journal.facts()), BookKept)
