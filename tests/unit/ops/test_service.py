import socket
from pathlib import Path

from autofutures.domain.units import SECOND
from autofutures.ops.service import Service


def test_systemd_is_told_that_the_machine_is_there_turns_and_ends(tmp_path: Path) -> None:
    place = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(place))
        systemd.settimeout(5)
        service = Service(str(place))
        service.ready()
        for now in (1, 2, SECOND // 2, SECOND + 2):
            service.alive(now)
        service.stopping()
        heard = [systemd.recv(64).decode() for _ in range(4)]
    assert heard == ["READY=1", "WATCHDOG=1", "WATCHDOG=1", "STOPPING=1"]


def test_without_systemd_and_with_one_that_is_away_nothing_happens(tmp_path: Path) -> None:
    for address in ("", str(tmp_path / "nowhere"), "@nowhere-at-all"):
        Service(address).ready()
