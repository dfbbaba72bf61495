"""A limit for one strategy or one instrument holds besides the account's."""

import pytest

from autofutures.domain.errors import BadInput
from autofutures.domain.messages import Filled, Intent, Placed, Refused
from autofutures.domain.units import Side
from autofutures.risk.gate import make_gate
from autofutures.risk.scopes import flat, scope_of, split
from autofutures.trader import Trader
from tests.makers import MXF, OPEN, TXF, a_trader, intent, tick


def fills(trader: Trader, asked: Intent) -> None:
    """The order passes and is filled whole."""
    (placed, *_) = trader.handle(asked, OPEN)
    assert isinstance(placed, Placed), placed
    fill = Filled(placed.client_id, OPEN, placed.client_id, asked.symbol, asked.side, asked.qty, 17_400)
    trader.handle(fill, OPEN)


def refusal(trader: Trader, asked: Intent) -> Refused:
    (refused,) = trader.handle(asked, OPEN)
    assert isinstance(refused, Refused), refused
    return refused


def started(limits: dict[str, dict[str, int]]) -> Trader:
    trader = a_trader(limits, symbols=(TXF, MXF))
    trader.handle(tick(), OPEN)
    trader.handle(tick(symbol=MXF), OPEN)
    return trader


def test_a_strategys_limit_counts_its_own_position_alone() -> None:
    trader = started({"position": {"max_contracts": 10}, "position.strategy.ema": {"max_contracts": 2}})
    fills(trader, intent(qty=5, strategy="other", k=1))
    fills(trader, intent(qty=2, strategy="ema", k=2))
    refused = refusal(trader, intent(qty=1, strategy="ema", k=3))
    assert (refused.rule, refused.limit, refused.value) == ("position", 2, 3)
    assert refused.reason.endswith("(limit of strategy ema)")
    fills(trader, intent(Side.SELL, 4, strategy="ema", k=4))


def test_a_strategys_limit_counts_what_it_has_at_work() -> None:
    trader = started({"position.strategy.ema": {"max_contracts": 2}})
    trader.handle(intent(qty=2, strategy="ema", k=1), OPEN)
    assert refusal(trader, intent(qty=1, strategy="ema", k=2)).value == 3


def test_the_accounts_limit_holds_besides_a_wider_one_of_a_strategy() -> None:
    trader = started({"position": {"max_contracts": 3}, "position.strategy.ema": {"max_contracts": 9}})
    refused = refusal(trader, intent(qty=4, strategy="ema"))
    assert (refused.limit, refused.reason.endswith("(limit of strategy ema)")) == (3, False)


def test_an_instruments_limit_is_of_a_contract_or_of_all_contracts_of_a_product() -> None:
    for name in ("TXF", "TXF202108", "TAIFEX:TXF202108"):
        limits = make_gate(flat({"order_size": {"instrument": {name: {"max_contracts": 1}}}}))
        trader = a_trader(symbols=(TXF, MXF))
        trader.gate = limits
        trader.handle(tick(), OPEN)
        trader.handle(tick(symbol=MXF), OPEN)
        assert refusal(trader, intent(qty=2)).rule == "order_size"
        fills(trader, intent(qty=2, symbol=MXF, k=2))


def test_the_value_of_all_counts_every_instrument_and_that_of_one_its_own() -> None:
    limits = {
        "account_value": {"max_value": 5_000_000},
        "account_value.instrument.MXF": {"max_value": 1_700_000},
    }
    trader = started(limits)
    fills(trader, intent(k=1))  # 17,400 × 200 = 3,480,000.
    fills(trader, intent(symbol=MXF, k=2))  # 17,400 × 50 = 870,000 more.
    of_one = refusal(trader, intent(symbol=MXF, k=3))  # 1,740,000 in MXF; 5,220,000 in all.
    assert (of_one.limit, of_one.value) == (5_000_000, 5_220_000)
    alone = started({"account_value.instrument.MXF": {"max_value": 1_700_000}})
    fills(alone, intent(k=1))
    of_one = refusal(alone, intent(qty=2, symbol=MXF, k=2))
    assert (of_one.limit, of_one.value) == (1_700_000, 1_740_000)


def test_the_value_of_a_strategy_is_its_own() -> None:
    trader = started({"account_value.strategy.ema": {"max_value": 4_000_000}})
    fills(trader, intent(qty=5, strategy="other", k=1))
    fills(trader, intent(strategy="ema", k=2))
    assert refusal(trader, intent(strategy="ema", k=3)).value == 6_960_000
    assert refusal(trader, intent(symbol=MXF, strategy="ema", k=4)).value == 4_350_000


def test_a_rate_of_a_strategy_counts_its_own_orders() -> None:
    trader = started({"message_rate.strategy.ema": {"max_per_second": 1}})
    fills(trader, intent(strategy="other", k=1))
    fills(trader, intent(strategy="ema", k=2))
    assert refusal(trader, intent(strategy="ema", k=3)).rule == "message_rate"
    fills(trader, intent(strategy="other", k=4))


def test_the_tables_of_a_settings_file_are_words() -> None:
    table = {
        "position": {
            "max_contracts": 5,
            "strategy": {"ema": {"max_contracts": 2}, "v1.5": {"max_contracts": 3}},
            "instrument": {"TXF202108": {"max_contracts": 4}},
        }
    }
    words = flat(table)  # type: ignore[arg-type]
    assert words == {
        "position": {"max_contracts": 5},
        "position.strategy.ema": {"max_contracts": 2},
        "position.strategy.v1.5": {"max_contracts": 3},
        "position.instrument.TAIFEX:TXF202108": {"max_contracts": 4},
    }
    assert flat(words) == words  # type: ignore[arg-type]
    assert [split(key)[1].words for key in words] == [
        "account",
        "strategy ema",
        "strategy v1.5",
        "instrument TAIFEX:TXF202108",
    ]


@pytest.mark.parametrize(
    ("limits", "says"),
    [
        ({"position.desk.x": {"max_contracts": 1}}, "'desk.x' is no scope: write strategy.NAME"),
        ({"position.strategy": {"max_contracts": 1}}, "'strategy' is no scope"),
        ({"position.instrument.": {"max_contracts": 1}}, "is no scope"),
        ({"position.instrument.x": {"max_contracts": 1}}, "'x' is not a symbol"),
        ({"position.strategy.ema": {}}, "for strategy ema needs a setting"),
        ({"session.strategy.ema": {"on": 1}}, "risk rule session has no setting 'on'"),
    ],
)
def test_a_scope_that_makes_no_sense_is_refused(limits: dict[str, dict[str, int]], says: str) -> None:
    with pytest.raises(BadInput, match=says):
        make_gate(limits)


def test_the_account_is_the_scope_without_a_name() -> None:
    assert scope_of("").words == "account"
