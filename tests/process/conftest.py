"""A user with an empty home for each test, and the recorded day imported once."""

from pathlib import Path

import pytest

from tests.process.machine import Machine


@pytest.fixture(scope="session")
def catalog(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The exchange's file of 2021-07-26, imported by the command."""
    place = tmp_path_factory.mktemp("catalog")
    file = shared_data / "taifex" / "Daily_2021_07_26.zip"
    done = Machine(tmp_path_factory.mktemp("importer")).run(
        "data", "import", str(file), "--catalog", str(place)
    )
    assert done.code == 0, done.err
    return place


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A user who has no recorded data."""
    return Machine(tmp_path / "home")


@pytest.fixture
def replaying(tmp_path: Path, catalog: Path) -> Machine:
    """A user who has the recorded day."""
    return Machine(tmp_path / "home", catalog)
