import msgspec
import pytest

from autofutures.domain.messages import ExitPlan, Filled, Intent, LinkChanged, Placed, Refused, SessionEnded
from autofutures.domain.units import Side
from autofutures.market.dates import taipei_ns
from autofutures.matching.broker import Broker
from autofutures.matching.exchange import Exchange
from autofutures.matching.prints import PrintMarket
from autofutures.orders.margin import MarginView
from autofutures.risk.margin import Margin
from autofutures.trader import Trader
from tests.makers import MXF, OPEN, TXF, a_trader, intent, tick

# Margins of the example, NT$ a lot: TX 184,000, MTX 46,000, day trades half of it.
LIMITS = {
    "margin": {"min_percent": 100, "capital": 400_000, "cutoff": 1_325},
    "margin.instrument.TXF": {"initial": 184_000, "day_trade": 92_000},
    "margin.instrument.MXF": {"initial": 46_000},
}
PLAN = ExitPlan(stop_ticks=50)
NOON = taipei_ns(20210726, 12 * 3600)
LATE = taipei_ns(20210726, 13 * 3600 + 25 * 60)


def started(**changes: dict[str, int]) -> Trader:
    trader = a_trader(LIMITS | changes, symbols=(TXF, MXF))
    trader.handle(tick(at=OPEN), OPEN)
    trader.handle(tick(symbol=MXF, at=OPEN), OPEN)
    return trader


def asks(trader: Trader, asked: Intent, now: int = OPEN) -> Refused | None:
    """What the gate says; an order that passes is filled."""
    trader.handle(tick(at=now, symbol=asked.symbol), now)
    fresh = msgspec.structs.replace(asked, at=now, cause_seq=trader.market_seq)
    first, *_ = trader.handle(fresh, now)
    if isinstance(first, Refused):
        return first
    assert isinstance(first, Placed)
    fill = Filled(first.client_id, now, first.client_id, asked.symbol, asked.side, asked.qty, 17_400)
    trader.handle(fill, now)
    return None


def day_trade(qty: int = 1) -> Intent:
    return msgspec.structs.replace(intent(qty=qty, exit_plan=PLAN), day_trade=True)


def test_what_equity_does_not_cover_is_refused_with_the_indicator() -> None:
    trader = started()
    assert asks(trader, intent(qty=2)) is None  # 400,000 over 368,000.
    refused = asks(trader, intent(symbol=MXF))  # 399,820 over 414,000 = 96 %.
    assert refused is not None
    assert (refused.rule, refused.limit, refused.value) == ("margin", 100, 96)
    assert asks(trader, intent(Side.SELL)) is None
    assert asks(trader, intent(symbol=MXF)) is None


def test_an_open_loss_is_less_equity() -> None:
    trader = started()
    asks(trader, intent())
    assert trader.handle(tick(17_235, at=OPEN), OPEN) == ()  # 165 × 200 = 33,000 less: 366,910 for 368,000.
    refused, *_ = trader.handle(intent(cause_seq=9), OPEN)
    assert isinstance(refused, Refused)
    assert (refused.rule, refused.value) == ("margin", 99)


def test_day_trades_need_less_before_the_cut_off_and_all_of_it_after() -> None:
    trader = started()
    assert asks(trader, day_trade(4), NOON) is None  # 4 × 92,000 = 368,000.
    assert MarginView(trader.account, trader.risk).indicator(NOON, trader.gate)[1] == 368_000
    assert MarginView(trader.account, trader.risk).indicator(LATE, trader.gate)[1] == 736_000
    refused = asks(trader, day_trade(), LATE)
    assert refused is not None
    assert refused.value == 43  # 399,640 over 5 × 184,000.


def test_without_a_cut_off_the_full_margin_counts() -> None:
    trader = started(margin={"min_percent": 100, "capital": 400_000})
    assert asks(trader, day_trade(3), NOON) is not None


@pytest.mark.parametrize("symbol", [TXF, MXF])
def test_an_instrument_whose_margin_nobody_said_is_not_opened_and_not_forgotten(symbol: str) -> None:
    limits = {key: value for key, value in LIMITS.items() if key != f"margin.instrument.{symbol[7:10]}"}
    trader = a_trader({key: value for key, value in limits.items() if key != "margin"}, symbols=(TXF, MXF))
    trader.handle(tick(), OPEN)
    trader.handle(tick(symbol=symbol), OPEN)
    assert asks(trader, intent(symbol=symbol)) is None
    trader.gate = a_trader(limits).gate
    refused = asks(trader, intent(symbol=MXF if symbol == TXF else TXF))
    assert refused is not None
    assert (
        refused.reason == f"the margin of {symbol} is not known: set risk.margin.instrument.{symbol} initial"
    )


def test_margin_is_not_asked_unless_told() -> None:
    assert Margin().off
    assert Margin(initial=184_000).off


def told(trader: Trader, now: int = OPEN, **margins: int) -> None:
    """A login tells margins, by product."""
    by_symbol = {f"TAIFEX:{root}202108": margin for root, margin in margins.items()}
    trader.handle(LinkChanged("paper", now, up=True, session=1, margins=by_symbol), now)


def needed(trader: Trader) -> int:
    """The initial margin of what is open."""
    return MarginView(trader.account, trader.risk).indicator(OPEN, trader.gate)[1]


def test_the_larger_counts_of_what_the_venue_told_and_what_a_person_set() -> None:
    trader = started()
    assert asks(trader, intent()) is None
    told(trader, TXF=230_000, TMF=1)
    assert needed(trader) == 230_000
    refused = asks(trader, intent())  # 400,000 less costs over 460,000.
    assert refused is not None
    assert (refused.rule, refused.value) == ("margin", 86)
    told(trader, TXF=170_000)
    assert needed(trader) == 184_000
    told(trader, MXF=1)  # Of TXF nothing is told: it stays.
    assert MarginView(trader.account, trader.risk).initials(trader.gate) == {
        TXF: {"initial": 184_000, "told": 170_000, "set": 184_000},
        MXF: {"initial": 46_000, "told": 1, "set": 46_000},
    }


def test_a_margin_that_only_the_venue_told_is_enough_to_trade() -> None:
    trader = a_trader({"margin": LIMITS["margin"]}, symbols=(TXF, MXF))
    trader.handle(tick(), OPEN)
    assert asks(trader, intent()) is not None
    told(trader, TXF=184_000)
    assert asks(trader, intent(qty=2)) is None
    assert asks(trader, intent()) is not None


def test_the_margin_of_the_next_session_binds_once_its_login_has_told_it() -> None:
    broker = Broker(Exchange({TXF: PrintMarket()}))
    trader = started()
    for link in broker.connect(OPEN):
        trader.handle(link, OPEN)
    assert asks(trader, intent(qty=2)) is None  # 368,000 of 399,960.
    assert asks(trader, intent(Side.SELL, qty=2)) is None
    broker.passed(tick(17_405, 1, LATE))
    night = taipei_ns(20210726, 15 * 3600)
    broker.market(SessionEnded(TXF, night - 2, 20210726, "day"), night - 2)
    broker.drop(night - 1)
    for link in broker.connect(night):
        trader.handle(link, night)
    refused = asks(trader, intent(qty=2), night)  # 418,000, at 209,000 a lot.
    assert refused is not None
    assert refused.reason.endswith("over 418000 of initial margin would be 95 %")
    assert asks(trader, intent(), night) is None
