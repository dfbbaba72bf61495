import pytest

from autofutures.matching.margins import initial_margin


@pytest.mark.parametrize(
    ("settlement_ticks", "margin"), [(17_405, 209_000), (17_500, 210_000), (17_501, 211_000), (1, 1_000)]
)
def test_a_share_of_what_a_lot_is_worth_rounded_up_to_a_thousand(settlement_ticks: int, margin: int) -> None:
    assert initial_margin(settlement_ticks, 200) == margin
