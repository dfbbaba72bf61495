"""Conditions in a small house: the golden vectors' condition, and what became of it."""

from collections.abc import Sequence

from autofutures.domain.messages import Report, Submit
from autofutures.strategies.support_resistance import SupportResistance
from tests.unit.strategies.house import TXF, House, Venue, fills_whole

Values = dict[str, int | str | bool]


def values(side: str = "buy", **others: int | str | bool) -> Values:
    """The golden vectors' condition: 22000, turning 30, take profit 120, stop 30."""
    return {
        "side": side,
        "trigger_ticks": 22000,
        "quantity": 1,
        "turning_point_ticks": 30,
        "take_profit_ticks": 120,
        "stop_loss_ticks": 30,
        **others,
    }


def house(*conditions: Values, venue: Venue = fills_whole, symbols: Sequence[str] = (TXF,)) -> House:
    h = House(SupportResistance(), symbols, venue=venue)
    for number, condition in enumerate(conditions, 1):
        assert h.command("add", f"c{number}", condition) == ""
    return h


def rows(h: House) -> list[Values]:
    assert isinstance(h.strategy, SupportResistance)
    return h.strategy.conditions()


def status(h: House, number: int = 1) -> object:
    return rows(h)[number - 1]["status"]


def note(h: House) -> str:
    return str(rows(h)[0]["note"])


def prices(h: House) -> list[object]:
    row = rows(h)[0]
    return [row[name] for name in ("trigger_ticks", "order_ticks", "take_profit_ticks", "stop_loss_ticks")]


def entered(venue: Venue = fills_whole, quantity: int = 1) -> House:
    """A house whose condition has just sent its entry."""
    h = house(values(quantity=quantity), venue=venue)
    h.tick(22000)
    assert h.tick(22030) == [f"buy {quantity}"]
    assert status(h) == "entering"
    return h


def silent(submit: Submit, price_ticks: int, at: int) -> Sequence[Report]:
    return ()
