"""What a fill costs: the broker's fee and the exchange's transaction tax, in minor units of money."""

import msgspec

from autofutures.domain.instrument import Instrument

PPB = 1_000_000_000
"""Parts in one, for rates in parts per billion."""


def tax_half_up(value: int, rate_ppb: int) -> int:
    """Transaction tax of one fill: value × rate, rounded half up to the minor unit.

    The value of a spread can be negative; it is taxed on its size. Source: Futures Transaction Tax Act; the rate is in
    `domain/products.csv` with its date, and the rounding rule's certainty is medium.
    """
    return (abs(value) * rate_ppb + PPB // 2) // PPB


class Costs(msgspec.Struct, frozen=True):
    """The cost model of a run: a fee for each contract and side, and each product's tax."""

    fee_per_contract: int = 20

    def of(self, instrument: Instrument, price_ticks: int, qty: int) -> tuple[int, int]:
        """Fee and tax of one fill, in minor units."""
        tax = tax_half_up(instrument.value(price_ticks, qty), instrument.product.tax_rate_ppb)
        return self.fee_per_contract * qty, tax
