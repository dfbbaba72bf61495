"""The end of a contract: what is held at the close of its last trading day becomes money, without an order.

In a recorded run the exchange's final settlement price is known only where somebody says it (`[settlement]` in the
settings); else the last trade stands for it, which is an estimate, and the report says so. A settlement is booked as a
fill without an order, with fee and tax as of any other: the strategy hears of it in `on_fill`. A live book does not
settle itself: there the broker's word counts.
"""

import msgspec

from autofutures.domain.messages import AnyMessage, Filled, SessionEnded
from autofutures.domain.units import Side
from autofutures.orders.account import Account


class Final(msgspec.Struct, frozen=True):
    """When a contract ends, and its final settlement price in ticks; 0 for the last trade."""

    day: int
    session: str
    price_ticks: int = 0

    def is_of(self, ended: SessionEnded) -> bool:
        """Whether this session was the contract's last."""
        return (ended.day, ended.session) == (self.day, self.session)


def settle(account: Account, ended: SessionEnded, price_ticks: int, said: list[AnyMessage]) -> None:
    """Turns each strategy's position in the contract into money at a price."""
    held = [
        (strategy, ledger.position)
        for strategy, symbol, ledger in account.portfolio.ledgers()
        if symbol == ended.symbol and ledger.position
    ]
    for strategy, position in held:
        fill = Filled(
            client_id="",
            at=ended.at,
            fill_id=f"settled {ended.symbol} {strategy}",
            symbol=ended.symbol,
            side=Side.SELL if position > 0 else Side.BUY,
            qty=abs(position),
            price_ticks=price_ticks,
        )
        account.settle(strategy, fill, said)
