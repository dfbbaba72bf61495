"""Many contracts as one series: which of them is in front on a day, when that changes, and how prices are joined.

Nothing here looks ahead: who is in front on a day follows from the days before it and the calendar. The step of a roll
is measured on the last day before it, between the closing prices of both contracts. `back` moves the prices before a
roll by that step, `ratio` multiplies them by the quotient: the product of all quotients, exact until it is rounded to
parts per billion; a price is then rounded to a tick. Both roundings are half up, over integers.

Research counts from the newest contract, whose prices are then its own. A run cannot, for it does not know the steps
that are to come, and counts from its oldest: the two differ by one constant, or one factor.
"""

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Literal

import msgspec

from autofutures.domain.errors import BadInput

By = Literal["volume", "calendar", "open_interest"]
Adjust = Literal["none", "back", "ratio"]
Anchor = Literal["newest", "oldest"]

FRONT = ".front"
"""What a series' symbol ends with: `TAIFEX:TXF.front`."""

WHOLE_PPB = 10**9


class Contract(msgspec.Struct, frozen=True):
    """One contract of a root; `leaves` is the last trading day on which the calendar rule keeps it in front."""

    symbol: str
    last_day: int
    """Its last trading day, YYYYMMDD."""
    leaves: int


class Roll(msgspec.Struct, frozen=True):
    """From `day` on another contract is in front."""

    day: int
    """Its first trading day in front, YYYYMMDD."""
    old: str
    new: str
    measured_on: int
    """The day before, of which both prices are."""
    old_ticks: int | None
    """The closing price; None where the catalogue has none."""
    new_ticks: int | None


class Segment(msgspec.Struct, frozen=True):
    """The days on which one contract was in front: a price of the series is price * ratio, rounded, + shift."""

    symbol: str
    first: int
    last: int
    shift_ticks: int = 0
    ratio_ppb: int = WHOLE_PPB

    def to_series(self, price_ticks: int) -> int:
        """The series' price of a price of the contract."""
        return (2 * price_ticks * self.ratio_ppb + WHOLE_PPB) // (2 * WHOLE_PPB) + self.shift_ticks

    def at_most(self, series_ticks: int) -> int:
        """The contract's highest price whose price in the series is not above this one."""
        return self._lowest(series_ticks + 1) - 1

    def at_least(self, series_ticks: int) -> int:
        """The contract's lowest price whose price in the series is not below this one."""
        return self._lowest(series_ticks)

    def _lowest(self, series_ticks: int) -> int:
        return -((1 - 2 * (series_ticks - self.shift_ticks)) * WHOLE_PPB // (2 * self.ratio_ppb))


def fronts(
    days: Sequence[int], contracts: Sequence[Contract], by: By, volume: Callable[[str, int], int]
) -> dict[int, str]:
    """The contract in front on each day.

    By volume: the one that traded most on the day before, of those that still trade; at first the nearest. By calendar:
    the nearest until its `leaves`. Neither goes back to a nearer contract.

    Args:
        days: trading days in order.
        contracts: in order of their last trading day.
        by: the rule.
        volume: contracts that a symbol traded on a day.
    """
    found: dict[int, str] = {}
    current = 0
    for number, day in enumerate(days):
        rest = [n for n in range(current, len(contracts)) if day <= contracts[n].last_day]
        if by == "calendar":
            rest = [n for n in rest if day <= contracts[n].leaves] or rest
        if not rest:
            continue
        current = rest[0]
        if by == "volume" and number:
            # Of equal ones the nearest: max keeps the first.
            current = max(rest, key=lambda n: volume(contracts[n].symbol, days[number - 1]))
        found[day] = contracts[current].symbol
    return found


def segments_of(fronts: dict[int, str]) -> list[Segment]:
    """Stretches of days with one contract in front, prices as they were."""
    found: list[Segment] = []
    for day, symbol in fronts.items():
        if found and found[-1].symbol == symbol:
            found[-1] = msgspec.structs.replace(found[-1], last=day)
        else:
            found.append(Segment(symbol, day, day))
    return found


def adjusted(
    segments: Sequence[Segment], rolls: Sequence[Roll], how: Adjust, anchor: Anchor = "newest"
) -> list[Segment]:
    """The same segments with prices that join at the rolls.

    Args:
        segments: as `segments_of` gives them.
        rolls: between each two of them.
        how: the way.
        anchor: which end keeps its own prices.

    Raises:
        BadInput: the step of a roll is not known.
    """
    if how == "none":
        return list(segments)
    shifts, ratios = [0], [Fraction(1)]
    for roll in rolls:
        old, new = _prices(roll)
        shifts.append(shifts[-1] + old - new)
        ratios.append(ratios[-1] * Fraction(old, new))
    if anchor == "newest":
        shifts, ratios = [one - shifts[-1] for one in shifts], [one / ratios[-1] for one in ratios]
    if how == "back":
        return [
            msgspec.structs.replace(segment, shift_ticks=shift)
            for segment, shift in zip(segments, shifts, strict=True)
        ]
    return [
        msgspec.structs.replace(segment, ratio_ppb=_ppb(ratio))
        for segment, ratio in zip(segments, ratios, strict=True)
    ]


def _ppb(ratio: Fraction) -> int:
    doubled = 2 * WHOLE_PPB * ratio.numerator + ratio.denominator
    return doubled // (2 * ratio.denominator)


def _prices(roll: Roll) -> tuple[int, int]:
    if roll.old_ticks is None or roll.new_ticks is None:
        lacks = roll.old if roll.old_ticks is None else roll.new
        raise BadInput(
            f"the step from {roll.old} to {roll.new} is not known, for {lacks} has no data on {roll.measured_on}, "
            "the day before the roll: import that day, or leave prices as they are with --adjust none"
        )
    if roll.new_ticks <= 0 or roll.old_ticks <= 0:
        raise BadInput(
            f"{roll.old} or {roll.new} closed at zero or less on {roll.measured_on}: say --adjust none"
        )
    return roll.old_ticks, roll.new_ticks
