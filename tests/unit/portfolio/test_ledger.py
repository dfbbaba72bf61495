from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from autofutures.domain.instrument import instrument
from autofutures.domain.units import Side
from autofutures.portfolio.ledger import Ledger

FILLS = st.lists(
    st.tuples(st.sampled_from(Side), st.integers(1, 9), st.integers(-50, 20_000)), min_size=4, max_size=40
)


def ledger_of(fills: Sequence[tuple[Side, int, int]]) -> Ledger:
    ledger = Ledger()
    for side, qty, price in fills:
        ledger.apply(side, qty, price, fee=20 * qty, tax=qty)
    return ledger


def test_average_price_and_first_in_first_out_differ_while_something_is_open() -> None:
    ledger = ledger_of([(Side.BUY, 1, 100), (Side.BUY, 1, 110), (Side.SELL, 1, 120)])
    assert ledger.position == 1
    assert ledger.realised == 15
    assert ledger.realised_fifo == 20
    assert ledger.cost == 105
    assert list(ledger.lots) == [(1, 110)]


def test_a_reversal_closes_the_old_position_and_opens_the_new_one() -> None:
    ledger = ledger_of([(Side.BUY, 2, 100), (Side.SELL, 5, 90)])
    assert (ledger.position, ledger.realised, ledger.realised_fifo) == (-3, -20, -20)
    assert (ledger.cost, list(ledger.lots)) == (270, [(3, 90)])


def test_a_short_position_earns_when_the_market_falls() -> None:
    ledger = ledger_of([(Side.SELL, 2, 100), (Side.BUY, 1, 90)])
    assert (ledger.position, ledger.realised, ledger.gross(80)) == (-1, 10, 30)


def test_a_closed_part_of_a_lot_leaves_the_rest_first_in_line() -> None:
    ledger = ledger_of([(Side.BUY, 3, 100), (Side.BUY, 1, 200), (Side.SELL, 2, 150)])
    assert list(ledger.lots) == [(1, 100), (1, 200)]


@given(FILLS)
def test_the_position_is_the_sum_of_the_fills(fills: list[tuple[Side, int, int]]) -> None:
    ledger = ledger_of(fills)
    assert ledger.position == sum(side * qty for side, qty, _ in fills)
    assert abs(ledger.position) == sum(qty for qty, _ in ledger.lots)
    contracts = sum(qty for _, qty, _ in fills)
    assert (ledger.contracts, ledger.fees, ledger.tax) == (contracts, 20 * contracts, contracts)


@given(FILLS, st.integers(-50, 20_000))
def test_gross_profit_is_the_cash_that_flowed_and_what_the_position_is_worth(
    fills: list[tuple[Side, int, int]], last: int
) -> None:
    ledger = ledger_of(fills)
    cash = sum(-side * qty * price for side, qty, price in fills)
    assert ledger.gross(last) == cash + ledger.position * last


@given(FILLS, st.integers(-50, 20_000))
def test_both_ways_of_counting_agree_once_all_is_closed(
    fills: list[tuple[Side, int, int]], last: int
) -> None:
    ledger = ledger_of(fills)
    if ledger.position:
        ledger.apply(Side.SELL if ledger.position > 0 else Side.BUY, abs(ledger.position), last)
    assert ledger.position == 0
    assert ledger.realised == ledger.realised_fifo
    assert (ledger.cost, list(ledger.lots)) == (0, [])


@given(FILLS, st.integers(-50, 20_000))
def test_first_in_first_out_and_its_open_lots_are_the_same_gross(
    fills: list[tuple[Side, int, int]], last: int
) -> None:
    ledger = ledger_of(fills)
    sign = 1 if ledger.position > 0 else -1
    assert ledger.realised_fifo + sum(
        sign * qty * (last - paid) for qty, paid in ledger.lots
    ) == ledger.gross(last)


def test_a_ledger_of_an_inverse_contract_counts_in_the_coin() -> None:
    # Bought 10 at 20,000.0 and 10 at 25,000.0 USD, sold 10 at 30,000.0: by average cost
    # 1,000 x ((1/20,000 + 1/25,000) / 2 - 1/30,000) = 0.011666666667 BTC; first in, first out 0.016666666667.
    ledger = Ledger(inverse_value=instrument("BINANCE:BTCUSD").product.inverse_value)
    ledger.apply(Side.BUY, 10, 200_000)
    ledger.apply(Side.BUY, 10, 250_000)
    ledger.apply(Side.SELL, 10, 300_000)
    assert (ledger.position, ledger.realised, ledger.realised_fifo) == (10, 11_666_666_670, 16_666_666_670)
    assert list(ledger.lots) == [(10, 250_000)]
    # The rest at 25,000.0: 1,000 x (0.000045 - 0.00004) = 0.005 BTC more.
    assert ledger.gross(250_000) == 11_666_666_670 + 5_000_000_000
