from collections.abc import Sequence

from autofutures.domain.messages import (
    Accepted,
    Alert,
    AnyMessage,
    Beat,
    BookMode,
    Cancel,
    Canceled,
    LinkChanged,
    Query,
    Refused,
    Rejected,
    Revoke,
    Snapshot,
    Submit,
    VenueOrder,
)
from autofutures.domain.order_life import Status
from autofutures.domain.units import SECOND, Mode, Side
from autofutures.orders.breaker import Breaker, Breakers, State
from autofutures.orders.policy import Policy
from autofutures.trader import Trader
from tests.makers import OPEN, TXF, WIDE, a_trader, filled, intent, tick

PAUSE_NS = 10 * SECOND


def state_of(breaker: Breaker) -> State:
    return breaker.state


def closed(breakers: Breakers) -> bool:
    return breakers.are_closed


def opened() -> Breaker:
    breaker = Breaker("submit", 3, PAUSE_NS)
    assert [breaker.failed(now, "margin") for now in range(3)] == [False, False, True]
    return breaker


def test_failures_in_turn_open_it_and_a_success_between_them_does_not_let_it_come_so_far() -> None:
    breaker = Breaker("submit", 3, PAUSE_NS)
    for _ in range(5):
        assert not breaker.failed(1, "margin")
        assert not breaker.failed(1, "margin")
        breaker.succeeded()
    assert state_of(breaker) is State.CLOSED
    assert opened().reason(on_trial=False) == "breaker submit is open: 3 failures in turn, margin"


def test_after_its_pause_one_is_let_through_on_trial() -> None:
    breaker = opened()
    breaker.tick(PAUSE_NS)
    assert state_of(breaker) is State.OPEN
    breaker.tick(PAUSE_NS + 2)
    assert state_of(breaker) is State.HALF_OPEN
    assert breaker.reason(on_trial=False) == ""
    assert breaker.reason(on_trial=True) == "breaker submit is half open: one order is on trial"
    breaker.succeeded()
    assert (state_of(breaker), breaker.reason(on_trial=True)) == (State.CLOSED, "")


def test_each_trial_that_fails_doubles_the_pause_up_to_eight_times_and_is_no_news() -> None:
    breaker, now, pauses = opened(), 2, []
    for _ in range(6):
        began = now
        while state_of(breaker) is State.OPEN:
            now += SECOND
            breaker.tick(now)
        pauses.append((now - began) // SECOND)
        assert not breaker.failed(now, "margin")
    assert pauses == [10, 20, 40, 80, 80, 80]
    while state_of(breaker) is State.OPEN:
        now += SECOND
        breaker.tick(now)
    breaker.succeeded()
    for _ in range(3):
        breaker.failed(now, "margin")
    breaker.tick(now + PAUSE_NS)
    assert state_of(breaker) is State.HALF_OPEN  # And begins with the first pause again.


def test_of_several_each_has_its_own_count_and_without_a_limit_none_opens() -> None:
    breakers = Breakers(2, PAUSE_NS, lambda: False)
    breakers.failed(breakers.submit, 1, "x")
    breakers.failed(breakers.query, 1, "x")
    assert closed(breakers)
    assert breakers.failed(breakers.query, 1, "no answer")
    assert not closed(breakers)
    assert breakers.reasons() == ["breaker query is open: 2 failures in turn, no answer"]
    breakers.succeeded(breakers.query)
    assert closed(breakers)
    never = Breakers(0, PAUSE_NS, lambda: False)
    assert not any(never.failed(never.submit, 1, "x") for _ in range(99))
    assert closed(never)


class Desk:
    """A trader whose venue refuses what the test wants it to."""

    def __init__(self) -> None:
        policy = Policy(reconciles=True, breaker_failures=3, breaker_pause_ns=PAUSE_NS)
        self.trader: Trader = a_trader(WIDE, policy=policy)
        self.now = OPEN
        self.rows: tuple[VenueOrder, ...] = ()
        self._k = 0
        self.says(LinkChanged("v", OPEN, up=True, session=1))
        for message in self.says(Beat(OPEN)):
            if isinstance(message, Query):
                self.says(Snapshot(message.flow, OPEN, 0, (), (), {}))
        self.says(tick())

    def says(self, message: AnyMessage) -> Sequence[AnyMessage]:
        return self.trader.handle(message, self.now)

    def orders(self) -> Submit | Refused:
        self._k += 1
        said = self.says(intent(Side.BUY, 1, k=self._k, at=self.now))
        [found] = [message for message in said if isinstance(message, (Submit, Refused))]
        return found

    def is_refused(self, reason: str = "no margin") -> Sequence[AnyMessage]:
        submit = self.orders()
        assert isinstance(submit, Submit)
        return self.says(Rejected(submit.client_id, self.now, reason))

    def waits(self, duration_ns: int, *, answers: bool = False) -> Sequence[AnyMessage]:
        """Time passes; the venue answers what it is asked by then, or nothing."""
        self.now += duration_ns
        self.says(tick(at=self.now))
        said = list(self.says(Beat(self.now)))
        queries = [message for message in said if answers and isinstance(message, Query)]
        for query in queries:
            said += self.says(Snapshot(query.flow, self.now, 0, self.rows, (), {}))
        return said


def test_after_refusals_in_turn_entries_wait_and_a_person_is_told_once() -> None:
    desk = Desk()
    said = [message for _ in range(3) for message in desk.is_refused()]
    told = [message for message in said if isinstance(message, Alert)]
    assert [(alert.name, alert.subject) for alert in told] == [("breaker", "submit")]
    [mode] = [message for message in said if isinstance(message, BookMode)]
    assert (mode.mode, mode.reasons) == (
        Mode.REDUCING,
        ("breaker submit is open: 3 failures in turn, no margin",),
    )
    refused = desk.orders()
    assert isinstance(refused, Refused)
    assert refused.rule == "mode"


def test_what_was_never_sent_is_no_refusal_of_the_venue() -> None:
    desk = Desk()
    for _ in range(9):
        assert not [m for m in desk.is_refused("not sent: no gateway") if isinstance(m, Alert)]


def test_after_the_pause_one_order_is_on_trial_and_its_success_lets_all_go() -> None:
    desk = Desk()
    for _ in range(3):
        desk.is_refused()
    desk.waits(PAUSE_NS)
    trial = desk.orders()
    assert isinstance(trial, Submit)
    second = desk.orders()
    assert isinstance(second, Refused)
    assert "one order is on trial" in second.reason
    desk.says(Accepted(trial.client_id, desk.now, "V1"))
    assert isinstance(desk.orders(), Submit)


def test_while_it_is_open_exits_and_cancels_pass() -> None:
    desk = Desk()
    entry, resting = desk.orders(), desk.orders()
    assert isinstance(entry, Submit)
    assert isinstance(resting, Submit)
    desk.says(Accepted(resting.client_id, desk.now, "V2"))
    desk.says(filled(entry.client_id, "F1", Side.BUY, 1, 17_400))
    for _ in range(3):
        desk.is_refused()
    assert isinstance(desk.orders(), Refused)
    said = desk.says(intent(Side.SELL, 1, k=90, at=desk.now))
    assert [message.side for message in said if isinstance(message, Submit)] == [Side.SELL]
    said = desk.says(Revoke("s", 1, 91, desk.now, 1, 2))
    assert [message.client_id for message in said if isinstance(message, Cancel)] == [resting.client_id]


def test_cancels_that_nothing_comes_of_open_theirs_and_one_that_is_answered_closes_it() -> None:
    desk = Desk()
    resting = desk.orders()
    assert isinstance(resting, Submit)
    desk.says(Accepted(resting.client_id, desk.now, "V1"))
    desk.rows = (VenueOrder(resting.client_id, "V1", TXF, Side.BUY, 1, 0, Status.WORKING, desk.now),)
    desk.says(Revoke("s", 1, 9, desk.now, 1, 1))
    told: list[str] = []
    while not told:
        told = [one.subject for one in desk.waits(SECOND, answers=True) if isinstance(one, Alert)]
        assert desk.now < OPEN + 60 * SECOND
    assert told == ["cancel"]
    assert isinstance(desk.orders(), Refused)
    desk.says(Canceled(resting.client_id, desk.now, 1))
    assert isinstance(desk.orders(), Submit)


def test_queries_without_an_answer_open_theirs_and_a_list_closes_it() -> None:
    desk = Desk()
    told: list[str] = []
    while not told:
        told = [one.subject for one in desk.waits(SECOND) if isinstance(one, Alert)]
        assert desk.now < OPEN + 60 * SECOND
    assert told == ["query"]
    assert isinstance(desk.orders(), Refused)
    desk.waits(5 * SECOND, answers=True)
    assert isinstance(desk.orders(), Submit)


def test_a_book_that_asks_no_venue_has_no_breaker() -> None:
    trader = a_trader(WIDE, policy=Policy(breaker_failures=1))
    trader.handle(tick(), OPEN)
    for k in range(1, 4):
        [*_, submit] = trader.handle(intent(Side.BUY, 1, k=k), OPEN)
        assert isinstance(submit, Submit)
        said = trader.handle(Rejected(submit.client_id, OPEN, "no margin"), OPEN)
        assert not [message for message in said if isinstance(message, (Alert, BookMode))]
