import msgspec

from autofutures.orders.risk_use import LimitUse
from autofutures.seats.noticed import Noticed
from autofutures.seats.readiness import Readiness
from tests.runs import TXF

READY = Readiness(ready=True, reasons=(), lives={}, uncovered_lots=0, at=7)


def uncovered(lots: int) -> Readiness:
    return msgspec.structs.replace(READY, uncovered_lots=lots)


def test_lots_without_cover_are_told_once_when_they_stay_so() -> None:
    noticed = Noticed()
    assert noticed.look(uncovered(2)) == []
    assert [(alert.name, alert.text) for alert in noticed.look(uncovered(2))] == [
        ("uncovered", "2 open contracts have no exit plan")
    ]
    assert noticed.look(uncovered(3)) == []
    assert noticed.look(uncovered(0)) == []
    noticed.look(uncovered(1))
    assert [alert.name for alert in noticed.look(uncovered(1))] == ["uncovered"]


def test_a_lot_that_is_covered_at_the_next_beat_is_no_news() -> None:
    noticed = Noticed()
    for lots in (1, 0, 1, 0):
        assert noticed.look(uncovered(lots)) == []


def use(used: int | None, of: int | None = 10, *, control: str = "position", halted: str = "") -> LimitUse:
    return LimitUse(control, "strategy.ema", {}, on=True, use=used, of=of, halted=halted, about=TXF)


def test_a_limit_that_is_nearly_used_up_is_told_once_until_it_was_well_below() -> None:
    noticed = Noticed()
    told = [[alert.subject for alert in noticed.limits([use(used)], 7)] for used in (7, 8, 9, 7, 8, 6, 8, 10)]
    subject = f"position.strategy.ema {TXF}"
    assert told == [[], [subject], [], [], [], [], [subject], []]
    [alert] = noticed.limits([use(95, 100, control="daily_loss")], 7)
    assert (alert.name, alert.at, alert.text) == ("limit_near", 7, "95 of 100 are used")


def test_of_a_limit_that_has_halted_or_has_no_use_nothing_is_told() -> None:
    noticed = Noticed()
    assert noticed.limits([use(10, halted="lost"), use(None, None), use(0, 0)], 7) == []


def test_of_margin_a_person_is_told_what_equity_must_be_and_is() -> None:
    [alert] = Noticed().limits([use(90, 100, control="margin")], 7)
    assert alert.text == "90 of equity are needed, and 100 are there: below that nothing is opened"
