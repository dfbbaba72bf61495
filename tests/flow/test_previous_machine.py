"""The failures of the machine that this one succeeds, each a test; its figures stand beside ours in the names or texts.

What needs real processes (bursts, a steady stream, an open socket) is in tests/process/test_previous_machine.py.
"""

from pathlib import Path

import msgspec
import pytest

from autofutures.config import RunSettings, StrategySettings
from autofutures.domain.errors import BadInput, BadMessage
from autofutures.domain.messages import BadTick, Command, Gap, Refused
from autofutures.domain.units import SECOND
from autofutures.orders.policy import Policy
from autofutures.storage.journal import Journal
from tests.makers import TXF
from tests.unit.seats.broker_house import BrokerHouse
from tests.unit.seats.house import PINGER, House, a_run

MXF = "TAIFEX:MXF202108"


def condition_run(**faults: int) -> RunSettings:
    """One condition of support and resistance: buy at 17,410 after 17,400 was touched, out at 17,470 or 17,390."""
    terms: dict[str, int | float | bool | str] = {
        "side": "buy",
        "symbol": "TXF202108",
        "trigger": 17400,
        "turning_point": 10,
        "take_profit": 60,
        "stop_loss": 20,
        "quantity": 2,
    }
    strategy = StrategySettings(
        name="pinger", use="support_resistance", symbols=(TXF, MXF), conditions={"c1": terms}
    )
    return RunSettings(
        symbols=(TXF, MXF),
        day=20210726,
        source="steady",
        strategies=(strategy,),
        policy=Policy(reconciles=True),
        faults=faults,
    )


def test_a_slow_dll_gets_one_order_for_one_signal_where_it_got_four() -> None:
    run = a_run(StrategySettings(name="pinger", use="pinger", symbols=(TXF,), settings={"every": 1}))
    slow = {"slow": 1_000, "slow_ns": 20 * SECOND}
    with BrokerHouse(msgspec.structs.replace(run, faults=slow)) as house:
        house.begin()
        house.trade(17_400)
        for _ in range(
            150
        ):  # Fifteen seconds: the old client gave up and sent again after five, three times.
            house.beat()
        assert len(house.at_broker) == 1
        assert house.broker.statement().orders_per_client_id_max == 1


def test_a_restart_with_an_open_position_enters_nothing_and_keeps_the_exit_where_it_bought_again() -> None:
    with BrokerHouse(condition_run()) as house:
        house.begin()
        house.trade(17_405, 17_400, 17_405, 17_410, 17_411)
        assert house.broker.statement().positions == {TXF: 2}
        (plan,) = house.trader.trader.exits.plans()
        before = (plan.take_profit_ticks, plan.stop_ticks, plan.open_qty)
        house.new_trader()
        house.new_strategy()
        house.beat(10)
        (again,) = house.trader.trader.exits.plans()
        assert (again.take_profit_ticks, again.stop_ticks, again.open_qty) == before == (17_470, 17_390, 2)
        house.trade(
            17_405, 17_400, 17_405, 17_410, 17_411
        )  # The same path, which bought a second time there.
        assert len(house.at_broker) == 1
        house.trade(17_470, 17_471)
        assert house.broker.statement().positions == {}


def test_a_price_of_zero_is_no_trade_where_it_bought_and_fired_stops() -> None:
    with BrokerHouse(condition_run()) as house:
        house.begin()
        house.trade(17_405, 0, 17_410)
        house.beat()
        assert not house.at_broker
        assert any(isinstance(message, BadTick) for message in house.tape.messages)
        house.trade(17_400, 17_410, 17_411, 0, 17_411)
        house.beat()
        assert house.broker.statement().positions == {TXF: 2}  # The zero fired no stop.


def test_another_contracts_trades_move_nothing_where_a_condition_of_one_was_entered_on_another() -> None:
    with BrokerHouse(condition_run()) as house:
        house.begin()
        house.trade(17_405)
        house.trade(17_400, 17_410, 17_411, symbol=MXF)
        house.beat()
        assert not house.at_broker
        house.trade(17_400, 17_410)
        assert [order.symbol for order in house.at_broker] == [TXF]


def test_a_rejected_entry_makes_no_exit_where_the_exit_opened_a_naked_position() -> None:
    with BrokerHouse(condition_run(reject=1_000)) as house:
        house.begin()
        house.trade(17_405, 17_400, 17_410, 17_411, 17_470, 17_471, 17_380)
        assert [(order.qty, order.status) for order in house.at_broker] == [(2, "rejected")]
        assert house.trader.trader.exits.plans() == []


def test_the_conditions_quantity_is_what_is_ordered_where_it_was_always_one() -> None:
    with BrokerHouse(condition_run()) as house:
        house.begin()
        house.trade(17_405, 17_400, 17_410)
        assert [order.qty for order in house.at_broker] == [2]


def test_a_signal_that_waited_expires_and_is_not_sent_late_where_all_that_waited_was_sent() -> None:
    with BrokerHouse(a_run(every=1)) as house:
        house.begin()
        house.late.add((PINGER, "trader"))
        house.trade(17_400)
        house.now += 3 * SECOND
        house.let_go()
        house.beat()
        assert not house.at_broker
        assert [m.rule for m in house.tape.messages if isinstance(m, Refused)] == ["deadline"]


def test_a_burst_that_nobody_can_take_is_a_declared_gap_where_it_was_silence() -> None:
    with House(a_run(every=1_000_000)) as house:
        house.begin()
        house.cut.add(("gateway", "trader"))
        house.ticks(20_000)
        house.cut.clear()
        house.ticks(1)
        house.beat(3)
        gaps = [message for message in house.tape.messages if isinstance(message, Gap)]
        assert sum(gap.missed for gap in gaps) == house.gateway.dropped == 20_000
        assert house.trader.tally.summary().ticks_lost == 20_000


def test_a_truncated_state_file_refuses_to_start_where_it_was_silently_empty(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with BrokerHouse(condition_run()) as house, Journal.open(path) as journal:
        house.begin()
        house.trade(17_405, 17_400, 17_410, 17_411)
        for batch in house.journal.batches():
            journal.commit(batch.inputs, batch.outputs, batch.at)
    whole = path.read_bytes()
    for length in (len(whole) // 2, len(whole) - 1_024):
        path.write_bytes(whole[:length])
        with pytest.raises((BadInput, BadMessage), match=r"journal\.sqlite"):
            read_all(path)


def read_all(path: Path) -> None:
    """Starts as a trader does."""
    with Journal.open(path) as journal:
        list(journal.facts())


def test_an_order_of_9999_lots_is_refused_where_anyone_placed_it() -> None:
    run = condition_run()
    (strategy,) = run.strategies
    terms = {"c1": {**strategy.conditions["c1"], "quantity": 9_999}}
    strategy = msgspec.structs.replace(strategy, conditions=terms)
    with BrokerHouse(msgspec.structs.replace(run, strategies=(strategy,))) as house:
        house.begin()
        house.trade(17_405, 17_400, 17_410)
        house.beat()
        assert not house.at_broker
        refused = [message for message in house.tape.messages if isinstance(message, Refused)]
        assert [(message.rule, message.limit, message.value) for message in refused] == [
            ("order_size", 10, 9_999)
        ]


def test_a_side_that_is_neither_buy_nor_sell_is_refused_where_everything_else_meant_sell() -> None:
    with BrokerHouse(condition_run()) as house:
        house.begin()
        values: dict[str, int | str | bool] = {"side": "n", "trigger_ticks": 1, "symbol": TXF}
        (answer,) = house.ask(Command("f1", "pinger", "add", "c2", values))
        assert "refused" in answer


def test_a_dead_trade_link_is_not_ready_where_health_was_always_true() -> None:
    with BrokerHouse(condition_run()) as house:
        house.begin()
        house.beat(10)
        assert house.trader.readiness(house.now).ready
        house.broker.drop(house.now)
        house.link(up=False)
        house.beat()
        assert not house.trader.readiness(house.now).ready
