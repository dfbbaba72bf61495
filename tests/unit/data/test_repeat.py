from pathlib import Path

import pytest

from autofutures.data.catalog import Catalog
from autofutures.data.repeat import repeat
from autofutures.data.stream import SESSION_END, TICK, chunks
from autofutures.domain.errors import BadInput
from autofutures.market.contract_days import sessions_of
from autofutures.market.sessions import Calendar
from tests.runs import RECORDED, RECORDED_DAY, a_catalog

MXF = "TAIFEX:MXF202108"
CALENDAR = Calendar()


def test_each_day_has_the_recorded_trades_as_far_from_their_sessions_open(tmp_path: Path) -> None:
    source = Catalog(a_catalog(tmp_path))
    run = repeat(source, [RECORDED, MXF], RECORDED_DAY, 35, tmp_path / "more")
    assert (run.day, run.until) == (20210726, 20210729)
    (first, second), made = run.symbols, Catalog(Path(run.catalog))
    assert (first, second) == ("TAIFEX:TXF202212", "TAIFEX:MXF202212")

    def distances(catalog: Catalog, symbol: str, day: int) -> list[tuple[int, int, int]]:
        ticks, sessions = catalog.ticks(symbol, day), sessions_of(symbol, day, CALENDAR)
        opens = {at: max(one.opens_at for one in sessions if one.opens_at <= at) for at in ticks.at.tolist()}
        return [
            (at - opens[at], price, qty)
            for at, price, qty in zip(
                ticks.at.tolist(), ticks.price_ticks.tolist(), ticks.qty.tolist(), strict=True
            )
        ]

    for day in made.days(first):
        assert distances(made, first, day) == distances(source, RECORDED, RECORDED_DAY)
        assert distances(made, second, day) == distances(source, MXF, RECORDED_DAY)


def test_there_are_as_many_trades_as_were_asked_for_and_their_sessions_end(tmp_path: Path) -> None:
    run = repeat(Catalog(a_catalog(tmp_path)), [RECORDED], RECORDED_DAY, 20, tmp_path / "more")
    kinds = [kind for chunk in chunks(run) for kind in chunk.kind.tolist()]
    assert (kinds.count(TICK), kinds.count(SESSION_END)) == (24, 6)


def test_a_day_that_is_not_there_cannot_be_repeated(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no trades"):
        repeat(Catalog(a_catalog(tmp_path)), [RECORDED], 20210727, 20, tmp_path / "more")
