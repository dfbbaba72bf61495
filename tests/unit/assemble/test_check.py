from pathlib import Path

import msgspec
import pytest

from autofutures.assemble.check import check_run
from autofutures.config import RunSettings, StrategySettings
from autofutures.domain.errors import BadInput
from tests.runs import TXF, a_catalog, ema, generated, recorded
from tests.unit.assemble.test_nodes import LEVELS


def changed(run: RunSettings, **fields: object) -> RunSettings:
    return msgspec.convert({**msgspec.to_builtins(run), **fields}, RunSettings)


def with_condition(**values: object) -> StrategySettings:
    return msgspec.convert(
        {**msgspec.to_builtins(LEVELS), "conditions": {"s1": {**LEVELS.conditions["s1"], **values}}},
        StrategySettings,
    )


def test_a_run_that_can_start_passes(tmp_path: Path) -> None:
    check_run(generated(ema(), LEVELS))
    check_run(changed(generated(), source="steady"))
    check_run(recorded(a_catalog(tmp_path)))


@pytest.mark.parametrize(
    ("run", "sentence"),
    [
        (changed(generated(), symbols=[TXF, "TAIFEX:MXF202608"]), "a generated session has one contract"),
        (changed(generated(), day=20260802), "has no day session on 20260802"),
        (changed(generated(), limits={"order_size": {"max": 1}}), "order_size has no setting 'max'"),
        (changed(generated(), length_ns=5), "a minute after it"),
        (changed(generated(), faults={"plague": 1}), "there is no fault 'plague' of a broker"),
        (generated(ema(fast=9, slow=3)), "fast"),
        (generated(msgspec.structs.replace(ema(), use="dream")), "there is no strategy 'dream'"),
        (
            generated(msgspec.structs.replace(ema(), conditions=LEVELS.conditions)),
            "EmaCross takes no conditions",
        ),
        (generated(with_condition(quantity=0)), "quantity"),
        (generated(with_condition(side="up")), "side"),
    ],
)
def test_a_run_that_cannot_start_is_refused_before_any_process_does(run: RunSettings, sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence):
        check_run(run)


def test_a_recorded_day_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no trades of"):
        check_run(changed(recorded(a_catalog(tmp_path)), day=20210727))


def test_what_the_strategy_itself_refuses_is_refused_in_its_name(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(
        "from autofutures.strategies.base import Strategy\n"
        "class Mine(Strategy):\n"
        "    @classmethod\n"
        "    def command_values(cls, table, symbols):\n"
        "        return dict(table)\n"
    )
    mine = StrategySettings(
        name="mine", use=f"{path}:Mine", symbols=(TXF,), conditions={"s1": {"side": "buy"}}
    )
    with pytest.raises(BadInput, match="strategy mine: Mine takes no commands; it was asked to add s1"):
        check_run(generated(mine))
