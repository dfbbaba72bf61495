"""The supervisor of a simulation: it starts processes, drives them as their drivers do, and starts again what dies."""

from collections.abc import Callable

from autofutures.config import StrategySettings
from autofutures.domain.errors import BrokenInvariant
from autofutures.domain.units import SECOND
from autofutures.gateway import Remembered
from autofutures.seats.gateway import GatewaySeat
from autofutures.seats.port import GATEWAY, RECORDER, SILENCE_NS, TRADER
from autofutures.seats.recorder import RecorderSeat
from autofutures.seats.strategy import StrategySeat
from autofutures.seats.trader import TraderSeat
from autofutures.simulation import processes as ps
from autofutures.simulation.fate import Died, Fate, TradersFate
from autofutures.simulation.kill_line import KillLine
from autofutures.simulation.tape import Tape
from autofutures.simulation.wire import Link
from autofutures.simulation.world import World

WATCHDOG_NS = 3 * SECOND
"""A process that stands still for so long is killed."""

LONGEST_NS = 10 * SECOND
"""Between a death and the next start."""


class Supervisor:
    """Of one house.

    Args:
        world: what it works in.

    Attributes:
        tape: what the recorder keeps.
        kill: the line from the kill switch to the gateway.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._random = world.chance("supervisor")
        self._ring_at = 0
        self._settles = False
        self._log = Remembered()
        self._lives: dict[str, ps.Counter] = {}
        kills = world.plan.kills
        self._traders_fate = TradersFate(world.chance(TRADER), kills.get(TRADER, 0), world.judge)
        self._add(TRADER, self._traders_fate, self._new_trader)
        self._add(GATEWAY, Fate(world.chance(GATEWAY), kills.get(GATEWAY, 0)), self._new_gateway)
        gateway = world.processes[GATEWAY]
        self.kill = KillLine(
            world, gateway, lambda step: self._run(gateway, step), lambda why: self._died(gateway, why)
        )
        recorders = Fate(world.chance(RECORDER), kills.get(RECORDER, 0))
        self.tape = Tape(recorders)
        self._add(RECORDER, recorders, self._new_recorder)
        for settings in world.plan.run.strategies:
            name = f"strategy/{settings.name}"
            fate = Fate(world.chance(name), kills.get("strategy", 0))
            self._add(name, fate, self._new_strategy(name, settings))

    def _add(self, name: str, fate: Fate, start: Callable[[], ps.Seat]) -> None:
        self._world.processes[name] = ps.Process(name, fate, start)
        self._lives[name] = ps.Counter()

    def _port(self, name: str) -> ps.BusPort:
        watches = self._world.judge.welcomes if name == TRADER else None
        return ps.BusPort(self._world.bus, self._world.processes, self._world.processes[name], watches)

    def _new_trader(self) -> TraderSeat:
        self._world.judge.new_life()
        self._traders_fate.trader = None
        seat = TraderSeat(
            self._world.plan.run, self._world.disk.open(), self._port(TRADER), watch=self._traders_fate
        )
        self._traders_fate.trader = seat.trader
        if seat.start(self._world.bus.now):
            self._world.judge.recoveries.counts["trader_refolded"] += 1
            self._world.judge.same_book(seat.trader, "the trader that was started again")
            halted = bool(seat.trader.risk.state.halts)
            self._world.judge.recoveries.counts["risk_halt_outlived_trader"] += halted
        self._ring_at, self._settles = 0, False
        return seat

    def _new_gateway(self) -> GatewaySeat:
        fate = self._world.processes[GATEWAY].fate
        if self._world.link is not None:
            self._world.judge.recoveries.counts["gateway_restarted"] += 1
        gateway = self._world.processes[GATEWAY]
        self._world.link = Link(
            self._world.wire,
            fate,
            self._world.judge.sends,
            self._world.bus,
            lambda step: self._run(gateway, step),
        )
        switch = self.kill.new_switch()
        seat = GatewaySeat(self._log, self._world.link, self._port(GATEWAY), fate, switch)
        self._world.link.opens(seat)
        self.kill.begins(seat)
        return seat

    def _new_recorder(self) -> RecorderSeat:
        seen = self.tape.seen()
        self._world.judge.recoveries.counts["recorder_resumed"] += bool(seen)
        return RecorderSeat(self.tape, self._port(RECORDER), self._lives[RECORDER], seen)

    def _new_strategy(self, name: str, settings: StrategySettings) -> Callable[[], StrategySeat]:
        def start() -> StrategySeat:
            return StrategySeat(self._world.plan.run, settings, self._port(name), self._lives[name])

        return start

    def start(self, process: ps.Process) -> None:
        """Starts a process."""
        process.starts += 1

        def live() -> None:
            process.seat = None
            seat = process.start()
            process.seat = seat
            process.deaths = 0
            self._world.note(f"{process.name} starts")
            self._world.bus.connect(
                process.name, lambda sender, data: self._hear(process, seat, sender, data)
            )
            self._world.bus.say_again(process.name)
            self._beats(process, seat)

        self._run(process, live)

    def _run(self, process: ps.Process, step: Callable[[], None]) -> None:
        """One step of a process, which may be its last."""
        try:
            step()
        except Died as died:
            self._died(process, str(died))
        except BrokenInvariant:
            if process.name != TRADER or not self._world.disk.trouble.startswith("full"):
                raise
            self._world.judge.recoveries.counts["full_disk_survived"] += 1
            self._died(process, "the disk is full")

    def _died(self, process: ps.Process, where: str) -> None:
        """It is noticed, and the process is started again after a while."""
        self._world.note(f"{process.name} died: {where}")
        process.seat = None
        if process.name == GATEWAY and self._world.link is not None:
            self._world.link.close()
        process.died_at = self._world.bus.now
        process.deaths += 1
        process.stopped_until = 0
        self._world.counts[f"kill {process.name.partition('/')[0]}"] += 1
        self._world.bus.disconnect(process.name, inbound=True)
        quick = self._random.choice((SECOND // 20, SECOND // 4, SECOND, 4 * SECOND))
        away = (
            min(quick << min(process.deaths - 1, 4), LONGEST_NS)
            if not self._world.faults_end
            else SECOND // 4
        )
        self._world.bus.call_at(self._world.bus.now + away, lambda: self.start(process))

    def _hear(self, process: ps.Process, seat: ps.Seat, sender: str, data: bytes) -> None:
        def step() -> None:
            process.fate.at("before hear")
            knew = not isinstance(seat, StrategySeat) or seat.restored
            seat.hear(sender, data, self._world.bus.now)
            if not knew and isinstance(seat, StrategySeat) and seat.restored:
                self._world.judge.recoveries.counts["strategy_restored"] += seat.life > 1
            process.fate.at("after hear")

        self._run(process, step)
        if process.name == TRADER and process.seat is seat and not self._settles:
            self._settles = True
            self._world.bus.call_at(self._world.bus.now, lambda: self._settle(process, seat), TRADER)

    def _settle(self, process: ps.Process, seat: ps.Seat) -> None:
        """The trader has heard what waited."""
        if process.seat is not seat or not isinstance(seat, TraderSeat):
            return
        self._settles = False
        self._run(process, lambda: seat.settle(self._world.bus.now))
        self._ring(process, seat)

    def _ring(self, process: ps.Process, seat: TraderSeat) -> None:
        wake_at = seat.wake_at
        if wake_at and wake_at != self._ring_at and process.seat is seat:
            self._ring_at = wake_at
            self._world.bus.call_at(wake_at, lambda: self._rings(process, seat), TRADER)

    def _rings(self, process: ps.Process, seat: TraderSeat) -> None:
        if process.seat is seat:
            self._run(process, lambda: seat.ring(self._world.bus.now))
            self._ring(process, seat)

    def _beats(self, process: ps.Process, seat: ps.Seat) -> None:
        """One beat, and the next one is due."""
        if process.seat is not seat:
            return
        now = self._world.bus.now

        def step() -> None:
            if process.name == GATEWAY and self._world.link is not None:
                self._world.link.beat(now)
            seat.beat(now)
            if isinstance(seat, GatewaySeat):
                self.kill.beat(seat)

        self._run(process, step)
        if process.seat is seat:
            if isinstance(seat, TraderSeat):
                self._readiness_is_true(seat)
                self._replaces(seat, process)
            self._world.bus.call_at(
                now + self._world.plan.beat_ns, lambda: self._beats(process, seat), process.name
            )

    def _replaces(self, seat: TraderSeat, process: ps.Process) -> None:
        """A trader that is not heard any more since a kill ends: the next begins."""
        killed = seat.trader.inquiry.standing.killed
        if killed is not None and killed.epoch > seat.epoch:
            self._world.judge.recoveries.counts["trader_replaced"] += 1
            self._died(process, "the kill switch does not hear it any more")

    def ends(self, name: str) -> None:
        """A process is killed."""
        process = self._world.processes[name]
        if process.seat is not None:
            self._died(process, "it was killed")

    def _readiness_is_true(self, seat: TraderSeat) -> None:
        """The machine does not call itself ready when a process has been away for longer than it takes to notice.

        The last words of the dead may come late, and who stood still hears late.
        """
        now, plan = self._world.bus.now, self._world.plan
        patience = SILENCE_NS + 2 * plan.beat_ns + SECOND + plan.weather.delay_ns
        heard_until = max(self._world.processes[TRADER].stopped_until, self._world.woke_at)
        away = [
            name
            for name, process in self._world.processes.items()
            if process.seat is None and max(process.died_at, heard_until) + patience < now
        ]
        if away and not plan.weather.again and seat.readiness(now).ready:
            raise BrokenInvariant(f"the machine says that it is ready, and {away} are away")

    def pause(self, process: ps.Process) -> None:
        """A process stands still; too long, and the watchdog kills it."""
        now = self._world.bus.now
        if process.seat is None or process.stopped_until > now:
            return
        length = self._random.choice((SECOND // 2, SECOND, 2 * SECOND, 5 * SECOND))
        self._world.note(f"{process.name} stands still for {length / SECOND:.1f} s")
        self._world.counts["pause"] += 1
        process.stopped_until = now + length
        self._world.bus.stop(process.name, now + length)
        seat = process.seat
        if length > WATCHDOG_NS:
            self._world.bus.call_at(now + WATCHDOG_NS, lambda: self._watchdog(process, seat))
        else:
            self._world.judge.recoveries.counts["process_continued"] += 1

    def _watchdog(self, process: ps.Process, seat: ps.Seat) -> None:
        if process.seat is seat:
            self._world.counts["kill by watchdog"] += 1
            self._died(process, "it stood still for too long")

    @property
    def trader(self) -> TraderSeat | None:
        """The trader's seat, while it lives."""
        seat = self._world.processes[TRADER].seat
        return seat if isinstance(seat, TraderSeat) else None

    def strategies(self) -> list[StrategySeat]:
        """Every strategy's seat that lives."""
        seats = [process.seat for process in self._world.processes.values()]
        return [seat for seat in seats if isinstance(seat, StrategySeat)]
