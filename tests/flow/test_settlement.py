"""A contract ends with a position in it: the position becomes money, and everybody hears of it."""

from pathlib import Path

import msgspec
import pytest

from autofutures.assemble.nodes import finals_of, make_trader, with_covers
from autofutures.backtest.runner import notes_of, run
from autofutures.config import RunSettings, SettingsFile, StrategySettings
from autofutures.domain.errors import BadInput
from autofutures.domain.messages import ExitMoved, ExitPlan, Filled, Placed, SessionEnded, Tick, Traded
from autofutures.domain.units import SECOND, OrderType, Side
from autofutures.market.contract_days import sessions_of
from autofutures.market.sessions import Calendar
from autofutures.portfolio.tally import fill_line
from tests.makers import intent
from tests.unit.data.files import put

AUG = "TAIFEX:TXF202108"
DAYS = (20210817, 20210818)
NIGHT, LAST = sessions_of(AUG, DAYS[1], Calendar())

BUYER = """
from autofutures.strategies.base import Strategy

class Buyer(Strategy):
    _done: bool = False
    _heard: int = 0

    def on_tick(self, tick, ctx):
        if not self._done:
            self._done = True
            ctx.buy_market(2)

    def on_fill(self, fill, ctx):
        self._heard = fill.price_ticks
        if not ctx.position:
            ctx.sell_limit(1, fill.price_ticks)     # Shows that it was heard: the contract is gone, and it is refused.
"""


@pytest.fixture
def settings(tmp_path: Path) -> RunSettings:
    """Two days; the second is the contract's last and closes at 13:30 with a trade at 17,030."""
    for number, day in enumerate(DAYS):
        by_day = sessions_of(AUG, day, Calendar())[1]
        base = 17_000 + 20 * number
        times = [by_day.opens_at, by_day.opens_at + SECOND, by_day.closes_at - SECOND]
        put(tmp_path, AUG, day, [(at, base + 5 * n) for n, at in enumerate(times)], 10)
    place = tmp_path / "buyer.py"
    place.write_text(BUYER)
    strategy = StrategySettings(name="buyer", use=f"{place}:Buyer", symbols=(AUG,))
    return with_covers(
        RunSettings(
            symbols=(AUG,),
            day=DAYS[0],
            until=DAYS[-1],
            source="recorded",
            catalog=str(tmp_path),
            strategies=(strategy,),
        )
    )


def test_what_is_held_at_the_last_close_is_settled_at_the_last_trade(settings: RunSettings) -> None:
    result = run(settings)
    bought, settled = result.tally.fills
    assert LAST.closes_at == LAST.ends_at - SECOND
    # Fee and tax as of any fill: 20 a contract, and two hundred-thousandths of 17,030 x 200, rounded.
    assert fill_line(settled) == f"{LAST.ends_at},buyer,0,0,0,{AUG},sell,2,17030,40,136"
    assert settled.client_id == ""
    assert result.summary.positions == {}
    assert result.summary.gross_pnl == (17_030 - bought.price_ticks) * 2 * 200
    assert [refused.rule for refused in result.tally.refusals] == ["session"]


def test_a_final_settlement_price_that_is_given_is_the_price(settings: RunSettings) -> None:
    given = msgspec.structs.replace(settings, settlements={AUG: 16_990})
    assert run(given).tally.fills[-1].price_ticks == 16_990
    (note,) = [note for note in notes_of(given) if "settled" in note]
    assert note.endswith("2021-08-18, was settled at its final settlement price.")
    (note,) = [note for note in notes_of(settings) if "settled" in note]
    assert note.endswith("was settled at its last trade, for its final settlement price was not given.")


def test_before_its_last_day_nothing_is_settled(settings: RunSettings) -> None:
    first = msgspec.structs.replace(settings, until=0)
    assert finals_of(first) == {}
    assert run(first).summary.positions == {AUG: 2}


def test_a_generated_run_settles_nothing(settings: RunSettings) -> None:
    assert finals_of(msgspec.structs.replace(settings, source="generated")) == {}


def test_the_night_before_the_last_day_settles_nothing_and_a_repeat_nothing_twice(
    settings: RunSettings,
) -> None:
    trader = make_trader(settings)
    plan = ExitPlan(stop_ticks=50)
    at = LAST.opens_at
    trader.handle(Tick(AUG, at, 17_000, 1), at)
    said = trader.handle(intent(Side.SELL, 3, OrderType.MARKET, strategy="buyer", at=at, exit_plan=plan), at)
    (placed,) = [one for one in said if isinstance(one, Placed)]
    trader.handle(Filled(placed.client_id, at, "F1", AUG, Side.SELL, 3, 17_000), at)
    assert trader.portfolio.net(AUG) == -3

    def ended(session: str) -> list[object]:
        return list(trader.handle(SessionEnded(AUG, LAST.ends_at, DAYS[1], session), LAST.ends_at))

    assert ended("night") == []
    traded, moved = ended("day")
    assert isinstance(traded, Traded)
    assert (traded.side, traded.qty, traded.position) == (Side.BUY, 3, 0)
    assert isinstance(moved, ExitMoved)
    assert moved.open_qty == 0
    assert ended("day") == []

    again = make_trader(settings)
    for fact in [
        *said,
        Traded(placed.client_id, "buyer", 1, 1, 1, at, AUG, Side.SELL, 3, 17_000, 0, 0, -3, "F1"),
    ]:
        again.fold(fact)
    again.fold(traded)
    again.fold(moved)
    assert (again.portfolio.net(AUG), again.uncovered()) == (0, 0)


def test_final_settlement_prices_are_read_in_points() -> None:
    assert SettingsFile(settlement={"TXF202108": 17_180, "EXF202108": "815.05"}).settlements() == {
        AUG: 17_180,
        "TAIFEX:EXF202108": 16_301,
    }
    with pytest.raises(BadInput, match="settlement: TXF202108 = 'high' is no price"):
        SettingsFile(settlement={"TXF202108": "high"}).settlements()
