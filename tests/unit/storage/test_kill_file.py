from pathlib import Path

import pytest

from autofutures.domain.errors import BadInput, BrokenInvariant
from autofutures.domain.units import KillLevel, Side
from autofutures.orders.kill import KillOrder, KillState
from autofutures.storage.kill_file import KillFile

STATE = KillState(
    number=3, level=KillLevel.FLATTEN, epoch=4, admits=False, orders=(KillOrder("k1", "S", Side.SELL, 2, 9),)
)


def test_what_is_kept_is_there_in_the_next_life(tmp_path: Path) -> None:
    path = tmp_path / "kill.json"
    assert KillFile(path).state == KillState()
    assert not path.exists()
    KillFile(path).keep(STATE)
    assert KillFile(path).state == STATE


def test_a_damaged_file_is_named_and_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    path = tmp_path / "kill.json"
    path.write_text("{")
    with pytest.raises(BadInput, match=r"kill\.json cannot be read"):
        KillFile(path)


def test_what_cannot_be_kept_stops_the_process(tmp_path: Path) -> None:
    file = KillFile(tmp_path / "gone" / "kill.json")
    with pytest.raises(BrokenInvariant, match="could not be written"):
        file.keep(STATE)
    assert file.state == KillState()
