"""Proves that a run can start, before any process does: a wrong setting is a sentence, not a dead child."""

from autofutures.assemble.market import make_feed
from autofutures.assemble.nodes import first_commands, make_host, make_trader
from autofutures.config import RunSettings
from autofutures.domain.errors import BadInput
from autofutures.domain.messages import CommandRefused
from autofutures.matching.faults import read_faults


def check_run(run: RunSettings) -> None:
    """Builds what the processes will build, and lets the strategies take their conditions.

    Raises:
        BadInput: something of the run does not exist or makes no sense.
    """
    make_feed(run)
    read_faults(run.faults)
    make_trader(run)
    for strategy in run.strategies:
        host = make_host(run, strategy)
        for command in first_commands(strategy):
            for said in host.handle(command, 0):
                if isinstance(said, CommandRefused):
                    raise BadInput(f"strategy {strategy.name}: {said.reason}")
