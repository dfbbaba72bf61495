"""The trader against a wire that loses, repeats and reorders what the venue says."""

from collections.abc import Mapping, Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from autofutures.domain.messages import (
    Accepted,
    AnyMessage,
    Cancel,
    Canceled,
    ExitPlan,
    Expired,
    Placed,
    Rejected,
    Report,
    Revoke,
    Submit,
)
from autofutures.domain.order_life import Status
from autofutures.domain.units import OrderType, Side
from autofutures.orders.book import Order
from autofutures.portfolio.ledger import Ledger
from autofutures.trader import Trader
from tests.makers import OPEN, TXF, WIDE, a_trader, filled, intent, tick

LIMIT = 6
MS = 1_000_000
PLAN = ExitPlan(take_profit_ticks=6, stop_ticks=4)


def started(limits: Mapping[str, Mapping[str, int]] = WIDE) -> Trader:
    trader = a_trader(limits)
    trader.handle(tick(), OPEN)
    return trader


def id_of(said: Sequence[AnyMessage]) -> str:
    (submit,) = [message for message in said if isinstance(message, Submit)]
    return submit.client_id


def book_of(trader: Trader) -> object:
    """Everything that reports move: orders, what works, positions, money, exits.

    Sent and in doubt are one here: what no report has answered yet is doubted after a restart. Why an exit
    fired is left out: a plan that is wholly on its way out says nothing more.
    """
    orders = {
        order.client_id: (status_of(order), order.filled, order.left, order.fills, order.cost)
        for order in all_orders(trader)
    }
    plans = [
        (plan.key, plan.open_qty, plan.take_profit_ticks, plan.stop_ticks, trader.exits.due(plan))
        for plan in trader.exits.plans()
    ]
    ledgers = {who: money_of(ledger) for who, _, ledger in trader.portfolio.ledgers()}
    return orders, [trader.orders.working(TXF, side) for side in Side], ledgers, plans


def all_orders(trader: Trader) -> list[Order]:
    return list(trader.orders._orders.values())  # noqa: SLF001 - only tests ask for those that are over, too


def status_of(order: Order) -> Status:
    return Status.SENT if order.status is Status.UNKNOWN else order.status


def money_of(ledger: Ledger) -> tuple[int, ...]:
    return (ledger.position, ledger.cost, ledger.realised, ledger.realised_fifo, ledger.fees, ledger.tax)


# Duplicate and reordered reports.

ENDS = st.sampled_from(["works", "filled", "canceled", "expired"])


def history_of(client_id: str, prices: Sequence[int], end: str, qty: int = 10) -> list[Report]:
    """What a sane venue says of an order to buy: fills of one contract, and how it ended."""
    reports: list[Report] = [Accepted(client_id, OPEN, "X1")]
    reports += [filled(client_id, f"F{n}", Side.BUY, 1, price) for n, price in enumerate(prices)]
    if end == "filled":
        reports.append(filled(client_id, "Flast", Side.BUY, qty - len(prices), 17_400))
    elif end == "canceled":
        reports.append(Canceled(client_id, OPEN, qty - len(prices), "asked to"))
    elif end == "expired":
        reports.append(Expired(client_id, OPEN, qty - len(prices)))
    return [*reports, Rejected(client_id, OPEN, "nothing to cancel", of_cancel=True)]


@given(st.lists(st.integers(17_390, 17_410), max_size=4), ENDS, st.data())
def test_one_orders_reports_lead_to_one_book_repeated_and_in_any_sequence(
    prices: list[int], end: str, data: st.DataObject
) -> None:
    def after(shuffled: bool) -> object:
        trader = started()
        client_id = id_of(trader.handle(intent(qty=10, exit_plan=PLAN), OPEN))
        reports = history_of(client_id, prices, end)
        if shuffled:
            repeats = data.draw(st.lists(st.sampled_from(reports), max_size=4))
            reports = data.draw(st.permutations([*reports, *repeats]))
        for report in reports:
            trader.handle(report, OPEN)
        return book_of(trader)

    assert after(shuffled=True) == after(shuffled=False)


ORDERS = st.lists(
    st.tuples(st.sampled_from(Side), st.integers(1, 4), st.booleans(), st.booleans()), min_size=1, max_size=4
)


@given(ORDERS, st.data())
def test_all_reports_but_the_fills_may_come_at_any_time(
    asked: list[tuple[Side, int, bool, bool]], data: st.DataObject
) -> None:
    fills: list[Report] = []
    others: list[Report] = []

    def a_trader_with_orders() -> Trader:
        trader = started()
        fills.clear()
        others.clear()
        for k, (side, qty, with_plan, whole) in enumerate(asked, 1):
            client_id = id_of(
                trader.handle(intent(side, qty, k=k, exit_plan=PLAN if with_plan else None), OPEN)
            )
            others.append(Accepted(client_id, OPEN, f"X{k}"))
            fills.extend(
                filled(client_id, f"F{k}.{n}", side, 1, 17_400 + k) for n in range(qty if whole else qty - 1)
            )
            if not whole:
                others.append(Canceled(client_id, OPEN, 1))
        return trader

    plain = a_trader_with_orders()
    for report in [*fills, *others]:
        plain.handle(report, OPEN)
    mixed = a_trader_with_orders()
    sequence = [*fills]
    for report in [*others, *data.draw(st.lists(st.sampled_from([*fills, *others]), max_size=5))]:
        first = (
            sequence.index(report) + 1 if report in sequence else 0
        )  # A repeat never comes before the first.
        sequence.insert(data.draw(st.integers(first, len(sequence))), report)
    for report in sequence:
        mixed.handle(report, OPEN)
    assert book_of(mixed) == book_of(plain)


# Limits under any order of messages.


class Venue:
    """A venue that knows the truth, and a wire that delivers it late, twice, in another sequence or never."""

    def __init__(self, trader: Trader) -> None:
        self.trader = trader
        self.wire: list[Report] = []
        self.facts: list[AnyMessage] = []
        self.live: dict[str, tuple[Side, int]] = {}
        self.position = 0
        self.now = OPEN
        self._fills = 0
        self._k = 0

    def hear(self, message: AnyMessage) -> None:
        self.now += MS
        said = self.trader.handle(message, self.now)
        self.facts += said
        for request in said:
            if isinstance(request, Submit):
                self.live[request.client_id] = (request.side, request.qty)
                self.wire.append(Accepted(request.client_id, self.now, request.client_id))
            elif isinstance(request, Cancel) and request.client_id in self.live:
                self.wire.append(Canceled(request.client_id, self.now, self.live.pop(request.client_id)[1]))
            elif isinstance(request, Cancel):
                self.wire.append(Rejected(request.client_id, self.now, "nothing to cancel", of_cancel=True))

    def trade(self, price: int) -> None:
        self._k = 0
        self.hear(tick(price, at=self.now))

    def ask(self, side: Side, qty: int, kind: OrderType, with_plan: bool) -> None:
        self._k += 1
        price = 17_400 - side * 3
        self.hear(
            intent(
                side,
                qty,
                kind,
                cause_seq=self.trader.market_seq,
                k=self._k,
                price_ticks=price if kind is OrderType.LIMIT else 0,
                stop_ticks=17_400 + side * 2 if kind is OrderType.STOP else 0,
                exit_plan=PLAN if with_plan else None,
            )
        )

    def revoke(self, number: int) -> None:
        placed = all_orders(self.trader)
        if placed:
            entry = placed[number % len(placed)].intent
            self._k += 1
            self.hear(Revoke("s", self.trader.market_seq, self._k, self.now, entry.cause_seq, entry.k))

    def fill(self, number: int, qty: int) -> None:
        if self.live:
            client_id = list(self.live)[number % len(self.live)]
            side, left = self.live.pop(client_id)
            traded = min(qty, left)
            self._fills += 1
            self.position += side * traded
            self.wire.append(
                filled(client_id, f"F{self._fills}", side, traded, 17_400 + number % 9, self.now)
            )
            if left > traded:
                self.live[client_id] = (side, left - traded)

    def expire(self, number: int) -> None:
        if self.live:
            client_id = list(self.live)[number % len(self.live)]
            self.wire.append(Expired(client_id, self.now, self.live.pop(client_id)[1]))

    def deliver(self, number: int, *, keep: bool = False) -> None:
        if self.wire:
            index = number % len(self.wire)
            self.hear(self.wire[index] if keep else self.wire.pop(index))

    def lose(self, number: int) -> None:
        if self.wire:
            self.wire.pop(number % len(self.wire))

    def reach(self, side: Side) -> int:
        """How far the account truly goes if all that is live on one side trades."""
        return self.position * side + sum(left for of, left in self.live.values() if of is side)


NUMBER = st.integers(0, 9)
WORDS = ["revoke", "expire", "repeat", "lose", "deliver", "deliver", "deliver", "deliver"]
STEP = st.one_of(
    st.tuples(st.just("trade"), st.integers(17_390, 17_410)),
    st.tuples(
        st.just("ask"),
        st.sampled_from(Side),
        st.integers(1, 5),
        st.sampled_from([OrderType.MARKET, OrderType.LIMIT, OrderType.STOP]),
        st.booleans(),
    ),
    st.tuples(st.just("fill"), NUMBER, st.integers(1, 5)),
    st.tuples(st.just("fill"), NUMBER, st.integers(1, 5)),
    st.tuples(st.sampled_from(WORDS), NUMBER),
    st.tuples(st.sampled_from(WORDS), NUMBER),
)
STEPS = st.lists(STEP, min_size=20, max_size=60)


def play(venue: Venue, step: tuple[object, ...]) -> None:
    match step:
        case ("trade", int(price)):
            venue.trade(price)
        case ("ask", Side() as side, int(qty), OrderType() as kind, bool(plan)):
            venue.ask(side, qty, kind, plan)
        case ("fill", int(number), int(qty)):
            venue.fill(number, qty)
        case ("deliver", int(number)):
            venue.deliver(number)
        case ("repeat", int(number)):
            venue.deliver(number, keep=True)
        case (str(word), int(number)):
            {"revoke": venue.revoke, "expire": venue.expire, "lose": venue.lose}[word](number)
        case _:
            raise ValueError(f"no such step: {step}")


TIGHT = {**WIDE, "position": {"max_contracts": LIMIT}}


@settings(max_examples=300)
@given(STEPS)
def test_the_position_limit_holds_at_the_venue_whatever_is_late_repeated_reordered_or_lost(
    steps: list[tuple[object, ...]],
) -> None:
    venue = Venue(started(TIGHT))
    for step in steps:
        # Exits are not bound by this limit, for they only reduce: no plans here.
        play(venue, with_plan(step, False))
        assert max(venue.reach(side) for side in Side) <= LIMIT


@settings(max_examples=200)
@given(STEPS)
def test_when_all_was_delivered_the_book_is_the_venues(steps: list[tuple[object, ...]]) -> None:
    venue = Venue(started())
    for step in steps:
        if step[0] != "lose":
            play(venue, step)
    while venue.wire:
        venue.deliver(0)
    trader = venue.trader
    assert trader.portfolio.net(TXF) == venue.position
    assert venue.position == sum(ledger.position for _, _, ledger in trader.portfolio.ledgers())
    at_venue = {
        order.client_id: order.left for order in trader.orders.alive() if order.status is not Status.HELD
    }
    assert at_venue == {client_id: left for client_id, (_, left) in venue.live.items()}
    for side in Side:
        assert trader.orders.working(TXF, side) == sum(
            order.left for order in trader.orders.alive() if order.intent.side is side
        )


def with_plan(step: tuple[object, ...], plan: bool) -> tuple[object, ...]:
    return (*step[:-1], plan) if step[0] == "ask" else step


@settings(max_examples=200)
@given(STEPS)
def test_an_exit_is_for_no_more_than_its_plan_covers_and_a_plan_covers_something(
    steps: list[tuple[object, ...]],
) -> None:
    venue = Venue(started())
    for step in steps:
        covered = {plan.key: plan.open_qty for plan in venue.trader.exits.plans()}
        before = len(venue.facts)
        play(venue, step)
        for fact in venue.facts[before:]:
            if isinstance(fact, Placed) and fact.intent.closes_k:
                intent = fact.intent
                assert intent.qty <= covered[intent.strategy, intent.closes_seq, intent.closes_k]
        assert all(plan.open_qty > 0 for plan in venue.trader.exits.plans())


@settings(max_examples=200)
@given(STEPS)
def test_where_every_entry_has_a_plan_the_plans_are_the_position(steps: list[tuple[object, ...]]) -> None:
    venue = Venue(started())
    for step in steps:
        play(venue, with_plan(step, True))
        plans = venue.trader.exits.plans()
        assert sum(plan.intent.side * plan.open_qty for plan in plans) == venue.trader.portfolio.net(TXF)


# Recovery.


@settings(max_examples=300)
@given(STEPS)
def test_facts_fold_to_the_same_book_and_what_follows_moves_both_alike(
    steps: list[tuple[object, ...]],
) -> None:
    venue = Venue(started())
    for step in steps:
        play(venue, step)
    live, again = venue.trader, a_trader(WIDE, epoch=2)
    for fact in venue.facts:
        again.fold(fact)
    statuses = [order.status for order in live.orders.alive()]
    assert [order.status for order in again.orders.alive()] == statuses
    again.recovered(venue.now)
    assert book_of(again) == book_of(live)
    for report in venue.wire:
        live.handle(report, venue.now)
        again.handle(report, venue.now)
    assert book_of(again) == book_of(live)
