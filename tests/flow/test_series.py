"""A run on a series: signals on joined prices, orders on the contract in front, and positions that move at a roll."""

from pathlib import Path

import msgspec
import pytest

from autofutures.assemble.nodes import with_covers
from autofutures.assemble.request import RunOptions
from autofutures.assemble.series import with_series
from autofutures.backtest.runner import Result, notes_of, run
from autofutures.config import RunSettings, StrategySettings
from autofutures.data.continuous import Rule
from autofutures.domain.errors import BadInput
from autofutures.domain.units import SECOND
from autofutures.market.contract_days import sessions_of
from autofutures.market.sessions import Calendar
from tests.unit.data.files import put

AUG, SEP, FRONT = "TAIFEX:TXF202108", "TAIFEX:TXF202109", "TAIFEX:TXF.front"
DAYS = (20210813, 20210816, 20210817)
STEP = 50
"""September stands so far below August."""

BUYER = """
from autofutures.strategies.base import Strategy

class Buyer(Strategy):
    _ticks: int = 0
    _first: int = 0
    _jumps: int = 0
    _last: int = 0
    _flat: int = 0

    def on_tick(self, tick, ctx):
        self._ticks += 1
        if self._last and abs(tick.price_ticks - self._last) > 20:
            self._jumps += 1
        self._last = tick.price_ticks
        if self._ticks == 2:
            ctx.buy_market(2)
        if self._ticks > 4 and ctx.position == 0:
            self._flat += 1
        if self._ticks == 11:
            ctx.sell_limit(1, tick.price_ticks + 5)
        if self._jumps or self._flat:
            ctx.buy_market(7)
"""


def trades(symbol: str, day: int, number: int) -> list[tuple[int, int]]:
    """Five trades a day, a second apart, from 17,000 on and one tick up at each; the last in the last minute."""
    by_day = sessions_of(symbol, day, Calendar())[1]
    base = 17_000 + 5 * number - (STEP if symbol == SEP else 0)
    times = [by_day.opens_at + n * SECOND for n in range(4)] + [by_day.closes_at - SECOND]
    return [(at, base + n) for n, at in enumerate(times)]


@pytest.fixture
def settings(tmp_path: Path) -> RunSettings:
    """August is in front on the first two days by calendar, September on the third."""
    for number, day in enumerate(DAYS):
        for symbol in (AUG, SEP):
            put(tmp_path, symbol, day, trades(symbol, day, number), 100)
    buyer = tmp_path / "buyer.py"
    buyer.write_text(BUYER)
    strategy = StrategySettings(name="buyer", use=f"{buyer}:Buyer", symbols=(FRONT,))
    return with_covers(
        RunSettings(
            symbols=(FRONT,),
            day=DAYS[0],
            until=DAYS[-1],
            source="recorded",
            catalog=str(tmp_path),
            strategies=(strategy,),
        )
    )


def rolled(settings: RunSettings, *, carries: bool = True, **rule: object) -> RunSettings:
    given = {"by": "calendar", "roll_days": 2, "adjust": "back", "anchor": "oldest", **rule}
    return with_series(settings, Rule(**given), carries=carries)  # type: ignore[arg-type]


def orders_of(result: Result) -> list[tuple[str, int, int]]:
    return [
        (order.intent.symbol, order.intent.side * order.intent.qty, order.intent.price_ticks)
        for order in result.tally.orders
    ]


def test_signals_see_joined_prices_and_orders_go_to_the_contract_in_front(settings: RunSettings) -> None:
    series = rolled(settings)
    assert series.symbols == (AUG, SEP)
    assert [(one.symbol, one.shift_ticks) for one in series.series[FRONT]] == [(AUG, 0), (SEP, STEP)]
    result = run(series)
    # The eleventh trade is September's first, at 16,960 + STEP in the series: a limit 5 above it is 16,965 there.
    assert orders_of(result) == [(AUG, 2, 0), (AUG, -2, 0), (SEP, -1, 16_965), (SEP, 2, 0)]
    assert result.summary.positions == {SEP: 2}
    assert result.summary.ticks_seen == 20


def test_a_carried_position_is_never_gone_to_its_strategy(settings: RunSettings) -> None:
    result = run(rolled(settings))
    assert len(result.tally.orders) == 4  # With a jump or a flat moment it would have bought 7.
    moved = [
        (fill.symbol, fill.side * fill.qty)
        for fill in result.tally.fills
        if fill.at > result.tally.fills[0].at
    ]
    assert sorted(moved) == [(AUG, -2), (SEP, 2)]


def test_a_position_that_is_not_carried_ends_with_its_contract(settings: RunSettings) -> None:
    result = run(rolled(settings, carries=False))
    assert AUG not in result.summary.positions
    assert (AUG, -2, 0) in orders_of(result)
    assert (SEP, 2, 0) not in orders_of(result)
    assert (SEP, 7, 0) in orders_of(result)  # It saw that it was flat.


def test_without_adjustment_the_strategy_sees_the_step(settings: RunSettings) -> None:
    assert (SEP, 7, 0) in orders_of(run(rolled(settings, adjust="none")))


def test_the_report_says_which_contract_was_traded_when(settings: RunSettings) -> None:
    (note,) = [note for note in notes_of(rolled(settings)) if FRONT in note]
    assert f"{AUG} from 2021-08-13, {SEP} from 2021-08-17" in note
    assert note.endswith("at a roll a position is carried into the next contract.")


def test_a_series_in_one_day_is_its_contract(settings: RunSettings) -> None:
    one = msgspec.structs.replace(settings, until=0)
    contract = msgspec.structs.replace(
        one,
        symbols=(AUG,),
        strategies=tuple(msgspec.structs.replace(each, symbols=(AUG,)) for each in one.strategies),
    )
    assert run(rolled(one)).summary == run(contract).summary


def test_a_position_that_could_not_leave_is_refused(settings: RunSettings, tmp_path: Path) -> None:
    (tmp_path / "ticks" / "TAIFEX" / "TXF202108" / "2021-08-17.parquet").unlink()
    with pytest.raises(BadInput, match="TXF202108 has no trades on 2021-08-17, when TAIFEX:TXF202109"):
        rolled(settings)


def test_a_contract_that_another_strategy_names_is_traded_on_all_days(settings: RunSettings) -> None:
    series = rolled(settings)
    assert (series.days_of(AUG), series.days_of(SEP)) == ((DAYS[0], DAYS[2]), (DAYS[2], DAYS[2]))
    (strategy,) = series.strategies
    own = msgspec.structs.replace(strategy, name="own", symbols=(SEP,))
    assert msgspec.structs.replace(series, strategies=(strategy, own)).days_of(SEP) == (DAYS[0], DAYS[2])


def test_exit_plans_are_refused_on_a_series(settings: RunSettings) -> None:
    (strategy,) = settings.strategies
    plans = msgspec.structs.replace(settings, strategies=(msgspec.structs.replace(strategy, exits="plans"),))
    with pytest.raises(BadInput, match="strategy buyer closes its lots with exit plans"):
        rolled(plans)


def test_a_generated_series_is_refused(settings: RunSettings) -> None:
    with pytest.raises(BadInput, match="a series of recorded contracts"):
        rolled(msgspec.structs.replace(settings, source="generated"))


def test_the_command_line_says_how_contracts_follow_each_other(settings: RunSettings) -> None:
    (strategy,) = settings.strategies
    options = RunOptions(
        strategies=[strategy.use],
        settings=[],
        symbol="TX.front",
        date="2021-08-13",
        to="2021-08-17",
        generate=False,
        catalog=Path(settings.catalog),
        roll=["by=calendar", "days=2", "adjust=none", "position=close"],
    )
    found, expected = options.run(), rolled(settings, carries=False, adjust="none")
    assert (found.symbols, found.series, found.carries) == (expected.symbols, expected.series, False)


def test_a_settings_file_may_name_a_series_beside_contracts(settings: RunSettings, tmp_path: Path) -> None:
    (strategy,) = settings.strategies
    toml = tmp_path / "autofutures.toml"
    toml.write_text(f'[[strategy]]\nname = "on_front"\nuse = "{strategy.use}"\nsymbols = ["TXF.front"]\n')
    options = RunOptions(
        strategies=[],
        settings=[],
        symbol="TXF202109",
        date="2021-08-13",
        to="2021-08-17",
        generate=False,
        catalog=Path(settings.catalog),
        config=toml,
        roll=["by=calendar", "days=2"],
    )
    found = options.run()
    assert (found.symbols, found.strategies[0].symbols) == ((AUG, SEP), (FRONT,))
    assert orders_of(run(found)) == orders_of(run(rolled(settings)))
