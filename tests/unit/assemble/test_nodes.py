import msgspec
import pytest

from autofutures.assemble import nodes
from autofutures.config import BOOK_STOP, StrategySettings
from autofutures.domain.errors import BadInput
from autofutures.domain.messages import Command, Placed, Refused, Submit, Traded
from autofutures.domain.units import Side
from autofutures.market.dates import taipei_ns
from autofutures.orders.account import OUTSIDE
from autofutures.orders.cover import Cover
from tests.makers import filled, intent, tick
from tests.runs import DAY, TXF, ema, generated

MXF = "TAIFEX:MXF202608"
OPEN = taipei_ns(DAY, 31_500)

LEVELS = StrategySettings(
    name="levels",
    use="support_resistance",
    symbols=(TXF,),
    conditions={
        "s1": {
            "name": "s1",
            "side": "buy",
            "trigger": 17300,
            "turning_point": 30,
            "take_profit": 120,
            "stop_loss": 30,
            "quantity": 1,
        }
    },
)


def test_instruments_are_those_of_the_feed_then_those_that_strategies_name() -> None:
    other = msgspec.structs.replace(ema(), symbols=(MXF, TXF))
    assert list(nodes.instruments_of(generated(other))) == [TXF, MXF]


def test_the_runs_own_days_are_in_its_calendar() -> None:
    run = msgspec.structs.replace(generated(), closed_days={DAY: "closed"})
    assert nodes.calendar_of(generated()).is_trading_day(DAY)
    assert not nodes.calendar_of(run).is_trading_day(DAY)


def test_the_view_knows_when_each_symbol_trades() -> None:
    view = nodes.view_of(generated())
    session = view.session(TXF, OPEN)
    assert session is not None
    assert (session.name, session.day) == ("day", DAY)
    assert view.session(TXF, taipei_ns(20260824, 31_500)) is None  # It expired on the 19th.


def test_the_trader_keeps_the_runs_limits_fees_and_price_limits() -> None:
    run = msgspec.structs.replace(
        generated(), limits={"order_size": {"max_contracts": 2}}, fee=33, bands={TXF: (17_300, 17_500)}
    )
    trader = nodes.make_trader(run)
    trader.handle(tick(17_400, at=OPEN, symbol=TXF), OPEN)
    (refused,) = trader.handle(intent(Side.BUY, 3, symbol=TXF, at=OPEN), OPEN)
    assert isinstance(refused, Refused)
    assert (refused.rule, refused.limit, refused.value) == ("order_size", 2, 3)
    placed, submit = trader.handle(intent(Side.BUY, 2, k=2, symbol=TXF, at=OPEN), OPEN)
    assert isinstance(placed, Placed)
    assert isinstance(submit, Submit)
    fill = msgspec.structs.replace(filled(submit.client_id, "f", Side.BUY, 2, 17_401, OPEN), symbol=TXF)
    (traded,) = [said for said in trader.handle(fill, OPEN) if isinstance(said, Traded)]
    assert traded.fee == 66


def test_each_life_of_the_trader_numbers_its_orders_by_its_own_epoch() -> None:
    ids = []
    for epoch in (1, 2):
        trader = nodes.make_trader(generated(), epoch)
        trader.handle(tick(17_400, at=OPEN, symbol=TXF), OPEN)
        ids += [
            said.client_id
            for said in trader.handle(intent(symbol=TXF, at=OPEN), OPEN)
            if isinstance(said, Submit)
        ]
    assert len(set(ids)) == 2


def test_a_host_has_the_runs_name_for_its_strategy() -> None:
    settings = msgspec.structs.replace(ema(), name="mine")
    host = nodes.make_host(generated(settings), settings)
    assert (host.name, host.symbols) == ("mine", (TXF,))


def test_a_wrong_setting_of_a_strategy_is_refused() -> None:
    settings = ema(speed=3)
    with pytest.raises(BadInput, match="EmaCross has no setting 'speed'"):
        nodes.make_host(generated(settings), settings)


def test_a_tick_counts_as_seen_where_a_strategy_is_given_it() -> None:
    run = msgspec.structs.replace(generated(), symbols=(TXF, MXF))
    tally = nodes.make_tally(run)
    for symbol in (TXF, MXF, MXF):
        tally.handle(tick(symbol=symbol), OPEN)
    assert tally.ticks_seen == 1


def test_conditions_are_the_first_commands_in_the_contracts_ticks() -> None:
    (command,) = nodes.first_commands(LEVELS)
    assert isinstance(command, Command)
    assert (command.strategy, command.verb, command.name) == ("levels", "add", "s1")
    assert command.values["trigger_ticks"] == 17_300
    assert nodes.first_commands(ema()) == []
    missing = StrategySettings(name="mine", use="gone.py:Mine", symbols=(TXF,))
    assert nodes.first_commands(missing) == []  # The trader goes on, whatever became of the strategy's code.


def test_lots_are_covered_as_each_strategys_class_declares_and_its_settings_say() -> None:
    cross = msgspec.structs.replace(ema(), book_stop=7)
    covers = nodes.make_trader(generated(cross, LEVELS)).covers
    assert covers == {
        "ema_cross": Cover("own", 7),
        "levels": Cover("plans", BOOK_STOP),
        OUTSIDE: Cover("own", BOOK_STOP),
    }


def test_what_a_class_declares_is_written_into_the_run_and_then_believed() -> None:
    written = nodes.with_covers(generated(ema(), LEVELS))
    assert [strategy.exits for strategy in written.strategies] == ["own", "plans"]
    gone = msgspec.structs.replace(written.strategies[1], use="gone/away.py:Strategy")
    assert nodes.cover_of(gone) == Cover("plans", BOOK_STOP)
