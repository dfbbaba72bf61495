"""Gathers a market's trades for a page in bounded memory: of very many, the highs and lows of buckets stay."""

import numpy as np

from autofutures.backtest.charts import decimate
from autofutures.backtest.statistics import Integers, Ticks

MOST_HELD = 8_000_000
"""Trades of one symbol that are kept whole, 128 MB; when there are more, an eighth of them stays."""


class Tape:
    """One symbol's trades, in order."""

    def __init__(self, most: int = MOST_HELD) -> None:
        self._most = most
        self._parts: list[Ticks] = []
        self._held = 0
        self._added = 0

    def __len__(self) -> int:
        return self._added

    def add(self, at: Integers, price_ticks: Integers) -> None:
        """Takes the trades that follow."""
        self._parts.append(Ticks(at, price_ticks))
        self._held += len(at)
        self._added += len(at)
        if self._held > self._most:
            whole = self._joined()
            kept = decimate(whole.price_ticks, self._most // 8)
            self._parts, self._held = [Ticks(whole.at[kept], whole.price_ticks[kept])], len(kept)

    def ticks(self) -> Ticks:
        """What is kept, and how many there were."""
        whole = self._joined()
        return Ticks(whole.at, whole.price_ticks, self._added)

    def _joined(self) -> Ticks:
        at = [part.at for part in self._parts] or [np.empty(0, dtype=np.int64)]
        prices = [part.price_ticks for part in self._parts] or [np.empty(0, dtype=np.int64)]
        return Ticks(np.concatenate(at), np.concatenate(prices))
