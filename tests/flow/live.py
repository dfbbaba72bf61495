"""Conversations with a trader that asks its venue: it has a link, has compared its book, and may trade."""

from autofutures.domain.units import SECOND
from autofutures.orders.policy import Policy
from tests.flow.scenario import Scenario, scenario
from tests.makers import WIDE

LIVE = Policy(reconciles=True, every_ns=5 * SECOND)
START = """
    -> link up
    <- mode reducing not reconciled
    -> beat
    <- query
    -> list
    <- reconciled applied 0
    <- mode normal
    -> tick 17400
"""


def live(text: str, policy: Policy = LIVE) -> Scenario:
    return scenario(START + text, WIDE, policy)
