"""The kill switch of a simulated house: a person's hand, what is kept of it, and the gateway that is told.

As the kill process and the gateway's driver do it; the switch and the seat are the machine's own.
"""

from collections.abc import Callable

from autofutures.assemble.nodes import view_of
from autofutures.domain.messages import Kill
from autofutures.domain.units import SECOND, KillLevel
from autofutures.orders.kill import KillState, KillSwitch
from autofutures.seats.gateway import GatewaySeat
from autofutures.seats.port import GATEWAY
from autofutures.simulation.fate import Fate
from autofutures.simulation.kill_judge import KillJudge
from autofutures.simulation.processes import Process
from autofutures.simulation.wire import Link
from autofutures.simulation.world import World

TELL_NS = SECOND // 10
"""What was asked for is said again so often, until the gateway has it."""

DEAF_NS = SECOND
"""A gateway that stands still and has not taken it after so long is ended."""

BUSY_NS = SECOND // 20
"""How often the switch is attended to while it has something to do; else with each beat."""

LOST_IN = 10
"""One word in so many is lost on its way to the gateway."""

VENUE = "paper"

Step = Callable[[], None]


class Kept:
    """What outlives the gateway: a `KillLog` at whose door it may die.

    Args:
        fate: the gateway's.
        judge: hears what is kept.
    """

    def __init__(self, fate: Fate, judge: KillJudge) -> None:
        self._fate = fate
        self._judge = judge
        self.state = KillState()

    def keep(self, state: KillState) -> None:
        """Keeps it, whole or not at all."""
        self._fate.at("before kill is kept")
        if state.number > self.state.number:
            self._judge.taken(state.number)
        self.state = state
        self._fate.at("after kill is kept")


class KillLine:
    """From the hand to the gateway, whichever lives.

    Args:
        world: what it works in.
        gateway: the process.
        guard: takes a step of it, which may be its last.
        end: ends it, and says why.
    """

    def __init__(
        self, world: World, gateway: Process, guard: Callable[[Step], None], end: Callable[[str], None]
    ) -> None:
        self._world = world
        self._gateway = gateway
        self._guard = guard
        self._end = end
        self._random = world.chance("kill line")
        self._kept = Kept(gateway.fate, world.judge.kill)
        self._asked = Kill(0, 0, KillLevel.NONE)
        self._asked_at = 0
        self._switch: KillSwitch | None = None
        self._busy: GatewaySeat | None = None
        self._was_done = False

    # --- a person

    @property
    def level(self) -> KillLevel:
        """What was asked for last."""
        return self._asked.level

    @property
    def is_done(self) -> bool:
        """Whether the gateway holds to it, and all is done."""
        return self._agrees() and self._switch is not None and self._switch.done

    def ask(self, level: KillLevel) -> None:
        """A person asks for a level; only 0 lowers it."""
        bus = self._world.bus
        level = max(level, self._asked.level) if level else level
        self._asked = Kill(self._asked.number + 1, bus.now, level, "a person")
        self._asked_at = bus.now
        self._world.judge.kill.asked(self._asked)
        self._world.note(f"a person asks the kill switch for {level.word}")
        self._tell(self._asked.number)

    def _agrees(self) -> bool:
        return self._kept.state.number >= self._asked.number

    def _tell(self, number: int) -> None:
        """Says it to whoever is there, again and again."""
        bus, seat, kill = self._world.bus, self._gateway.seat, self._asked
        if self._agrees() or number < kill.number:
            return
        if isinstance(seat, GatewaySeat):
            is_still = self._gateway.stopped_until > bus.now
            if is_still and kill.level and bus.now - self._asked_at >= DEAF_NS:
                self._end("it is deaf to the kill switch")
            elif self._random.randrange(LOST_IN):
                way = 1 + self._random.randrange(TELL_NS)
                bus.call_at(bus.now + way, lambda: self._guard(lambda: self._hears(seat, kill)), GATEWAY)
        bus.call_at(bus.now + TELL_NS, lambda: self._tell(number))

    # --- the gateway's driver

    def new_switch(self) -> KillSwitch:
        """The switch of the gateway's next life, with what earlier ones kept."""
        self._switch = KillSwitch(self._kept, view_of(self._world.plan.run))
        self._world.judge.recoveries.counts["kill_outlived_gateway"] += self._kept.state.level > 0
        return self._switch

    def begins(self, seat: GatewaySeat) -> None:
        """A gateway starts: what was asked for counts, though the one before was deaf to it."""
        if self._asked.number:
            seat.asked_to_kill(self._asked, self._world.bus.now)

    def beat(self, seat: GatewaySeat) -> None:
        """The gateway beats."""
        self._attend(seat)
        if self._switch is not None and not self._switch.done and self._busy is not seat:
            self._busy = seat
            self._again(seat)

    def _hears(self, seat: GatewaySeat, kill: Kill) -> None:
        if self._gateway.seat is seat:
            seat.asked_to_kill(kill, self._world.bus.now)
            self.beat(seat)

    def _again(self, seat: GatewaySeat) -> None:
        self._world.bus.call_at(self._world.bus.now + BUSY_NS, lambda: self._continues(seat), GATEWAY)

    def _continues(self, seat: GatewaySeat) -> None:
        if self._gateway.seat is not seat or self._switch is None or self._switch.done:
            self._busy = None
            return
        self._guard(lambda: self._attend(seat))
        self._again(seat)

    def _attend(self, seat: GatewaySeat) -> None:
        switch, now = self._switch, self._world.bus.now
        if switch is None:
            return
        seat.attend(now)
        if switch.done and not self._was_done:
            self._world.judge.kill.done(self._world.books, now)
        self._was_done = switch.done
        self._leave_or_return(seat, switch, now)

    def _leave_or_return(self, seat: GatewaySeat, switch: KillSwitch, now: int) -> None:
        """At the last level the session ends once all is done; a lower one begins another."""
        link = self._world.link
        if link is None:
            return
        leaves = switch.level is KillLevel.DISCONNECT
        if leaves and switch.done and not link.has_left:
            link.leave()
            seat.left(now, VENUE, "the kill switch has disconnected")
            switch.left()
            self._world.judge.recoveries.counts["killed_disconnected"] += 1
        elif not leaves and link.has_left:
            link.returns()

    def is_well(self, link: Link | None) -> bool:
        """Whether nothing stands between the gateway and the broker: then what is asked for is due."""
        world = self._world
        works = self._gateway.seat is not None and self._gateway.stopped_until <= world.bus.now
        return works and link is not None and link.is_up and world.wire.is_whole and not world.broker.locked
