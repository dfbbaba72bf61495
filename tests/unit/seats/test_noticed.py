import msgspec

from autofutures.seats.noticed import Noticed
from autofutures.seats.readiness import Readiness
from tests.runs import TXF, ema, generated

READY = Readiness(ready=True, reasons=(), lives={}, uncovered_lots=0, at=7)


def uncovered(lots: int) -> Readiness:
    return msgspec.structs.replace(READY, uncovered_lots=lots)


def test_lots_without_cover_are_told_once_when_they_stay_so() -> None:
    noticed = Noticed(generated(ema()))
    assert noticed.look(uncovered(2), {}) == []
    assert [(alert.name, alert.text) for alert in noticed.look(uncovered(2), {})] == [
        ("uncovered", "2 open contracts have no exit plan")
    ]
    assert noticed.look(uncovered(3), {}) == []
    assert noticed.look(uncovered(0), {}) == []
    noticed.look(uncovered(1), {})
    assert [alert.name for alert in noticed.look(uncovered(1), {})] == ["uncovered"]


def test_a_lot_that_is_covered_at_the_next_beat_is_no_news() -> None:
    noticed = Noticed(generated(ema()))
    for lots in (1, 0, 1, 0):
        assert noticed.look(uncovered(lots), {}) == []


def test_a_position_near_its_limit_is_told_once_until_it_was_well_below() -> None:
    limits = {"position": {"max_contracts": 10}}
    noticed = Noticed(msgspec.structs.replace(generated(ema()), limits=limits))
    told = [
        [alert.subject for alert in noticed.look(READY, {TXF: position})]
        for position in (7, -8, 9, 7, 8, 6, 8, -10)
    ]
    assert told == [[], [TXF], [], [], [], [], [TXF], []]
