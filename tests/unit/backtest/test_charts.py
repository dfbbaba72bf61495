import base64

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autofutures.backtest import charts
from autofutures.backtest.charts import CLOSED_NS, closed_stretches, column, decimate, taipei_ms
from autofutures.domain.units import MINUTE, SECOND


@given(st.lists(st.integers(-50, 50), max_size=400), st.integers(4, 60))
def test_a_thinned_column_keeps_its_ends_and_extremes_in_order(values: list[int], most: int) -> None:
    picked = decimate(np.array(values, dtype=np.int64), most)
    assert len(picked) <= max(most, 0)
    assert (np.diff(picked) > 0).all()
    kept = [values[index] for index in picked]
    if values:
        assert (kept[0], kept[-1]) == (values[0], values[-1])
        assert (min(kept), max(kept)) == (min(values), max(values))


def test_a_short_column_is_kept_whole() -> None:
    assert decimate(np.arange(5, dtype=np.int64), 5).tolist() == [0, 1, 2, 3, 4]


def test_a_stretch_is_closed_when_no_column_trades_in_it() -> None:
    quiet = np.array([0, 3 * CLOSED_NS, 3 * CLOSED_NS + MINUTE], dtype=np.int64)
    busy = np.array([CLOSED_NS - 1, CLOSED_NS], dtype=np.int64)
    assert closed_stretches([quiet, busy]) == [(CLOSED_NS, 3 * CLOSED_NS)]
    assert closed_stretches([quiet]) == [(0, 3 * CLOSED_NS)]
    assert closed_stretches([]) == []


def test_only_the_longest_stretches_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(charts, "MOST_BREAKS", 2)
    times = np.cumsum(np.array([0, 2, 4, 1, 3], dtype=np.int64) * CLOSED_NS)
    spans = [(begins // CLOSED_NS, ends // CLOSED_NS) for begins, ends in closed_stretches([times])]
    assert spans == [(2, 6), (7, 10)]


def test_times_are_milliseconds_of_taipeis_clock() -> None:
    assert taipei_ms([0, 1_500 * 1000, SECOND]).tolist() == [28_800_000.0, 28_800_001.5, 28_801_000.0]


def test_columns_are_little_endian_doubles() -> None:
    assert base64.b64decode(column([1.0])) == b"\x00\x00\x00\x00\x00\x00\xf0\x3f"
