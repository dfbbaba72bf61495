"""The whole house from one integer: markets and strategies without sense, and everything that can go wrong.

The nodes are the machine's own, and so are codec, journal and exchange; only sockets and clock are replaced.
At the end all is told again, as a venue's replay does it, and the judge compares book and ledger.
"""

import hashlib
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

import msgspec

from autofutures.assemble.market import make_exchange
from autofutures.assemble.nodes import calendar_of, last_day_of
from autofutures.bus.memory import CALM, MemoryBus
from autofutures.config import StrategySettings
from autofutures.domain.errors import AutofuturesError, BrokenInvariant
from autofutures.domain.instrument import instrument
from autofutures.domain.messages import (
    AnyMessage,
    Command,
    Report,
    Request,
    SessionEnded,
    Tick,
    decode_frame,
)
from autofutures.domain.units import SECOND
from autofutures.simulation.fuzz import random_market
from autofutures.simulation.judge import Judge
from autofutures.simulation.seats import GATEWAY, TRADER, Fate, GatewaySeat, SendLog, StrategySeat, TraderSeat
from autofutures.simulation.seeds import Plan
from autofutures.storage.journal import Journal
from autofutures.storage.memory import memory_journal

ROUNDS_TO_REST = 4

CRASHES = (AutofuturesError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What a broken house raises: the judge's verdict, or an error that ought not to be."""


class Result(msgspec.Struct, frozen=True):
    """What one seed did; `broken` says which promise did not hold, and is empty where all held."""

    seed: int
    broken: str
    ticks: int
    orders: int
    fills: int
    refused: int
    faults: dict[str, int]
    kills: int
    recoveries: int
    story_hash: str
    story: tuple[str, ...]


class Story:
    """What happened, in order: its hash, and sentences for those who must find out why."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._lines: list[tuple[int, str, bytes]] = []

    def tell(self, at: int, what: str, frame: bytes = b"") -> None:
        """One thing that happened; `frame` is what travelled."""
        self._hash.update(b"%d %s " % (at, what.encode()))
        self._hash.update(frame)
        self._lines.append((at, what, frame))

    @property
    def hash(self) -> str:
        """SHA-256 of everything that happened."""
        return self._hash.hexdigest()

    def sentences(self) -> Iterator[str]:
        """The story as lines of text; times are seconds since its beginning."""
        start = next((at for at, _, _ in self._lines if at), 0)
        for at, what, frame in self._lines:
            head = f"{(at - start) / SECOND:12.6f}  {what}"
            for message in [envelope.body for envelope in decode_frame(frame)] if frame else [None]:
                yield f"{head}  {_sentence(message)}" if message is not None else head


def _sentence(message: AnyMessage) -> str:
    if isinstance(message, Tick):
        return f"tick {message.symbol[-9:]} {message.price_ticks} x{message.qty}"
    return str(message)


class House:
    """One run of everything, from a plan."""

    def __init__(self, plan: Plan, journal: Journal) -> None:
        self.plan = plan
        self.story = Story()
        self.judge = Judge(plan.run)
        self.counts: Counter[str] = Counter()
        self.journal = journal
        self._random = Random(f"house/{plan.seed}")
        self.bus = MemoryBus(Random(f"bus/{plan.seed}"), plan.weather, self.story.tell)
        self._exchange = make_exchange(plan.run)
        self._log = SendLog()
        self._fate = Fate(Random(f"trader/{plan.seed}"), plan.trader_dies, self._trader_died)
        self._door = Fate(Random(f"gateway/{plan.seed}"), plan.gateway_dies, self._gateway_died)
        self._lives: Counter[str] = Counter()
        self._strategies: dict[str, StrategySeat] = {}
        self._late: list[Report] = []
        self._said: list[Report] = []
        self._gateway = self._open_gateway()
        self.trader: TraderSeat | None = None

    def _open_gateway(self) -> GatewaySeat:
        self._gateway = GatewaySeat(self.bus, self, self._log, self._door)
        self.bus.connect(GATEWAY, self._gateway.hear)
        return self._gateway

    def _gateway_died(self) -> None:
        self._note("the gateway died and was started again")
        self.counts["kills"] += 1
        self._open_gateway()
        self.bus.say_again(GATEWAY)
        self.counts["recoveries"] += 1

    def _open_trader(self) -> None:
        """A new trader folds the journal; it knows no strategy, so they begin again with it."""
        seat = TraderSeat(self.bus, self.plan.run, self.journal, self.judge, self._fate)
        self.trader = seat
        self.bus.connect(TRADER, seat.hear)
        self._note(f"the trader starts, epoch {seat.epoch}")
        self.counts["recoveries"] += seat.start() > 0
        if not seat.alive:
            return
        self.bus.say_again(TRADER)  # Before the strategies' new lives speak: then their old ones have no say.
        for strategy in self.plan.run.strategies:
            self._open_strategy(strategy)

    def _trader_died(self) -> None:
        self._note("the trader died")
        self.counts["kills"] += 1
        if self.trader is not None:
            self.trader.alive = False
        self.trader = None
        self.bus.disconnect(TRADER)
        away = self._random.choice((0, SECOND // 10, SECOND, 30 * SECOND))
        self.bus.call_at(self.bus.now + away, self._open_trader)

    def _open_strategy(self, settings: StrategySettings) -> None:
        name = f"strategy/{settings.name}"
        before = self._strategies.get(name)
        if before is not None:
            before.alive = False
            self.bus.disconnect(name, inbound=True)
        self._lives[name] += 1
        life = self._lives[name]
        seat = StrategySeat(self.bus, self.plan.run, settings, life, lambda: self._restored(life))
        self._strategies[name] = seat
        self.bus.connect(name, seat.hear)
        seat.ask()

    def _restored(self, life: int) -> None:
        self.counts["recoveries"] += life > 1

    def send(self, request: Request) -> None:
        """The gateway's requests reach the exchange here."""
        self._note(f"at the exchange: {request}")
        self.judge.reached(request)
        self._exchange.handle(request, self.bus.now)

    def _event(self, event: Tick | SessionEnded) -> None:
        """The market moves; what the exchange says of it may come twice, late and in any sequence."""
        said = self._exchange.handle(event, event.at)
        reports = [message for message in said if isinstance(message, Report)]
        for report in reports:
            self._note(f"the exchange: {report}")
            self.judge.reported(report)
        self._said += reports
        market = [message for message in said if not isinstance(message, Report)]
        self._gateway.say([*self._disordered(reports), *market])

    def _disordered(self, reports: list[Report]) -> list[Report]:
        if not reports and not self._late:
            return reports
        now: list[Report] = []
        late: list[Report] = []
        for report in (*reports, *self._late):
            kept_back = self._happens(self.plan.reports_late)
            (late if kept_back else now).append(report)
            if self._happens(self.plan.reports_repeated):
                late.append(report)
                self.bus.faults["report repeated"] += 1
            self.bus.faults["report late"] += kept_back
        if self.plan.reports_late and self._random.randrange(2):
            self._random.shuffle(now)
        self._late = late
        return now

    def play(self) -> None:
        """The whole run, to its rest.

        Raises:
            BrokenInvariant: a promise does not hold.
        """
        events = list(self.market())
        self.bus.now = events[0].at - SECOND
        self._open_trader()
        for event in events:
            self.bus.run_until(event.at)
            self._trouble()
            self.counts["ticks"] += isinstance(event, Tick)
            self._event(event)
        self._rest(events[-1].at)

    def market(self) -> Iterator[Tick | SessionEnded]:
        """The seed's market, the same each time."""
        run, random = self.plan.run, Random(f"market/{self.plan.seed}")
        calendar = calendar_of(run)
        item = instrument(run.symbols[0])
        days = (run.day, calendar.next_trading_day(run.day))
        last = last_day_of(item, calendar)
        sessions = [
            session for day in days for session in calendar.sessions_of(day, item.product.sessions, last)
        ]
        first = random.randrange(len(sessions))
        chosen = sessions[first : first + random.randint(1, 3)]
        return random_market(random, run.symbols, chosen, self.plan.ticks)

    def _trouble(self) -> None:
        """What happens between two events of the market: processes die, and people give commands."""
        plan, strategies = self.plan, self.plan.run.strategies
        if self._happens(plan.strategy_dies):
            chosen = self._random.choice(strategies)
            self._note(f"strategy {chosen.name} died and was started again")
            self.counts["kills"] += 1
            self._open_strategy(chosen)
        if self._happens(plan.restarts):
            self._gateway_died()
        if self._happens(plan.commands) and self.trader is not None:
            verb = self._random.choice(("pause", "resume", "change", "remove", "add", "nonsense"))
            values: dict[str, int | str | bool] = {"quantity": 2} if verb == "change" else {}
            command = Command("f", self._random.choice(("sr", "ema", "nobody")), verb, "c1", values)
            self._note(f"a person: {command}")
            self.trader.command(command)

    def _rest(self, at: int) -> None:
        """No more faults: everything is said again until nothing moves, and the judge compares."""
        self.bus.weather = CALM
        self._fate.per_thousand = self._door.per_thousand = 0
        self.bus.run_until(at + 2 * SECOND)
        self.bus.drain()
        for _ in range(ROUNDS_TO_REST):
            before = len(self._said)
            for symbol in self.plan.run.symbols:
                self._void(SessionEnded(symbol, self.bus.now, self.plan.run.day, "day"))
            self._note("the venue says everything again")
            self._gateway.say(self._said)
            self.bus.drain()
            if len(self._said) == before:
                break
        if self.trader is None:
            raise BrokenInvariant("the trader was never started again")
        self.judge.at_rest(self.trader.trader, self.journal, self.plan.run)

    def _void(self, ended: SessionEnded) -> None:
        self._event(ended)
        self.bus.drain()

    def _happens(self, per_thousand: int) -> bool:
        return per_thousand > 0 and self._random.randrange(1_000) < per_thousand

    def _note(self, what: str) -> None:
        self.story.tell(self.bus.now, what)

    def result(self, broken: str, *, told: bool) -> Result:
        """What this run did; with its story where something broke, or it shall be `told`."""
        counts, judge = self.counts, self.judge.counts
        return Result(
            seed=self.plan.seed,
            broken=broken,
            ticks=counts["ticks"],
            orders=judge["orders"],
            fills=judge["fills"],
            refused=judge["refused"],
            faults=dict(sorted(self.bus.faults.items())),
            kills=counts["kills"],
            recoveries=counts["recoveries"],
            story_hash=self.story.hash,
            story=tuple(self.story.sentences()) if broken or told else (),
        )


def simulate(plan: Plan, *, told: bool = False) -> Result:
    """Runs the house from a plan; a broken promise is in the result, with the story that led to it.

    Args:
        plan: what happens.
        told: have the story of a run where nothing broke, too.
    """
    if not plan.on_disk:
        with memory_journal() as journal:
            return _play(plan, journal, told=told)
    with tempfile.TemporaryDirectory() as folder, Journal.open(Path(folder) / "journal.sqlite") as journal:
        return _play(plan, journal, told=told)


def _play(plan: Plan, journal: Journal, *, told: bool) -> Result:
    house = House(plan, journal)
    try:
        house.play()
    except CRASHES as error:
        return house.result(f"{type(error).__name__}: {error}", told=told)
    return house.result("", told=told)


def total(results: Sequence[Result]) -> dict[str, object]:
    """Sums of many seeds, in the words of `autofutures simulate --json`."""
    faults: Counter[str] = Counter()
    for result in results:
        faults.update(result.faults)
    stories = hashlib.sha256("".join(result.story_hash for result in results).encode())
    return {
        "seeds": len(results),
        "violations": sum(1 for result in results if result.broken),
        **{
            name: sum(getattr(result, name) for result in results)
            for name in ("ticks", "orders", "fills", "refused", "kills", "recoveries")
        },
        "faults": dict(sorted(faults.items())),
        "story_hash": stories.hexdigest(),
    }
