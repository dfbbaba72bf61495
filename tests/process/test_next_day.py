"""A book that is continued on another day, in the same folder: the account at the broker has gone on as it was."""

from pathlib import Path

import pytest

from autofutures.assemble.paper import by_the_clock
from tests.process.live import LiveMachine, assert_equal, pinging, until


def test_a_position_left_open_is_in_both_books_on_the_next_day_and_the_machine_is_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    place, rarely = tmp_path / "run", pinging(every=150, ticks_per_s=100)
    with LiveMachine(place, rarely) as first:
        first.until_ready()
        until(lambda: first.status()["positions"] != {}, lambda: str(first.status()))
        before = first.stop()
    assert before.positions == {rarely.symbols[0]: 1}

    with LiveMachine(place, by_the_clock(rarely, rarely)) as second:
        second.until_ready(trader=1)
        status, ledger = second.status(), second.ledger()
        assert status["mode"] == "NORMAL"
        assert status["positions"] == ledger.positions != {}
        after = second.stop()

    assert after.fills[: len(before.fills)] == before.fills  # One history of one account.
    assert_equal(second.folder, after)
