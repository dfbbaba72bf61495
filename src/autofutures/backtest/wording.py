"""How the report writes figures: Taipei's clock, money with thousands separators, prices, spans, ratios."""

from autofutures.domain.instrument import Instrument
from autofutures.domain.units import MINUTE, SECOND
from autofutures.market.dates import taipei_day, taipei_second

MILLISECOND = SECOND // 1000
NOT_SAID = "n/a — too short to say"


def clock(ns: int) -> str:
    """The instant on Taipei's clock, as in `2021-07-26 08:45:03`; milliseconds only where there are any."""
    day, second = taipei_day(ns), taipei_second(ns)
    text = f"{date(day)} {second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"
    millis = ns % SECOND // MILLISECOND
    return f"{text}.{millis:03}" if millis else text


def date(day: int) -> str:
    """YYYYMMDD as YYYY-MM-DD."""
    return f"{day // 10_000:04}-{day // 100 % 100:02}-{day % 100:02}"


def money(amount: int | None, reason: str = "", *, sign: bool = False) -> str:
    """Minor units with thousands separators, `+` before a gain where asked; what cannot be said says so."""
    if amount is None:
        return unsaid(reason)
    return f"{amount:+,}" if sign and amount else f"{amount:,}"


def price(instrument: Instrument, ticks: int) -> str:
    """The quoted price of so many ticks, with thousands separators."""
    return f"{instrument.to_price(ticks):,}"


def span(ns: int | None, reason: str = "") -> str:
    """A length of time by its two largest units, as in `2 h 05 min`; what cannot be said says so."""
    if ns is None:
        return unsaid(reason)
    if 0 < ns < SECOND:
        return f"{ns // MILLISECOND} ms"
    seconds = ns // SECOND
    if ns < MINUTE:
        return f"{seconds} s"
    minutes = seconds // 60
    if minutes < 60:
        return f"{minutes} min {seconds % 60:02} s"
    hours = minutes // 60
    if hours < 24:
        return f"{hours} h {minutes % 60:02} min"
    return f"{hours // 24} d {hours % 24:02} h"


def percent(ratio: float | None, reason: str = "") -> str:
    """A share of one as a percentage; what cannot be said says so."""
    return unsaid(reason) if ratio is None else f"{ratio:.1%}"


def ratio(value: float | None, reason: str = "") -> str:
    """A ratio with two decimals; what cannot be said says so."""
    return unsaid(reason) if value is None else f"{value:,.2f}"


def unsaid(reason: str) -> str:
    """`n/a` with the reason why."""
    return f"n/a — {reason}" if reason else NOT_SAID
