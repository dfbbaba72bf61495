import pytest

from autofutures.market.quotes import ANY_PRICE, LOWEST, is_sound


@pytest.mark.parametrize(
    ("quote", "sound"),
    [
        ((99, 1, 100, 1), True),
        ((100, 1, 100, 1), False),
        ((101, 1, 100, 1), False),
        ((101, 1, 100, 0), True),
        ((101, 0, 100, 1), True),
        ((0, 1, 100, 1), False),
        ((0, 0, 100, 1), True),
        ((0, 0, 0, 0), True),
        ((99, 1, 0, 1), False),
        ((99, -1, 100, 1), False),
        ((99, 1, 100, -1), False),
    ],
)
def test_a_quote_has_prices_where_it_has_sizes_and_its_bid_is_below_its_offer(
    quote: tuple[int, int, int, int], sound: bool
) -> None:
    assert is_sound(*quote, LOWEST) is sound


def test_the_price_of_a_spread_may_be_anything() -> None:
    assert is_sound(-5, 1, 0, 1, ANY_PRICE)
    assert not is_sound(0, 1, -5, 1, ANY_PRICE)
