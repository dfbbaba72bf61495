from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from autofutures.bus.codec import Outbox
from autofutures.config import RunSettings, StrategySettings, write_run
from autofutures.domain.messages import (
    AnyMessage,
    BookKept,
    Halted,
    Placed,
    Refused,
    RiskDay,
    RiskKept,
    Submit,
    Tick,
    Traded,
)
from autofutures.domain.order_life import Status
from autofutures.domain.units import SECOND, OpenClose, OrderType, Side, TimeInForce
from autofutures.market.contract_days import sessions_of
from autofutures.market.dates import taipei_ns
from autofutures.market.sessions import Calendar
from autofutures.ops.folder import Folder
from autofutures.processes.counters import Counters, judge_counters
from autofutures.processes.stream import LENGTH
from autofutures.risk.state import RiskState
from autofutures.storage.journal import Journal
from tests.makers import intent

AUG = "TAIFEX:TXF202108"
MONDAY, TUESDAY = 20210816, 20210817
FIRST = sessions_of(AUG, MONDAY, Calendar())[1]
ROLL = taipei_ns(MONDAY, 15 * 3600)
"""Monday's trading day ends, and Tuesday's begins, at 15:00 in Taipei."""

TICK_VALUE = 200
LIMITS = {"daily_loss": {"max_loss": 5_000}, "daily_messages": {"max_messages": 9}}


class Story:
    """A journal and the recorder's stream beside it: one contract bought on Monday, and one on Tuesday.

    It is marked at 17,010 when Tuesday begins, so that 10 ticks are earned then; a fall to 16,990 on Tuesday loses
    20 on the first and, after the second was bought at 17,000, 10 more: 30 × NT$200.
    """

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        self.begins = [RiskDay(FIRST.opens_at, MONDAY, {}), RiskDay(ROLL, TUESDAY, {AUG: 17_010})]
        self.refused = 3
        self.lost = 6_000
        self.kept = RiskKept(
            at=ROLL + 9 * SECOND,
            day=TUESDAY,
            messages=2,
            orders={"s": 2},
            streaks={},
            baselines={"": 2_000, "strategy.s": 2_000},
            peaks={"": 2_000, "strategy.s": 2_000},
            marks={AUG: 17_000},
            trips=(),
        )
        self._said: list[tuple[int, AnyMessage]] = []
        self._count = 0

    def _tick(self, at: int, price: int) -> None:
        self._said.append((at, Tick(AUG, at, price, 1)))

    def _buy(self, at: int, price: int, *, filled: bool = True) -> None:
        self._count += 1
        number, client_id = self._count, f"a{self._count}"
        decided = intent(Side.BUY, 1, OrderType.MARKET, symbol=AUG, at=at, cause_seq=number)
        self._said += [
            (at, Placed(client_id, Status.SENT, decided)),
            (at, _submit(client_id, at)),
        ]
        if filled:
            fill = Traded(
                client_id, "s", number, 1, 1, at, AUG, Side.BUY, 1, price, 0, 0, number, f"F{number}"
            )
            self._said.append((at, fill))

    def judged(self) -> Counters:
        self._tick(FIRST.opens_at, 17_000)
        self._said += [(one.at, one) for one in self.begins if one.day == MONDAY]
        self._buy(FIRST.opens_at + SECOND, 17_000)
        self._tick(FIRST.opens_at + 2 * SECOND, 17_010)
        self._tick(ROLL, 17_000)
        self._said += [(one.at, one) for one in self.begins if one.day == TUESDAY]
        self._buy(ROLL + SECOND, 17_000)
        self._buy(ROLL + 2 * SECOND, 17_000, filled=False)
        at = ROLL + 3 * SECOND
        self._said.append((at, Refused("s", 9, 1, at, "daily_messages", 9, self.refused, "too many")))
        self._tick(at + SECOND, 16_990)
        self._said.append((at + SECOND, Halted("daily_loss", "", at + SECOND, 5_000, self.lost, "lost")))
        self._write()
        return judge_counters(self.folder)

    def judged_without_limits(self) -> Counters:
        """Nothing is watched, so no day is said to begin; on Tuesday all is refused."""
        write_run(msgspec.structs.replace(self.folder.run(), limits={}), self.folder.root / "run.json")
        self._tick(FIRST.opens_at, 17_000)
        self._buy(FIRST.opens_at + SECOND, 17_000)
        self._tick(ROLL, 17_000)
        at = ROLL + 3 * SECOND
        self._said.append((at, Refused("s", 9, 1, at, "book_stop", 0, 1, "it has lost all that it may")))
        self.kept = RiskKept(at, MONDAY, 1, {"s": 1}, {}, {}, {}, {}, ())
        self._write()
        return judge_counters(self.folder)

    def _write(self) -> None:
        outbox, stream = Outbox("trader", 1), bytearray()
        with Journal.open(self.folder.journal) as journal:
            for at, message in self._said:
                frame = outbox.frame((message,), at)
                stream += LENGTH.pack(len(frame)) + frame
                if not isinstance(message, Tick):
                    journal.commit((), (message,), at)
            journal.snapshot((BookKept(self.kept.at, 0, ()), self.kept), self.kept.at)
        self.folder.stream.write_bytes(stream)


def _submit(client_id: str, at: int) -> Submit:
    market, ioc = OrderType.MARKET, TimeInForce.IOC
    return Submit(client_id, at, AUG, Side.BUY, 1, market, 0, ioc, OpenClose.AUTO, day_trade=False)


@pytest.fixture
def story(tmp_path: Path) -> Story:
    strategy = StrategySettings(name="s", use="ema_cross", symbols=(AUG,))
    run = RunSettings(
        symbols=(AUG,),
        day=MONDAY,
        until=TUESDAY,
        source="recorded",
        strategies=(strategy,),
        limits=LIMITS,
    )
    write_run(run, tmp_path / "run.json")
    return Story(Folder(tmp_path))


def test_days_that_begin_at_their_roll_and_say_what_was_counted_break_nothing(story: Story) -> None:
    assert story.judged() == Counters(days=2, messages=3, wrong=())


def test_a_day_of_refusals_alone_breaks_nothing_where_nothing_is_watched(story: Story) -> None:
    assert story.judged_without_limits() == Counters(days=0, messages=1, wrong=())


def late(story: Story) -> None:
    story.begins[1] = RiskDay(ROLL + SECOND, TUESDAY, {AUG: 17_010})


def before_its_roll(story: Story) -> None:
    story.begins[1] = RiskDay(ROLL - 1, TUESDAY, {AUG: 17_010})


def twice(story: Story) -> None:
    story.begins.append(story.begins[1])


def never(story: Story) -> None:
    del story.begins[1]


def from_another_price(story: Story) -> None:
    story.begins[1] = RiskDay(ROLL, TUESDAY, {AUG: 17_000})


def refused_by_another_count(story: Story) -> None:
    story.refused = 4


def halted_by_another_loss(story: Story) -> None:
    story.lost = 6_200


def kept_another_count(story: Story) -> None:
    story.kept = RiskKept(story.kept.at, TUESDAY, 3, {"s": 2}, {}, story.kept.baselines, {}, {}, ())


@pytest.mark.parametrize(
    ("lie", "found"),
    [
        (late, "2021-08-17 began at"),
        (before_its_roll, "2021-08-17 began at"),
        (twice, "2021-08-17 began 2 times"),
        (never, "2021-08-17 never began"),
        (from_another_price, "prices at the roll of 2021-08-17: {'TAIFEX:TXF202108': 17000} said"),
        (refused_by_another_count, "a refusal's messages of 2021-08-17: 4 said, 3 counted"),
        (halted_by_another_loss, "loss at the halt of the account of 2021-08-17: 6200 said, 6000 counted"),
        (kept_another_count, "messages in the last snapshot of 2021-08-17: 3 said, 2 counted"),
    ],
)
def test_each_lie_is_found(story: Story, lie: Callable[[Story], None], found: str) -> None:
    lie(story)
    wrong = story.judged().wrong
    assert any(text.startswith(found) for text in wrong), wrong


def test_counters_that_do_not_begin_anew_are_found(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    fold = RiskState.fold

    def forgetful(state: RiskState, fact: AnyMessage) -> None:
        messages = state.messages
        fold(state, fact)
        if isinstance(fact, RiskDay):
            state.messages = messages

    monkeypatch.setattr(RiskState, "fold", forgetful)
    wrong = story.judged().wrong
    assert "messages at the roll of 2021-08-17: 1 said, 0 counted" in wrong
    assert "messages of 2021-08-17: 3 said, 2 counted" in wrong
