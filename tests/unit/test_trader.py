"""What the trader does with each kind of message; its conversations and properties are in tests/flow."""

import msgspec
import pytest

from autofutures.domain.errors import BadInput, BrokenInvariant
from autofutures.domain.messages import (
    TRADER_K,
    Accepted,
    Alert,
    AnyMessage,
    BadQuote,
    BadTick,
    Beat,
    BookMode,
    Cancel,
    Command,
    CommandRefused,
    Configured,
    ExitMoved,
    ExitPlan,
    Gap,
    LinkChanged,
    OrderChanged,
    Placed,
    Quote,
    Ready,
    Refused,
    Rejected,
    Restored,
    Revoke,
    Saved,
    SessionEnded,
    Submit,
    Traded,
    Woke,
)
from autofutures.domain.order_life import Status
from autofutures.domain.units import SECOND, OpenClose, OrderType, Side, TimeInForce
from autofutures.market.limits import Bands
from autofutures.orders.cover import Cover
from autofutures.orders.policy import Policy
from autofutures.trader import Trader
from tests.makers import OPEN, TXF, WIDE, a_trader, filled, intent, tick

MXF = "TAIFEX:MXF202108"


def started(**limits: dict[str, int]) -> Trader:
    trader = a_trader({**WIDE, **limits}, symbols=(TXF, MXF))
    trader.handle(tick(), OPEN)
    return trader


def order_of(trader: Trader, k: int = 1) -> str:
    order = trader.orders.decided("s", 1, k)
    assert order is not None
    return order.client_id


def test_an_approved_intent_is_placed_and_submitted_in_one_answer() -> None:
    asked = intent(Side.SELL, 2, OrderType.LIMIT, price_ticks=17_410, tif=TimeInForce.IOC)
    placed, submitted = started().handle(asked, OPEN + 5)
    assert isinstance(placed, Placed)
    assert (placed.status, placed.intent) == (Status.SENT, asked)
    assert submitted == Submit(
        client_id=placed.client_id,
        at=OPEN + 5,
        symbol=TXF,
        side=Side.SELL,
        qty=2,
        type=OrderType.LIMIT,
        price_ticks=17_410,
        tif=TimeInForce.IOC,
        open_close=OpenClose.AUTO,
        day_trade=False,
        until=OPEN + 5 + 2 * SECOND,
    )


@pytest.mark.parametrize("kind", [OrderType.MARKET, OrderType.MWP])
@pytest.mark.parametrize(
    ("asked", "sent"), [(TimeInForce.ROD, TimeInForce.IOC), (TimeInForce.FOK, TimeInForce.FOK)]
)
def test_an_order_at_the_market_never_rests_and_has_no_price(
    kind: OrderType, asked: TimeInForce, sent: TimeInForce
) -> None:
    submitted = started().handle(intent(kind=kind, tif=asked, price_ticks=17_000), OPEN)[1]
    assert isinstance(submitted, Submit)
    assert (submitted.type, submitted.tif, submitted.price_ticks) == (kind, sent, 0)


def test_an_instrument_that_the_book_does_not_trade_is_refused() -> None:
    (refused,) = started().handle(intent(symbol="TAIFEX:TMF202108"), OPEN)
    assert refused == Refused("s", 1, 1, OPEN, "symbol", 1, 0, "TAIFEX:TMF202108 is not traded by this book")


def test_the_gate_sees_the_account_and_the_market() -> None:
    trader = started()
    trader.view.set_bands(TXF, Bands({0: (15_661, 19_140)}))
    trader.handle(intent(qty=3), OPEN)
    trader.handle(intent(Side.SELL, 2, OrderType.STOP, k=2, stop_ticks=17_390), OPEN)
    trader.handle(filled(order_of(trader), "f1", Side.BUY, 1, 17_400), OPEN)
    seen = trader.exposure(TXF, OPEN + 9)
    assert (seen.now, seen.position, seen.working_buy, seen.working_sell) == (OPEN + 9, 1, 2, 2)
    assert (seen.last_ticks, seen.last_at, seen.session_open) == (17_400, OPEN, True)
    assert (seen.low_ticks, seen.high_ticks) == (15_661, 19_140)
    other = trader.exposure(MXF, OPEN)
    assert (other.position, other.working_buy, other.last_at) == (0, 0, 0)


def test_market_events_are_counted_and_nothing_else_is() -> None:
    trader = started()
    trader.handle(Quote(TXF, OPEN, 17_399, 1, 17_400, 1), OPEN)
    trader.handle(tick(symbol=MXF), OPEN)
    for message in (
        SessionEnded(TXF, OPEN, 20210726, "day"),
        intent(),
        Gap("feed", OPEN, 1),
        Woke("s", OPEN, 1),
    ):
        trader.handle(message, OPEN)
    assert trader.market_seq == 3


def test_a_fill_is_booked_with_its_costs_and_numbered_within_its_order() -> None:
    trader = started()
    trader.handle(intent(qty=3), OPEN)
    client_id = order_of(trader)
    trader.handle(filled(client_id, "f1", Side.BUY, 1, 17_403), OPEN)
    said = trader.handle(filled(client_id, "f2", Side.BUY, 2, 17_403, at=OPEN + 2), OPEN + 2)
    assert said == [
        Traded(client_id, "s", 1, 1, 2, OPEN + 2, TXF, Side.BUY, 2, 17_403, 40, 139, 3, "f2"),
        OrderChanged(client_id, "s", 1, 1, OPEN + 2, TXF, Status.FILLED, 3, 0),
    ]


def test_a_venue_that_fills_more_than_was_ordered_stops_the_process() -> None:
    trader = started()
    trader.handle(intent(qty=1), OPEN)
    trader.handle(filled(order_of(trader), "f1", Side.BUY, 1, 17_400), OPEN)
    with pytest.raises(BrokenInvariant, match="compare with the venue's own list"):
        trader.handle(filled(order_of(trader), "f2", Side.BUY, 1, 17_400), OPEN)


def test_news_that_changes_nothing_is_not_told() -> None:
    trader = started()
    trader.handle(intent(), OPEN)
    accepted = Accepted(order_of(trader), OPEN, "X1")
    assert len(trader.handle(accepted, OPEN)) == 1
    assert trader.handle(accepted, OPEN) == []


def test_a_rejection_tells_why() -> None:
    trader = started()
    trader.handle(intent(), OPEN)
    (changed,) = trader.handle(Rejected(order_of(trader), OPEN, "margin"), OPEN)
    assert isinstance(changed, OrderChanged)
    assert (changed.status, changed.left, changed.reason) == (Status.REJECTED, 0, "margin")


def test_a_cancel_of_an_order_at_work_goes_to_the_venue_and_may_be_repeated() -> None:
    trader = started()
    trader.handle(intent(), OPEN)
    for k in (2, 3):
        assert trader.handle(Revoke("s", 1, k, OPEN, 1, 1), OPEN) == [Cancel(order_of(trader), OPEN, TXF)]


@pytest.mark.parametrize("strategy", ["s", "other"])
def test_a_cancel_of_what_was_never_ordered_is_refused(strategy: str) -> None:
    trader = started()
    trader.handle(intent(k=5), OPEN)
    order_k = 1 if strategy == "s" else 5
    (refused,) = trader.handle(Revoke(strategy, 1, 9, OPEN, 1, order_k), OPEN)
    assert isinstance(refused, Refused)
    assert (refused.rule, refused.strategy, refused.k) == ("cancel", strategy, 9)


def test_stops_of_one_symbol_hear_its_trades_and_its_sessions_alone() -> None:
    trader = started()
    trader.handle(tick(4_400, symbol=MXF), OPEN)
    trader.handle(intent(kind=OrderType.STOP, stop_ticks=17_410), OPEN)
    assert trader.handle(tick(17_500, symbol=MXF), OPEN) == []
    assert trader.handle(SessionEnded(MXF, OPEN, 20210726, "day"), OPEN) == []
    assert [type(message) for message in trader.handle(tick(17_410), OPEN)] == [OrderChanged, Submit]


def test_without_stops_and_plans_a_trade_has_no_answer() -> None:
    assert started().handle(tick(), OPEN) == ()


def test_a_trade_of_an_unknown_symbol_is_an_error() -> None:
    with pytest.raises(BadInput, match="not in the market view"):
        started().handle(tick(symbol="TAIFEX:TMF202108"), OPEN)


@pytest.mark.parametrize(
    ("price", "reason"),
    [
        (0, "a price of zero or less is no trade"),
        (-5, "a price of zero or less is no trade"),
        (15_660, "outside the day's limits 15661..19140"),
        (19_141, "outside the day's limits 15661..19140"),
    ],
)
def test_what_cannot_be_a_trade_moves_nothing(price: int, reason: str) -> None:
    trader = started()
    trader.view.set_bands(TXF, Bands({0: (15_661, 19_140)}))
    trader.handle(intent(Side.SELL, kind=OrderType.STOP, stop_ticks=17_390), OPEN)
    assert trader.handle(tick(price), OPEN + 5) == (BadTick(TXF, OPEN + 5, price, reason),)
    assert (trader.market_seq, trader.view.last(TXF), len(trader.orders.held)) == (1, 17_400, 1)


def test_price_limits_are_those_that_the_venue_told_last() -> None:
    trader = started()
    trader.view.set_bands(TXF, Bands({0: (15_661, 19_140)}))
    far = intent(kind=OrderType.LIMIT, price_ticks=19_000, k=2)
    trader.handle(LinkChanged("paper", OPEN + 1, up=True, session=1), OPEN + 1)
    assert isinstance(trader.handle(far, OPEN + 1)[0], Placed)
    limits = {TXF: (16_000, 18_000), "TAIFEX:TMF202108": (1, 2)}
    trader.handle(LinkChanged("paper", OPEN + 2, up=True, session=2, limits=limits), OPEN + 2)
    (refused,) = trader.handle(msgspec.structs.replace(far, k=3), OPEN + 2)
    assert isinstance(refused, Refused)
    assert (refused.rule, refused.limit) == ("price_limit", 18_000)
    reason = "outside the day's limits 16000..18000"
    assert trader.handle(tick(18_001), OPEN + 3) == (BadTick(TXF, OPEN + 3, 18_001, reason),)
    trader.handle(LinkChanged("paper", OPEN + 4, up=False, session=2), OPEN + 4)
    assert trader.view.band(TXF, OPEN + 4) == (16_000, 18_000)


def test_a_spread_may_trade_at_zero_or_less() -> None:
    spread = "TAIFEX:TXF202108/202109"
    trader = a_trader(symbols=(spread,))
    assert trader.handle(tick(-3, symbol=spread), OPEN) == ()
    assert trader.view.last(spread) == -3


@pytest.mark.parametrize("sides", [(17_400, 1, 17_400, 1), (17_401, 1, 17_400, 1), (0, 1, 17_400, 1)])
def test_what_cannot_be_a_quote_moves_nothing(sides: tuple[int, int, int, int]) -> None:
    trader = started()
    said = trader.handle(Quote(TXF, OPEN + 5, *sides), OPEN + 5)
    assert said == (BadQuote(TXF, OPEN + 5, *sides, "its bid must be below its offer, and both above zero"),)
    assert (trader.market_seq, trader.view.heard_at(TXF)) == (1, OPEN)


def test_a_spread_may_be_quoted_at_zero_or_less() -> None:
    spread = "TAIFEX:TXF202108/202109"
    trader = a_trader(symbols=(spread,))
    assert trader.handle(Quote(spread, OPEN, -3, 1, 0, 1), OPEN) == ()
    assert trader.exposure(spread, OPEN).last_ticks == -2


def test_a_market_that_is_quoted_is_heard_and_its_last_trade_stays_the_measure() -> None:
    trader = started()
    late = OPEN + 60 * SECOND
    stale = trader.handle(intent(kind=OrderType.LIMIT, price_ticks=17_390, at=late), late)
    assert [getattr(message, "rule", "") for message in stale] == ["stale_tick"]
    trader.handle(Quote(TXF, late, 17_300, 1, 17_500, 1), late)
    exposure = trader.exposure(TXF, late)
    assert (exposure.last_at, exposure.last_ticks) == (late, 17_400)
    placed = trader.handle(intent(k=2, kind=OrderType.LIMIT, price_ticks=17_390, at=late), late)
    assert [type(message).__name__ for message in placed] == ["Placed", "Submit"]


def test_until_the_first_trade_the_middle_of_the_quote_is_the_measure() -> None:
    trader = a_trader()
    trader.handle(Quote(TXF, OPEN, 17_400, 1, 17_403, 1), OPEN)
    assert trader.exposure(TXF, OPEN).last_ticks == 17_401
    far = trader.handle(intent(kind=OrderType.LIMIT, price_ticks=15_000), OPEN)
    assert [getattr(message, "rule", "") for message in far] == ["collar"]


def test_until_the_first_trade_quotes_fire_stops_and_afterwards_trades_alone() -> None:
    trader = a_trader()
    trader.handle(Quote(TXF, OPEN, 17_400, 1, 17_402, 1), OPEN)
    trader.handle(intent(Side.SELL, kind=OrderType.STOP, stop_ticks=17_390), OPEN)
    trader.handle(intent(Side.SELL, k=2, kind=OrderType.STOP, stop_ticks=17_380), OPEN)
    assert trader.handle(Quote(TXF, OPEN, 0, 0, 0, 0), OPEN) == ()
    fired = trader.handle(Quote(TXF, OPEN, 17_388, 1, 17_390, 1), OPEN)
    assert [type(message).__name__ for message in fired] == ["OrderChanged", "Submit"]
    trader.handle(tick(17_389), OPEN)
    assert trader.handle(Quote(TXF, OPEN, 17_300, 1, 17_302, 1), OPEN) == ()
    assert len(trader.orders.held) == 1


def test_an_exit_closes_and_is_the_traders_own_decision() -> None:
    trader = started()
    trader.handle(intent(qty=2, exit_plan=ExitPlan(9, 3)), OPEN)
    trader.handle(filled(order_of(trader), "f1", Side.BUY, 2, 17_400), OPEN)
    _, placed, submitted = trader.handle(tick(17_397), OPEN + 7)
    assert isinstance(placed, Placed)
    assert isinstance(submitted, Submit)
    decided = placed.intent
    assert (decided.strategy, decided.cause_seq, decided.k, decided.at) == ("s", 2, TRADER_K, OPEN + 7)
    assert (decided.closes_seq, decided.closes_k, decided.exit) == (1, 1, None)
    assert (submitted.side, submitted.qty, submitted.type) == (Side.SELL, 2, OrderType.MARKET)
    assert (submitted.tif, submitted.open_close) == (TimeInForce.IOC, OpenClose.AUTO)


def test_a_refused_exit_is_asked_for_again_at_the_next_trade() -> None:
    trader = started()
    trader.handle(intent(exit_plan=ExitPlan(9, 3)), OPEN)
    trader.handle(filled(order_of(trader), "f1", Side.BUY, 1, 17_400), OPEN)
    closed = OPEN + 5 * 3_600 * 10**9 + 10**9
    assert [type(m).__name__ for m in trader.handle(tick(17_390), closed)] == ["ExitMoved", "Refused"]
    assert [type(m).__name__ for m in trader.handle(tick(17_399), OPEN)] == ["ExitMoved", "Placed", "Submit"]


# What strategies are told when they start.

ADDED = Configured("r1", "s", OPEN, "add", "c1", {"trigger": 17_400})


def test_a_strategy_that_starts_hears_how_far_the_market_is_and_what_is_its_own() -> None:
    trader = started()
    trader.handle(Saved("s", OPEN, b"state"), OPEN)
    trader.handle(ADDED, OPEN)
    trader.handle(intent(qty=3), OPEN)
    trader.handle(intent(strategy="other"), OPEN)
    trader.handle(filled(order_of(trader), "f1", Side.BUY, 1, 17_400), OPEN)
    (restored,) = trader.handle(Ready("s"), OPEN)
    assert isinstance(restored, Restored)
    assert (restored.strategy, restored.cause_seq, restored.state) == ("s", 1, b"state")
    assert (restored.configured, restored.positions) == ((ADDED,), {TXF: 1, MXF: 0})
    assert [placed.client_id for placed in restored.placed] == [order_of(trader)]
    assert [(changed.filled, changed.left) for changed in restored.changed] == [(1, 2)]


def test_a_strategy_that_starts_hears_its_own_open_exit_plans() -> None:
    trader = started()
    for strategy in ("s", "other"):
        trader.handle(intent(strategy=strategy, exit_plan=ExitPlan(9, 3)), OPEN)
    for number, order in enumerate(trader.orders.alive()):
        trader.handle(filled(order.client_id, f"f{number}", Side.BUY, 1, 17_400), OPEN)
    _, moved = trader.handle(Ready("s"), OPEN + 5)
    assert moved == ExitMoved(
        "s",
        1,
        1,
        OPEN + 5,
        TXF,
        Side.BUY,
        1,
        17_409,
        17_397,
        entered_qty=1,
        origin_ticks=17_400,
        opened_at=OPEN,
    )


def test_what_was_removed_is_not_given_back() -> None:
    trader = started()
    trader.handle(ADDED, OPEN)
    removed = Configured("r2", "s", OPEN, "remove", "c1", {})
    trader.handle(removed, OPEN)
    assert dict(trader.configured("s")) == {"c1": removed}
    (restored,) = trader.handle(Ready("s"), OPEN)
    assert isinstance(restored, Restored)
    assert restored.configured == ()


def test_a_command_for_nobody_is_refused_with_who_is_there() -> None:
    trader = started()
    command = Command("r1", "nobody", "add", "c1", {})
    (refused,) = trader.handle(command, OPEN)
    assert refused == CommandRefused(
        "r1", "nobody", OPEN, "there is no strategy 'nobody' here; running: none"
    )
    trader.handle(Ready("s"), OPEN)
    (refused,) = trader.handle(command, OPEN)
    assert "running: s" in str(refused)
    assert trader.handle(Command("r1", "s", "add", "c1", {}), OPEN) == []


# Recovery.


def recovered(*facts: AnyMessage) -> Trader:
    trader = a_trader(WIDE, epoch=2)
    for fact in facts:
        trader.fold(fact)
    return trader


def test_recovery_knows_settings_state_and_how_far_the_market_was() -> None:
    refused = Refused("s", 41, 1, OPEN, "position", 1, 2, "too much")
    trader = recovered(ADDED, Saved("s", OPEN, b"state"), refused, tick())
    assert trader.recovered(OPEN) == []
    (restored,) = trader.handle(Ready("s"), OPEN)
    assert isinstance(restored, Restored)
    assert (restored.cause_seq, restored.state, restored.configured) == (42, b"state", (ADDED,))


def test_after_recovery_a_repeated_decision_is_refused_and_the_traders_own_are_new() -> None:
    entry = intent(qty=1, exit_plan=ExitPlan(9, 3))
    first = started()
    facts = [*first.handle(entry, OPEN)]
    facts += first.handle(filled(order_of(first), "f1", Side.BUY, 1, 17_400), OPEN)
    facts += first.handle(tick(17_390), OPEN)
    again = recovered(*facts)
    doubted = again.recovered(OPEN)
    assert [(m.status, m.reason) for m in doubted if isinstance(m, OrderChanged)] == [
        (Status.UNKNOWN, "no answer before the restart")
    ]
    again.handle(tick(17_390), OPEN)
    (refused,) = again.handle(entry, OPEN)
    assert isinstance(refused, Refused)
    assert refused.rule == "duplicate"
    (exit_order,) = again.orders.alive()
    again.handle(Rejected(exit_order.client_id, OPEN, "never heard of it"), OPEN)
    said = again.handle(tick(17_390), OPEN)
    assert [type(message).__name__ for message in said] == ["ExitMoved", "Placed", "Submit"]


def test_an_order_of_the_next_epoch_never_has_an_id_of_the_last() -> None:
    first = started()
    placed, _ = first.handle(intent(), OPEN)
    again = recovered(placed)
    again.handle(tick(), OPEN)
    again.handle(intent(cause_seq=2), OPEN)
    assert len({order.client_id for order in again.orders.alive()}) == 2


def test_a_plan_without_its_order_is_left_alone() -> None:
    first = started()
    facts = [*first.handle(intent(exit_plan=ExitPlan(9, 3)), OPEN)]
    facts += first.handle(filled(order_of(first), "f1", Side.BUY, 1, 17_400), OPEN)
    moved = [fact for fact in facts if type(fact).__name__ == "ExitMoved"]
    assert len(moved) == 1
    assert recovered(*moved).exits.plans() == []


def test_a_book_holds_and_closes_what_its_run_no_longer_trades() -> None:
    facts: list[AnyMessage] = []
    policy = Policy(reconciles=True)
    covers = {"s": Cover("plans")}
    old = a_trader(WIDE, policy=policy, covers=covers)

    def hear(trader: Trader, message: AnyMessage, now: int) -> list[AnyMessage]:
        said = list(trader.handle(message, now))
        facts.extend(said)
        return said

    hear(old, tick(17_400), OPEN)
    old.inquiry.standing.link_up = old.inquiry.standing.reconciled = True
    plan = ExitPlan(stop_ticks=20, time_stop_ns=10 * SECOND)
    submit = hear(old, intent(exit_plan=plan), OPEN)[-1]
    assert isinstance(submit, Submit)
    hear(old, filled(submit.client_id, "F1", Side.BUY, 1, 17_400), OPEN)

    for kept in (facts, list(old.facts(OPEN))):
        new = a_trader(WIDE, epoch=2, policy=policy, covers=covers, symbols=(MXF,))
        for fact in kept:
            new.fold(fact)
        new.recovered(OPEN)
        later = OPEN + SECOND
        alert, _ = [m for m in new.handle(Beat(later), later) if isinstance(m, (Alert, BookMode))]
        assert isinstance(alert, Alert)
        assert (alert.name, alert.subject) == ("left_over", TXF)
        assert f"{TXF} is in the book, and no trade of it is heard" in new.inquiry.standing.reasons
        (refused,) = new.handle(intent(k=9, exit_plan=plan, at=later), later)
        assert isinstance(refused, Refused)
        assert refused.rule == "symbol"
        assert new.uncovered() == 0

        out = OPEN + 11 * SECOND
        (leaving,) = [m for m in new.handle(Beat(out), out) if isinstance(m, Submit)]
        assert (leaving.symbol, leaving.side) == (TXF, Side.SELL)
        new.handle(filled(leaving.client_id, "F2", Side.SELL, 1, 17_395, out), out)
        assert new.portfolio.net(TXF) == 0
        new.handle(Beat(out + SECOND), out + SECOND)
        assert not [reason for reason in new.inquiry.standing.reasons if "in the book" in reason]


def test_a_trade_of_what_is_left_over_is_heard_and_reaches_its_stop() -> None:
    old = a_trader(WIDE, covers={"s": Cover("own", 4_000)})
    old.handle(tick(17_400), OPEN)
    submit = old.handle(intent(), OPEN)[-1]
    assert isinstance(submit, Submit)
    old.handle(filled(submit.client_id, "F1", Side.BUY, 1, 17_400), OPEN)
    new = a_trader(WIDE, epoch=2, symbols=(MXF,), covers={"s": Cover("own", 4_000)})
    for fact in old.facts(OPEN):
        new.fold(fact)
    assert not [m for m in new.handle(tick(17_381), OPEN) if isinstance(m, Submit)]
    (leaving,) = [m for m in new.handle(tick(17_380), OPEN) if isinstance(m, Submit)]
    assert leaving.side is Side.SELL
