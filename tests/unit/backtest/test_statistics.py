from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autofutures.backtest.samples import MIN_SIDE, MIN_TRADES
from autofutures.backtest.statistics import (
    MIN_DAYS,
    RoundTrip,
    Ticks,
    average,
    daily_profits,
    match_fills,
    reasons,
    round_trips,
    said,
    statistics,
    trade_figures,
    with_excursions,
)
from autofutures.domain.errors import BadInput
from autofutures.domain.instrument import instrument
from autofutures.domain.messages import Traded
from autofutures.domain.units import MINUTE, SECOND, Side
from autofutures.portfolio.tally import EquityPoint

TXF = "TAIFEX:TXF202108"
MXF = "TAIFEX:MXF202108"
INSTRUMENTS = {symbol: instrument(symbol) for symbol in (TXF, MXF)}
DAY = 20210726


def fill(
    at: int,
    side: Side,
    qty: int,
    price_ticks: int,
    *,
    fee: int = 0,
    tax: int = 0,
    strategy: str = "ema",
    symbol: str = TXF,
) -> Traded:
    return Traded("c", strategy, at, 1, 1, at, symbol, side, qty, price_ticks, fee, tax, 0, f"f{at}")


def trip(net: int, side: Side = Side.BUY, entered_at: int = 0, left_at: int = SECOND) -> RoundTrip:
    return RoundTrip("ema", TXF, side, 1, entered_at, left_at, 100, 101, gross=net, costs=0)


def points(*nets: int, step: int = MINUTE) -> list[EquityPoint]:
    peak, made = 0, []
    for index, net in enumerate(nets):
        peak = max(peak, net)
        made.append(EquityPoint(index * step, net, peak - net))
    return made


def test_a_reversal_closes_one_trip_and_opens_the_next() -> None:
    fills = [
        fill(1, Side.BUY, 1, 100, fee=20, tax=5),
        fill(2, Side.SELL, 2, 103, fee=40, tax=10),
        fill(3, Side.BUY, 1, 104, fee=20, tax=6),
    ]
    first, second = round_trips(fills, INSTRUMENTS)
    assert (first.side, first.entry_ticks, first.exit_ticks, first.gross) == (Side.BUY, 100, 103, 600)
    assert (second.side, second.entered_at, second.left_at, second.gross) == (Side.SELL, 2, 3, -200)
    assert (first.costs, second.costs) == (25 + 25, 25 + 26)
    assert (first.net, second.net, second.held_ns) == (550, -251, 1)


def test_the_first_contract_in_is_the_first_out() -> None:
    fills = [
        fill(1, Side.BUY, 1, 100),
        fill(2, Side.BUY, 2, 110),
        fill(3, Side.SELL, 2, 120),
    ]
    trips, lots = match_fills(fills, INSTRUMENTS)
    assert [(each.entered_at, each.qty, each.gross) for each in trips] == [(1, 1, 4000), (2, 1, 2000)]
    assert [(lot.entered_at, lot.qty, lot.entry_ticks) for lot in lots] == [(2, 1, 110)]


def test_strategies_and_symbols_do_not_close_each_other() -> None:
    fills = [
        fill(1, Side.BUY, 1, 100),
        fill(2, Side.SELL, 1, 101, strategy="other"),
        fill(3, Side.SELL, 1, 102, symbol=MXF),
    ]
    trips, lots = match_fills(fills, INSTRUMENTS)
    assert trips == []
    assert len(lots) == 3


def test_a_fill_of_an_unknown_instrument_is_named() -> None:
    with pytest.raises(BadInput, match="TXF202109"):
        round_trips([fill(1, Side.BUY, 1, 100, symbol="TAIFEX:TXF202109")], INSTRUMENTS)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "b"]),
            st.sampled_from([Side.BUY, Side.SELL]),
            st.integers(1, 7),
            st.integers(90, 110),
            st.integers(0, 999),
        ),
        max_size=40,
    )
)
def test_trips_and_open_lots_hold_every_contract_and_every_cost(
    rows: list[tuple[str, Side, int, int, int]],
) -> None:
    fills = [
        fill(at, side, qty, ticks, fee=costs, tax=costs // 3, strategy=name)
        for at, (name, side, qty, ticks, costs) in enumerate(rows)
    ]
    trips, lots = match_fills(fills, INSTRUMENTS)
    cash = -sum(each.side * each.qty * each.price_ticks for each in fills)
    positions: defaultdict[str, int] = defaultdict(int)
    for each in fills:
        positions[each.strategy] += each.side * each.qty
    assert sum(each.costs for each in trips) + sum(lot.costs for lot in lots) == sum(
        each.fee + each.tax for each in fills
    )
    assert sum(each.gross for each in trips) == 200 * (
        cash + sum(lot.side * lot.qty * lot.entry_ticks for lot in lots)
    )
    assert 2 * sum(each.qty for each in trips) + sum(lot.qty for lot in lots) == sum(
        each.qty for each in fills
    )
    for name, position in positions.items():
        assert sum(lot.side * lot.qty for lot in lots if lot.strategy == name) == position


def test_the_worst_and_best_open_profit_lie_between_entry_and_exit() -> None:
    ticks = {TXF: Ticks.of([(10, 80), (20, 100), (20, 70), (30, 95), (40, 108), (50, 104), (60, 200)])}
    fills = [
        fill(20, Side.BUY, 2, 100),
        fill(50, Side.SELL, 2, 104),
        fill(50, Side.SELL, 1, 104),
        fill(51, Side.BUY, 1, 106),
    ]
    bought, sold = with_excursions(round_trips(fills, INSTRUMENTS), ticks, INSTRUMENTS)
    assert (bought.mae, bought.mfe) == (-5 * 2 * 200, 8 * 2 * 200)
    assert (sold.mae, sold.mfe) == (-2 * 200, 0)


def test_without_ticks_there_is_no_worst_and_best() -> None:
    (made,) = with_excursions([trip(5)], {}, INSTRUMENTS)
    assert (made.mae, made.mfe) == (None, None)


def test_ticks_of_no_rows_are_empty_columns() -> None:
    assert Ticks.of([]).at.tolist() == Ticks.of([]).price_ticks.tolist() == []


def test_figures_of_trades_are_counted_after_costs() -> None:
    figures = trade_figures([trip(300), trip(-100), trip(-50), trip(0), trip(-30), trip(101)])
    assert (figures.trades, figures.winners, figures.losers, figures.net) == (6, 2, 3, 221)
    assert figures.win_rate == pytest.approx(2 / 6)
    assert figures.profit_factor == pytest.approx(401 / 180)
    assert (figures.average_win, figures.average_loss) == (201, -60)
    assert (figures.largest_win, figures.largest_loss, figures.expectancy) == (300, -100, 37)
    assert figures.longest_losing_run == 2
    assert figures.average_held_ns == SECOND


def test_no_trades_say_nothing() -> None:
    figures = trade_figures([])
    assert figures.win_rate is figures.profit_factor is figures.expectancy is figures.average_held_ns is None
    assert figures.longest_losing_run == 0


@pytest.mark.parametrize(("total", "count", "rounded"), [(3, 2, 2), (-3, 2, -1), (-4, 3, -1), (0, 0, None)])
def test_an_average_is_rounded_half_up(total: int, count: int, rounded: int | None) -> None:
    assert average(total, count) == rounded


def test_one_day_is_too_short_for_ratios_and_says_why() -> None:
    made = statistics(points(0, 100, 50), [], [DAY] * 3)
    assert made.sharpe is made.sortino is made.calmar is None
    assert made.why_none["sharpe"] == f"too few: 1 of {MIN_DAYS} trading days needed"
    assert made.why_none["profit_factor"] == "no trade"
    assert made.days == 1


def test_ratios_follow_their_formulas_from_twenty_days_on() -> None:
    profits = [100, -50] * (MIN_DAYS // 2)
    nets = np.cumsum(profits).tolist()
    days = list(range(20210701, 20210701 + MIN_DAYS))
    made = statistics(points(*nets), [trip(5)] * MIN_TRADES, days)
    assert made.sharpe == pytest.approx(np.mean(profits) / np.std(profits, ddof=1) * 252**0.5)
    assert made.sortino == pytest.approx(25 / (1250**0.5) * 252**0.5)
    assert made.calmar == pytest.approx(25 * 252 / 50)
    nothing_lost = dict.fromkeys(("profit_factor", "average_loss", "largest_loss"), "no losing trade")
    assert made.why_none == nothing_lost


def test_a_ratio_without_a_divisor_says_what_is_missing() -> None:
    flat = statistics(points(*[0] * MIN_DAYS), [trip(-1)], list(range(MIN_DAYS)))
    assert {name: flat.why_none[name] for name in ("sharpe", "sortino", "calmar")} == {
        "sharpe": "every day made the same",
        "sortino": "no losing day",
        "calmar": "no drawdown",
    }


def test_figures_of_few_trades_are_held_back_and_facts_are_not() -> None:
    few = trade_figures([trip(300), trip(-100), *[trip(7)] * (MIN_TRADES - 3)])
    held = said(few)
    assert (held.win_rate, held.profit_factor, held.expectancy, held.average_loss) == (None,) * 4
    assert (held.trades, held.net, held.largest_win, held.largest_loss) == (9, 249, 300, -100)
    assert held.average_win == few.average_win
    assert reasons(few)["win_rate"] == reasons(held)["win_rate"] == "too few: 9 of 10 closed trades needed"
    assert reasons(few)["average_loss"] == f"too few: 1 of {MIN_SIDE} losing trades needed"
    enough = trade_figures([*[trip(3)] * MIN_SIDE, *[trip(-1)] * MIN_SIDE])
    assert said(enough) == enough
    assert reasons(enough) == {}


def test_a_day_is_worth_its_last_point_less_the_day_before() -> None:
    assert daily_profits(points(10, 30, 20, 50), [1, 1, 2, 2]) == [30, 20]


def test_each_point_needs_its_day() -> None:
    with pytest.raises(BadInput, match="1 days for 2 equity points"):
        statistics(points(0, 1), [], [DAY])


def test_the_deepest_drawdown_lasts_from_its_peak_until_it_is_made_good() -> None:
    made = statistics(points(0, 10, 5, 11, 1, 4, 12, 9), [], [DAY] * 8)
    assert (made.max_drawdown, made.drawdown_ns, made.drawdown_recovered) == (10, 3 * MINUTE, True)


def test_a_peak_between_two_points_begins_and_ends_a_drawdown() -> None:
    equity = [
        EquityPoint(0, 0, 0),
        EquityPoint(1 * MINUTE, 5, 15),
        EquityPoint(2 * MINUTE, -10, 30),
        EquityPoint(3 * MINUTE, 19, 6),
    ]
    made = statistics(equity, [], [DAY] * 4)
    assert (made.max_drawdown, made.drawdown_ns, made.drawdown_recovered) == (30, 2 * MINUTE, True)


def test_a_drawdown_at_the_end_is_not_made_good() -> None:
    made = statistics(points(-5, -10, -8), [], [DAY] * 3, max_drawdown=14)
    assert (made.max_drawdown, made.drawdown_ns, made.drawdown_recovered) == (14, 2 * MINUTE, False)


def test_a_rising_equity_has_no_drawdown() -> None:
    made = statistics(points(0, 1, 2), [], [DAY] * 3)
    assert (made.max_drawdown, made.drawdown_ns, made.drawdown_recovered) == (0, None, True)


def test_exposure_counts_overlapping_trips_once_and_no_closed_hours() -> None:
    # Ten minutes of trading, then nothing for an hour, then ten minutes more.
    equity = [EquityPoint(minute * MINUTE, 0, 0) for block in (0, 70) for minute in range(block, block + 10)]
    trips = [
        trip(1, entered_at=5 * MINUTE, left_at=75 * MINUTE),
        trip(1, entered_at=6 * MINUTE, left_at=7 * MINUTE),
    ]
    made = statistics(equity, trips, [DAY] * 20)
    assert made.exposure == pytest.approx(0.5)


def test_exposure_includes_what_is_still_open_and_gaps_between_trips() -> None:
    fills = [
        fill(MINUTE, Side.BUY, 1, 100),
        fill(2 * MINUTE, Side.SELL, 1, 100),
        fill(9 * MINUTE, Side.SELL, 1, 100),
    ]
    trips, lots = match_fills(fills, INSTRUMENTS)
    made = statistics(points(*[0] * 10), trips, [DAY] * 10, lots)
    assert made.exposure == pytest.approx(0.2)
    assert statistics(points(0, 0), [], [DAY] * 2).exposure == 0
    assert statistics([], [], []).exposure is None


def test_longs_and_shorts_are_told_apart() -> None:
    made = statistics(points(0), [trip(5), trip(-3, Side.SELL)], [DAY])
    assert (made.every.trades, made.longs.net, made.shorts.net) == (2, 5, -3)


def test_a_trip_in_an_inverse_contract_is_in_its_coin() -> None:
    symbol = "BINANCE:BTCUSD"
    known = {symbol: instrument(symbol)}
    fills = [
        fill(1, Side.BUY, 10, 200_000, symbol=symbol),
        fill(9 * SECOND, Side.SELL, 10, 250_000, symbol=symbol),
    ]
    ticks = {symbol: Ticks(at=np.array([5 * SECOND]), price_ticks=np.array([160_000]))}
    (trip,) = with_excursions(round_trips(fills, known), ticks, known)
    # 1,000 x (1/20,000 - 1/25,000) and 1,000 x (1/20,000 - 1/16,000) BTC, in units of 1e-12.
    assert (trip.gross, trip.mae, trip.mfe) == (10_000_000_000, -12_500_000_000, 10_000_000_000)
