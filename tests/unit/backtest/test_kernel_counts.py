"""What the kernel's rows come to is what messages of the same run would come to."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from autofutures.backtest.kernel import sums
from autofutures.backtest.kernel.state import FILL_ROW
from autofutures.backtest.kernel_counts import table_of
from autofutures.backtest.statistics import match_fills
from autofutures.domain.instrument import instrument
from autofutures.domain.messages import Traded
from autofutures.domain.units import Side
from autofutures.portfolio.tally import FILL_COLUMNS, ORDER_COLUMNS, fill_line

SYMBOLS = ("TAIFEX:TXF202108", "BINANCE:BTCUSD")
"""A linear contract, and an inverse one."""

ITEMS = {symbol: instrument(symbol) for symbol in SYMBOLS}

Fills = st.lists(
    st.tuples(
        st.integers(0, 1),
        st.sampled_from([-1, 1]),
        st.integers(1, 7),
        st.integers(1, 10**6),
        st.integers(0, 99),
    ),
    max_size=40,
)


def rows_of(fills: list[tuple[int, int, int, int, int]]) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    table = np.zeros(len(fills), FILL_ROW)
    for number, (leg, side, qty, price, costs) in enumerate(fills):
        table["at"][number], table["seq"][number], table["n"][number] = 10**18 + number, number, 1
        table["leg"][number], table["side"][number], table["qty"][number] = leg, side, qty
        table["price_ticks"][number], table["fee"][number], table["tax"][number] = price, costs, costs // 2
    return table_of(table)


def messages_of(fills: list[tuple[int, int, int, int, int]]) -> list[Traded]:
    return [
        Traded(
            client_id="c",
            strategy="s",
            order_seq=number,
            order_k=0,
            n=1,
            at=10**18 + number,
            symbol=SYMBOLS[leg],
            side=Side(side),
            qty=qty,
            price_ticks=price,
            fee=costs,
            tax=costs // 2,
            position=0,
            fill_id="f",
        )
        for number, (leg, side, qty, price, costs) in enumerate(fills)
    ]


@given(Fills)
def test_round_trips_are_those_of_the_messages(fills: list[tuple[int, int, int, int, int]]) -> None:
    products = [ITEMS[symbol].product for symbol in SYMBOLS]
    values = np.array([product.tick_value for product in products])
    inverse = np.array([product.inverse_value for product in products])
    nets = np.zeros((2 * len(fills), 2), np.int64)
    found = sums.trips(rows_of(fills), values, inverse, np.zeros(len(fills), np.int64), nets)
    trips, _ = match_fills(messages_of(fills), ITEMS)
    in_order = nets[:found][nets[:found, 0].argsort(kind="stable"), 1]
    assert in_order.tolist() == [trip.net for trip in trips]


@given(Fills)
def test_lines_are_those_of_the_messages(fills: list[tuple[int, int, int, int, int]]) -> None:
    words = np.zeros((sums.SYMBOLS + 2, 40), np.int64)
    said = {sums.NAME: "s", sums.SIDES - 1: "sell", sums.SIDES + 1: "buy"}
    said |= {sums.SYMBOLS + leg: symbol for leg, symbol in enumerate(SYMBOLS)}
    for number, word in said.items():
        words[number, : len(word) + 1] = [len(word), *word.encode()]
    out = np.zeros(300 * len(fills), np.uint8)
    begins = sums.lines(rows_of(fills), np.array(sums.FILL_LINE), words, out)
    assert out[begins:].tobytes().decode() == "".join(fill_line(one) + "\n" for one in messages_of(fills))


@given(st.integers(-(2**63) + 1, 2**63 - 1))
def test_a_number_is_written_as_python_writes_it(value: int) -> None:
    out = np.zeros(20, np.uint8)
    begins = sums.put_number(out, 20, value)
    assert out[begins:].tobytes().decode() == str(value)


def test_a_line_has_the_fields_that_the_hash_is_described_with() -> None:
    assert len(sums.ORDER_LINE) == len(ORDER_COLUMNS.split(","))
    assert len(sums.FILL_LINE) == len(FILL_COLUMNS.split(","))
