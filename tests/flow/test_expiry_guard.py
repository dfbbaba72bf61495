"""A contract nears its end with a position in it: the trader closes it in good time, where the policy says so."""

from pathlib import Path

import msgspec
import pytest

from autofutures.assemble.nodes import make_trader, with_covers
from autofutures.backtest.runner import Result, run
from autofutures.config import RunSettings, SettingsFile, StrategySettings
from autofutures.domain.errors import BadInput
from autofutures.domain.messages import Alert, Beat, Cancel, ExitMoved, ExitPlan, Filled, Placed, Submit, Tick
from autofutures.domain.units import MINUTE, SECOND, OrderType, Side
from autofutures.market.contract_days import sessions_of
from autofutures.market.sessions import Calendar
from autofutures.orders.policy import Policy
from tests.makers import intent
from tests.unit.data.files import put

AUG = "TAIFEX:TXF202108"
LAST_DAY = 20210818
NIGHT, LAST = sessions_of(AUG, LAST_DAY, Calendar())
NEAR = LAST.closes_at - 30 * MINUTE
GUARDED = Policy(flat_before_expiry_ns=30 * MINUTE)

HOLDER = """
from autofutures.domain.messages import ExitPlan
from autofutures.strategies.base import Strategy

class Own(Strategy):
    _done: bool = False

    def on_tick(self, tick, ctx):
        if not self._done:
            self._done = True
            ctx.buy_market(2)
            ctx.buy_limit(1, tick.price_ticks - 300)

class Plans(Strategy):
    exits = "plans"
    exit_plans = (ExitPlan(stop_ticks=5000),)
    _done: bool = False

    def on_tick(self, tick, ctx):
        if not self._done:
            self._done = True
            ctx.sell_market(2, exit=1)
"""


def settings(tmp_path: Path, name: str, policy: Policy) -> RunSettings:
    """The last day of a contract, with trades around the guard's time."""
    times = [
        LAST.opens_at,
        LAST.opens_at + SECOND,
        NEAR - SECOND,
        NEAR,
        NEAR + SECOND,
        LAST.closes_at - SECOND,
    ]
    put(tmp_path, AUG, LAST_DAY, [(at, 17_000 + number) for number, at in enumerate(times)], 10)
    place = tmp_path / "holder.py"
    place.write_text(HOLDER)
    strategy = StrategySettings(name="holder", use=f"{place}:{name}", symbols=(AUG,))
    return with_covers(
        RunSettings(
            symbols=(AUG,),
            day=LAST_DAY,
            source="recorded",
            catalog=str(tmp_path),
            strategies=(strategy,),
            policy=policy,
        )
    )


def fills(result: Result) -> list[tuple[int, Side, int, bool]]:
    return [(fill.at, fill.side, fill.qty, bool(fill.client_id)) for fill in result.tally.fills]


@pytest.mark.parametrize(("name", "side"), [("Own", Side.BUY), ("Plans", Side.SELL)])
def test_what_is_held_leaves_at_the_first_trade_within_the_guard(
    tmp_path: Path, name: str, side: Side
) -> None:
    entered, left = fills(run(settings(tmp_path, name, GUARDED)))
    assert entered == (LAST.opens_at + SECOND, side, 2, True)
    assert left == (NEAR + SECOND, side.opposite, 2, True)


def test_without_a_guard_it_is_held_to_the_settlement(tmp_path: Path) -> None:
    _, settled = fills(run(settings(tmp_path, "Own", Policy())))
    assert settled == (LAST.ends_at, Side.SELL, 2, False)


def test_it_is_said_once_with_the_reason_and_orders_at_work_are_asked_back(tmp_path: Path) -> None:
    trader = make_trader(settings(tmp_path, "Plans", GUARDED))
    at, plan = LAST.opens_at, ExitPlan(stop_ticks=5_000)
    trader.handle(Tick(AUG, at, 17_000, 1), at)
    entries = (
        intent(Side.SELL, 2, strategy="holder", at=at, exit_plan=plan),
        intent(
            Side.SELL, 1, OrderType.LIMIT, strategy="holder", at=at, k=2, price_ticks=17_100, exit_plan=plan
        ),
    )
    placed = [one for each in entries for one in trader.handle(each, at) if isinstance(one, Placed)]
    trader.handle(Filled(placed[0].client_id, at, "F1", AUG, Side.SELL, 2, 17_000), at)
    assert list(trader.handle(Tick(AUG, NEAR - 1, 17_000, 1), NEAR - 1)) == []

    said = trader.handle(Beat(NEAR, ""), NEAR)
    assert [one.subject for one in said if isinstance(one, Alert) and one.name == "contract_ends"] == [AUG]
    assert [one.reason for one in said if isinstance(one, ExitMoved)] == ["contract ends"]
    assert [one.client_id for one in said if isinstance(one, Cancel)] == [placed[1].client_id]
    (out,) = [one for one in said if isinstance(one, Submit)]
    assert (out.side, out.qty) == (Side.BUY, 2)
    again = trader.handle(Tick(AUG, NEAR + 1, 17_000, 1), NEAR + 1)
    assert [one for one in again if isinstance(one, (Alert, Cancel, Submit))] == []

    trader.handle(Filled(out.client_id, NEAR + 2, "F2", AUG, Side.BUY, 2, 17_000), NEAR + 2)
    assert (trader.portfolio.net(AUG), trader.uncovered()) == (0, 0)


def test_the_guard_is_written_in_milliseconds_and_may_be_off() -> None:
    def policy(**table: int) -> Policy:
        return msgspec.convert({"policy": table}, SettingsFile).book_policy()

    assert policy(flat_before_expiry_ms=1_800_000).flat_before_expiry_ns == 30 * MINUTE
    assert policy(flat_before_expiry_ms=0) == Policy()
    with pytest.raises(BadInput, match="flat_before_expiry_ms is -1"):
        policy(flat_before_expiry_ms=-1)
