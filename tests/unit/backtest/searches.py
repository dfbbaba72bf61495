"""Searches without a market, for tests of what stands around it: a set's profit follows from its parameters."""

from collections.abc import Iterator, Sequence

import msgspec

from autofutures.backtest.objective import OBJECTIVES, SetResult
from autofutures.backtest.space import ParameterSet
from autofutures.backtest.sweep import Plan
from autofutures.backtest.workers import Chunk
from autofutures.config import RunSettings
from autofutures.portfolio.tally import Summary
from tests.runs import generated

NOTHING = Summary(
    ticks_seen=0,
    ticks_lost=0,
    bad_ticks=0,
    orders=0,
    refused=0,
    fills=0,
    contracts=0,
    gross_pnl=0,
    fees=0,
    tax=0,
    net_pnl=0,
    max_drawdown=0,
    positions={},
    order_hash="",
    fill_hash="",
)


def plan(*grid: str, **more: object) -> Plan:
    about = {"run": generated(), "grid": list(grid or ("fast=1:4", "slow=3,5"))}
    return Plan(**(about | more))  # type: ignore[arg-type]


def result(parameters: ParameterSet, profits: Sequence[int] = (1, 2), **figures: float | None) -> SetResult:
    """A set that made these profits on days from 2026-01-01 on."""
    net = sum(profits)
    known: dict[str, float | None] = {**dict.fromkeys(OBJECTIVES), "net_pnl": float(net), **figures}
    return SetResult(
        parameters=parameters,
        summary=msgspec.structs.replace(NOTHING, net_pnl=net, order_hash=f"o{net}", fill_hash=f"f{net}"),
        figures=known,
        why_none={"sharpe": "too short to say"},
        periods=[20260101 + n for n in range(len(profits))],
        profits=list(profits),
        trades=list(profits),
        seconds=0.5,
    )


class Fake:
    """Workers that answer at once, and may be interrupted by a person after so many sets."""

    def __init__(self, stop_after: int = -1) -> None:
        self.asked: list[ParameterSet] = []
        self._stop_after = stop_after
        self.closed = False

    def results(self, run: RunSettings, chunks: Sequence[Chunk]) -> Iterator[list[SetResult]]:
        # Chunks are done in any order.
        for chunk in reversed(chunks):
            if len(self.asked) == self._stop_after:
                raise KeyboardInterrupt
            self.asked += chunk
            yield [
                result(parameters, [int(parameters["fast"]), -int(parameters["slow"])])
                for parameters in chunk
            ]

    def close(self) -> None:
        self.closed = True
