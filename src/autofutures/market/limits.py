"""Daily price limits of TAIFEX's index futures, in integer ticks, and which of them hold at an instant."""

from bisect import bisect_right
from collections.abc import Mapping

from autofutures.domain.errors import BadInput
from autofutures.domain.instrument import Instrument

WIDER_SINCE = 20150601
"""From this trading day the limits are 10 %; before it they were 7 % (exchange rules; certainty high)."""

WHOLE_BP = 10_000


def limit_percent_bp(day: int) -> int:
    """The limit on either side on a trading day (YYYYMMDD), in basis points of the settlement price.

    For domestic index and single-stock futures; futures on foreign underlyings have other rules.
    """
    return 1000 if day >= WIDER_SINCE else 700


def band(settlement_ticks: int, percent_bp: int) -> tuple[int, int]:
    """The lowest and highest price allowed, in ticks.

    Args:
        settlement_ticks: the previous day session's settlement price.
        percent_bp: the limit on either side, in basis points. One between two ticks is rounded inward.

    Raises:
        BadInput: the settlement price or the percentage cannot be one.
    """
    if settlement_ticks <= 0:
        raise BadInput(f"a settlement price of {settlement_ticks} ticks has no limits: it must be above 0")
    if not 0 < percent_bp < WHOLE_BP:
        raise BadInput(
            f"a price limit of {percent_bp} basis points: write a number between 1 and {WHOLE_BP - 1}"
        )
    low = -(-settlement_ticks * (WHOLE_BP - percent_bp) // WHOLE_BP)
    return low, settlement_ticks * (WHOLE_BP + percent_bp) // WHOLE_BP


def day_band(item: Instrument, settlement_ticks: int, day: int) -> tuple[int, int] | None:
    """The lowest and highest price of a contract on a trading day (YYYYMMDD), in ticks.

    None where no limits are known, but of TAIFEX's specified products, which are domestic index futures: of a foreign
    underlying the limits widen in stages. None of a spread either, and without a settlement price above 0.
    """
    product = item.product
    if settlement_ticks <= 0 or item.is_spread or product.exchange != "TAIFEX" or not product.grid_checked:
        return None
    return band(settlement_ticks, limit_percent_bp(day))


class Bands:
    """A contract's price limits by time.

    Args:
        by_instant: the lowest and highest price in ticks, by the instant from which they hold, ascending; (0, 0) where
            they are not known. Before the first there are none.
    """

    def __init__(self, by_instant: Mapping[int, tuple[int, int]]) -> None:
        self.starts = tuple(by_instant)
        self.limits = tuple(by_instant.values())
        self._since, self._until, self._held = 0, 0, (0, 0)

    def at(self, ns: int) -> tuple[int, int]:
        """The limits at an instant; asking again within the same day costs two comparisons."""
        if not self._since <= ns < self._until:
            number = bisect_right(self.starts, ns)
            self._since = self.starts[number - 1] if number else 0
            self._until = self.starts[number] if number < len(self.starts) else 1 << 63
            self._held = self.limits[number - 1] if number else (0, 0)
        return self._held

    def span_at(self, ns: int) -> tuple[int, int]:
        """From when, and until when, the limits are those of an instant."""
        self.at(ns)
        return self._since, self._until
