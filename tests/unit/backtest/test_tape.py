import numpy as np

from autofutures.backtest.tape import Tape


def test_few_trades_are_kept_whole() -> None:
    tape = Tape(most=100)
    for start in (0, 10):
        tape.add(np.arange(start, start + 10, dtype=np.int64), np.arange(10, dtype=np.int64))
    assert len(tape) == 20
    assert tape.ticks().at.tolist() == list(range(20))
    assert tape.ticks().whole == 20


def test_of_very_many_highs_lows_and_ends_are_kept_in_bounded_memory() -> None:
    tape = Tape(most=800)
    walk = np.cumsum(np.where(np.random.default_rng(1).random(10_000) < 0.5, 1, -1)).astype(np.int64)
    for start in range(0, 10_000, 300):
        part = slice(start, start + 300)
        tape.add(np.arange(10_000, dtype=np.int64)[part], walk[part])
    kept = tape.ticks()
    assert len(kept.at) <= 800
    assert kept.whole == len(tape) == 10_000
    assert (kept.price_ticks.min(), kept.price_ticks.max()) == (walk.min(), walk.max())
    assert (kept.at[0], kept.at[-1]) == (0, 9_999)
    assert (np.diff(kept.at) > 0).all()


def test_no_trades_are_empty_columns() -> None:
    assert Tape().ticks().at.tolist() == []
