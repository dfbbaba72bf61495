"""What people command: of risk, the calendar, book stops and positions it is the trader's own, else a strategy's."""

from collections.abc import Callable

from autofutures.domain.messages import AnyMessage, Command, CommandRefused
from autofutures.market import day_changes
from autofutures.market.view import MarketView
from autofutures.orders.acceptance import NAME as POSITION
from autofutures.orders.exit_desk import ExitDesk
from autofutures.orders.inquiry import Inquiry
from autofutures.orders.risk_desk import NAME as RISK
from autofutures.orders.risk_desk import RiskDesk

Said = list[AnyMessage]


class Commands:
    """Finds who answers a command.

    Args:
        view: which days are trading days.
        desk: knows the book stops.
        risk: limits and halts.
        inquiry: knows what is unexplained.
        keep: folds a fact that changes more than the one who says it.

    Attributes:
        strategies: those that are here.
    """

    def __init__(
        self,
        view: MarketView,
        desk: ExitDesk,
        risk: RiskDesk,
        inquiry: Inquiry,
        keep: Callable[[AnyMessage], None],
    ) -> None:
        self._view = view
        self._desk = desk
        self._risk = risk
        self._inquiry = inquiry
        self._keep = keep
        self.strategies: set[str] = set()

    def hear(self, command: Command, now: int, said: Said) -> None:
        """Answers it, or says nothing where it is for a strategy that is here."""
        if command.name == RISK:
            said += self._risk.command(command, now)
        elif command.name == POSITION:
            self._inquiry.accept(command, now, said)
        elif not command.strategy and command.name == day_changes.NAME:
            said.append(day_changes.decide(command, self._view, now))
            self._keep(said[-1])
        elif command.verb == "reset" and command.name == "book_stop":
            self._desk.reset(command, now, said)
        elif command.strategy not in self.strategies:
            names = ", ".join(sorted(self.strategies)) or "none"
            reason = f"there is no strategy {command.strategy!r} here; running: {names}"
            said.append(CommandRefused(command.flow, command.strategy, now, reason))
