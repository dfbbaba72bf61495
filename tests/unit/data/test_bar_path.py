from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from autofutures.backtest.runner import assumptions_of, notes_of, run
from autofutures.config import RunSettings, StrategySettings
from autofutures.data.bar_path import ticks_of_bars
from autofutures.data.catalog import BarColumns, Catalog
from autofutures.data.importers import Options
from autofutures.data.importing import import_file
from autofutures.data.stream import SESSION_END, TICK, chunks
from autofutures.domain.units import MINUTE, SECOND
from autofutures.market.bar_columns import bars_of
from autofutures.market.bars import parse_span
from autofutures.market.contract_days import sessions_of
from autofutures.market.sessions import Calendar

TXF, DAY = "TAIFEX:TXF202605", 20260519
SESSIONS = sessions_of(TXF, DAY, Calendar())
OPENS = SESSIONS[1].opens_at

Bar = tuple[int, int, int, int, int]


def bars(rows: list[Bar], first_at: int = OPENS) -> BarColumns:
    """One bar a minute, as (open, high, low, close, contracts)."""
    opened, high, low, close, qty = np.array(rows, np.int64).reshape(-1, 5).T
    at = first_at + MINUTE * np.arange(len(rows))
    return BarColumns(TXF, DAY, at, opened, high, low, close, qty, np.zeros(len(rows), np.int64))


def trades(rows: list[Bar], first_at: int = OPENS) -> list[tuple[int, int, int]]:
    """Each trade as (seconds after the first bar's start, price, contracts)."""
    ticks = ticks_of_bars(bars(rows, first_at), SESSIONS)
    seconds = ((ticks.at - first_at) // SECOND).tolist()
    return list(zip(seconds, ticks.price_ticks.tolist(), ticks.qty.tolist(), strict=True))


def test_a_bar_that_rises_visits_its_low_first_and_one_that_falls_its_high() -> None:
    assert trades([(10, 14, 9, 12, 8), (12, 15, 8, 9, 8)]) == [
        (0, 10, 2),
        (15, 9, 2),
        (30, 14, 2),
        (45, 12, 2),
        (60, 12, 2),
        (75, 15, 2),
        (90, 8, 2),
        (105, 9, 2),
    ]


def test_what_is_left_over_goes_to_the_close_then_the_open_then_the_nearer_extreme() -> None:
    bar = (10, 14, 9, 12)
    assert [qty for _, _, qty in trades([(*bar, 7)])] == [2, 2, 1, 2]
    assert trades([(*bar, 1)]) == [(45, 12, 1)]
    assert trades([(*bar, 2)]) == [(0, 10, 1), (45, 12, 1)]
    assert trades([(*bar, 3)]) == [(0, 10, 1), (15, 9, 1), (45, 12, 1)]
    assert trades([(*bar, 0)]) == []


def test_a_bar_at_the_close_stays_in_its_session() -> None:
    assert [at for at, _, _ in trades([(1, 1, 1, 1, 4)], SESSIONS[1].closes_at)] == [0, 0, 0, 0]
    assert [at for at, _, _ in trades([(1, 1, 1, 1, 4)], SESSIONS[0].closes_at)] == [0, 0, 0, 0]


PRICES = st.lists(st.integers(1, 9), min_size=4, max_size=4)


@given(st.lists(st.tuples(PRICES, st.integers(4, 99)), min_size=1, max_size=20))
def test_the_trades_make_the_bars_that_they_are_of(rows: list[tuple[list[int], int]]) -> None:
    given = [(a, max(p), min(p), b, qty) for p, qty in rows for a, b in [(p[0], p[3])]]
    ticks = ticks_of_bars(bars(given), SESSIONS)
    codes = np.zeros(len(ticks), np.int64)
    made = bars_of(ticks.at, ticks.price_ticks, ticks.qty, codes, parse_span("1m"))
    names = ("open_ticks", "high_ticks", "low_ticks", "close_ticks", "qty")
    assert list(zip(*(made[name].tolist() for name in names), strict=True)) == given


def recorded_week(shared_data: Path, root: Path) -> RunSettings:
    """Recorded days of the contract that ends on 2026-05-20; the weekend between them is none."""
    for day in (15, 18, 19, 20):
        import_file(
            shared_data / "taifex" / "tx_1min" / f"TX_2026-05-{day}_1min.json", Catalog(root), Options()
        )
    return RunSettings(
        symbols=(TXF,),
        day=20260515,
        until=20260520,
        source="recorded",
        catalog=str(root),
        market="bars",
        strategies=(
            StrategySettings(
                name="ema", use="ema_cross", symbols=(TXF,), settings={"fast": 600, "slow": 2_400}
            ),
        ),
    )


def test_recorded_minutes_of_several_days_are_traded_to_the_contracts_settlement(
    shared_data: Path, tmp_path: Path
) -> None:
    settings = recorded_week(shared_data, tmp_path)
    found = [
        (kind, a, b, qty, at)
        for chunk in chunks(settings, rows=5_000)
        for kind, a, b, qty, at in zip(
            chunk.kind.tolist(),
            chunk.a.tolist(),
            chunk.b.tolist(),
            chunk.b.tolist(),
            chunk.at.tolist(),
            strict=True,
        )
    ]
    ends = [(day, number) for kind, day, number, _, _ in found if kind == SESSION_END]
    assert ends == [(day, number) for day in (20260515, 20260518, 20260519, 20260520) for number in (0, 1)]
    volume = {day: Catalog(tmp_path).volume(TXF, day) for day in (20260515, 20260518, 20260519, 20260520)}
    assert sum(qty for kind, _, _, qty, _ in found if kind == TICK) == sum(volume.values())
    assert [at for *_, at in found] == sorted(at for *_, at in found)

    result = run(settings)
    assert result.events == len(found)
    assert result.summary.fills > 5
    assert result.summary.positions == {}
    settled = result.tally.fills[-1]
    assert (settled.client_id, settled.at) == ("", sessions_of(TXF, 20260520, Calendar())[1].ends_at)
    assert any("four trades" in line for line in assumptions_of(settings))
    assert not any("no data" in note for note in notes_of(settings))
    assert run(settings).summary == result.summary
