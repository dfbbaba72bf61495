"""Every open lot is covered, whatever the venue does and whenever the trader dies: one number, after every message."""

from collections.abc import Callable, Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from autofutures.domain.messages import (
    Accepted,
    AnyMessage,
    Beat,
    Cancel,
    Canceled,
    CloseLot,
    ExitPlan,
    Expired,
    Placed,
    Refused,
    Rejected,
    Report,
    Revoke,
    SessionEnded,
    Submit,
)
from autofutures.domain.units import SECOND, OrderType, Side, TimeInForce
from autofutures.orders.cover import Cover
from autofutures.trader import Trader
from tests.makers import OPEN, TXF, WIDE, a_trader, filled, intent, tick

MS = 1_000_000

PLANS = (
    ExitPlan(6, 4),
    ExitPlan(stop_ticks=5, trail_ticks=3),
    ExitPlan(stop_ticks=4, trail_atr=150, atr_span_ns=SECOND, atr_periods=3),
    ExitPlan(stop_ticks=6, break_even_ticks=3, break_even_offset_ticks=1),
    ExitPlan(stop_ticks=9, time_stop_ns=2 * SECOND),
    ExitPlan(stop_ticks=9, flat_before_close_ns=4 * 3_600 * SECOND),
    ExitPlan(stop_ticks=8, levels=((2, 34), (4, 33), (6, 33))),
    ExitPlan(take_profit_ticks=4, stop_ticks=4, bracket=True),
    ExitPlan(take_profit_ticks=3, stop_ticks=6, bracket=True, trail_ticks=5, time_stop_ns=3 * SECOND),
    ExitPlan(take_profit_ticks=5, stop_ticks=4, plan_ticks=17_400),
)


class House:
    """A trader that may die at any time, and a sane venue whose words come late, twice and in any sequence."""

    def __init__(self, cover: Cover) -> None:
        self._cover = cover
        self._epoch = 1
        self.trader = self._make()
        self.now = OPEN
        self.facts: list[AnyMessage] = []
        self.wire: list[Report] = []
        self.live: dict[str, tuple[Submit, int]] = {}
        self.entries: list[tuple[int, int]] = []
        self.placed: dict[str, Placed] = {}
        self.position = 0
        self._k = 0
        self._fills = 0
        self.hear(tick())

    def _make(self) -> Trader:
        return a_trader(WIDE, epoch=self._epoch, covers={"s": self._cover})

    def hear(self, message: AnyMessage) -> Sequence[AnyMessage]:
        self.now += MS
        said = self.trader.handle(message, self.now)
        self.facts += said
        for output in said:
            match output:
                case Submit():
                    self.live[output.client_id] = (output, output.qty)
                case Placed():
                    self.placed[output.client_id] = output
                case Cancel() if output.client_id in self.live:
                    self.wire.append(Canceled(output.client_id, self.now, self.live.pop(output.client_id)[1]))
                case Cancel():
                    self.wire.append(Rejected(output.client_id, self.now, "nothing there", of_cancel=True))
                case _:
                    pass
        self.check()
        return said

    def check(self) -> None:
        """What must be true after every message."""
        trader = self.trader
        assert trader.uncovered() == 0
        if self._cover.exits == "plans":
            plans = trader.exits.plans()
            assert sum(plan.intent.side * plan.open_qty for plan in plans) == trader.portfolio.net(TXF)
            self.check_closing()

    def check_closing(self) -> None:
        """What exits closed and may still close is never more than their entry opened."""
        closing: dict[tuple[int, int], int] = {}
        for client_id, placed in self.placed.items():
            order = self.trader.orders.get(client_id)
            if placed.intent.closes_k and order is not None:
                key = (placed.intent.closes_seq, placed.intent.closes_k)
                closing[key] = closing.get(key, 0) + order.filled + order.left
        for (seq, k), qty in closing.items():
            entry = self.trader.orders.decided("s", seq, k)
            assert entry is not None
            assert qty <= entry.filled

    # What happens.

    def trade(self, price: int) -> None:
        self._k = 0
        self.hear(tick(price, at=self.now))

    def wait(self, ms: int) -> None:
        self.now += ms * MS
        self.hear(Beat(self.now))

    def enter(self, side: Side, qty: int, number: int) -> None:
        self.ask(side, qty, PLANS[number % len(PLANS)], OrderType.LIMIT if number % 3 else OrderType.MARKET)

    def ask(self, side: Side, qty: int, plan: ExitPlan | None, kind: OrderType) -> Sequence[AnyMessage]:
        self._k += 1
        seq = self.trader.market_seq
        self.entries.append((seq, self._k))
        tif = TimeInForce.ROD if kind is OrderType.LIMIT else TimeInForce.IOC
        asked = intent(
            side,
            qty,
            kind,
            cause_seq=seq,
            k=self._k,
            at=self.now,
            price_ticks=17_400,
            exit_plan=plan,
            tif=tif,
        )
        return self.hear(asked)

    def withdraw(self, number: int, *, close: bool) -> None:
        """The strategy cancels an entry, or has its lot closed."""
        if self.entries:
            self._k += 1
            kind = CloseLot if close else Revoke
            seq, k = self.entries[number % len(self.entries)]
            self.hear(kind("s", self.trader.market_seq, self._k, self.now, seq, k))

    def fill(self, number: int, qty: int) -> None:
        """The venue fills some of an order; what is left of an IOC is off at once."""
        if not self.live:
            return
        client_id = list(self.live)[number % len(self.live)]
        submit, left = self.live.pop(client_id)
        traded = min(qty, left)
        self._fills += 1
        self.position += submit.side * traded
        price = submit.price_ticks or 17_400 + number - 4
        self.wire.append(filled(client_id, f"F{self._fills}", submit.side, traded, price, self.now))
        if left > traded and submit.tif is TimeInForce.ROD:
            self.live[client_id] = (submit, left - traded)
        elif left > traded:
            self.wire.append(Canceled(client_id, self.now, left - traded))

    def end(self, number: int, qty: int) -> None:
        """The venue takes an order off, or never takes it."""
        if self.live:
            client_id = list(self.live)[number % len(self.live)]
            submit, left = self.live.pop(client_id)
            if left < submit.qty or qty == 1:
                self.wire.append(Canceled(client_id, self.now, left))
            else:
                self.wire.append(
                    Rejected(client_id, self.now, "no") if qty == 2 else Accepted(client_id, self.now, "X")
                )
                if qty > 2:
                    self.live[client_id] = (submit, left)

    def end_session(self) -> None:
        self.wire += [Expired(client_id, self.now, left) for client_id, (_, left) in self.live.items()]
        self.live.clear()
        session = self.trader.view.session(TXF, self.now)
        if session is not None:
            self.now = session.ends_at
            self.hear(SessionEnded(TXF, self.now, session.day, session.name))
        coming = self.trader.view.calendar.next_session("taifex-index", 20210818, self.now)
        if coming is not None:
            self.now = max(self.now, coming.opens_at)

    def deliver(self, number: int, *, keep: bool = False) -> None:
        if self.wire:
            index = number % len(self.wire)
            self.hear(self.wire[index] if keep else self.wire.pop(index))

    def restart(self) -> None:
        """Dies and comes back from what was recorded, with the same plans."""
        before = [(plan.moved(0), self.trader.exits.due(plan)) for plan in self.trader.exits.plans()]
        self._epoch += 1
        self.trader = self._make()
        for fact in self.facts:
            self.trader.fold(fact)
        self.facts += self.trader.recovered(self.now)
        assert [(plan.moved(0), self.trader.exits.due(plan)) for plan in self.trader.exits.plans()] == before
        self.check()

    def settle(self, price: int) -> None:
        """All is delivered, and orders at the market are filled, until nothing is open any more."""
        self.end_session()
        for _ in range(40):
            while self.wire:
                self.deliver(0)
            if not self.live and not self.trader.portfolio.net(TXF):
                break
            for client_id in tuple(self.live):
                submit, left = self.live[client_id]
                if submit.type is OrderType.MARKET:
                    self.fill(list(self.live).index(client_id), left)
            self.now += 10 * SECOND
            self.trade(price)


NUMBER = st.integers(0, 9)
QTY = st.integers(1, 5)
STEP: st.SearchStrategy[Callable[[House], object]] = st.one_of(
    st.builds(lambda price: lambda house: house.trade(price), st.integers(17_390, 17_410)),
    st.builds(lambda price: lambda house: house.trade(price), st.integers(17_396, 17_404)),
    st.builds(lambda ms: lambda house: house.wait(ms), st.sampled_from([1, 300, 2_500])),
    st.builds(
        lambda side, qty, n: lambda house: house.enter(side, qty, n), st.sampled_from(Side), QTY, NUMBER
    ),
    st.builds(lambda n, close: lambda house: house.withdraw(n, close=close), NUMBER, st.booleans()),
    st.builds(lambda n, qty: lambda house: house.fill(n, qty), NUMBER, QTY),
    st.builds(lambda n, qty: lambda house: house.fill(n, qty), NUMBER, QTY),
    st.builds(lambda n, qty: lambda house: house.end(n, qty), NUMBER, QTY),
    st.builds(lambda n: lambda house: house.deliver(n), NUMBER),
    st.builds(lambda n: lambda house: house.deliver(n), NUMBER),
    st.builds(lambda n: lambda house: house.deliver(n, keep=True), NUMBER),
    st.just(House.restart),
    st.just(House.end_session),
)
STEPS = st.lists(STEP, min_size=15, max_size=50)


@settings(max_examples=200, deadline=None)
@given(STEPS)
def test_every_lot_is_covered_once_and_never_closed_twice(steps: list[Callable[[House], object]]) -> None:
    house = House(Cover("plans"))
    for step in steps:
        step(house)
    while house.wire:
        house.deliver(0)
    assert house.trader.portfolio.net(TXF) == house.position


BARE: st.SearchStrategy[Callable[[House], object]] = st.one_of(
    st.builds(
        lambda side, qty, kind: lambda house: house.ask(side, qty, None, kind),
        st.sampled_from(Side),
        QTY,
        st.sampled_from([OrderType.MARKET, OrderType.LIMIT]),
    ),
    STEP,
)


@settings(max_examples=150, deadline=None)
@given(st.lists(BARE, min_size=15, max_size=50))
def test_a_strategy_with_exits_of_its_own_is_stopped_flat_and_stays_so(
    steps: list[Callable[[House], object]],
) -> None:
    house = House(Cover("own", 1_000))
    for step in steps:
        step(house)
    held = house.trader.portfolio.net(TXF)
    house.settle(17_400 - 500 * (1 if held > 0 else -1))
    if house.trader.account.stops.fired("s", TXF):
        assert house.trader.portfolio.net(TXF) == 0
        said = house.ask(Side.BUY, 1, None, OrderType.MARKET)
        assert isinstance(said[0], Refused)
