"""What a run's rows come to: its round trips, and the lines that its hashes are made of.

A table is an array of integers here, one row for each row of `state.ORDER_ROW` or `state.FILL_ROW`. As
`backtest/statistics.match_fills` and `portfolio/tally` do it with messages.
"""

import numpy as np

from autofutures.backtest.kernel.state import FILL_ROW, ORDER_ROW
from autofutures.portfolio import pnl

LEG, SIDE, QTY, PRICE, FEE, TAX = (
    (FILL_ROW.names or ()).index(name) for name in ("leg", "side", "qty", "price_ticks", "fee", "tax")
)

NAME, SIDES, TYPES, TIFS, OPEN_CLOSES, SYMBOLS = 0, 2, 4, 12, 16, 20
"""Where the words of each kind begin in a table of words: at the number 0 of their kind."""

NUMBER = -1
"""A field of a line that is said in digits."""


def _fields(dtype: np.dtype[np.void], names: str) -> list[list[int]]:
    """The fields of a line: which column each is of, and where its words begin."""
    kinds = {
        "strategy": NAME,
        "side": SIDES,
        "type": TYPES,
        "tif": TIFS,
        "open_close": OPEN_CLOSES,
        "leg": SYMBOLS,
    }
    return [
        [(*(dtype.names or ()), "strategy").index(name), kinds.get(name, NUMBER)] for name in names.split()
    ]


ORDER_LINE = _fields(ORDER_ROW, "at strategy seq k leg side qty type price_ticks tif open_close")
FILL_LINE = _fields(FILL_ROW, "at strategy seq k n leg side qty price_ticks fee tax")
"""The fields of the lines that `tally.order_line` and `tally.fill_line` write."""

MINUS, ZERO, COMMA, NEWLINE = 45, 48, 44, 10

MOST_DIGITS = 19
"""Of a 64-bit integer."""


def trips(fills, values, inverse, left, nets):
    """Finds every round trip, first in, first out for each leg; returns how many there are.

    Of each, `nets` is given the row of its exit and its net profit, leg by leg. `values` and `inverse` say what a tick
    of each leg is worth; `left` has room for each fill, `nets` for twice as many.
    """
    found = 0
    for leg in range(len(values)):
        head = 0
        for number in range(len(fills)):
            if fills[number, LEG] != leg:
                continue
            left[number] = fills[number, QTY]
            while left[number] > 0:
                while head < number and (fills[head, LEG] != leg or left[head] == 0):
                    head += 1
                if head == number or fills[head, SIDE] == fills[number, SIDE]:
                    break
                qty = min(left[head], left[number])
                opened = pnl.worth(fills[head, PRICE], inverse[leg])
                closed = pnl.worth(fills[number, PRICE], inverse[leg])
                costs = share(fills, left, head, qty) + share(fills, left, number, qty)
                nets[found, 0] = number
                nets[found, 1] = fills[head, SIDE] * qty * (closed - opened) * values[leg] - costs
                found += 1
    return found


def share(fills, left, number, qty):
    """Uses `qty` contracts of a fill; their part of its fee and tax, such that the parts add up to the whole."""
    costs, whole = fills[number, FEE] + fills[number, TAX], fills[number, QTY]
    used = whole - left[number]
    left[number] -= qty
    return costs * (used + qty) // whole - costs * used // whole


def lines(rows, fields, words, out):
    """Writes a line for each row at the end of `out`; returns where they begin.

    From the last row to the first, and each from its end: so nobody counts a number's digits before they are written.
    """
    at = len(out)
    for number in range(len(rows) - 1, -1, -1):
        after = NEWLINE
        for place in range(len(fields) - 1, -1, -1):
            at -= 1
            out[at] = after
            after = COMMA
            column, kind = fields[place, 0], fields[place, 1]
            if kind == NUMBER:
                at = put_number(out, at, rows[number, column])
            elif kind == NAME:
                at = put_word(out, at, words, NAME)
            else:
                at = put_word(out, at, words, kind + rows[number, column])
    return at


def put_number(out, at, value):
    """Writes a number in digits that end before `at`; where they begin."""
    left = abs(value)
    while left >= 100:
        rest = left // 100
        pair = left - rest * 100
        tens = pair * 103 >> 10
        out[at - 1] = ZERO + pair - tens * 10
        out[at - 2] = ZERO + tens
        at -= 2
        left = rest
    if left >= 10:
        tens = left * 103 >> 10
        out[at - 1] = ZERO + left - tens * 10
        at -= 1
        left = tens
    at -= 1
    out[at] = ZERO + left
    if value < 0:
        at -= 1
        out[at] = MINUS
    return at


def put_word(out, at, words, number):
    """Writes a word of the table, whose row has its length first, so that it ends before `at`; where it begins."""
    size = words[number, 0]
    at -= size
    for index in range(size):
        out[at + index] = words[number, 1 + index]
    return at
