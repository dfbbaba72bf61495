"""The whole house from one integer: markets and strategies without sense, and everything that can go wrong.

The seats are the machine's own, and so are nodes, codec, journal, send log and broker; sockets, clock, disk and the
operating system are replaced. At the end all faults end, and the judge compares book and ledger.
"""

from collections import Counter
from collections.abc import Iterator

from autofutures.assemble.nodes import calendar_of
from autofutures.bus.memory import CALM
from autofutures.domain.errors import BrokenInvariant
from autofutures.domain.instrument import instrument
from autofutures.domain.messages import Tick
from autofutures.domain.units import SECOND
from autofutures.market.expiry import last_day_of
from autofutures.market.sessions import Session
from autofutures.seats.strategy import StrategySeat
from autofutures.simulation import trouble
from autofutures.simulation.fuzz import Event, random_market
from autofutures.simulation.limits import WIDE
from autofutures.simulation.seeds import KINDS, ORDERS, PRICES, Plan
from autofutures.simulation.supervisor import Supervisor
from autofutures.simulation.tape import check_tape
from autofutures.simulation.world import World

SLEEP_NS = 20 * SECOND
"""Between two sessions nobody works, once all is said: a longer pause of the market is skipped."""

REST_NS = 120 * SECOND
"""When all faults have ended, the house must come to rest within so long."""

ASKED_TWICE = 2
"""What was never said comes to light when the venue has been asked again, as it is every so often."""

MOST_TICKS = 40
"""A market ends when there were so many times the trades that were wanted, whatever else lacks."""


class House:
    """One run of everything, from a plan.

    Args:
        plan: what happens.
        told: keep the story.
    """

    def __init__(self, plan: Plan, *, told: bool = False) -> None:
        self.plan = plan
        self.world = World(plan, told=told)
        self.supervisor = Supervisor(self.world)
        self._trouble = trouble.Trouble(self.world, self.supervisor)
        self._began = 0

    def play(self) -> None:
        """The whole run, to its rest.

        Raises:
            BrokenInvariant: a promise does not hold.
        """
        for event in self._market():
            if not self.world.bus.now:
                self._begin(event.at - 2 * SECOND)
            self._come_to(event.at)
            self._event(event)
        self._rest()

    def _begin(self, now: int) -> None:
        self.world.bus.now = self._began = now
        for process in self.world.processes.values():
            self.supervisor.start(process)
        self._checks()

    def _checks(self) -> None:
        world = self.world
        world.wire.check()
        if not world.faults_end:
            is_well = self.supervisor.kill.is_well(world.link)
            world.judge.kill.look(world.books, world.bus.now, is_well=is_well)
        self.world.bus.call_at(self.world.bus.now + SECOND // 4, self._checks)

    def _come_to(self, at: int) -> None:
        """Time passes up to the market's next event; a long pause is slept through by everyone."""
        if at - self.world.bus.now > SLEEP_NS:
            self.world.bus.run_until(self.world.bus.now + SLEEP_NS // 2)
            asleep = at - self.world.bus.now - SLEEP_NS // 4
            self.world.note("everyone sleeps")
            self.world.broker.drop(self.world.bus.now)
            self.world.bus.skip(asleep)
            self._began += asleep
            self.world.woke_at = self.world.bus.now
        self.world.bus.run_until(at)

    def _event(self, event: Event) -> None:
        """The market moves, and so may trouble."""
        if isinstance(event, Tick):
            self.world.counts["ticks"] += 1
            self._trouble.at(event)
            self.world.judge.kill.trades(event.symbol, self.world.bus.now)
        self.world.broker.market(event, self.world.bus.now)
        self.world.wire.say()

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
        for _ in range(self.world.chance("house").randrange(3)):
            next(chosen)
        prices = {symbol: PRICES[symbol] for symbol in run.symbols}
        return random_market(self.world.chance("market"), prices, chosen, self.plan.pace_ns, self._enough)

    def _enough(self) -> bool:
        """Whether the seed has shown what each seed must show."""
        ticks, wanted = self.world.counts["ticks"], self.plan.ticks
        if ticks >= MOST_TICKS * wanted:
            return True
        return ticks >= wanted and len(self.world.judge.arrived) >= ORDERS and len(self.faults()) >= KINDS

    def faults(self) -> dict[str, int]:
        """What went wrong, by kind."""
        found = Counter({f"frame {kind}": number for kind, number in self.world.bus.faults.items()})
        found.update({f"broker {kind}": number for kind, number in self.world.broker.faults.items()})
        found.update(self.world.wire.faults)
        found.update({kind: number for kind, number in self.world.counts.items() if kind in trouble.KINDS})
        if self.plan.run.faults.get("skew_ns"):
            found["clock skew"] += 1
        return dict(sorted(found.items()))

    # --- rest

    def _rest(self) -> None:
        """No more faults: the house must come to rest, and then the judge compares."""
        world, bus = self.world, self.world.bus
        self._end_faults()
        latest = bus.now + REST_NS
        bus.run_until(bus.now + ASKED_TWICE * self.plan.run.policy.every_ns + SECOND)
        while bus.now < latest and not self._is_at_rest():
            self._trouble.relieve(WIDE)
            bus.run_until(bus.now + SECOND)
        seat = self.supervisor.trader
        if seat is None:
            raise BrokenInvariant("the trader was not started again")
        if not self._is_at_rest():
            raise BrokenInvariant(f"the house does not come to rest: {seat.readiness(bus.now).reasons}")
        world.judge.at_rest(seat.trader, world.disk.open(), self.plan.run)
        world.books.same_as(seat.trader)
        for strategy in self.supervisor.strategies():
            world.judge.knows(*_knowledge_of(strategy))
        check_tape(self.supervisor.tape.frames)

    def _end_faults(self) -> None:
        world = self.world
        world.note("all faults end")
        world.faults_end = True
        world.bus.weather = CALM
        for process in world.processes.values():
            process.fate.chance, process.fate.ends_at = 0, ""
        world.wire.end_faults()
        world.disk.recover()
        world.broker.behave()
        self._trouble.end()

    def _is_at_rest(self) -> bool:
        trader = self.supervisor.trader
        if trader is None or not trader.readiness(self.world.bus.now).ready:
            return False
        return not (trader.trader.orders.unknown or trader.trader.orders.sent)

    def kill_points(self) -> dict[str, int]:
        """Where processes ended, by role and point."""
        found: Counter[str] = Counter()
        for process in self.world.processes.values():
            role = process.name.partition("/")[0]
            found.update({f"{role} {point}": number for point, number in process.fate.points.items()})
        return dict(sorted(found.items()))

    @property
    def journal_hash(self) -> str:
        """The hash of all that the journal holds."""
        return self.world.disk.hash

    def close(self) -> None:
        """Forgets everything but the figures."""
        self.world.disk.close()

    @property
    def simulated_ns(self) -> int:
        """How long the house worked."""
        return self.world.bus.now - self._began


def _knowledge_of(seat: StrategySeat) -> tuple[str, dict[str, int], set[str]]:
    """What a strategy believes to hold, and the names of its conditions."""
    host = seat._host  # noqa: SLF001 - nobody else asks a host what its strategy believes
    ctx, strategy = host._ctx, host._strategy  # noqa: SLF001 - as above
    positions = {symbol: ctx.position_of(leg) for leg, symbol in enumerate(host.symbols)}
    return host.name, positions, {str(condition["name"]) for condition in strategy.conditions()}
