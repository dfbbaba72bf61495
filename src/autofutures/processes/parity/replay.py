"""Lets a recorded day happen again: the same nodes hear the same inputs at the same times, and must decide the same.

What people, the market, the venue and time said comes from the record. What strategies decide comes from strategies
that are made anew and hear the recorded stream; of the record it is only known when the trader heard of it.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence

import msgspec

from autofutures.assemble.nodes import first_commands, make_host, make_trader
from autofutures.config import RunSettings, StrategySettings
from autofutures.domain.messages import (
    MARKET,
    NOT_FOR_STRATEGIES,
    AnyMessage,
    Bad,
    Beat,
    CloseLot,
    Command,
    CommandRefused,
    Configured,
    Decision,
    Gap,
    Intent,
    Query,
    Quote,
    Ready,
    Refused,
    Revoke,
    Saved,
    SessionEnded,
    Started,
    Stop,
    Tick,
    WakeAt,
    Woke,
)
from autofutures.processes.parity.recording import Recording, Turn
from autofutures.seats.port import TRADER
from autofutures.strategies.host import Host
from autofutures.trader import Trader

_TOLD = (Tick, Quote, SessionEnded, Woke, Gap)
_SEATS_OWN = ("epoch", "stop")
"""Rules by which the trader's seat refuses by itself, before its node hears of it."""

RECENT = 10_000
"""Market events that are remembered: a decision comes soon after its cause."""

Decided = Intent | Revoke | CloseLot | WakeAt | Saved | Configured | CommandRefused

Facts = Callable[[int], Sequence[AnyMessage]]
"""What a trader folds that starts when the journal has so many batches."""


class Divergence(msgspec.Struct, frozen=True):
    """The first place where the replay and the day differ; of one side there may be nothing."""

    epoch: int
    number: int
    """The trader's input, counted from 1 in its life."""
    at: int
    market_seq: int
    """The market event that the decision follows from, as strategies count them."""
    who: str
    """The strategy, or `trader`."""
    recorded: AnyMessage | None
    replayed: AnyMessage | None


class Cause(msgspec.Struct, frozen=True):
    """The market event that a decision follows from, and when the trader heard it."""

    market: Tick | Quote
    heard_at: int
    number: int


class _Seat:
    """A strategy as it lives in the replay, with what its queue had no room for."""

    def __init__(self, ready: Ready, host: Host) -> None:
        self._name = ready.source
        self.life = ready.life
        self._host = host
        self._missed_market = 0
        self._missed_words = 0
        self.waits: deque[Decision] = deque()
        self.stopped = False

    def hear(self, messages: Iterable[AnyMessage], at: int) -> bool:
        """Hears messages; `False` where it notices that words were lost, and begins again."""
        for message in messages:
            if self.stopped or type(message) in NOT_FOR_STRATEGIES:
                continue
            if isinstance(message, (Tick, Quote)):
                self._notice_market(at)
            elif self._missed_words or _tells_of_loss(message, self._name):
                return False
            self.waits += self._host.handle(message, at)
        return True

    def notice(self, at: int) -> bool:
        """A sign of life with the numbers reached: what was lost comes to light; `False` where it begins again."""
        self._notice_market(at)
        return not self._missed_words

    def miss(self, messages: Iterable[AnyMessage]) -> None:
        """These were not told."""
        for message in messages:
            if isinstance(message, (Tick, Quote)):
                self._missed_market += 1
            elif type(message) not in NOT_FOR_STRATEGIES:
                self._missed_words += 1

    def _notice_market(self, at: int) -> None:
        missed, self._missed_market = self._missed_market, 0
        if missed and not self.stopped:
            self.waits += self._host.handle(Gap(TRADER + MARKET, at, missed), at)


def _tells_of_loss(message: AnyMessage, strategy: str) -> bool:
    """Whether what the strategy said was lost."""
    return isinstance(message, Gap) and message.source == f"strategy/{strategy}"


class Replay:
    """One replay of a recording.

    Args:
        run: the settings to decide by.
        recording: the day.
        facts: what the book was before it.

    Attributes:
        decisions: how many decisions were compared and equal.
        messages: how many messages of the stream were compared and equal.
        causes: the market event behind each decision's `cause_seq` that the record has, by (epoch, cause_seq).
        notes: what a reader of the certificate should know besides.
    """

    def __init__(self, run: RunSettings, recording: Recording, facts: Facts) -> None:
        self._run = run
        self._recording = recording
        self._facts = facts
        self._trader: Trader = make_trader(run)
        self._settings: dict[str, StrategySettings] = {item.name: item for item in run.strategies}
        self._seats: dict[str, _Seat] = {}
        self._wanted = {
            (turn.epoch, message.cause_seq)
            for turn, _, message, _ in recording.inputs()
            if isinstance(message, (Intent, Revoke, CloseLot))
        }
        self.decisions = 0
        self.messages = 0
        self.causes: dict[tuple[int, int], Cause] = {}
        self._recent: deque[tuple[tuple[int, int], Cause]] = deque(maxlen=RECENT)
        self.notes: list[str] = []

    def play(self) -> Divergence | None:
        """The whole day, or as far as it is the same."""
        for turn in self._recording.turns:
            found = self._turn(turn)
            if found is not None:
                return found
        return self._left_over()

    def _turn(self, turn: Turn) -> Divergence | None:
        said: list[AnyMessage] = []
        began = self._begin(turn, said)
        welcomed = ""
        number = turn.number
        for number, (message, now) in enumerate(turn.inputs, turn.number):
            if isinstance(message, Decided):
                found = self._compare(turn, number, message, said, now)
                if found is not None:
                    return found
            elif isinstance(message, Ready):
                welcomed = message.source
                outputs = list(self._trader.handle(message, now))
                self._welcome(turn, message, outputs, now)
                said += outputs
            elif isinstance(message, Stop):
                self._stop(message, now)
            else:
                self._hear(turn, number, message, now, said)
        found = self._compare_stream(turn, number, said)
        if found is not None:
            return found
        if not welcomed and not began:
            self._tell(turn)
        return None

    def _begin(self, turn: Turn, said: list[AnyMessage]) -> bool:
        """A life of the trader begins where the stream says so."""
        started = turn.stream[0] if turn.stream else None
        if not isinstance(started, Started):
            return False
        self._trader = make_trader(self._run, started.epoch)
        self._seats.clear()
        facts = self._facts(started.batch)
        for fact in (*facts, *started.ranges):
            self._trader.fold(fact)
        self._trader.market_seq = started.market_seq
        said.append(started)
        if facts:
            said += self._trader.recovered(started.at)
        return True

    def _welcome(self, turn: Turn, ready: Ready, outputs: Sequence[AnyMessage], now: int) -> None:
        """A strategy begins a life: what its former one decided and nobody heard is gone with it.

        A greeting that is said twice is answered twice, and the answer counts once; one that was not told, never.
        """
        former = self._seats.get(ready.source)
        if former is not None and former.life == ready.life:
            return
        self._seats.pop(ready.source, None)
        if ready.source in turn.untold:
            return
        settings = self._settings.get(ready.source)
        if settings is None:
            self.notes.append(f"the day had a strategy {ready.source!r}, and these settings have none")
            return
        seat = self._seats[ready.source] = _Seat(ready, make_host(self._run, settings))
        known = self._trader.configured(ready.source)
        seat.hear(outputs, now)
        seat.hear([command for command in first_commands(settings) if command.name not in known], now)

    def _stop(self, stop: Stop, now: int) -> None:
        """Strategies say what to keep, and hear nothing any more."""
        for seat in self._seats.values():
            seat.hear((stop,), now)
            seat.stopped = True

    def _hear(self, turn: Turn, number: int, message: AnyMessage, now: int, said: list[AnyMessage]) -> None:
        """What came from outside."""
        outputs = self._trader.handle(message, now)
        if isinstance(message, Command):
            if not outputs and message.strategy in self._seats and message.flow not in turn.untold:
                self._seats[message.strategy].hear((message,), now)
            said += [word for word in outputs if not isinstance(word, CommandRefused)]
            return
        if isinstance(message, _TOLD) and not (outputs and isinstance(outputs[0], Bad)):
            said.append(message)
            if isinstance(message, (Tick, Quote)):
                key = (turn.epoch, self._trader.market_seq)
                cause = Cause(message, now, number)
                self._recent.append((key, cause))
                if key in self._wanted:
                    self.causes[key] = cause
        said += [output for output in outputs if not isinstance(output, Query)]

    def _compare(
        self, turn: Turn, number: int, recorded: Decided, said: list[AnyMessage], now: int
    ) -> Divergence | None:
        """A strategy's decision came: it must be the one that the replayed strategy has taken next."""
        refusal = self._refused_by_seat(turn, recorded)
        if refusal is not None and refusal.rule == "epoch":
            said.append(refusal)
            return None
        seat = self._seats.get(recorded.strategy)
        waits = seat.waits if seat is not None else deque()
        if isinstance(recorded, Saved):
            # A state that is kept is no decision: only what comes of it is. One more is kept at the end of a day.
            if waits and isinstance(waits[0], Saved):
                waits.popleft()
        else:
            replayed = waits.popleft() if waits else None
            if recorded != replayed:
                return self._differ(turn, number, recorded, replayed)
            self.decisions += 1
        if refusal is not None:
            said.append(refusal)
        else:
            said += [out for out in self._trader.handle(recorded, now) if not isinstance(out, Query)]
        return None

    def _refused_by_seat(self, turn: Turn, recorded: Decided) -> Refused | None:
        """How the trader's seat answered a decision that its node never heard."""
        if not isinstance(recorded, Intent):
            return None
        name = (recorded.strategy, recorded.cause_seq, recorded.k)
        for message in turn.stream:
            if (
                isinstance(message, Refused)
                and message.rule in _SEATS_OWN
                and (message.strategy, message.cause_seq, message.k) == name
            ):
                return message
        return None

    def _differ(
        self, turn: Turn, number: int, recorded: AnyMessage | None, replayed: AnyMessage | None
    ) -> Divergence:
        """The earlier of the two decisions is the event; what is later than it stands for nothing."""
        first, second = _cause(recorded), _cause(replayed)
        if recorded is not None and replayed is not None and first != second:
            recorded, replayed = (recorded, None) if first < second else (None, replayed)
        shown = recorded if recorded is not None else replayed
        at: int = getattr(shown, "at", turn.at)
        who: str = getattr(shown, "strategy", "trader")
        seq = _cause(shown)
        found = next((cause for key, cause in self._recent if key == (turn.epoch, seq)), None)
        return Divergence(turn.epoch, found.number if found else number, at, seq, who, recorded, replayed)

    def _compare_stream(self, turn: Turn, number: int, said: list[AnyMessage]) -> Divergence | None:
        recorded = turn.stream
        if said == recorded:
            self.messages += len(said)
            return None
        for place in range(max(len(said), len(recorded))):
            day = recorded[place] if place < len(recorded) else None
            again = said[place] if place < len(said) else None
            if day != again:
                at = turn.at
                return Divergence(turn.epoch, number, at, self._trader.market_seq, "trader", day, again)
        return None

    def _tell(self, turn: Turn) -> None:
        """Strategies hear the stream, and of a beat how far it has come."""
        beats = [now for message, now in turn.inputs if isinstance(message, Beat)]
        for name, seat in list(self._seats.items()):
            if name in turn.untold:
                seat.miss(turn.stream)
            elif not seat.hear(turn.stream, turn.at) or not all(seat.notice(now) for now in beats):
                del self._seats[name]  # It begins again, and says so.

    def _left_over(self) -> Divergence | None:
        """After an orderly end, every strategy has said all that it decided."""
        if not self._recording.ended or self._recording.hole is not None:
            return None
        last = self._recording.turns[-1]
        for seat in self._seats.values():
            for decision in seat.waits:
                if isinstance(decision, (Intent, Revoke, CloseLot)):
                    return self._differ(last, last.number, None, decision)
        return None


def _cause(decision: AnyMessage | None) -> int:
    seq: int = getattr(decision, "cause_seq", 0)
    return seq
