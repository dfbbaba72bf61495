"""Trader and gateway die once after each step of a batch, and each time book and broker agree afterwards."""

from pathlib import Path

import pytest

from tests.process.live import LiveMachine, assert_equal, pinging, until

TRADER = ("handle", "before commit", "after commit", "between sends", "after sends")
DRILLS = {
    "an order": ("trader:batch:Intent", *(f"trader:{point}:Submit" for point in TRADER)),
    "a report": ("trader:batch:Filled", *(f"trader:{point}:Traded" for point in TRADER)),
    "the door": tuple(
        f"gateway:{point}:Submit" for point in ("before log", "after log", "after send", "after mark")
    ),
}


@pytest.mark.parametrize("what", DRILLS)
def test_at_every_point_a_death_costs_no_fill_and_makes_no_second_order(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    drills = DRILLS[what]
    with LiveMachine(tmp_path / "run", pinging(), die_at=",".join(drills)) as machine:
        died = machine.folder.died
        for count in range(1, len(drills) + 1):
            until(
                lambda count=count: died.exists() and len(died.read_text().splitlines()) >= count,  # type: ignore[misc]
                lambda: str(machine.verdict()),
            )
            machine.until_books_are_equal()
        ledger = machine.stop()

    assert died.read_text().splitlines() == list(drills)
    assert len(ledger.fills) > 0
    assert_equal(machine.folder, ledger)
