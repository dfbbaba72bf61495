"""Writes ticks and lots as decimals for screens and files, without a needless zero."""

from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from autofutures.domain.instrument import Instrument


def price_text(contract: Instrument, ticks: int) -> str:
    """The price of so many ticks, as `17409` or `870.45`."""
    price = contract.to_price(ticks)
    return f"{price.normalize() if price else Decimal(0):f}"


def price_texts(contract: Instrument, ticks: NDArray[np.int64]) -> list[str]:
    """`price_text` of every element."""
    # A day has far fewer prices than trades.
    prices, places = np.unique(ticks, return_inverse=True)
    texts = [price_text(contract, tick) for tick in prices.tolist()]
    return [texts[place] for place in places.tolist()]


def qty_texts(contract: Instrument, qty: NDArray[np.int64]) -> list[str]:
    """Quantities of so many lots, as `2` contracts or `0.006` of a coin."""
    sizes, places = np.unique(qty, return_inverse=True)
    lot = contract.product.lot
    texts = [f"{(lot * size).normalize() if size else Decimal(0):f}" for size in sizes.tolist()]
    return [texts[place] for place in places.tolist()]
