"""A day that is recorded by the machine's own seats, with a real journal and a real record, on a clock of its own.

What a test plants goes wrong where it would: between the market and us, on the way of orders, at the broker.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from random import Random

import msgspec

from autofutures.assemble.market import begins_at, make_broker, make_feed
from autofutures.assemble.nodes import with_covers
from autofutures.assemble.paper import LIST_NS
from autofutures.bus.codec import Outbox
from autofutures.bus.memory import MemoryBus, Weather
from autofutures.config import RunSettings, StrategySettings, write_run
from autofutures.domain.messages import AnyMessage, Cancel, Command, Query, Submit, Tick
from autofutures.domain.units import MINUTE, SECOND, OpenClose, OrderType, Side, TimeInForce
from autofutures.gateway import Remembered
from autofutures.matching.broker import Broker
from autofutures.matching.said import NEVER
from autofutures.ops.folder import Folder
from autofutures.orders.policy import Policy
from autofutures.processes.live_recorder import Reel
from autofutures.seats.gateway import GatewaySeat
from autofutures.seats.port import BEAT_NS, GATEWAY, RECORDER, TRADER
from autofutures.seats.recorder import RecorderSeat
from autofutures.seats.strategy import StrategySeat
from autofutures.seats.trader import TraderSeat
from autofutures.storage.journal import Journal

TXF = "TAIFEX:TXF202608"
DAY = 20260803
MILLISECOND = SECOND // 1_000
LEAD_NS = SECOND

Seat = TraderSeat | GatewaySeat | StrategySeat | RecorderSeat


def a_run(seed: int = 1, *, use: str = "ema_cross", trades: int = 250, **more: object) -> RunSettings:
    """A short generated session, traded with a broker who is asked for his lists."""
    settings = {"fast": 5, "slow": 15} if use == "ema_cross" else {}
    run = RunSettings(
        symbols=(TXF,),
        day=DAY,
        source="generated",
        seed=seed,
        trades=trades,
        length_ns=MINUTE,
        strategies=(StrategySettings(name="mine", use=use, symbols=(TXF,), settings={**settings}),),
        limits={"message_rate": {"max_per_second": 100}, "collar": {"max_bp": 9_999}},
        faults={"list_ns": LIST_NS},
        policy=Policy(reconciles=True, every_ns=5 * SECOND),
    )
    return with_covers(msgspec.convert({**msgspec.to_builtins(run), **more}, RunSettings))


class Planted(msgspec.Struct, kw_only=True):
    """What goes wrong in a day, and when: from which tick on, counted as the broker says them."""

    lost_tick: int = 0
    """Deleted on its way to the gateway, where nobody numbers."""
    feed_ns: int = 0
    """So much later the market is heard."""
    orders_ns: int = 0
    """So much later orders reach the broker."""
    from_tick: int = 0


class End:
    """One seat's way to the others."""

    def __init__(self, day: "Day", name: str) -> None:
        self._day = day
        self._name = name

    def send(self, peer: str, data: bytes) -> bool:
        return peer.startswith("operator") or self._day.bus.send(self._name, peer, data)


class Wire:
    """The venue as the gateway has it: a broker, and a way to him that takes time."""

    def __init__(self, day: "Day", broker: Broker) -> None:
        self._day = day
        self.broker = broker
        self._arrived = 0
        self._left = 0
        self.ticks = 0

    def send(self, *messages: AnyMessage) -> None:
        day = self._day
        for message in messages:
            if isinstance(message, (Submit, Cancel, Query)):
                self._left = max(day.bus.now + day.way(day.planted.orders_ns), self._left)
                day.bus.call_at(self._left, partial(self._reaches, message))

    def events(self) -> Sequence[tuple[AnyMessage, int]]:
        return ()

    def _reaches(self, request: Submit | Cancel | Query) -> None:
        self.broker.hear(request, self.broker.session, self._day.bus.now)
        self.say(self.broker.say(self._day.bus.now))

    def say(self, said: Sequence[AnyMessage]) -> None:
        """The broker's words go to the gateway, each at its time."""
        day = self._day
        kept = [message for message in said if not self._is_lost(message)]
        if kept:
            late = day.planted.feed_ns if self.ticks >= day.planted.from_tick else 0
            self._arrived = max(day.bus.now + day.way(late), self._arrived)
            day.bus.call_at(self._arrived, lambda: day.gateway_hears(kept))

    def _is_lost(self, message: AnyMessage) -> bool:
        if isinstance(message, Tick):
            self.ticks += 1
            return self.ticks == self._day.planted.lost_tick
        return False


class Day:
    """One recorded day.

    Args:
        root: the run's folder.
        run: what it does.
        planted: what goes wrong.
        between: called at each market event with this day and how many there were.
    """

    def __init__(
        self,
        root: Path,
        run: RunSettings,
        planted: Planted | None = None,
        between: Callable[["Day", int], None] = lambda _day, _n: None,
    ) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self.folder = Folder(root)
        self.run = run
        self.planted = planted or Planted()
        self._between = between
        self._random = Random(run.seed)
        self.bus = MemoryBus(Random(run.seed), Weather(latency_ns=MILLISECOND // 2), lambda *_: None)
        self._lives: dict[str, int] = {}
        self.wire = Wire(self, make_broker(run))
        self._seats: dict[str, Seat] = {}
        self._settles = False

    def way(self, more_ns: int) -> int:
        """How long one way to the broker or from him takes."""
        return MILLISECOND + self._random.randrange(MILLISECOND) + more_ns

    def record(self) -> Folder:
        """Trades the day to its orderly end."""
        write_run(self.run, self.folder.root / "run.json")
        with ExitStack() as stack:
            journal = stack.enter_context(Journal.open(self.folder.journal))
            stream = stack.enter_context(self.folder.stream.open("ab"))
            begins = begins_at(self.run)
            self.bus.now = begins - LEAD_NS
            self._start(journal, Reel(stream))
            self._log_in()
            for number, event in enumerate(make_feed(self.run), 1):
                self.bus.run_until(event.at)
                self._between(self, number)
                self.wire.broker.market(event, event.at)
                self._broker_says()
            self._end()
        return self.folder

    def gateway_hears(self, said: Sequence[AnyMessage]) -> None:
        gateway = self._seats[GATEWAY]
        assert isinstance(gateway, GatewaySeat)
        gateway.from_venue([(message, self.bus.now) for message in said])

    def command(self, verb: str, name: str) -> None:
        """A person asks the strategy for something."""
        command = Command("flow1", "mine", verb, name, {}, "ada")
        trader = self.trader
        trader.hear("operator/1", Outbox("operator").frame((command,), 0), self.bus.now)
        trader.settle(self.bus.now)

    def order_by_hand(self, side: Side = Side.SELL) -> None:
        """Somebody trades in our account with the broker's own terminal."""
        wire, now = self.wire, self.bus.now
        order = Submit(
            "", now, TXF, side, 1, OrderType.MARKET, 0, TimeInForce.IOC, OpenClose.AUTO, day_trade=False
        )
        wire.broker.hear(order, wire.broker.session, now)

    @property
    def trader(self) -> TraderSeat:
        trader = self._seats[TRADER]
        assert isinstance(trader, TraderSeat)
        return trader

    def _start(self, journal: Journal, reel: Reel) -> None:
        trader = TraderSeat(self.run, journal, End(self, TRADER))
        trader.start(self.bus.now)
        self._join(TRADER, trader)
        self._join(GATEWAY, GatewaySeat(Remembered(), self.wire, End(self, GATEWAY)))
        for settings in self.run.strategies:
            name = f"strategy/{settings.name}"
            self._join(name, StrategySeat(self.run, settings, End(self, name), self._next_life(name)))
        self._join(RECORDER, RecorderSeat(reel, End(self, RECORDER), self._next_life(RECORDER), {}))

    def restart(self, name: str) -> None:
        """A strategy begins a new life, with the source that it finds."""
        settings = next(item for item in self.run.strategies if name == f"strategy/{item.name}")
        self._join(name, StrategySeat(self.run, settings, End(self, name), self._next_life(name)))

    def _next_life(self, name: str) -> Callable[[], int]:
        def life() -> int:
            self._lives[name] = self._lives.get(name, 0) + 1
            return self._lives[name]

        return life

    def _join(self, name: str, seat: Seat) -> None:
        self._seats[name] = seat
        self.bus.connect(name, lambda sender, data: self._hear(name, seat, sender, data))
        self._beats(name, seat)

    def _hear(self, name: str, seat: Seat, sender: str, data: bytes) -> None:
        seat.hear(sender, data, self.bus.now)
        if isinstance(seat, TraderSeat) and not self._settles:
            self._settles = True
            self.bus.call_at(self.bus.now, lambda: self._settle(seat))

    def _settle(self, seat: TraderSeat) -> None:
        self._settles = False
        seat.settle(self.bus.now)

    def _beats(self, name: str, seat: Seat) -> None:
        if self._seats[name] is seat and not getattr(seat, "stopped", False):
            seat.beat(self.bus.now)
            self.bus.call_at(self.bus.now + BEAT_NS, lambda: self._beats(name, seat))

    def _log_in(self) -> None:
        self.bus.run_until(self.bus.now + LEAD_NS // 2)
        self.wire.say(self.wire.broker.connect(self.bus.now))

    def _broker_says(self) -> None:
        self.wire.say(self.wire.broker.say(self.bus.now))
        due = self.wire.broker.due_at
        if due < NEVER:
            self.bus.call_at(due, self._broker_says)

    def _end(self) -> None:
        self.bus.run_until(self.bus.now + 8 * SECOND)
        trader = self.trader
        trader.stop(self.bus.now, "the day is over")
        self.bus.run_until(self.bus.now + SECOND)
        trader.end(self.bus.now)
        self.bus.run_until(self.bus.now + SECOND)
