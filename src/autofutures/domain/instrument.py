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

MINOR_DIGITS = {"TWD": 0, "USD": 2, "EUR": 2, "USDT": 8, "BTC": 12}
"""Decimals of the minor unit that money of a currency is counted in.

It is the currency's own, or finer, so that one tick of the smallest lot is a whole number of it: a tick of 0.001 BTC
is 0.0001 USDT. Of an inverse contract no tick is: BTC has four decimals more than a satoshi, so that what the
rounding of `portfolio.pnl.worth` loses stays below any fee.
"""

_SYMBOL = re.compile(
    r"^(?:(?P<exchange>[A-Z]+):)?(?P<root>[A-Z][A-Z0-9]{1,7}?|[A-Z]{9,16}|\d[A-Z])"
    r"(?P<expiry>\d{4}(?:0[1-9]|1[0-2])(?:[WF]\d)?)?$"
)


class Product(msgspec.Struct, frozen=True):
    """What all contracts of one root share.

    `tick` is the price of one tick in the quoted unit (index points, TWD); `tick_value` is what one tick of one lot
    is worth in minor units of `currency` (`MINOR_DIGITS`); `tax_rate_ppb` is the transaction tax of one side in parts
    per billion of the contract's value.
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
    lot: Decimal = Decimal(1)
    """What a quantity of 1 stands for: a contract, or so much of the underlying."""
    source: str = ""
    """Where its facts come from."""
    inverse_value: int = 0
    """0: linear. Else the contract is inverse: what a lot is worth at a price of one tick, in minor units."""

    @property
    def payoff(self) -> str:
        """`linear`: profit is the move times the quantity; `inverse`: it is the move of 1 / price."""
        return "inverse" if self.inverse_value else "linear"


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
        """What `qty` lots at `ticks` are worth, in minor units of the currency; inverse: rounded half up."""
        inverse_value = self.product.inverse_value
        if inverse_value:
            return (2 * qty * inverse_value + ticks) // (2 * ticks)
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
        lot=Decimal(row["lot"]),
        inverse_value=int(row["inverse_value"]),
        sessions=row["sessions"],
        tax_rate_ppb=int(row["tax_rate_ppb"]),
        tax_since=int(row["tax_since"]),
        certainty=row["certainty"],
        source=row["source"],
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


class _Unspecified(msgspec.Struct, frozen=True):
    """What is taken for granted of a product that the table lacks, by its exchange."""

    currency: str
    tick: Decimal
    lot: Decimal
    sessions: str


_FINEST = Decimal("0.00000001")
_GLOBEX = _Unspecified("USD", Decimal("0.0000001"), Decimal(1), "cme-globex")
_UNSPECIFIED = {
    "TAIFEX": _Unspecified("TWD", UNCHECKED_TICK, Decimal(1), "taifex-other"),
    "CME": _GLOBEX,
    "CBOT": _GLOBEX,
    "COMEX": _GLOBEX,
    "NYMEX": _GLOBEX,
    "EUREX": _Unspecified("EUR", UNCHECKED_TICK, Decimal(1), "eurex"),
    "BINANCE": _Unspecified("USDT", _FINEST, _FINEST, "always"),
}
"""The finest grid that the exchange prints in, and its widest hours; nobody has checked either for the product."""


def product_of(code: str, exchange: str = "") -> Product:
    """The product of a root or of an exchange file's code; an unknown one gets an unchecked grid.

    Args:
        code: as `TXF`, `TX`, `ES`.
        exchange: empty where nobody named one: the one that lists the root, TAIFEX for a root that we do not know.

    Raises:
        BadInput: another exchange lists the root, or the exchange is unknown.
    """
    known = products().get(code)
    if known is not None and exchange in ("", known.exchange):
        return known
    if known is not None:
        raise BadInput(
            f"{code} is listed on {known.exchange}, not on {exchange}: write {known.exchange}:{known.root}"
        )
    taken = _UNSPECIFIED.get(exchange or "TAIFEX")
    if taken is None:
        raise BadInput(f"{exchange} is no exchange that we know: write one of {', '.join(_UNSPECIFIED)}")
    return Product(
        root=code,
        exchange=exchange or "TAIFEX",
        file_codes=(code,),
        name=f"{code} (not specified)",
        currency=taken.currency,
        tick=taken.tick,
        tick_value=0,
        lot=taken.lot,
        sessions=taken.sessions,
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
            f"{symbol!r} is not a symbol: write ROOT[YYYYMM], as in TXF202108, TAIFEX:MXF202108W2, TXF202108/202109, "
            "CME:ES202403 or BINANCE:BTCUSDT"
        )
    product = product_of(match["root"], match["exchange"] or "")
    expiry = match["expiry"] or ""
    whole = f"{product.exchange}:{product.root}{expiry}" + (f"/{far}" if slash else "")
    return Instrument(symbol=whole, product=product, expiry=expiry, far_expiry=far)


def money_text(currency: str, minor: int) -> str:
    """An amount of minor units as a decimal, as `1,250.50` of 125050 cents; an unknown currency has no decimals."""
    return f"{Decimal(minor).scaleb(-MINOR_DIGITS.get(currency, 0)):,f}"


def minor_unit(currency: str) -> str:
    """What whole amounts of a currency are in, as `TWD`, `0.01 USD` or `0.00000001 USDT`."""
    digits = MINOR_DIGITS.get(currency, 0)
    return f"{Decimal(1).scaleb(-digits):f} {currency}" if digits else currency
