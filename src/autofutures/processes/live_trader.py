"""The trader process by the clock: hears what waits, keeps it, sends; beats when nobody speaks.

Nothing is logged between a trade and its order: what a person may want to read is written down at the next beat.
"""

from pathlib import Path

import msgspec
import zmq

from autofutures.bus.curve import load_keys
from autofutures.bus.sockets import LIVE_QUEUE, Hub
from autofutures.config import RunSettings
from autofutures.domain.messages import Alert, Leave
from autofutures.domain.units import SECOND
from autofutures.ops import host
from autofutures.ops.folder import Folder
from autofutures.ops.process import Life, Log, Replaced
from autofutures.ops.risk_shown import risk_shown
from autofutures.orders.risk_use import Uses
from autofutures.processes.live import HubPort, LiveClock, Pulse, await_lock, watch_of
from autofutures.seats.freshness import silent_markets
from autofutures.seats.glance import Glance
from autofutures.seats.noticed import Noticed
from autofutures.seats.port import GATEWAY, MOST_MESSAGES
from autofutures.seats.readiness import Readiness
from autofutures.seats.trader import TraderSeat
from autofutures.storage.journal import Journal

FAREWELL_NS = 2 * SECOND
"""How long those who were told to stop may take to say what to keep, and the venue to answer what is under way."""


USES_NS = SECOND
"""How often the use of limits is looked at."""


class LiveTrader:
    """Drives the trader's seat.

    Args:
        folder: the run's.
        hub: everyone's way to it.
        journal: what earlier lives did.
        log: for people.
    """

    def __init__(self, folder: Folder, hub: Hub, journal: Journal, log: Log) -> None:
        self._folder = folder
        self._run: RunSettings = folder.run()
        self._hub = hub
        self._log = log
        machine = folder.machine()
        self._clock = LiveClock(machine)
        self.seat = TraderSeat(
            self._run,
            journal,
            HubPort(hub),
            watch=watch_of(folder, "trader"),
            write_ahead=machine.write_ahead,
        )
        self._life = Life()
        self._verdict: Readiness | None = None
        self._host, self._look_at = host.look(), 0
        self._bounds = host.Bounds(machine.clock_ms, machine.free_mb)
        self._quiet_ns = machine.quiet_s * SECOND
        self._noticed = Noticed()
        trader = self.seat.trader
        self._uses = Uses(trader.gate, trader.risk, trader.account, trader.stake)
        self._uses_at = 0
        self._glance = Glance(self._run, self.seat)
        self._policies: dict[str, str] = {one.name: one.on_stop for one in self._run.strategies}
        self._imposters = 0
        self._resumed = self._waits = self._ending = False
        self.over = False

    def serve(self) -> None:
        """Trades until a person asks for the end and all is in order."""
        seat, hub, now_of = self.seat, self._hub, self._clock.now
        facts = seat.start(now_of())
        self._log.info("recovered", facts=facts, epoch=seat.epoch)
        self._resume(now_of())
        pulse = Pulse(now_of())
        while not self.over:
            heard = hub.take()
            now = now_of()
            if heard is not None:
                seat.hear(*heard, now)
                if seat.heard < MOST_MESSAGES and not pulse.is_late(now):
                    continue
            seat.settle(now)
            if pulse.is_due(now):
                self._life.check()
                self.beat(now)
            elif 0 < seat.wake_at <= now:
                seat.ring(now)
            elif heard is None:
                hub.wait(pulse.wait_ms(now, seat.wake_at))

    def beat(self, now: int) -> None:
        """Time has come this far: looks at the computer and at what a person must hear, and answers questions."""
        seat = self.seat
        if now >= self._look_at:
            self._look_at = now + host.EVERY_NS
            self._host = host.look()
        seat.beat(now, host.trouble_of(self._host, self._bounds))
        silent = silent_markets(seat.trader.view, self._run.symbols, self._quiet_ns, now)
        verdict = seat.readiness(now, silent)
        seat.news += self._noticed.look(verdict, silent)
        if now >= self._uses_at:
            self._uses_at = now + USES_NS
            seat.news += self._noticed.limits(self._uses.look(now), now)
        self._tell_news()
        if self._verdict is None or _gist(verdict) != _gist(self._verdict):
            self._log.info("readiness", **msgspec.to_builtins(verdict))
        self._verdict = verdict
        killed = seat.trader.inquiry.standing.killed
        if killed is not None and killed.epoch > seat.epoch and not seat.stop_at:
            raise Replaced(
                f"the kill switch does not hear traders below {killed.epoch} any more: the next begins"
            )
        for person, ask in seat.desk.take_questions():
            seat.desk.reply(person, ask.flow, self._answer(ask.what, verdict))
        if seat.desk.stop_asked or seat.stop_at:
            self._end(now)

    def _tell_news(self) -> None:
        news, self.seat.news = self.seat.news, []
        for message in news:
            said = msgspec.structs.asdict(message)
            if isinstance(message, Alert):
                self._log.error("alert", **said)
            else:
                self._log.warning(type(message).__name__.lower(), **said)
        if self._hub.imposters > self._imposters:
            self._imposters = self._hub.imposters
            self._log.warning("not heard: a key under another role's name", frames=self._imposters)

    def _resume(self, now: int) -> None:
        """A stop in whose middle the life before died goes on, within its own bound; after that it is given up."""
        seat, begun = self.seat, self.seat.trader.leaving.begun
        if begun is None:
            return
        late = self._is_late(begun, now)
        self._log.warning("a stop was under way", given_up=late)
        if late:
            seat.decide(Leave(now, {}), now)
            return
        self._resumed = self._waits = True
        seat.stop(now, "the stop goes on")
        seat.waits_for = {f"strategy/{name}" for name in self._policies}  # Each is told when it greets.

    def _go_on(self, now: int) -> None:
        """What the policies ask for is asked again once there is a link; when it is late, only to say what is left."""
        seat, begun = self.seat, self.seat.trader.leaving.begun
        there = self._verdict is not None and self._verdict.lives[GATEWAY] > 0
        if begun is None or (there and seat.trader.inquiry.standing.link_up) or self._is_late(begun, now):
            self._waits = False
            seat.decide(begun or Leave(now, self._policies), now)

    def _is_late(self, begun: Leave | None, now: int) -> bool:
        return begun is not None and now - begun.at > self._run.policy.leave_ns

    def _end(self, now: int) -> None:
        """Step by step: strategies say what to keep, lots and orders go as each one's policy says; then all others."""
        seat, leaving = self.seat, self.seat.trader.leaving
        if not seat.stop_at:
            seat.stop(now, "a person asked")
            seat.decide(Leave(now, self._policies), now)
        if self._waits:
            self._go_on(now)
        waited = now - seat.stop_at
        unmet = self._verdict is None or not all(self._verdict.lives.values())
        under_way = seat.waits_for or seat.trader.orders.unanswered() or (self._resumed and unmet)
        leaves = (self._waits or leaving.is_under_way(now)) and not self._is_late(leaving.begun, now)
        if not self._ending and not leaves and (not under_way or waited > FAREWELL_NS):
            self._ending = True
            seat.decide(Leave(now, {}, over=True), now)
            self._tell_news()
            seat.end(now)
        elif self._ending and (not seat.waits_for or waited > 2 * FAREWELL_NS):
            self._folder.result.write_bytes(msgspec.json.encode(seat.tally.summary()))
            self._log.info("stopped", silent=sorted(seat.waits_for))
            self.over = True

    def _answer(self, what: str, verdict: Readiness) -> dict[str, object]:
        trader = self.seat.trader
        if what == "risk":
            return risk_shown(trader, verdict.at)
        if what == "leaving":
            shown = trader.leaving.shown(self._policies, self._run.policy.leave_ns, verdict.at)
            return {"strategies": msgspec.to_builtins(shown)}
        return self._status(verdict)

    def _status(self, verdict: Readiness) -> dict[str, object]:
        seat = self.seat
        standing = seat.trader.inquiry.standing
        return {
            "run": str(self._folder.root),
            "live": True,
            "at": verdict.at,
            "epoch": seat.epoch,
            "events": seat.trader.market_seq,
            **msgspec.to_builtins(seat.tally.summary()),
            "positions": {symbol: qty for symbol, qty in seat.positions().items() if qty},
            "strategies": [strategy.name for strategy in self._run.strategies],
            "mode": standing.mode.name,
            "ready": verdict.ready,
            "reasons": list(verdict.reasons),
            "uncovered_lots": verdict.uncovered_lots,
            "unknown_orders": seat.unknown_orders(),
            "lives": verdict.lives,
            "host": msgspec.to_builtins(self._host),
            **self._glance.look(verdict.at),
        }


def _gist(verdict: Readiness) -> tuple[object, ...]:
    """What of a verdict is worth a line when it changes."""
    return (verdict.ready, tuple(reason.partition(" for ")[0] for reason in verdict.reasons), verdict.lives)


def trade(folder: Folder, log: Log) -> None:
    """Trades until a person asks for the end."""
    machine = folder.machine()
    await_lock(folder.journal, log)
    with Journal.open(folder.journal, durability=machine.durability) as journal:
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        keys = load_keys(Path(machine.keys), "trader")
        hub = Hub(context, folder.endpoint("trader"), keys, queue=LIVE_QUEUE)
        LiveTrader(folder, hub, journal, log).serve()
        hub.close()
        context.term()
