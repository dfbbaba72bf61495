"""What a process of the machine loads before it can work: the time to load it is time without the process."""

import subprocess
import sys

RESTARTED = ("supervisor", "trader", "gateway", "strategy", "recorder", "kill", "alerts")
HEAVY = ("polars", "numpy", "numba", "sqlalchemy", "asyncio", "typer")

LOADED = """
import sys
from importlib import import_module
for name in sys.argv[1].split(","):
    import_module(f"autofutures.processes.{name}")
print(*(name for name in sys.argv[2].split(",") if name in sys.modules))
"""


def test_a_process_that_is_started_again_loads_no_tables_and_no_database() -> None:
    command = [sys.executable, "-c", LOADED, ",".join(RESTARTED), ",".join(HEAVY)]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout.split() == []
