"""The desk where people ask: questions are answered between two batches, commands when a strategy has answered."""

from collections.abc import Callable, Sequence

import msgspec

from autofutures.bus.codec import Inbox
from autofutures.domain.errors import BadMessage
from autofutures.domain.messages import (
    Answer,
    AnyMessage,
    Ask,
    Command,
    CommandRefused,
    Configured,
    HaltReset,
    LimitSet,
    PositionAccepted,
)
from autofutures.domain.units import SECOND

ANSWER_NS = 2 * SECOND
"""A strategy that has not answered after so long is left out of an answer, and a command is said to be lost."""

Say = Callable[[str, Sequence[AnyMessage], int], bool]
"""Says messages to a peer."""


class _Waiting(msgspec.Struct):
    """A person who waits for strategies."""

    person: str
    since: int
    asked: set[str]
    """Strategies that have not answered yet."""
    command: bool
    answers: dict[str, msgspec.Raw] = {}


class Desk:
    """Between people and the trader's seat.

    Args:
        say: reaches people and strategies.
        strategies: the strategies' names on the bus.

    Attributes:
        stop_asked: a person wants the machine to end.
    """

    def __init__(self, say: Say, strategies: Sequence[str]) -> None:
        self._say = say
        self._strategies = tuple(strategies)
        self._waiting: dict[str, _Waiting] = {}
        self._replies: list[tuple[str, Answer]] = []
        self._questions: list[tuple[str, Ask]] = []
        self.stop_asked = False

    def hear(self, person: str, data: bytes, now: int) -> Command | None:
        """Takes what a person says; returns a command, which the trader must see first."""
        try:
            envelopes = Inbox().open(data)
        except BadMessage:  # Of another version, say: no reason to stop trading.
            return None
        for envelope in envelopes:
            message = envelope.body
            if isinstance(message, Command):
                asked = {f"strategy/{message.strategy}"}
                self._waiting[message.flow] = _Waiting(person, now, asked, command=True)
                return msgspec.structs.replace(message, who=f"{message.who} {person}".strip())
            if isinstance(message, Ask) and message.what == "conditions":
                self._ask_all(person, message, now)
            elif isinstance(message, Ask) and message.what == "stop":
                self.stop_asked = True
                self.reply(person, message.flow, {"stopping": True})
            elif isinstance(message, Ask):
                self._questions.append((person, message))
        return None

    def answered(self, peer: str, message: AnyMessage) -> bool:
        """Passes a strategy's word on to the person who waits for it; whether it was for a person alone."""
        if isinstance(message, Answer):
            waiting = self._waiting.get(message.flow)
            if waiting is not None and peer in waiting.asked:
                waiting.asked.discard(peer)
                waiting.answers[peer.partition("/")[2]] = msgspec.Raw(message.text.encode())
                if not waiting.asked:
                    self._finish(message.flow, waiting)
            return True
        if (
            isinstance(message, (Configured, CommandRefused, HaltReset, LimitSet, PositionAccepted))
            and message.flow in self._waiting
        ):
            person = self._waiting.pop(message.flow).person
            if isinstance(message, CommandRefused):
                self.reply(person, message.flow, {"refused": message.reason})
            else:
                self.reply(person, message.flow, {"accepted": True})
        return False

    def take_questions(self) -> list[tuple[str, Ask]]:
        """Questions that the seat's driver answers, as (person, question)."""
        questions, self._questions = self._questions, []
        return questions

    def reply(self, person: str, flow: str, answer: object) -> None:
        """Answers a person, once what it says is kept; one who has gone meanwhile hears nothing."""
        self._replies.append((person, Answer(flow, msgspec.json.encode(answer).decode())))

    def flush(self, now: int) -> None:
        """All is kept: answers may go."""
        replies, self._replies = self._replies, []
        for person, answer in replies:
            self._say(person, (answer,), now)

    def beat(self, now: int) -> None:
        """Whoever has waited long enough is told what there is."""
        for flow, waiting in list(self._waiting.items()):
            if now - waiting.since > ANSWER_NS:
                self._finish(flow, waiting)
        self.flush(now)

    def _ask_all(self, person: str, ask: Ask, now: int) -> None:
        asked = {name for name in self._strategies if self._say(name, (ask,), now)}
        waiting = self._waiting[ask.flow] = _Waiting(person, now, asked, command=False)
        if not asked:
            self._finish(ask.flow, waiting)

    def _finish(self, flow: str, waiting: _Waiting) -> None:
        del self._waiting[flow]
        if waiting.command:
            self.reply(waiting.person, flow, {"refused": "the strategy did not answer"})
        else:
            self.reply(waiting.person, flow, {"conditions": waiting.answers})
