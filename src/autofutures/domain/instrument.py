"""Instruments as data: what a contract is worth, how its price is written, what trading it costs.

This module alone turns ticks into decimals and back. Facts and their certainty come from the exchanges' own
pages, as `products.csv` says row by row; a product that is not in the table is imported with its grid unchecked.
"""

import csv
import re
from decimal import Decimal
from functools import lru_cache
from importlib import resources

import msgspec

from autofutures.domain.errors import BadInput

UNCHECKED_TICK = Decimal("0.0001")
"""The grid of a product that we do not specify: the finest that TAIFEX prints in."""

_SYMBOL = re.compile(
    r"^(?:(?P<exchange>[A-Z]+):)?(?P<root>[A-Z][A-Z0-9]{1,7}?)(?P<expiry>\d{4}(?:0[1-9]|1[0-2])(?:[WF]\d)?)?$"
)


class Product(msgspec.Struct, frozen=True):
    """What all contracts of one root share.

    `tick` is the price of one tick in the quoted unit (index points, TWD); `tick_value` is what one tick of one
    contract is worth in minor units of `currency`; `tax_rate_ppb` is the transaction tax of one side in parts per
    billion of the contract's value.
    """

    root: str
    exchange: str
    file_codes: tuple[str, ...]
    name: str
    currency: str
    tick: Decimal
    tick_value: int
    sessions: str
    tax_rate_ppb: int
    tax_since: int
    """The first day (YYYYMMDD) for which the rate is documented; before it the same rate is used, and said."""
    certainty: str
    grid_checked: bool = True


class Instrument(msgspec.Struct, frozen=True):
    """One contract, by its whole symbol, as in `TAIFEX:TXF202108` or the spread `TAIFEX:TXF202108/202109`."""

    symbol: str
    product: Product
    expiry: str
    far_expiry: str = ""

    @property
    def is_spread(self) -> bool:
        """Whether the price is a difference of two legs, and so may be zero or less."""
        return bool(self.far_expiry)

    def to_ticks(self, price: Decimal) -> int:
        """Integer ticks of a quoted price.

        Raises:
            BadInput: the price is off the instrument's grid.
        """
        ticks, rest = divmod(price, self.product.tick)
        if rest:
            raise BadInput(f"{price} is not a price of {self.symbol}: one tick is {self.product.tick}")
        return int(ticks)

    def to_price(self, ticks: int) -> Decimal:
        """The quoted price of so many ticks."""
        return self.product.tick * ticks

    def value(self, ticks: int, qty: int) -> int:
        """What `qty` contracts at `ticks` are worth, in minor units of the currency."""
        return ticks * qty * self.product.tick_value


def _product(row: dict[str, str]) -> Product:
    return Product(
        root=row["root"],
        exchange=row["exchange"],
        file_codes=tuple(row["file_codes"].split("|")),
        name=row["name"],
        currency=row["currency"],
        tick=Decimal(row["tick"]),
        tick_value=int(row["tick_value"]),
        sessions=row["sessions"],
        tax_rate_ppb=int(row["tax_rate_ppb"]),
        tax_since=int(row["tax_since"]),
        certainty=row["certainty"],
    )


@lru_cache(maxsize=1)
def products() -> dict[str, Product]:
    """The table of specified products, by root and by the codes that exchange files use for them."""
    text = resources.files("autofutures.domain").joinpath("products.csv").read_text("utf-8")
    table: dict[str, Product] = {}
    for row in csv.DictReader(text.splitlines()):
        product = _product(row)
        for code in (product.root, *product.file_codes):
            table[code] = product
    return table


def product_of(code: str, exchange: str = "TAIFEX") -> Product:
    """The product of a root or of an exchange file's code; an unknown one gets an unchecked grid."""
    known = products().get(code)
    if known is not None:
        return known
    return Product(
        root=code,
        exchange=exchange,
        file_codes=(code,),
        name=f"{code} (not specified)",
        currency="TWD",
        tick=UNCHECKED_TICK,
        tick_value=0,
        sessions="taifex-other",
        tax_rate_ppb=0,
        tax_since=0,
        certainty="unchecked",
        grid_checked=False,
    )


@lru_cache(maxsize=65536)
def instrument(symbol: str) -> Instrument:
    """The instrument that a symbol names; the exchange may be left out, and file codes (TX, MTX) are understood.

    Raises:
        BadInput: the text is not a symbol.
    """
    near, slash, far = symbol.strip().partition("/")
    match = _SYMBOL.match(near)
    if match is None or (slash and not re.fullmatch(r"\d{6}(?:[WF]\d)?", far)):
        raise BadInput(
            f"{symbol!r} is not a symbol: write ROOT[YYYYMM], as in TXF202108, TAIFEX:MXF202108W2 or TXF202108/202109"
        )
    product = product_of(match["root"], match["exchange"] or "TAIFEX")
    expiry = match["expiry"] or ""
    whole = f"{product.exchange}:{product.root}{expiry}" + (f"/{far}" if slash else "")
    return Instrument(symbol=whole, product=product, expiry=expiry, far_expiry=far)
