"""What every test may ask for: the recorded data, and Hypothesis that finds the same examples each time."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from tests.postgres import Server, programs

ROOT = Path(__file__).parents[1]

# `pytest --hypothesis-profile=explore` looks further, with new examples each time.
settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("explore", deadline=None, max_examples=2_000)
settings.load_profile("ci")


TOGETHER = {
    "tests/parity/test_kernel.py": "the kernel",
    "tests/parity/test_kernel_sets.py": "the kernel",
    "tests/parity/test_recorded_quotes.py": "the kernel",
    "tests/simulation/test_house.py": "the house",
}
"""Files whose tests share what is dear to make, a compiled kernel or twelve simulated houses: one process has them."""


class Scheduling(LoadScopeScheduling):
    """The files of `TOGETHER` go where their first test goes, and first; every other test where there is room."""

    def _split_scope(self, nodeid: str) -> str:
        return TOGETHER.get(nodeid.partition("::")[0], nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling:
    return Scheduling(config, log)


def data_folder() -> Path:
    """Where the recorded market data lies, if it is there at all."""
    return Path(os.environ.get("AUTOFUTURES_SHARED_DATA") or ROOT.parent / "shared" / "data").resolve()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of recorded market data; a test that asks for it is skipped where there is none."""
    folder = data_folder()
    if not folder.is_dir():
        pytest.skip(
            "recorded data is not here: put it at ../shared/data or name it in AUTOFUTURES_SHARED_DATA"
        )
    return folder


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A PostgreSQL server that the tests start themselves."""
    if programs() is None:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    with Server() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'projections.sqlite'}"
    server: Server = request.getfixturevalue("postgres")
    return server.empty_database()
