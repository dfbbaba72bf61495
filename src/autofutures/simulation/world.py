"""What everything in a simulated house shares: the plan, links and clock, disk, broker, judge and story."""

from collections import Counter
from random import Random

from autofutures.assemble.market import make_broker
from autofutures.bus.memory import MemoryBus
from autofutures.simulation.books import Books
from autofutures.simulation.disk import Disk
from autofutures.simulation.judge import Judge
from autofutures.simulation.processes import Process
from autofutures.simulation.seeds import Plan
from autofutures.simulation.story import Story
from autofutures.simulation.wire import Link, Wire


class World:
    """One plan's world.

    Args:
        plan: what happens.
        told: keep the story.

    Attributes:
        processes: who there is, by name.
        link: the end of the wire that the present gateway holds.
        faults_end: from now on nothing goes wrong any more.
        woke_at: when everyone had slept last.
        counts: what happened here, by kind.
    """

    def __init__(self, plan: Plan, *, told: bool = False) -> None:
        self.plan = plan
        self.story = Story(told=told)
        self.judge = Judge(plan.run, lambda: self.bus.now)
        self.counts: Counter[str] = Counter()
        self.disk = Disk()
        self.bus = MemoryBus(self.chance("bus"), plan.weather, self.story.tell)
        self.broker = make_broker(plan.run)
        self.books = self.broker.ledger = Books(self.judge, plan.run)
        self.wire = Wire(
            self.bus,
            self.broker,
            self.chance("wire"),
            self.note,
            latency_ns=plan.link_latency_ns,
            gather_ns=plan.gather_ns,
        )
        self.link: Link | None = None
        self.processes: dict[str, Process] = {}
        self.faults_end = False
        self.woke_at = 0

    def chance(self, who: str) -> Random:
        """The seed's chances for one thing, apart from all others."""
        return Random(f"{who}/{self.plan.seed}")

    def note(self, what: str) -> None:
        """Something happened."""
        self.story.tell(self.bus.now, what)
