"""What contracts are worth: plain functions over integers."""


def lots_value(qty: int, price_ticks: int, tick_value: int, inverse_value: int) -> int:
    """The notional of so many lots at a price, in minor units, without a sign; inverse: rounded half up.

    Args:
        qty: lots, of either sign.
        price_ticks: of a spread, of either sign; an inverse contract at 0 is worth nothing that is known.
        tick_value: what a tick of one lot is worth.
        inverse_value: as `Product.inverse_value`.
    """
    lots, price = abs(qty), abs(price_ticks)
    if not inverse_value:
        return lots * price * tick_value
    return (2 * lots * inverse_value + price) // (2 * price) if price else 0


def widest(position: int, working_buy: int, working_sell: int) -> int:
    """The most contracts that could be open on one side if all that works there filled and nothing else did."""
    return max(abs(position), position + working_buy, working_sell - position)
