"""A person accepts what the venue's position has and no fill explains: a trade by telephone, a transfer.

It enters the ledger of the strategy whose lots it closed, or the one that is nobody's, as a fill of which the person
says the price. Nothing is sent. The book goes on as soon as a comparison finds nothing more to explain.
"""

from autofutures.domain.errors import BadInput
from autofutures.domain.messages import AnyMessage, Command, CommandRefused, Filled, PositionAccepted
from autofutures.domain.units import Side
from autofutures.orders.account import OUTSIDE, Account
from autofutures.orders.standing import Standing

Said = list[AnyMessage]

NAME = "position"
"""What such a command names."""


class Acceptance:
    """Answers the command.

    Args:
        account: whose ledgers it enters.
        standing: what is unexplained, as the last comparisons have found it.

    Attributes:
        ids: of the fills that were accepted in this life. They are in the venue's position, and in no list of it.
    """

    def __init__(self, account: Account, standing: Standing) -> None:
        self._account = account
        self._standing = standing
        self.ids: set[str] = set()

    def decide(self, command: Command, now: int, said: Said) -> None:
        """Books the difference, or says why not."""
        try:
            accepted = self._asked(command, now)
        except BadInput as error:
            said.append(CommandRefused(command.flow, command.strategy, now, str(error)))
            return
        said.append(accepted)
        side = Side.BUY if accepted.qty > 0 else Side.SELL
        fill = Filled(
            "",
            now,
            f"accepted {command.flow}",
            accepted.symbol,
            side,
            abs(accepted.qty),
            accepted.price_ticks,
        )
        self.ids.add(fill.fill_id)
        self._standing.accepted(accepted.symbol, accepted.qty)
        if accepted.strategy == OUTSIDE:
            self._account.adopt(fill, said)
        else:
            self._account.settle(accepted.strategy, fill, said)

    def _asked(self, command: Command, now: int) -> PositionAccepted:
        values = command.values
        symbol, reason = str(values.get("symbol", "")), str(values.get("reason", "")).strip()
        qty, price_ticks = values.get("qty"), values.get("price_ticks")
        if not isinstance(qty, int) or not isinstance(price_ticks, int) or not reason:
            raise BadInput("say what to accept, at which price, and why: autofutures accept --help")
        self._check_difference(symbol, qty)
        item = self._account.instruments[symbol]
        if price_ticks <= 0 and not item.is_spread:
            raise BadInput(f"{price_ticks} ticks is no price of {symbol}: say what was paid")
        strategy = str(values.get("strategy", "")) or OUTSIDE
        if strategy != OUTSIDE:
            self._check_closes(strategy, symbol, qty)
        return PositionAccepted(command.flow, strategy, now, symbol, qty, price_ticks, command.who, reason)

    def _check_difference(self, symbol: str, qty: int) -> None:
        differs = self._standing.unexplained
        there = differs.get(symbol, 0)
        if not there or symbol not in self._account.instruments:
            known = ", ".join(f"{left:+d} {name}" for name, left in differs.items()) or "nothing"
            raise BadInput(f"nothing of {symbol} is unexplained; what is: {known}")
        if not 0 < qty * (1 if there > 0 else -1) <= abs(there):
            raise BadInput(
                f"the venue's position of {symbol} is {there:+d} from the book's: accept that, or a part of it, "
                f"not {qty:+d}"
            )

    def _check_closes(self, strategy: str, symbol: str, qty: int) -> None:
        held = self._account.portfolio.position(strategy, symbol)
        if not 0 < -qty * (1 if held > 0 else -1) <= abs(held):
            raise BadInput(
                f"{strategy} holds {held:+d} {symbol}, which {qty:+d} does not close: what opens would have no exit "
                "plan. Leave --strategy out"
            )
