"""Carries a drill out: strikes at its instants, waits until the machine is ready again, ends it, and has it judged."""

import os
import shutil
import signal
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import msgspec

from autofutures import clock
from autofutures.assemble.paper import offset_ns
from autofutures.config import RunSettings
from autofutures.domain.errors import BrokenInvariant
from autofutures.domain.units import MINUTE, SECOND
from autofutures.ops.folder import SOCKETS, Folder, make_folder
from autofutures.processes.chaos.figures import Figures
from autofutures.processes.chaos.house import House, send
from autofutures.processes.chaos.judge import Course, judge
from autofutures.processes.chaos.plan import Strike, run_of, strikes_every, strikes_of
from autofutures.processes.chaos.watch import SUPERVISOR, Sight, Wound

LOOK_NS = SECOND // 200
AIM_LOOK_NS = SECOND // 1_000
PROBE_NS = SECOND // 10
AIM_NS = 2 * SECOND
"""So long a strike waits for an order to leave; then it comes all the same."""
BACK_NS = 30 * SECOND
"""A machine that is not ready so long after a strike has broken a promise."""
SETTLED_NS = SECOND
"""After the session's end: what was under way has arrived."""
CALM = 2
"""Comparisons in turn that teach nothing, after which nobody owes anybody a word."""
QUIET_NS = 60 * SECOND
LONGEST_MINUTES = 60.0
"""Whatever becomes of this driver, the machine ends by itself after so long."""
SPARE_MINUTES = 15.0
STRIKES = "strikes.json"
"""In the run's folder: every strike with its times, for whoever must find out what became of one."""
MOST_BROKEN = 3
"""After so many broken promises on the way it is not worth going on."""

_NEWEST = "SELECT max(client_id) FROM sent"
"""Client ids grow."""


class Progress(msgspec.Struct, frozen=True):
    """How far a drill is."""

    done: int
    of: int
    seconds: float
    what: str


class Drill(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for."""

    seed: int = 1
    kills: int = 200
    minutes: float = 0.0
    """No strike after so long; 0 for no bound."""
    every_s: float = 0.0
    """One kill after so long each, whatever became of the one before; 0: kills and stops as the seed decides."""
    write_ahead: bool = True
    die_at: str = ""
    """A certain death, as in `Machine.die_at`."""


class Driver:
    """One drill at work.

    Args:
        folder: a live run's, whose lock is not held.
        strikes: what happens.
        last_strike_at: there is none later; 0 for no bound.
        progress: hears how it goes.
    """

    def __init__(
        self,
        folder: Folder,
        strikes: tuple[Strike, ...],
        last_strike_at: int,
        progress: Callable[[Progress], None],
    ) -> None:
        self._folder = folder
        self._strikes = strikes
        self._last_strike_at = last_strike_at
        self._progress = progress
        self._offset_ns = folder.machine().clock_offset_ns
        self._began_at = clock.now_ns()
        self._probed_at = 0
        self._broken: list[str] = []
        self._sight = Sight(folder, self._offset_ns)
        self._house = House(folder)

    def run(self) -> Figures:
        """Strikes, waits until all is quiet, ends the machine, and judges.

        Raises:
            BrokenInvariant: the machine cannot be kept going at all.
        """
        try:
            begins_at, ends_at = self._play()
            self._end_market()
            self._house.is_struck = True
            if words := self._house.stop():
                self._broken.append(words)
            self._sight.look()
        finally:
            for wound in self._sight.wounds:
                self._go_on(wound)
            self._house.end_by_force()
            self._sight.close()
            strikes = msgspec.json.format(msgspec.json.encode(self._sight.wounds))
            (self._folder.root / STRIKES).write_bytes(strikes)
        seconds = (clock.now_ns() - self._began_at) / SECOND
        return judge(self._folder, Course(self._sight, begins_at, ends_at, tuple(self._broken), seconds))

    def _play(self) -> tuple[int, int]:
        """All strikes; returns when the machine was ready first, and when the last one had healed."""
        if not self._wait_for(lambda: self._sight.ready, BACK_NS):
            self._broken.append(f"the machine did not become ready: {self._why_not()}")
            return clock.now_ns(), clock.now_ns()
        begins_at = self._sight.said_at
        for number, strike in enumerate(self._strikes, 1):
            if len(self._broken) >= MOST_BROKEN or 0 < self._last_strike_at < clock.now_ns():
                break
            self._tell(number, f"{strike.signal} {strike.role}")
            self._carry_out(strike)
        if self._folder.machine().die_at and not self._wait_for(self._folder.died.exists, BACK_NS):
            self._broken.append("the process that was to die did not come to its point")
        self._recover()
        self._tell(len(self._strikes), "all struck: waiting until book and venue agree")
        return begins_at, clock.now_ns()

    def _tell(self, done: int, what: str) -> None:
        seconds = (clock.now_ns() - self._began_at) / SECOND
        self._progress(Progress(done, len(self._strikes), seconds, what))

    # --- strikes

    def _carry_out(self, strike: Strike) -> None:
        if strike.waits:
            self._recover()
        self._wait(strike.pause_ns)
        if strike.cut_ms:
            self._house.ask_exchange(f"cut:{strike.cut_ms}")
        if strike.aimed:
            self._await_order()
            self._wait(strike.delay_ns)
        until = clock.now_ns() + BACK_NS
        while not self._hit(strike):
            if clock.now_ns() > until:
                self._broken.append(f"there was no {strike.role} process for {BACK_NS // SECOND} s")
                return
            self._turn()

    def _recover(self) -> None:
        """Waits until the machine is ready, and every process that was struck lives a new life."""
        if self._wait_for(lambda: self._sight.ready and not self._sight.open_wounds, BACK_NS):
            return
        struck = ", ".join(sorted({wound.name for wound in self._sight.open_wounds})) or "nobody"
        self._broken.append(
            f"not ready {BACK_NS // SECOND} s after the last strikes, at {struck}: {self._why_not()}"
        )
        for wound in self._sight.open_wounds:
            self._sight.heal(wound, clock.now_ns())

    def _hit(self, strike: Strike) -> bool:
        """Signals a living process of the role; `False` where there is none now."""
        name, pid = self._target(strike)
        handle = self._house.handle(pid) if pid else -1
        if handle < 0:
            return False
        now = clock.now_ns()
        if strike.signal == "stop":
            struck = send(handle, signal.SIGSTOP)
        else:
            self._house.is_struck = self._house.is_struck or name == SUPERVISOR
            struck = send(handle, signal.SIGKILL)
        if struck:
            wound = self._sight.wound(strike, name, now)
            if not wound.killed:
                wound.handle, wound.goes_on_at = handle, now + strike.stopped_ns
                return True
        os.close(handle)
        return struck

    def _target(self, strike: Strike) -> tuple[str, int]:
        """A process of the role: its name, and its id or 0."""
        if strike.role == SUPERVISOR:
            return SUPERVISOR, self._house.supervisor
        names = sorted(name for name in self._sight.pids if name.partition("/")[0] == strike.role)
        if not names:
            return strike.role, 0
        name = names[strike.draw % len(names)]
        return name, self._sight.pids[name]

    def _await_order(self) -> None:
        """Until an order is on its way: the gateway writes it down just before it leaves."""
        until = clock.now_ns() + AIM_NS
        try:
            with closing(sqlite3.connect(f"{self._folder.send_log.as_uri()}?mode=ro", uri=True)) as sent:
                newest = seen = sent.execute(_NEWEST).fetchone()
                while newest == seen and clock.now_ns() < until:
                    self._turn(AIM_LOOK_NS)
                    newest = sent.execute(_NEWEST).fetchone()
        except sqlite3.Error:
            return  # It is being made, or taken up again: the strike may come at any moment then.

    # --- what goes on meanwhile

    def _turn(self, pause_ns: int = LOOK_NS) -> None:
        """Looks at everything once: logs, processes that are to go on, a supervisor that is to be started again."""
        now = clock.now_ns()
        self._sight.look()
        for wound in self._sight.wounds:
            if wound.handle >= 0 and (wound.killed or wound.goes_on_at <= now):
                self._go_on(wound)
        pid = self._house.supervisor
        if words := self._house.restart():
            self._broken.append(words)
            if len(self._broken) > MOST_BROKEN:
                raise BrokenInvariant(f"{'; '.join(self._broken)}: see {self._folder.logs}")
        if pid != self._house.supervisor:
            self._sight.pids.clear()  # They do not outlive it.
        if now - self._probed_at > PROBE_NS and any(wound.went_on_at for wound in self._sight.open_wounds):
            self._probed_at = now
            self._probe()
        clock.sleep_ns(pause_ns)

    def _go_on(self, wound: Wound) -> None:
        if wound.handle < 0:
            return
        if send(wound.handle, signal.SIGCONT) and not wound.killed:
            wound.went_on_at = clock.now_ns()
        os.close(wound.handle)
        wound.handle = -1

    def _probe(self) -> None:
        """What only hung for a while has healed when the trader says that it is ready, after it went on."""
        status = self._house.ask_trader("status")
        self._sight.look()
        if status is None or not status.ready:
            return
        at = status.at - self._offset_ns
        for wound in self._sight.open_wounds:
            if 0 < wound.went_on_at < at and not wound.killed:
                self._sight.heal(wound, at)

    def _why_not(self) -> str:
        return "; ".join(self._sight.reasons) or "no word of the trader"

    def _wait(self, duration_ns: int) -> None:
        until = clock.now_ns() + duration_ns
        while (left := until - clock.now_ns()) > 0:
            self._turn(min(left, LOOK_NS))

    def _wait_for(self, true: Callable[[], bool], most_ns: int) -> bool:
        until = clock.now_ns() + most_ns
        while not true():
            if clock.now_ns() > until:
                return False
            self._turn()
        return True

    # --- the end

    def _end_market(self) -> None:
        """The session ends, so that nothing moves any more; then book and venue must come to agree."""
        self._house.ask_exchange("end")
        self._wait(SETTLED_NS)
        self._sight.calm = 0
        if not self._wait_for(self._is_quiet, QUIET_NS):
            self._broken.append(
                f"book and venue did not agree {QUIET_NS // SECOND} s after the session: {self._why_not()}"
            )

    def _is_quiet(self) -> bool:
        if self._sight.calm < CALM:
            return False
        status = self._house.ask_trader("status")
        return status is not None and status.ready and status.unknown_orders == 0


def strikes_by(drill: Drill) -> tuple[Strike, ...]:
    """What a drill's seed decides, or one kill after so long each for all of its time."""
    if not drill.every_s:
        return strikes_of(drill.seed, drill.kills)
    count = round(drill.minutes * 60 / drill.every_s) if drill.minutes else drill.kills
    return strikes_every(drill.seed, count, round(drill.every_s * SECOND))


def chaos(
    drill: Drill,
    progress: Callable[[Progress], None],
    state: Path | None = None,
    run: RunSettings | None = None,
) -> Figures:
    """Runs a drill.

    Args:
        drill: what is asked for.
        progress: hears how it goes.
        state: the run's folder; without one a temporary folder, which is taken away when all went well.
        run: what is traded instead of the seed's own run.

    Raises:
        BadInput: a machine runs in the folder.
        BrokenInvariant: the machine cannot be kept going at all.
    """
    run = run if run is not None else run_of(drill.seed)
    root = state if state is not None else Path(tempfile.mkdtemp(prefix="autofutures-chaos-"))
    # Not in the machine's place for sockets, which changes with each supervisor: the exchange outlives them.
    sockets = Path(tempfile.mkdtemp(prefix=SOCKETS))
    try:
        now = clock.now_ns()
        folder = make_folder(
            root,
            run,
            live=True,
            clock_offset_ns=offset_ns(run, now),
            venue_endpoint=f"ipc://{sockets}/exchange",
            write_ahead=drill.write_ahead,
            die_at=drill.die_at,
            minutes=max(LONGEST_MINUTES, drill.minutes + SPARE_MINUTES),
        )
        folder.leave()
        last_strike_at = now + round(drill.minutes * MINUTE) if drill.minutes else 0
        figures = Driver(folder, strikes_by(drill), last_strike_at, progress).run()
    finally:
        shutil.rmtree(sockets, ignore_errors=True)
    if state is None and not figures.violations:
        shutil.rmtree(root)
        figures = msgspec.structs.replace(figures, folder="")
    return figures
