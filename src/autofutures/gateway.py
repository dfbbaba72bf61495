"""The door: orders go out through it once, and what the venue says comes in. The one node to reach the world.

It writes down what it sends before it sends it: a request to submit that comes twice, after a restart or over a
broken link, goes out once. It refuses requests of an older epoch, for a trader that was replaced may not speak any
more, orders past their deadline, and all requests while there is no session to send them in. A refusal is said back.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Protocol

from autofutures.domain.messages import AnyMessage, Cancel, LinkChanged, Query, Rejected, Stray, Submit
from autofutures.orders.kill import KillSwitch

NOT_SENT = "not sent: "
"""How the reason of a rejection begins that comes from here: the order never left, and never will."""


class Venue(Protocol):
    """A market to trade at: two methods, and no call returns an outcome."""

    def send(self, *messages: AnyMessage) -> None:
        """Hands requests over; what became of them comes back as events."""

    def events(self) -> Sequence[tuple[AnyMessage, int]]:
        """What the venue said next, each message with its time."""
        ...


class SendLog(Protocol):
    """What a gateway keeps for its next life. Each method returns when it is kept."""

    @property
    def epoch(self) -> int:
        """The highest trader's epoch that was heard."""
        ...

    def raise_epoch(self, epoch: int) -> None:
        """Keeps a higher epoch."""

    def write(self, client_id: str, epoch: int, *, refused: bool = False) -> bool:
        """Keeps that an order may have been sent from now on, or never will be; `False` where it was there before."""
        ...

    def was_refused(self, client_id: str) -> bool:
        """Whether an order that is written down was refused, and so never sent."""
        ...

    def mark(self, client_ids: Iterable[str]) -> None:
        """Notes that these were handed to the venue; it may be kept a little later than the others."""

    def next_life(self) -> int:
        """A number above all that were given before."""
        ...


class Remembered:
    """A send log in memory: what it keeps, it keeps for as long as the object lives.

    Args:
        sent: orders that were sent before.
        epoch: the highest epoch before.
    """

    def __init__(self, sent: Iterable[str] = (), epoch: int = 0) -> None:
        self._refused = dict.fromkeys(sent, False)
        self._epoch = epoch
        self._lives = 0
        self.marked: set[str] = set()

    @property
    def epoch(self) -> int:
        """The highest trader's epoch that was heard."""
        return self._epoch

    def raise_epoch(self, epoch: int) -> None:
        """Keeps a higher epoch."""
        self._epoch = max(self._epoch, epoch)

    def write(self, client_id: str, epoch: int, *, refused: bool = False) -> bool:
        """Keeps an order; `False` where it was there before."""
        if client_id in self._refused:
            return False
        self._refused[client_id] = refused
        return True

    def was_refused(self, client_id: str) -> bool:
        """Whether it was refused, and so never sent."""
        return self._refused.get(client_id, False)

    def mark(self, client_ids: Iterable[str]) -> None:
        """Notes that these were handed to the venue."""
        self.marked.update(client_ids)

    def next_life(self) -> int:
        """A number above all that were given before."""
        self._lives += 1
        return self._lives


class Gateway:
    """Between the trader and one venue.

    Its driver asks `request` for each request of the trader, sends what of it comes back as a request to the venue in
    that sequence, and calls `sent` afterwards; everything else that comes back is for the trader, as is all that
    `handle` returns for what the venue says.

    Args:
        log: what earlier lives kept.
        up: whether requests may go before the venue has said that its link is up; a replay's link always is.
        kill: what stops orders here; a replay has none.

    Attributes:
        link: the last that the venue said of its link.
        refused: requests that were not sent, by why: `epoch`, `kill`, `late`, `link`, `repeated`.
    """

    def __init__(
        self, log: SendLog | None = None, *, up: bool = True, kill: KillSwitch | None = None
    ) -> None:
        self._log = log if log is not None else Remembered()
        self._up = up
        self._epoch = self._log.epoch
        self._kill = kill
        self.link: LinkChanged | None = None
        self.refused: Counter[str] = Counter()

    @property
    def epoch(self) -> int:
        """The highest trader's epoch that was heard."""
        return self._epoch

    def handle(self, message: AnyMessage, now: int) -> Sequence[AnyMessage]:
        """Lets everything in that the venue says, and requests of the present epoch out once."""
        if isinstance(message, (Submit, Cancel, Query)):
            return [out for out in self.request(message, self._epoch, now) if out is message]
        if isinstance(message, LinkChanged):
            self.link = message
            self._up = message.up
        return (message,)

    def admits(self, epoch: int) -> bool:
        """Whether a request of this epoch may pass; a newer one raises what is admitted from now on."""
        if epoch < self._epoch or (self._kill is not None and epoch < self._kill.epoch):
            self.refused["epoch"] += 1
            return False
        if epoch > self._epoch:
            self._log.raise_epoch(epoch)
            self._epoch = epoch
        return True

    def request(self, message: Submit | Cancel | Query, epoch: int, now: int) -> Sequence[AnyMessage]:
        """The request itself where it may go to the venue now, else what the trader must hear instead.

        An order that may go is written down when this returns. One that was refused as not sent is written down too,
        so that it will not be sent when it comes again and the reason is gone.
        """
        why = self._objection(message, epoch, now)
        if isinstance(message, Submit):
            return self._submit(message, epoch, now, why)
        if not why:
            return (message,)
        if isinstance(message, Cancel):
            return (Rejected(message.client_id, now, NOT_SENT + why, of_cancel=True),)
        return (self.link,) if self.link is not None and not self._up else ()

    def sent(self, requests: Iterable[AnyMessage]) -> None:
        """These were handed to the venue."""
        self._log.mark([request.client_id for request in requests if isinstance(request, Submit)])

    def _objection(self, message: Submit | Cancel | Query, epoch: int, now: int) -> str:
        if not self.admits(epoch):
            newest = max(self._epoch, self._kill.epoch if self._kill is not None else 0)
            return f"trader {epoch} was replaced by trader {newest}"
        if not self._up:
            self.refused["link"] += 1
            return "no session with the venue"
        if isinstance(message, Submit) and 0 < message.until < now:
            self.refused["late"] += 1
            return f"{(now - message.until) // 1_000_000} ms past its deadline"
        if self._kill is None or not isinstance(message, Submit):
            return ""
        why = self._kill.objection(message)
        self.refused["kill"] += why != ""
        return why

    def _submit(self, submit: Submit, epoch: int, now: int, why: str) -> Sequence[AnyMessage]:
        if self._log.write(submit.client_id, epoch, refused=bool(why)):
            return (Rejected(submit.client_id, now, NOT_SENT + why),) if why else (submit,)
        self.refused["repeated"] += 1
        if self._log.was_refused(submit.client_id):
            return (Rejected(submit.client_id, now, f"{NOT_SENT}refused when it came first"),)
        reason = "asked for again: it may have been sent before, and is not sent twice"
        return (Stray(submit.client_id, now, reason),)
