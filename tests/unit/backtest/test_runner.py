import hashlib
from pathlib import Path

import msgspec
import pytest

from autofutures.backtest.runner import (
    BOOK_ASSUMPTION,
    PROGRESS_EVERY,
    Result,
    assumptions_of,
    market_prices,
    notes_of,
    run,
    ticks_of,
    write_rows,
)
from autofutures.config import StrategySettings
from autofutures.domain.errors import BadInput
from autofutures.portfolio.tally import FILL_COLUMNS, ORDER_COLUMNS
from tests.runs import RECORDED, a_catalog, ema, generated, recorded
from tests.unit.assemble.test_nodes import LEVELS

MXF = "TAIFEX:MXF202108"


def test_a_run_trades_to_its_end_and_counts_itself() -> None:
    result = run(generated())
    summary = result.summary
    assert summary.ticks_seen > 100
    assert summary.orders > 5
    assert summary.fills == len(result.tally.fills) > 5
    assert summary.contracts == sum(fill.qty for fill in result.tally.fills)
    assert summary.net_pnl == summary.gross_pnl - summary.fees - summary.tax
    assert result.events > summary.ticks_seen


def test_the_same_run_gives_the_same_answer_and_another_seed_another() -> None:
    one, same = run(generated()).summary, run(generated()).summary
    other = run(msgspec.structs.replace(generated(), seed=2)).summary
    assert one == same
    assert (one.order_hash, one.fill_hash) != (other.order_hash, other.fill_hash)


@pytest.mark.parametrize("limit", [1, 7, 50])
def test_a_limit_ends_the_run_after_so_many_ticks(limit: int) -> None:
    assert run(generated(limit=limit)).summary.ticks_seen == limit


def test_a_limited_run_decides_as_the_whole_run_did_until_then() -> None:
    whole, part = run(generated()).tally, run(generated(limit=60)).tally
    assert 0 < len(part.orders) < len(whole.orders)
    assert part.orders == whole.orders[: len(part.orders)]


def test_files_hold_a_header_and_then_exactly_what_was_hashed(tmp_path: Path) -> None:
    result = run(generated())
    write_rows(result.tally, tmp_path / "orders.csv", tmp_path / "fills.csv")
    for name, header, digest, count in (
        ("orders.csv", ORDER_COLUMNS, result.summary.order_hash, result.summary.orders),
        ("fills.csv", FILL_COLUMNS, result.summary.fill_hash, result.summary.fills),
    ):
        first, _, rest = (tmp_path / name).read_bytes().partition(b"\n")
        assert first.decode() == header
        assert hashlib.sha256(rest).hexdigest() == digest
        assert rest.count(b"\n") == count
        assert b"\r" not in rest


def test_rows_that_nobody_asked_for_are_not_written(tmp_path: Path) -> None:
    write_rows(run(generated(limit=10)).tally, None, None)
    assert list(tmp_path.iterdir()) == []


def test_progress_is_told_now_and_then() -> None:
    told: list[int] = []
    result = run(generated(trades=1_000), told.append)
    assert told == [PROGRESS_EVERY * n for n in range(1, result.events // PROGRESS_EVERY + 1)]
    assert told


def test_events_per_second_count_wall_time() -> None:
    result = run(generated(limit=1))
    assert Result(result.summary, result.tally, 1_000, 0.5).events_per_s == 2_000
    assert Result(result.summary, result.tally, 1_000, 0.0).events_per_s == 0


def test_conditions_of_the_settings_are_traded() -> None:
    near = {
        **LEVELS.conditions["s1"],
        "trigger": 17_400,
        "turning_point": 1,
        "take_profit": 5,
        "stop_loss": 5,
    }
    levels = msgspec.structs.replace(LEVELS, conditions={"s1": near})
    summary = run(generated(levels, trades=1_000)).summary
    assert summary.orders > 0


def test_a_condition_that_makes_no_sense_is_refused() -> None:
    wrong = {**LEVELS.conditions["s1"], "quantity": 0}
    with pytest.raises(BadInput, match="quantity"):
        run(generated(msgspec.structs.replace(LEVELS, conditions={"s1": wrong})))


def test_a_users_own_file_trades(tmp_path: Path) -> None:
    path = tmp_path / "momentum.py"
    path.write_text(
        "from autofutures.strategies.base import Strategy\n"
        "class Momentum(Strategy):\n"
        "    window: int = 20\n"
        "    _last: int = 0\n"
        "    def on_tick(self, tick, ctx):\n"
        "        if tick.price_ticks > self._last and ctx.position + ctx.working == 0:\n"
        "            ctx.buy_market(1)\n"
        "        self._last = tick.price_ticks\n"
    )
    mine = StrategySettings(
        name="mine", use=f"{path}:Momentum", symbols=("TAIFEX:TXF202608",), settings={"window": 3}
    )
    summary = run(generated(mine)).summary
    assert (summary.orders, summary.positions) == (1, {"TAIFEX:TXF202608": 1})


def test_each_strategy_of_a_run_has_its_own_orders() -> None:
    two = msgspec.structs.replace(ema(slow=9), name="slow")
    orders = run(generated(ema(), two)).tally.orders
    assert {order.intent.strategy for order in orders} == {"ema_cross", "slow"}


def test_a_recorded_run_fills_worse_by_the_slippage_and_says_so(tmp_path: Path) -> None:
    catalog = a_catalog(tmp_path)
    settings = recorded(catalog)
    result = run(settings)
    assert result.summary.ticks_seen == 8
    assert result.summary.fills > 0
    prices = {fill.at: fill.price_ticks for fill in result.tally.fills}
    worse = run(msgspec.structs.replace(settings, slippage_ticks=3)).tally.fills
    assert all((fill.price_ticks - prices[fill.at]) * fill.side == 2 for fill in worse)
    assert any("1 tick" in line for line in assumptions_of(settings))


def test_assumptions_are_those_of_the_market_and_name_the_latency(tmp_path: Path) -> None:
    book = assumptions_of(generated(latency_ns=5_000_000))
    assert book == (BOOK_ASSUMPTION, "An order reaches the market 5 ms after it was decided.")
    tape = assumptions_of(recorded(tmp_path))
    assert BOOK_ASSUMPTION not in tape
    assert not any("{" in line for line in tape)
    assert tape[-1] == "An order reaches the market 0 ms after it was decided."


def test_notes_say_what_is_not_known(tmp_path: Path) -> None:
    run_of = recorded(tmp_path, (RECORDED, "TAIFEX:CDF202108"))
    notes = "\n".join(notes_of(run_of))
    assert f"{RECORDED}: price limit unknown, so it was not checked" in notes
    assert "TAIFEX:CDF202108 is not specified: its price grid is unchecked" in notes
    abroad = msgspec.structs.replace(run_of, symbols=("BINANCE:BTCUSDT",))
    notes = "\n".join(notes_of(abroad))
    assert "price limit unknown, so it was not checked (the limits of BINANCE are not specified)" in notes
    assert "BINANCE:BTCUSDT: the certainty of its tick, lot and value is medium" in notes
    old = msgspec.structs.replace(recorded(tmp_path), day=20100104, bands={RECORDED: (15_660, 19_140)})
    notes = "\n".join(notes_of(old))
    assert f"{RECORDED}: price limits 15660 to 19140." in notes
    assert "the tax rate is the one in force since" in notes


def test_of_several_days_it_is_said_of_how_many_the_price_limits_are_known(tmp_path: Path) -> None:
    days = {day: {RECORDED: (15_660, 19_140)} for day in (20210727, 20210728)}
    several = msgspec.structs.replace(recorded(tmp_path), until=20210729, later_bands={**days, 20210729: {}})
    assert f"{RECORDED}: each day had price limits of its own; they are known of 2 of 4 days." in notes_of(
        several
    )


def test_days_without_data_are_said(tmp_path: Path) -> None:
    week = msgspec.structs.replace(recorded(a_catalog(tmp_path)), day=20210723, until=20210730)
    assert notes_of(week)[-1] == (
        f"{RECORDED}: 5 of 6 trading days have no data: 2021-07-23, 2021-07-27, 2021-07-28, 2021-07-29, 2021-07-30."
    )
    month = msgspec.structs.replace(week, until=20210910)
    assert "18 of 19 trading days have no data" in notes_of(month)[-1]
    assert notes_of(month)[-1].endswith("2021-07-29, 2021-07-30 and 13 more.")
    assert not any("no data" in note for note in notes_of(recorded(a_catalog(tmp_path))))


def test_a_range_of_days_gives_what_its_one_recorded_day_gives(tmp_path: Path) -> None:
    one = recorded(a_catalog(tmp_path))
    summary = run(msgspec.structs.replace(one, day=20210723, until=20210730)).summary
    assert (summary.orders, summary.order_hash) == (run(one).summary.orders, run(one).summary.order_hash)


def test_the_markets_prices_are_those_of_the_run_as_far_as_it_went(tmp_path: Path) -> None:
    settings = recorded(a_catalog(tmp_path), (RECORDED, MXF))
    prices = market_prices(settings)
    assert prices[RECORDED].price_ticks.tolist() == [17409, 17410, 17473, 17475, 17460, 17450, 17480, 17400]
    assert prices[MXF].price_ticks.tolist() == [17470, 17471]
    assert prices[RECORDED].at.tolist() == sorted(prices[RECORDED].at.tolist())
    limited = market_prices(msgspec.structs.replace(settings, limit=3))
    assert limited[RECORDED].price_ticks.tolist() == [17409, 17410, 17473]


def test_no_rows_are_empty_columns() -> None:
    ticks = ticks_of([])
    assert (len(ticks.at), len(ticks.price_ticks)) == (0, 0)
