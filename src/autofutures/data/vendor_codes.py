"""Vendors' names of contracts and exchanges, as `ESH4`, `BTCUSD_PERP` or `XCME`, told in our symbols."""

import re

from autofutures.domain.errors import BadInput
from autofutures.domain.instrument import instrument, products

MONTHS = "FGHJKMNQUVXZ"
"""The letters of January to December."""

EXCHANGES = {
    "XCME": "CME",
    "XCBT": "CBOT",
    "XCEC": "COMEX",
    "XNYM": "NYMEX",
    "XEUR": "EUREX",
    "GLBX.MDP3": "CME",
    "XEUR.EOBI": "EUREX",
    "BINANCE-FUTURES": "BINANCE",
    "BINANCE-DELIVERY": "BINANCE",
}
"""Market identifier codes (ISO 10383), Databento's data sets and Tardis's exchanges."""

_DATED = re.compile(r"([A-Z0-9]{1,5}?)([FGHJKMNQUVXZ])(\d{1,2}|\d{4})")
_QUARTERLY = re.compile(r"([A-Z]+)_(\d{2})(\d{2})\d{2}")
_PERPETUAL = "_PERP"


def symbol_of(code: str, exchange: str, month: int) -> str:
    """The whole symbol of a vendor's code.

    A year of one digit is the first one whose contract can still trade: `ESH4` in January 2024 is March 2024.

    Args:
        code: as `ESH4`, `6EH24`, `BTCUSDT`, `BTCUSD_PERP`, `BTCUSD_240628`.
        exchange: the one that the vendor names, where our table does not list the root.
        month: of the data (YYYYMM).

    Raises:
        BadInput: the code names no contract.
    """
    code = code.strip().upper()
    if exchange == "BINANCE":
        quarterly = _QUARTERLY.fullmatch(code)
        plain = (
            f"{quarterly[1]}20{quarterly[2]}{quarterly[3]}" if quarterly else code.removesuffix(_PERPETUAL)
        )
        return instrument(f"{exchange}:{plain}").symbol
    dated = _DATED.fullmatch(code)
    if dated is None:
        raise BadInput(f"{code!r} is no contract: write its root, month letter and year, as in ESH4")
    return listed(dated[1], exchange, str(_expiry(dated[2], dated[3], month)))


def listed(root: str, exchange: str, expiry: str = "") -> str:
    """The whole symbol of a root, on the exchange that our table lists it on, else on the one that is named.

    Raises:
        BadInput: nobody lists it, or it is no root.
    """
    known = products().get(root)
    if known is not None:
        exchange = known.exchange
    if not exchange:
        raise BadInput(
            f"which exchange lists {root}? Say --symbol EXCHANGE:{root}, or leave the file in the vendor's folders"
        )
    return instrument(f"{exchange}:{root}{expiry}").symbol


def _expiry(letter: str, year: str, month: int) -> int:
    of_year = MONTHS.index(letter) + 1
    if len(year) == 4:
        return int(year) * 100 + of_year
    step = 10 if len(year) == 1 else 100
    first = month // 100 // step * step + int(year)
    expiry = first * 100 + of_year
    return expiry if expiry >= month else expiry + step * 100
