"""What befalls a simulated house at any trade: pauses, cuts, a bad disk, prints that are none, and people."""

from random import Random

from autofutures.bus.codec import Outbox
from autofutures.domain.messages import Command, Tick
from autofutures.domain.units import SECOND, KillLevel
from autofutures.seats.port import GATEWAY, TRADER
from autofutures.simulation.disk import TROUBLES
from autofutures.simulation.fate import CHANCES
from autofutures.simulation.limits import relief
from autofutures.simulation.supervisor import Supervisor
from autofutures.simulation.switches import Switch
from autofutures.simulation.world import World

RESET_EVERY = 500
"""After so many trades a person looks at book stops that have fired, and lets their strategies trade again."""

PERSON = "operator/1"

PATIENCE = 60
"""So often, once a second, a person looks whether the kill switch has done all before he lifts it all the same."""

LIFTED_IN = 3
"""The gateway dies on one lifting in so many."""

LOCK_NS = 3 * SECOND
"""How long the price is locked at its limit."""

KINDS = frozenset(
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
"""Faults that are counted in the world's counts."""


class Trouble:
    """Of one house.

    Args:
        world: what is troubled.
        supervisor: whose processes stand still.
    """

    def __init__(self, world: World, supervisor: Supervisor) -> None:
        self._world = world
        self._supervisor = supervisor
        self._random = world.chance("trouble")
        self._switches = list(world.plan.switches)
        self._lifting = world.chance("lifting")
        world.bus.connect(PERSON, lambda *_: None)

    def at(self, tick: Tick) -> None:
        """The market moves."""
        plan, world = self._world.plan, self._world
        if self._happens(plan.pauses):
            self._supervisor.pause(self._random.choice(list(world.processes.values())))
        if self._happens(plan.cuts):
            self._world.wire.cut(self._random.choice((SECOND // 2, SECOND, 3 * SECOND, 6 * SECOND)))
        if self._happens(plan.resets) and world.link is not None:
            world.wire.reset(world.link, self._random.choice((1, SECOND // 2, 3 * SECOND)))
        if self._happens(plan.disk_troubles):
            self._disk_trouble()
        if self._happens(plan.bad_prints):
            self._world.counts["bad print"] += 1
            price = self._random.choice((0, -1, tick.price_ticks * 10, tick.price_ticks // 10))
            self._world.wire.corrupt(Tick(tick.symbol, tick.at, price, 1))
        if self._happens(plan.commands):
            self._command()
        if self._switches and world.counts["ticks"] >= self._switches[0].after:
            self._kill(self._switches.pop(0))
        if self._world.counts["ticks"] % RESET_EVERY == 0:
            for strategy in plan.run.strategies:
                self._says(Command("reset", strategy.name, "reset", "book_stop", {}))
            self.relieve()

    def relieve(self, limit: int = 0) -> None:
        """A person looks at what has halted, raises each limit, to twice what it was or to `limit`, and resets it."""
        seat = self._supervisor.trader
        halts = tuple(seat.trader.risk.state.halts.values()) if seat is not None else ()
        for command in relief(halts, f"h{self._world.bus.now}", limit):
            self._says(command)

    def _kill(self, switch: Switch) -> None:
        """A person uses the kill switch, and something else may go wrong just then."""
        world, supervisor = self._world, self._supervisor
        match switch.beside:
            case "trader stands still":
                supervisor.pause(world.processes[TRADER])
            case "gateway stands still":
                supervisor.pause(world.processes[GATEWAY])
            case "trader dies":
                supervisor.ends(TRADER)
            case "gateway dies":
                supervisor.ends(GATEWAY)
            case "gateway dies on it":
                self._dies_on_it(self._random)
            case "link silent":
                world.wire.cut(self._random.choice((SECOND, 3 * SECOND)))
            case "link reset" if world.link is not None:
                world.wire.reset(world.link, SECOND)
            case "disk":
                self._disk_trouble()
            case "price locked":
                world.broker.locked = True
                world.bus.call_at(world.bus.now + LOCK_NS, self._unlock)
            case _:
                pass
        supervisor.kill.ask(switch.level)
        patience = PATIENCE if switch.waits else 0
        world.bus.call_at(world.bus.now + switch.lasts_ns, lambda: self._lift(patience))

    def _dies_on_it(self, random: Random) -> None:
        """The gateway dies when it takes what is asked for, or does it."""
        points = ("before kill is kept", "after kill is kept", "kill kept", "between requests")
        self._world.processes[GATEWAY].fate.ends_at = random.choice(points)

    def _unlock(self) -> None:
        self._world.broker.locked = False

    def _lift(self, patience: int) -> None:
        """The person lets go, perhaps when all is done."""
        kill, bus = self._supervisor.kill, self._world.bus
        if not kill.level:
            return
        if patience and not kill.is_done:
            bus.call_at(bus.now + SECOND, lambda: self._lift(patience - 1))
        else:
            if not (self._world.faults_end or self._lifting.randrange(LIFTED_IN)):
                self._dies_on_it(self._lifting)
            kill.ask(KillLevel.NONE)

    def end(self) -> None:
        """All is well again, and whoever has stopped the machine lets it go on."""
        self._switches.clear()
        self._unlock()
        self._lift(0)

    def _disk_trouble(self) -> None:
        """There is no room, or little, or writing is slow, for a while."""
        if self._world.disk.trouble:
            return
        kind = self._world.disk.suffer(self._random)
        self._world.note(f"the disk is {kind}")
        self._world.counts[f"disk {kind}"] += 1
        self._world.bus.call_at(
            self._world.bus.now + self._random.choice((1, 3, 8)) * SECOND, self._world.disk.recover
        )

    def _command(self) -> None:
        """A person wants something."""
        verb = self._random.choice(("pause", "resume", "change", "remove", "add", "nonsense"))
        values: dict[str, int | str | bool] = {"take_profit_ticks": 7} if verb == "change" else {}
        name = self._random.choice(("c1", "c2", "c3"))
        flow = f"f{self._random.randrange(1_000_000)}"
        command = Command(flow, self._random.choice(("sr", "sr", "ema", "nobody")), verb, name, values)
        self._world.counts["command"] += 1
        self._says(command)

    def _says(self, command: Command) -> None:
        """A person's words."""
        self._world.note(f"a person: {command}")
        if self._supervisor.trader is not None:
            self._world.bus.send(PERSON, TRADER, Outbox("operator").frame((command,), self._world.bus.now))

    def _happens(self, chance: int) -> bool:
        return chance > 0 and self._random.random() * CHANCES < chance
