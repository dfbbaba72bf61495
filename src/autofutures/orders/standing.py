"""What the book may do, and why it may not do all: one mode, made of named reasons, each with its own end."""

from autofutures.domain.messages import BookMode, Killed, LinkChanged
from autofutures.domain.units import Mode
from autofutures.orders.breaker import Breakers


class Standing:
    """Collects the reasons.

    Args:
        reconciles: whether the venue must have been compared with before entries are allowed.
        breakers: of the operations at the venue.

    Attributes:
        halts: the risk controls that have halted the account, in words.
        killed: how far the kill switch is, as the gateway said it last; None where it never was used.
        recorded: the mode as it was said last, in this life or the one before.
    """

    def __init__(self, *, reconciles: bool, breakers: Breakers | None = None) -> None:
        self._reconciles = reconciles
        self.breakers = breakers if breakers is not None else Breakers(0, 0, bool)
        self.link_up = not reconciles
        self.reconciled = not reconciles
        self.unexplained: dict[str, int] = {}
        self._suspected: frozenset[str] = frozenset()
        self.exits_in_doubt: tuple[str, ...] = ()
        self.trouble = ""
        self.killed: Killed | None = None
        self.unheard: tuple[str, ...] = ()
        self.halts: tuple[str, ...] = ()
        self._said: tuple[Mode, tuple[str, ...]] = (Mode.NORMAL, ())
        self.recorded: BookMode | None = None

    @property
    def mode(self) -> Mode:
        """What the book may do now."""
        return self.verdict[0]

    @property
    def verdict(self) -> tuple[Mode, tuple[str, ...]]:
        """The mode, and its reasons."""
        reasons = self.reasons
        if self.exits_in_doubt:
            return Mode.HALTED, reasons
        return Mode.REDUCING if reasons else Mode.NORMAL, reasons

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it may not do all; nothing where it may."""
        doubts = self.exits_in_doubt or self.unexplained or self.unheard or self.trouble
        calm = self.killed is None and self.breakers.are_closed
        if self.link_up and self.reconciled and calm and not doubts:
            return ()  # Asked for every order.
        found = [f"exit {client_id} in doubt" for client_id in self.exits_in_doubt]
        if not self.link_up:
            found.append("no link to the venue")
        if not self.reconciled:
            found.append("not reconciled")
        found += [f"{qty:+d} {symbol} unexplained" for symbol, qty in self.unexplained.items()]
        found += [f"{symbol} is in the book, and no trade of it is heard" for symbol in self.unheard]
        if self.trouble:
            found.append(self.trouble)
        found += self.breakers.reasons()
        if self.killed is not None and self.killed.level:
            found.append(
                f"the kill switch is at {self.killed.level.word}, by {self.killed.who or 'nobody named'}"
            )
        elif not self.admitted:
            found.append("not compared with the venue since the kill switch closed positions")
        return tuple(found)

    @property
    def admitted(self) -> bool:
        """Whether the gateway lets the trader's orders out; after a kill it wants to hear of a comparison first."""
        return self.killed is None or self.killed.admits

    @property
    def told(self) -> tuple[str, ...]:
        """All that a person is told: these reasons, and the risk controls that have halted the account.

        The controls are rules of the gate by themselves, so that they are no reason of the mode that the gate asks for.
        """
        return (*self.reasons, *self.halts)

    def link(self, changed: LinkChanged) -> None:
        """The link came up or went down; either way nothing is known until the venue is compared with."""
        if self._reconciles:
            self.link_up = changed.up
            self.reconciled = False

    def compared(self, unexplained: dict[str, int]) -> bool:
        """A comparison's outcome; `True` where there was a difference in two of them and it is held against the book.

        One comparison alone may have met a report on its way. How large the difference is does not matter: one that
        grows is no better than one that stays.
        """
        stayed = {symbol: qty for symbol, qty in unexplained.items() if symbol in self._suspected}
        news = bool(stayed) and stayed != self.unexplained
        self._suspected, self.unexplained = frozenset(unexplained), stayed
        self.reconciled = self.reconciled or not unexplained
        return news

    def accepted(self, symbol: str, qty: int) -> None:
        """A person has explained a difference, or a part of it. Whether that was all a comparison must find."""
        left = self.unexplained.pop(symbol, 0) - qty
        if left:
            self.unexplained[symbol] = left
        self.reconciled = False

    def said(self, now: int) -> BookMode | None:
        """The mode as a message, where it or its reasons changed since it was last said."""
        mode = Mode.REDUCING if self.halts and self.mode is Mode.NORMAL else self.mode
        current = (mode, self.told)
        if current == self._said:
            return None
        self._said = current
        self.recorded = BookMode(now, *current)
        return self.recorded

    def kept(self) -> list[BookMode]:
        """What a snapshot keeps: that the book is halted."""
        return [self.recorded] if self.recorded is not None and self.was_halted else []

    @property
    def was_halted(self) -> bool:
        """Whether the mode that was recorded last is that the book is halted."""
        return self.recorded is not None and self.recorded.mode is Mode.HALTED
