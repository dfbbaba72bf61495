"""The loop: the machine's nodes in one process, on virtual time, one market event after the other.

`Lockstep` is what replay means, wherever it runs: all that the venue said of one event is handled, the strategies
answer, the verdicts are settled, due timers ring, and only then comes the next event. Many processes run the same
`Lockstep` with sockets behind its two callables.
"""

import heapq
from collections.abc import Callable, Iterable, Sequence

from autofutures.domain.errors import BadInput, BrokenInvariant
from autofutures.domain.messages import (
    NOT_FOR_STRATEGIES,
    AnyMessage,
    Bad,
    Cancel,
    Command,
    CommandRefused,
    Decision,
    Gap,
    Quote,
    Ready,
    Request,
    SessionEnded,
    Stop,
    Submit,
    Tick,
    WakeAt,
    Woke,
)
from autofutures.gateway import Gateway
from autofutures.matching.exchange import Exchange
from autofutures.matching.model import FeedEvent
from autofutures.portfolio.tally import Tally
from autofutures.strategies.host import Host
from autofutures.trader import Trader

MAX_ROUNDS = 16
"""How often strategies may answer verdicts within one instant, before the machine stops them."""

MAX_RINGS = 1_000
"""How many timers may ring at one moment, before the machine stops."""

_PASSED_ON = frozenset({Tick, Quote, SessionEnded, Woke, Gap})
"""Inputs that strategies hear as they are."""

Ask = Callable[[Sequence[AnyMessage], int], Sequence[Decision]]
"""Lets every strategy hear messages at a time; returns their decisions in strategy order."""

Keep = Callable[[Sequence[AnyMessage], Sequence[AnyMessage], int], None]
"""Keeps inputs and outputs before anything leaves."""


class Lockstep:
    """A trader and its strategies in virtual time.

    Args:
        trader: the node that decides.
        ask: reaches the strategies.
        tell: hears the trader's whole stream: tallies, recorders.
        keep: the journal; called before strategies or venue hear anything of a batch.
    """

    def __init__(
        self, trader: Trader, ask: Ask, tell: Callable[[AnyMessage, int], None], keep: Keep | None = None
    ) -> None:
        self._trader = trader
        self._ask = ask
        self._tell = tell
        self._keep = keep
        self._timers: list[tuple[int, int, Woke]] = []
        self._timer_count = 0
        self._begun = False

    @property
    def wake_at(self) -> int:
        """When the next timer rings; 0 for never."""
        return self._timers[0][0] if self._timers else 0

    def step(self, said: Sequence[AnyMessage], at: int, next_at: int) -> list[Request]:
        """Handles all of one event to its end, and the timers that ring before the next one.

        Args:
            said: reports, then the market; in the sequence in which they are handled.
            at: the event's time.
            next_at: when the next event is due; 0 where there is none, and no timer rings any more.

        Returns:
            Requests for the venue, in order.
        """
        requests: list[Request] = []
        if at and not self._begun:
            self._begin(at)
        self._settle(said, at, requests)
        if self._timers:
            self._ring_before(next_at, requests)
        return requests

    def _begin(self, at: int) -> None:
        """Virtual time begins with the first event: what was asked for earlier rings with it, not years before."""
        self._begun = True
        self._timers = [(max(rings_at, at), number, woke) for rings_at, number, woke in self._timers]
        heapq.heapify(self._timers)

    def _ring_before(self, at: int, requests: list[Request]) -> None:
        rung, last_at = 0, 0
        while self._timers and self._timers[0][0] < at:
            rings_at, _, woke = heapq.heappop(self._timers)
            rung = rung + 1 if rings_at == last_at else 1
            last_at = rings_at
            if rung > MAX_RINGS:
                raise BrokenInvariant(
                    f"{woke.strategy} was woken {MAX_RINGS} times at {rings_at}: "
                    "it asks again for the moment that it is in"
                )
            self._settle((woke,), rings_at, requests)

    def _settle(self, inputs: Sequence[AnyMessage], at: int, requests: list[Request]) -> None:
        """One instant: inputs are handled, strategies answer, and their answers to verdicts are heard to the end."""
        heard = self._handle(inputs, at, requests)
        for _ in range(MAX_ROUNDS):
            if not heard:
                return
            decisions = self._ask(heard, at)
            if not decisions:
                return
            heard = self._handle(decisions, at, requests)
        raise BrokenInvariant(
            f"strategies answered their own verdicts {MAX_ROUNDS} times at {at}: "
            "one of them decides again on every refusal"
        )

    def _handle(self, inputs: Sequence[AnyMessage], at: int, requests: list[Request]) -> Sequence[AnyMessage]:
        """The trader handles inputs; returns what the strategies must hear of it."""
        handle, tell = self._trader.handle, self._tell
        heard: list[AnyMessage] = []
        kept: list[AnyMessage] = []
        for message in inputs:
            outputs = handle(message, at)
            if not outputs and type(message) is Tick:
                tell(message, at)
                if len(inputs) == 1:  # Of most events there is no more to say.
                    return inputs
                heard.append(message)
                continue
            if type(message) in _PASSED_ON:
                if outputs and isinstance(outputs[0], Bad):
                    tell(outputs[0], at)  # No trade, no quote: strategies and counts hear nothing of it.
                    continue
                heard.append(message)
                tell(message, at)
            elif isinstance(message, WakeAt):
                self._timer_count += 1
                woke = Woke(message.strategy, message.at, message.timer)
                heapq.heappush(self._timers, (max(message.at, at), self._timer_count, woke))
            for output in outputs:
                tell(output, at)
                kept.append(output)
                if type(output) not in NOT_FOR_STRATEGIES:
                    heard.append(output)
                elif isinstance(output, (Submit, Cancel)):
                    requests.append(output)
        if self._keep is not None and inputs and (kept or not isinstance(inputs[0], Tick)):
            self._keep(inputs, kept, at)
        return heard


class Engine:
    """Feed, exchange, gateway, trader and strategies in one process.

    Args:
        exchange: the market, simulated.
        trader: the node that decides.
        hosts: the strategies, in order.
        tally: counts what happens.
    """

    def __init__(self, exchange: Exchange, trader: Trader, hosts: Sequence[Host], tally: Tally) -> None:
        self._exchange = exchange
        self._gateway = Gateway()
        self._trader = trader
        self._hosts = tuple(hosts)
        self._only = self._hosts[0] if len(self._hosts) == 1 else None
        self._tally = tally
        self._lockstep = Lockstep(trader, self._ask, tally.handle)

    def run(self, feed: Iterable[FeedEvent], limit: int = 0, commands: Sequence[Command] = ()) -> Tally:
        """Trades a feed to its end, or until `limit` ticks (0: no limit) have been given to the strategies.

        Raises:
            BadInput: a strategy refuses one of the commands that it is given before the first event.
        """
        self._start(commands)
        exchange, lockstep, tally = self._exchange, self._lockstep, self._tally
        events = iter(feed)
        event = next(events, None)
        at, given = 0, 0
        while event is not None:
            following = next(events, None)
            at = event.at
            next_at = following.at if following is not None else 0
            said = exchange.handle(event, at)
            if said or 0 < lockstep.wake_at < next_at:
                requests = lockstep.step(said, at, next_at)
                if requests:
                    self._send(requests)
            if limit:
                given += sum(
                    1 for message in said if isinstance(message, Tick) and message.symbol in tally.symbols
                )
                if given >= limit:
                    break
            event = following
        self._stop(at)
        return tally

    def _start(self, commands: Sequence[Command]) -> None:
        for host in self._hosts:
            said = self._trader.handle(Ready(host.name, host.symbols), 0)
            decisions = [decision for message in said for decision in host.handle(message, 0)]
            for command in commands:
                if command.strategy == host.name:
                    decisions += host.handle(command, 0)
            for decision in decisions:
                if isinstance(decision, CommandRefused):
                    raise BadInput(decision.reason)
            self._send(self._lockstep.step(decisions, 0, 0) if decisions else [])

    def _stop(self, at: int) -> None:
        void = self._exchange.void(at)
        if void:
            self._lockstep.step(void, at, 0)
        for host in self._hosts:
            for decision in host.handle(Stop(at, "the feed has ended"), at):
                self._trader.handle(decision, at)

    def _ask(self, messages: Sequence[AnyMessage], at: int) -> Sequence[Decision]:
        if self._only is not None and len(messages) == 1:
            return self._only.handle(messages[0], at)
        decisions: list[Decision] = []
        for host in self._hosts:
            for message in messages:
                decisions += host.handle(message, at)
        return decisions

    def _send(self, requests: Sequence[Request]) -> None:
        for request in requests:
            for out in self._gateway.handle(request, request.at):
                if isinstance(out, (Submit, Cancel)):
                    self._exchange.handle(out, out.at)
