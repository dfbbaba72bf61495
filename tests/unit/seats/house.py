"""Seats that talk with each other at once, over links that a test can cut, on a clock that it moves."""

from collections import deque
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Self

import msgspec

from autofutures.bus.codec import Inbox, Outbox
from autofutures.config import RunSettings, StrategySettings
from autofutures.domain.messages import AnyMessage, LinkChanged, Query, Snapshot, Submit, Tick, decode_frame
from autofutures.domain.units import SECOND
from autofutures.gateway import Remembered
from autofutures.orders.policy import Policy
from autofutures.seats.gateway import GatewaySeat
from autofutures.seats.port import BEAT_NS, GATEWAY, NOBODY, RECORDER, TRADER, Watch
from autofutures.seats.recorder import RecorderSeat
from autofutures.seats.strategy import StrategySeat
from autofutures.seats.trader import TraderSeat
from autofutures.storage.journal import Journal
from autofutures.storage.memory import memory_journal
from tests.makers import OPEN, TXF

PINGER = "strategy/pinger"
NIGHT = OPEN + SECOND


class Counter:
    """Gives lives out."""

    def __init__(self) -> None:
        self.life = 0

    def __call__(self) -> int:
        self.life += 1
        return self.life


class Tape:
    """What the recorder kept."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []

    def write(self, frame: bytes) -> None:
        self.frames.append(frame)

    @property
    def messages(self) -> list[AnyMessage]:
        return [envelope.body for frame in self.frames for envelope in decode_frame(frame)]


class FakeVenue:
    """Takes requests, and answers each query with an empty list."""

    def __init__(self) -> None:
        self.sent: list[AnyMessage] = []
        self.said: list[tuple[AnyMessage, int]] = []

    def send(self, *messages: AnyMessage) -> None:
        for message in messages:
            self.sent.append(message)
            if isinstance(message, Query):
                self.said.append((Snapshot(message.flow, message.at, 0, (), (), {}), message.at))

    def events(self) -> Sequence[tuple[AnyMessage, int]]:
        said, self.said = self.said, []
        return said

    @property
    def submits(self) -> list[Submit]:
        return [message for message in self.sent if isinstance(message, Submit)]


class End:
    """One process's way to its peers."""

    def __init__(self, house: "House", name: str) -> None:
        self._house = house
        self._name = name

    def send(self, peer: str, data: bytes) -> bool:
        return self._house.carry(self._name, peer, data)


def a_run(*strategies: StrategySettings, every: int = 1, reconciles: bool = True) -> RunSettings:
    pinger = StrategySettings(name="pinger", use="pinger", symbols=(TXF,), settings={"every": every})
    return RunSettings(
        symbols=(TXF,),
        day=20210726,
        source="steady",
        strategies=strategies or (pinger,),
        limits={"message_rate": {"max_per_second": 1_000}, "position": {"max_contracts": 100}},
        policy=Policy(reconciles=reconciles),
    )


class House:
    """All seats of a run. Use it in a `with` block.

    Attributes:
        cut: pairs (sender, receiver) between which nothing passes.
        lost: pairs whose frames are taken, and never arrive.
    """

    def __init__(self, run: RunSettings | None = None, watch: Watch = NOBODY) -> None:
        self.run = run if run is not None else a_run()
        self.now = NIGHT
        self.cut: set[tuple[str, str]] = set()
        self.lost: set[tuple[str, str]] = set()
        self.frames: deque[tuple[str, str, bytes]] = deque()
        self.answers: list[AnyMessage] = []
        self.log, self.lives, self.tape, self.venue = Remembered(), Counter(), Tape(), FakeVenue()
        self.watch = watch
        self._stack = ExitStack()
        self.journal = self._stack.enter_context(self.open_journal())
        self.trader = self.new_trader()
        self.gateway = self.new_gateway()
        self.strategy = self.new_strategy()
        self.recorder = RecorderSeat(self.tape, End(self, RECORDER), self.lives, {})
        self.session = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def open_journal(self) -> Journal:
        return memory_journal()

    def new_trader(self, *, write_ahead: bool = True) -> TraderSeat:
        self.trader = TraderSeat(
            self.run, self.journal, End(self, TRADER), watch=self.watch, write_ahead=write_ahead
        )
        self.trader.start(self.now)
        return self.trader

    def new_gateway(self) -> GatewaySeat:
        self.gateway = GatewaySeat(self.log, self.venue, End(self, GATEWAY), self.watch)
        return self.gateway

    def new_strategy(self) -> StrategySeat:
        self.strategy = StrategySeat(self.run, self.run.strategies[0], End(self, PINGER), self.lives)
        return self.strategy

    def carry(self, sender: str, receiver: str, data: bytes) -> bool:
        if (sender, receiver) in self.cut:
            return False
        if (sender, receiver) not in self.lost:
            self.frames.append((sender, receiver, data))
        return True

    def talk(self) -> None:
        """Everything that was said is heard, and what is said to it, to the end."""
        while self.frames or self.venue.said:
            if self.venue.said:
                self.gateway.from_venue(self.venue.events())
                continue
            sender, receiver, data = self.frames.popleft()
            if receiver == TRADER:
                self.trader.hear(sender, data, self.now)
                self.trader.settle(self.now)
            elif receiver == GATEWAY:
                self.gateway.hear(sender, data, self.now)
            elif receiver == RECORDER:
                self.recorder.hear(sender, data, self.now)
            elif receiver == PINGER:
                self.strategy.hear(sender, data, self.now)
            else:
                self.answers += [envelope.body for envelope in Inbox(joins=True).open(data)]

    def beat(self, times: int = 1) -> None:
        """Time passes."""
        for _ in range(times):
            self.now += BEAT_NS
            for seat in (self.gateway, self.recorder, self.strategy, self.trader):
                seat.beat(self.now)
            self.talk()

    def begin(self) -> "House":
        """Everyone has met, and the venue is there."""
        self.beat()
        self.link(up=True)
        self.beat(2)
        return self

    def link(self, *, up: bool) -> None:
        self.session += up
        self.venue.said.append((LinkChanged("sim", self.now, up, self.session, ""), self.now))
        self.talk()

    def ticks(self, count: int = 1, price_ticks: int = 17_400) -> None:
        """Trades of the market, in one frame."""
        self.gateway.from_venue([(Tick(TXF, self.now, price_ticks, 1), self.now)] * count)
        self.talk()

    def ask(self, message: AnyMessage, person: str = "operator/1") -> list[dict[str, object]]:
        """What a person is answered."""
        self.answers.clear()
        self.trader.hear(person, Outbox("operator").frame((message,), 0), self.now)
        self.trader.settle(self.now)
        self.talk()
        return [
            msgspec.json.decode(str(getattr(answer, "text", "")), type=dict[str, object])
            for answer in self.answers
        ]
