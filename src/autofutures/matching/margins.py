"""The initial margin that a paper broker asks for one lot: a share of its worth, so that it moves with the market."""

MARGIN_BP = 600
"""In basis points of a lot's worth at the settlement price. TAIFEX asked 184,000 of 3.5 million for TX in July 2021,
5.3 %; its own share follows the market's risk and is not known here."""

WHOLE_BP = 10_000

STEP = 1_000
"""Margins are published in whole thousands."""


def initial_margin(settlement_ticks: int, tick_value: int) -> int:
    """Of one lot, in minor units, rounded up to a whole step.

    Args:
        settlement_ticks: the day session's settlement price, above 0.
        tick_value: what one tick of one lot is worth, in minor units.
    """
    return -(-settlement_ticks * tick_value * MARGIN_BP // (WHOLE_BP * STEP)) * STEP
