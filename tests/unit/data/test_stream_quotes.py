from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pytest

from autofutures.config import Market, RunSettings
from autofutures.data import stream
from autofutures.data.catalog import Catalog, place_of
from autofutures.data.feed import Event, events
from autofutures.data.rules import Kind
from autofutures.domain.errors import BadInput
from autofutures.domain.messages import Quote, SessionEnded, Tick
from autofutures.domain.units import Side
from autofutures.market.contract_days import sessions_of
from autofutures.market.sessions import Calendar
from autofutures.matching.model import DepthChanged

TXF = "TAIFEX:TXF202108"
DAY, NEXT = 20210726, 20210727
SESSION = sessions_of(TXF, DAY, Calendar())[1]
OPENS = SESSION.opens_at

COLUMNS: dict[Kind, tuple[str, ...]] = {
    "ticks": ("at", "price_ticks", "qty", "auction"),
    "quotes": ("at", "bid_ticks", "bid_qty", "ask_ticks", "ask_qty"),
    "depth": ("at", "side", "price_ticks", "qty", "first"),
}


def keep(
    root: Path, kind: Kind, rows: Sequence[tuple[int | bool, ...]], day: int = DAY, symbol: str = TXF
) -> None:
    """Puts a contract's day into a catalogue; times count from the opening."""
    place = root / place_of(kind, symbol, day)
    place.parent.mkdir(parents=True, exist_ok=True)
    whole = [(OPENS + row[0], *row[1:]) for row in rows]
    pl.DataFrame(whole, schema=COLUMNS[kind], orient="row").write_parquet(place)


def heard(root: Path, market: Market, until: int = DAY) -> list[Event]:
    run = RunSettings(
        symbols=(TXF,), day=DAY, until=until, source="recorded", catalog=str(root), market=market
    )
    return list(events(stream.chunks(run), run.symbols, lambda leg, day, number: "day"))


ENDED = SessionEnded(TXF, SESSION.ends_at, DAY, "day")


def test_trades_come_before_the_quotes_of_their_time(tmp_path: Path) -> None:
    keep(tmp_path, "ticks", [(1, 100, 2, False), (2, 101, 3, True)])
    keep(tmp_path, "quotes", [(0, 99, 5, 100, 6), (1, 99, 5, 100, 4), (1, 99, 5, 101, 9), (3, 0, 0, 102, 1)])
    assert heard(tmp_path, "quotes") == [
        Quote(TXF, OPENS, 99, 5, 100, 6),
        Tick(TXF, OPENS + 1, 100, 2),
        Quote(TXF, OPENS + 1, 99, 5, 100, 4),
        Quote(TXF, OPENS + 1, 99, 5, 101, 9),
        Tick(TXF, OPENS + 2, 101, 3, auction=True),
        Quote(TXF, OPENS + 3, 0, 0, 102, 1),
        ENDED,
    ]
    assert [type(event) for event in heard(tmp_path, "prints")] == [Tick, Tick, SessionEnded]


def test_a_day_may_have_quotes_and_no_trades(tmp_path: Path) -> None:
    keep(tmp_path, "quotes", [(0, 99, 5, 100, 6)])
    assert heard(tmp_path, "quotes") == [Quote(TXF, OPENS, 99, 5, 100, 6), ENDED]


@pytest.mark.parametrize("rows", [1, 2, 3, 100])
def test_changes_of_depth_of_one_time_belong_together_and_a_snapshot_stands_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    monkeypatch.setattr(stream, "ROWS", rows)
    keep(tmp_path, "ticks", [(5, 100, 2, False)])
    keep(
        tmp_path,
        "depth",
        [
            (0, 1, 99, 5, True),
            (0, -1, 101, 6, False),
            (5, 1, 98, 7, False),
            (5, 1, 99, 0, False),
            (5, 1, 97, 1, True),
            (6, -1, 101, 2, False),
        ],
    )
    buy, sell = Side.BUY, Side.SELL
    assert heard(tmp_path, "depth") == [
        DepthChanged(TXF, OPENS, buy, 99, 5, first=True, more=True),
        DepthChanged(TXF, OPENS, sell, 101, 6),
        Tick(TXF, OPENS + 5, 100, 2),
        DepthChanged(TXF, OPENS + 5, buy, 98, 7, more=True),
        DepthChanged(TXF, OPENS + 5, buy, 99, 0),
        DepthChanged(TXF, OPENS + 5, buy, 97, 1, first=True),
        DepthChanged(TXF, OPENS + 6, sell, 101, 2),
        ENDED,
    ]


def test_what_is_missing_is_refused_in_words(tmp_path: Path) -> None:
    keep(tmp_path, "ticks", [(1, 100, 2, False)])
    with pytest.raises(BadInput, match="has no quotes of TAIFEX:TXF202108 on 2021-07-26"):
        heard(tmp_path, "quotes")
    with pytest.raises(BadInput, match="has no depth of TAIFEX:TXF202108 on 2021-07-26"):
        heard(tmp_path, "depth")
    keep(tmp_path, "quotes", [(0, 99, 5, 100, 6)], NEXT)
    with pytest.raises(
        BadInput, match="trades of TAIFEX:TXF202108 on 2021-07-26, and no quotes: import them"
    ):
        heard(tmp_path, "quotes", NEXT)


def test_slices_are_the_whole(tmp_path: Path) -> None:
    keep(tmp_path, "quotes", [(n, 99, n, 100, 6) for n in range(7)])
    keep(tmp_path, "depth", [(n, 1, 99, n, False) for n in range(7)])
    catalog = Catalog(tmp_path)
    whole = catalog.quotes(TXF, DAY).bid_qty.tolist()
    assert [qty for part in catalog.quote_slices(TXF, DAY, 3) for qty in part.bid_qty.tolist()] == whole
    whole = catalog.depth(TXF, DAY).qty.tolist()
    assert [qty for part in catalog.depth_slices(TXF, DAY, 3) for qty in part.qty.tolist()] == whole
