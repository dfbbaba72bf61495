"""What a run of the kernel came to, without a message for each order: for searches, which run thousands of sets."""

import hashlib
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from autofutures.assemble import nodes
from autofutures.backtest.compile import Kernel
from autofutures.backtest.kernel import sums
from autofutures.backtest.kernel.machine import Machine
from autofutures.backtest.kernel.results import positions_of
from autofutures.config import RunSettings
from autofutures.domain.units import OpenClose, OrderType, Side, TimeInForce, Word
from autofutures.portfolio.tally import Summary

Integers = NDArray[np.int64]


class Counted(NamedTuple):
    """One run, as `objective.measured_columns` wants it."""

    summary: Summary
    equity: Integers
    """(at, net) of each point."""
    trades: Integers
    """Net profit of each round trip, in order of the exits."""


class Counter:
    """Counts runs that differ in their strategies' settings alone.

    Args:
        run: one of them.
        kernel: compiled.
    """

    def __init__(self, run: RunSettings, kernel: Kernel) -> None:
        self._run = run
        self._kernel = kernel
        items = list(nodes.instruments_of(run).values())
        self._values = np.array([item.product.tick_value for item in items], np.int64)
        self._inverse = np.array([item.product.inverse_value for item in items], np.int64)
        self._words = _words(run)
        self._text = np.empty(0, np.uint8)
        self._order_line = np.array(sums.ORDER_LINE, np.int64)
        self._fill_line = np.array(sums.FILL_LINE, np.int64)

    def count(self, machine: Machine) -> Counted:
        """What a finished run came to."""
        rows = machine.rows()
        orders, fills, points = (table_of(part) for part in (rows.orders, rows.fills, rows.points))
        memory = machine.memory[0]
        net, fees, tax = int(memory["net"]), int(memory["fees"]), int(memory["tax"])
        summary = Summary(
            ticks_seen=int(memory["ticks"]),
            ticks_lost=0,
            bad_ticks=int(memory["bad_ticks"] + memory["bad_quotes"]),
            orders=len(orders),
            refused=len(rows.refusals),
            fills=len(fills),
            contracts=int(memory["contracts"]),
            gross_pnl=net + fees + tax,
            fees=fees,
            tax=tax,
            net_pnl=net,
            max_drawdown=int(memory["max_drawdown"]),
            positions=dict(sorted(positions_of(self._run, machine).items())),
            order_hash=self._hash(orders, self._order_line),
            fill_hash=self._hash(fills, self._fill_line),
        )
        return Counted(summary, points[:, :2], self._trips(fills))

    def _trips(self, fills: Integers) -> Integers:
        left, nets = np.zeros(len(fills), np.int64), np.zeros((2 * len(fills), 2), np.int64)
        found = nets[: self._kernel.trips(fills, self._values, self._inverse, left, nets)]
        in_order: Integers = found[found[:, 0].argsort(kind="stable"), 1]
        return in_order

    def _hash(self, rows: Integers, fields: Integers) -> str:
        needed = (max(sums.MOST_DIGITS + 1, self._words.shape[1]) + 1) * len(fields) * len(rows)
        if needed > len(self._text):
            self._text = np.empty(needed, np.uint8)
        begins = self._kernel.lines(rows, fields, self._words, self._text)
        return hashlib.sha256(self._text[begins:].data).hexdigest()


def table_of(rows: NDArray[np.void]) -> Integers:
    """Rows of integers as a table."""
    return np.ascontiguousarray(rows).view(np.int64).reshape(len(rows), rows.dtype.itemsize // 8)


def _words(run: RunSettings) -> Integers:
    """The words of the lines, as `sums` has them: a row for each, its length and its bytes."""
    words = {sums.NAME: run.strategies[0].name}
    kinds: tuple[tuple[int, type[Word]], ...] = (
        (sums.SIDES, Side),
        (sums.TYPES, OrderType),
        (sums.TIFS, TimeInForce),
        (sums.OPEN_CLOSES, OpenClose),
    )
    for start, kind in kinds:
        words |= {start + int(one): one.word for one in kind}
    words |= {sums.SYMBOLS + leg: symbol for leg, symbol in enumerate(run.symbols)}
    said = {number: word.encode() for number, word in words.items()}
    table = np.zeros((max(said) + 1, 1 + max(map(len, said.values()))), np.int64)
    for number, word in said.items():
        table[number, : len(word) + 1] = [len(word), *word]
    return table
