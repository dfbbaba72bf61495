"""The whole house from one integer: markets and strategies without sense, and everything that can go wrong.

The seats are the machine's own, and so are nodes, codec, journal, send log and broker; sockets, clock, disk and the
operating system are replaced. At the end all faults end, and the judge compares book and ledger.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from random import Random

from autofutures.assemble.market import make_broker
from autofutures.assemble.nodes import calendar_of, last_day_of
from autofutures.bus.codec import Outbox
from autofutures.bus.memory import CALM, MemoryBus
from autofutures.config import StrategySettings
from autofutures.domain.errors import BrokenInvariant
from autofutures.domain.instrument import instrument
from autofutures.domain.messages import Command, Tick
from autofutures.domain.units import SECOND
from autofutures.gateway import Remembered
from autofutures.market.sessions import Session
from autofutures.seats.gateway import GatewaySeat
from autofutures.seats.port import GATEWAY, RECORDER, SILENCE_NS, TRADER
from autofutures.seats.recorder import RecorderSeat
from autofutures.seats.strategy import StrategySeat
from autofutures.seats.trader import TraderSeat
from autofutures.simulation import processes as ps
from autofutures.simulation.books import Books
from autofutures.simulation.disk import TROUBLES, Disk
from autofutures.simulation.fate import CHANCES, Died, Fate, TradersFate
from autofutures.simulation.fuzz import Event, random_market
from autofutures.simulation.judge import Judge
from autofutures.simulation.seeds import KINDS, ORDERS, PRICES, Plan
from autofutures.simulation.story import Story
from autofutures.simulation.tape import Tape, check_tape
from autofutures.simulation.wire import Link, Wire

WATCHDOG_NS = 3 * SECOND
"""A process that stands still for so long is killed."""

SLEEP_NS = 20 * SECOND
"""Between two sessions nobody works, once all is said: a longer pause of the market is skipped."""

REST_NS = 120 * SECOND
"""When all faults have ended, the house must come to rest within so long."""

ASKED_TWICE = 2
"""What was never said comes to light when the venue has been asked again, as it is every so often."""

MOST_TICKS = 4
"""A market ends when there were so many times the trades that were wanted, whatever else lacks."""

PERSON = "operator/1"


class House:
    """One run of everything, from a plan.

    Args:
        plan: what happens.
        told: keep the story.
    """

    def __init__(self, plan: Plan, *, told: bool = False) -> None:
        self.plan = plan
        self.story = Story(told=told)
        self.judge = Judge(plan.run, lambda: self.bus.now)
        self.counts: Counter[str] = Counter()
        self.disk = Disk()
        self.bus = MemoryBus(Random(f"bus/{plan.seed}"), plan.weather, self.story.tell)
        self._random = Random(f"house/{plan.seed}")
        self._faults = True
        self._ring_at = 0
        self._woke_at = 0
        self._settles = False
        self._log = Remembered()
        self._lives: dict[str, ps.Counter] = {}
        self.broker = make_broker(plan.run)
        self.books = self.broker.ledger = Books(self.judge, plan.run)
        self.wire = Wire(
            self.bus,
            self.broker,
            Random(f"wire/{plan.seed}"),
            self._note,
            latency_ns=plan.link_latency_ns,
            gather_ns=plan.gather_ns,
        )
        self._link: Link | None = None
        self.processes: dict[str, ps.Process] = {}
        self._traders_fate = TradersFate(self._chance("trader"), plan.kills.get("trader", 0), self.judge)
        self._make_processes()
        self.tape = Tape(self.processes[RECORDER].fate)
        self.bus.connect(PERSON, lambda *_: None)

    def _chance(self, who: str) -> Random:
        return Random(f"{who}/{self.plan.seed}")

    def _make_processes(self) -> None:
        kills = self.plan.kills
        self._add(TRADER, self._traders_fate, self._new_trader)
        self._add(GATEWAY, Fate(self._chance(GATEWAY), kills.get(GATEWAY, 0)), self._new_gateway)
        self._add(RECORDER, Fate(self._chance(RECORDER), kills.get(RECORDER, 0)), self._new_recorder)
        for settings in self.plan.run.strategies:
            name = f"strategy/{settings.name}"
            fate = Fate(self._chance(name), kills.get("strategy", 0))
            self._add(name, fate, self._new_strategy(name, settings))

    def _add(self, name: str, fate: Fate, start: Callable[[], ps.Seat]) -> None:
        self.processes[name] = ps.Process(name, fate, start)
        self._lives[name] = ps.Counter()

    # --- lives

    def _port(self, name: str) -> ps.BusPort:
        watches = self.judge.welcomes if name == TRADER else None
        return ps.BusPort(self.bus, self.processes, self.processes[name], watches)

    def _new_trader(self) -> TraderSeat:
        self.judge.new_life()
        self._traders_fate.trader = None
        seat = TraderSeat(self.plan.run, self.disk.open(), self._port(TRADER), watch=self._traders_fate)
        self._traders_fate.trader = seat.trader
        if seat.start(self.bus.now):
            self.judge.recoveries.counts["trader_refolded"] += 1
            self.judge.same_book(seat.trader, "the trader that was started again")
        self._ring_at, self._settles = 0, False
        return seat

    def _new_gateway(self) -> GatewaySeat:
        fate = self.processes[GATEWAY].fate
        if self._link is not None:
            self.judge.recoveries.counts["gateway_restarted"] += 1
        gateway = self.processes[GATEWAY]
        self._link = Link(self.wire, fate, self.judge.sends, self.bus, lambda step: self._run(gateway, step))
        seat = GatewaySeat(self._log, self._link, self._port(GATEWAY), fate)
        self._link.opens(seat)
        return seat

    def _new_recorder(self) -> RecorderSeat:
        seen = self.tape.seen()
        self.judge.recoveries.counts["recorder_resumed"] += bool(seen)
        return RecorderSeat(self.tape, self._port(RECORDER), self._lives[RECORDER], seen)

    def _new_strategy(self, name: str, settings: StrategySettings) -> Callable[[], StrategySeat]:
        def start() -> StrategySeat:
            return StrategySeat(self.plan.run, settings, self._port(name), self._lives[name])

        return start

    def _start(self, process: ps.Process) -> None:
        """The supervisor starts a process."""
        process.starts += 1

        def live() -> None:
            process.seat = None
            seat = process.start()
            process.seat = seat
            process.deaths = 0
            self._note(f"{process.name} starts")
            self.bus.connect(process.name, lambda sender, data: self._hear(process, seat, sender, data))
            self.bus.say_again(process.name)
            self._beats(process, seat)

        self._run(process, live)

    def _run(self, process: ps.Process, step: Callable[[], None]) -> None:
        """One step of a process, which may be its last."""
        try:
            step()
        except Died as died:
            self._died(process, str(died))
        except BrokenInvariant:
            if process.name != TRADER or not self.disk.trouble.startswith("full"):
                raise
            self.judge.recoveries.counts["full_disk_survived"] += 1
            self._died(process, "the disk is full")

    def _died(self, process: ps.Process, where: str) -> None:
        """The supervisor notices, and starts it again after a while."""
        self._note(f"{process.name} died: {where}")
        process.seat = None
        if process.name == GATEWAY and self._link is not None:
            self._link.close()
        process.died_at = self.bus.now
        process.deaths += 1
        process.stopped_until = 0
        self.counts[f"kill {process.name.partition('/')[0]}"] += 1
        self.bus.disconnect(process.name, inbound=True)
        quick = self._random.choice((SECOND // 20, SECOND // 4, SECOND, 4 * SECOND))
        away = min(quick << min(process.deaths - 1, 4), 10 * SECOND) if self._faults else SECOND // 4
        self.bus.call_at(self.bus.now + away, lambda: self._start(process))

    def _hear(self, process: ps.Process, seat: ps.Seat, sender: str, data: bytes) -> None:
        def step() -> None:
            process.fate.at("before hear")
            knew = not isinstance(seat, StrategySeat) or seat.restored
            seat.hear(sender, data, self.bus.now)
            if not knew and isinstance(seat, StrategySeat) and seat.restored:
                self.judge.recoveries.counts["strategy_restored"] += seat.life > 1
            process.fate.at("after hear")

        self._run(process, step)
        if process.name == TRADER and process.seat is seat and not self._settles:
            self._settles = True
            self.bus.call_at(self.bus.now, lambda: self._settle(process, seat), TRADER)

    def _settle(self, process: ps.Process, seat: ps.Seat) -> None:
        """The trader has heard what waited."""
        if process.seat is not seat or not isinstance(seat, TraderSeat):
            return
        self._settles = False
        self._run(process, lambda: seat.settle(self.bus.now))
        self._ring(process, seat)

    def _ring(self, process: ps.Process, seat: TraderSeat) -> None:
        wake_at = seat.wake_at
        if wake_at and wake_at != self._ring_at and process.seat is seat:
            self._ring_at = wake_at
            self.bus.call_at(wake_at, lambda: self._rings(process, seat), TRADER)

    def _rings(self, process: ps.Process, seat: TraderSeat) -> None:
        if process.seat is seat:
            self._run(process, lambda: seat.ring(self.bus.now))
            self._ring(process, seat)

    def _beats(self, process: ps.Process, seat: ps.Seat) -> None:
        """One beat, and the next one is due."""
        if process.seat is not seat:
            return
        now = self.bus.now

        def step() -> None:
            if process.name == GATEWAY and self._link is not None:
                self._link.beat(now)
            seat.beat(now)

        self._run(process, step)
        if process.seat is seat:
            if isinstance(seat, TraderSeat):
                self._readiness_is_true(seat)
            self.bus.call_at(now + self.plan.beat_ns, lambda: self._beats(process, seat), process.name)

    def _readiness_is_true(self, seat: TraderSeat) -> None:
        """The machine does not call itself ready when a process has been away for longer than it takes to notice.

        The last words of the dead may come late, and who stood still hears late.
        """
        now, plan = self.bus.now, self.plan
        patience = SILENCE_NS + 2 * plan.beat_ns + SECOND + plan.weather.delay_ns
        heard_until = max(self.processes[TRADER].stopped_until, self._woke_at)
        away = [
            name
            for name, process in self.processes.items()
            if process.seat is None and max(process.died_at, heard_until) + patience < now
        ]
        if away and not plan.weather.again and seat.readiness(now).ready:
            raise BrokenInvariant(f"the machine says that it is ready, and {away} are away")

    # --- the run

    @property
    def trader(self) -> TraderSeat | None:
        """The trader's seat, while it lives."""
        seat = self.processes[TRADER].seat
        return seat if isinstance(seat, TraderSeat) else None

    def play(self) -> None:
        """The whole run, to its rest.

        Raises:
            BrokenInvariant: a promise does not hold.
        """
        for event in self._market():
            if not self.bus.now:
                self._begin(event.at - 2 * SECOND)
            self._come_to(event.at)
            self._event(event)
        self._rest()

    def _begin(self, now: int) -> None:
        self.bus.now = self._began = now
        for process in self.processes.values():
            self._start(process)
        self._checks()

    def _checks(self) -> None:
        self.wire.check()
        self.bus.call_at(self.bus.now + SECOND // 4, self._checks)

    def _come_to(self, at: int) -> None:
        """Time passes up to the market's next event; a long pause is slept through by everyone."""
        if at - self.bus.now > SLEEP_NS:
            self.bus.run_until(self.bus.now + SLEEP_NS // 2)
            asleep = at - self.bus.now - SLEEP_NS // 4
            self._note("everyone sleeps")
            self.broker.drop(self.bus.now)
            self.bus.skip(asleep)
            self._began += asleep
            self._woke_at = self.bus.now
        self.bus.run_until(at)

    def _event(self, event: Event) -> None:
        """The market moves, and so may trouble."""
        if isinstance(event, Tick):
            self.counts["ticks"] += 1
            self._trouble(event)
        self.broker.market(event, self.bus.now)
        self.wire.say()

    def _market(self) -> Iterator[Event]:
        """The seed's market."""
        run = self.plan.run
        calendar = calendar_of(run)
        item = instrument(run.symbols[0])
        last_day = last_day_of(item, calendar)

        def sessions() -> Iterator[Session]:
            day = run.day
            while day <= last_day:
                yield from calendar.sessions_of(day, item.product.sessions, last_day)
                day = calendar.next_trading_day(day)

        chosen = sessions()
        for _ in range(self._random.randrange(3)):
            next(chosen)
        prices = {symbol: PRICES[symbol] for symbol in run.symbols}
        return random_market(
            Random(f"market/{self.plan.seed}"), prices, chosen, self.plan.pace_ns, self._enough
        )

    def _enough(self) -> bool:
        """Whether the seed has shown what each seed must show."""
        ticks, wanted = self.counts["ticks"], self.plan.ticks
        if ticks >= MOST_TICKS * wanted:
            return True
        return ticks >= wanted and len(self.judge.arrived) >= ORDERS and len(self.faults()) >= KINDS

    def faults(self) -> dict[str, int]:
        """What went wrong, by kind."""
        found = Counter({f"frame {kind}": number for kind, number in self.bus.faults.items()})
        found.update({f"broker {kind}": number for kind, number in self.broker.faults.items()})
        found.update(self.wire.faults)
        found.update({kind: number for kind, number in self.counts.items() if kind in KINDS_HERE})
        if self.plan.run.faults.get("skew_ns"):
            found["clock skew"] += 1
        return dict(sorted(found.items()))

    # --- trouble

    def _trouble(self, tick: Tick) -> None:
        """What may befall the house at any trade."""
        plan = self.plan
        if self._happens(plan.pauses):
            self._pause(self._random.choice(list(self.processes.values())))
        if self._happens(plan.cuts):
            self.wire.cut(self._random.choice((SECOND // 2, SECOND, 3 * SECOND, 6 * SECOND)))
        if self._happens(plan.resets) and self._link is not None:
            self.wire.reset(self._link, self._random.choice((1, SECOND // 2, 3 * SECOND)))
        if self._happens(plan.disk_troubles):
            self._disk_trouble()
        if self._happens(plan.bad_prints):
            self.counts["bad print"] += 1
            price = self._random.choice((0, -1, tick.price_ticks * 10, tick.price_ticks // 10))
            self.wire.corrupt(Tick(tick.symbol, tick.at, price, 1))
        if self._happens(plan.commands):
            self._command()

    def _pause(self, process: ps.Process) -> None:
        """A process stands still; too long, and the watchdog kills it."""
        now = self.bus.now
        if process.seat is None or process.stopped_until > now:
            return
        length = self._random.choice((SECOND // 2, SECOND, 2 * SECOND, 5 * SECOND))
        self._note(f"{process.name} stands still for {length / SECOND:.1f} s")
        self.counts["pause"] += 1
        process.stopped_until = now + length
        self.bus.stop(process.name, now + length)
        seat = process.seat
        if length > WATCHDOG_NS:
            self.bus.call_at(now + WATCHDOG_NS, lambda: self._watchdog(process, seat))
        else:
            self.judge.recoveries.counts["process_continued"] += 1

    def _watchdog(self, process: ps.Process, seat: ps.Seat) -> None:
        if process.seat is seat:
            self.counts["kill by watchdog"] += 1
            self._died(process, "it stood still for too long")

    def _disk_trouble(self) -> None:
        """There is no room, or little, or writing is slow, for a while."""
        if self.disk.trouble:
            return
        kind = self.disk.suffer(self._random)
        self._note(f"the disk is {kind}")
        self.counts[f"disk {kind}"] += 1
        self.bus.call_at(self.bus.now + self._random.choice((1, 3, 8)) * SECOND, self.disk.recover)

    def _command(self) -> None:
        """A person wants something."""
        verb = self._random.choice(("pause", "resume", "change", "remove", "add", "nonsense"))
        values: dict[str, int | str | bool] = {"take_profit_ticks": 7} if verb == "change" else {}
        name = self._random.choice(("c1", "c2", "c3"))
        flow = f"f{self._random.randrange(1_000_000)}"
        command = Command(flow, self._random.choice(("sr", "sr", "ema", "nobody")), verb, name, values)
        self._note(f"a person: {command}")
        self.counts["command"] += 1
        if self.trader is not None:
            self.bus.send(PERSON, TRADER, Outbox("operator").frame((command,), self.bus.now))

    def _happens(self, chance: int) -> bool:
        return chance > 0 and self._random.random() * CHANCES < chance

    # --- rest

    def _rest(self) -> None:
        """No more faults: the house must come to rest, and then the judge compares."""
        self._note("all faults end")
        self._faults = False
        self.bus.weather = CALM
        for process in self.processes.values():
            process.fate.chance = 0
        self.wire.end_faults()
        self.disk.recover()
        self.broker.behave()
        latest = self.bus.now + REST_NS
        self.bus.run_until(self.bus.now + ASKED_TWICE * self.plan.run.policy.every_ns + SECOND)
        while self.bus.now < latest:
            self.bus.run_until(self.bus.now + SECOND)
            if self._is_at_rest():
                break
        if self.trader is None:
            raise BrokenInvariant("the trader was not started again")
        readiness = self.trader.readiness(self.bus.now)
        if not self._is_at_rest():
            raise BrokenInvariant(f"the house does not come to rest: {readiness.reasons}")
        self.judge.at_rest(self.trader.trader, self.disk.open(), self.plan.run)
        self.books.same_as(self.trader.trader)
        for process in self.processes.values():
            if isinstance(process.seat, StrategySeat):
                self.judge.knows(*_knowledge_of(process.seat))
        check_tape(self.tape.frames)

    def _is_at_rest(self) -> bool:
        trader = self.trader
        if trader is None or not trader.readiness(self.bus.now).ready:
            return False
        return not (trader.trader.orders.unknown or trader.trader.orders.sent)

    def kill_points(self) -> dict[str, int]:
        """Where processes ended, by role and point."""
        found: Counter[str] = Counter()
        for process in self.processes.values():
            role = process.name.partition("/")[0]
            found.update({f"{role} {point}": number for point, number in process.fate.points.items()})
        return dict(sorted(found.items()))

    @property
    def journal_hash(self) -> str:
        """The hash of all that the journal holds."""
        return self.disk.hash

    def close(self) -> None:
        """Forgets everything but the figures."""
        self.disk.close()

    @property
    def simulated_ns(self) -> int:
        """How long the house worked."""
        return self.bus.now - self._began

    def _note(self, what: str) -> None:
        self.story.tell(self.bus.now, what)


def _knowledge_of(seat: StrategySeat) -> tuple[str, dict[str, int], set[str]]:
    """What a strategy believes to hold, and the names of its conditions."""
    host = seat._host  # noqa: SLF001 - nobody else asks a host what its strategy believes
    ctx, strategy = host._ctx, host._strategy  # noqa: SLF001 - as above
    positions = {symbol: ctx.position_of(leg) for leg, symbol in enumerate(host.symbols)}
    return host.name, positions, {str(condition["name"]) for condition in strategy.conditions()}


KINDS_HERE = frozenset(
    {
        "kill trader",
        "kill gateway",
        "kill strategy",
        "kill recorder",
        "kill by watchdog",
        "pause",
        *(f"disk {kind}" for kind in TROUBLES),
        "bad print",
    }
)
"""Faults that the house itself makes."""
