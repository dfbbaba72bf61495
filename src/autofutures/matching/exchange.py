"""The exchange as a node: hears orders and the feed, says reports and then the market, event by event.

A report has its event's time and is said just before that event. An order acts before the first later event whose
time is at or after `now + latency`, never on its cause. Market models decide prices; this node decides who and when.
"""

import heapq
from collections.abc import Mapping, Sequence

from autofutures.domain.errors import BadInput, BrokenInvariant
from autofutures.domain.messages import (
    Accepted,
    Cancel,
    Canceled,
    Expired,
    Filled,
    Quote,
    Rejected,
    Report,
    Request,
    SessionEnded,
    Submit,
    Tick,
)
from autofutures.market.limits import Bands
from autofutures.matching.model import FeedEvent, Market, Order, Outcome

Said = Report | Tick | Quote | SessionEnded


class Exchange:
    """A simulated exchange for the given markets.

    Args:
        markets: one model by symbol.
        latency_ns: from an order's leaving the trader to its reaching the market.
        name: marks its ids, which must be unique for the life of a journal.
        bands: price limits by symbol that are others on each day; a symbol without keeps its market's own.
    """

    def __init__(
        self,
        markets: Mapping[str, Market],
        latency_ns: int = 0,
        name: str = "X",
        bands: Mapping[str, Bands] | None = None,
    ) -> None:
        self._markets = dict(markets)
        self._bands = dict(bands or {})
        self.symbols = frozenset(self._markets)
        self._deaf = frozenset(s for s, market in self._markets.items() if not market.hears_when_idle)
        self._latency_ns = latency_ns
        self._name = name
        self._pending: list[tuple[int, int, Request]] = []
        self._live: dict[str, Submit] = {}
        self._arrivals = 0
        self._fills = 0

    def handle(self, message: Request | FeedEvent, now: int) -> Sequence[Said]:
        """Takes a request, or the next event of the feed.

        Raises:
            BadInput: the feed's symbol has no market here.
        """
        if type(message) is Tick and not self._live and not self._pending and message.symbol in self._deaf:
            return (message,)  # As `is_idle`, which costs more than all the rest of this way.
        if isinstance(message, (Submit, Cancel)):
            self._arrivals += 1
            heapq.heappush(self._pending, (now + self._latency_ns, self._arrivals, message))
            return ()
        market = self._market(message.symbol)
        self._limit(message.symbol, market, message.at)
        said: list[Said] = []
        shown: list[Said] = []
        while self._pending and self._pending[0][0] <= message.at:
            self._act(heapq.heappop(self._pending)[2], message.at, said, shown)
        if isinstance(message, SessionEnded):
            self._end_session(message, market, said)
            shown.append(message)
        else:
            self._tell(market.hear(message), message.at, said, shown)
        said += shown  # Reports of an event come before what the market shows of it.
        return said

    def void(self, at: int) -> list[Expired]:
        """The exchange closes: what works here or is on its way will never trade, and is said to be over."""
        said = [
            Expired(client_id, at, left)
            for market in self._markets.values()
            for client_id, left in market.close()
        ]
        on_their_way = [request for _, _, request in sorted(self._pending, key=lambda entry: entry[:2])]
        said += [
            Expired(request.client_id, at, request.qty)
            for request in on_their_way
            if isinstance(request, Submit)
        ]
        self._live.clear()
        self._pending.clear()
        return said

    def set_limits(self, symbol: str, low_ticks: int, high_ticks: int) -> None:
        """A new trading day has new price limits, in ticks, until they are set again."""
        self._bands[symbol] = Bands({0: (low_ticks, high_ticks)})

    def is_idle(self, symbol: str) -> bool:
        """Whether a trade of the symbol can do nothing here but be passed on: no order of ours is in or on its way."""
        return not (self._pending or self._live or self._market(symbol).hears_when_idle)

    def _limit(self, symbol: str, market: Market, at: int) -> None:
        """Prices are within the limits of the day."""
        if symbol in self._bands:
            market.set_limits(*self._bands[symbol].at(at))

    def _market(self, symbol: str) -> Market:
        market = self._markets.get(symbol)
        if market is None:
            raise BadInput(
                f"{symbol} is not traded here: this exchange has {', '.join(sorted(self._markets))}"
            )
        return market

    def _act(self, request: Request, at: int, said: list[Said], shown: list[Said]) -> None:
        """A request reaches its market."""
        market = self._markets.get(request.symbol)
        if market is None:
            of_cancel = isinstance(request, Cancel)
            said.append(Rejected(request.client_id, at, f"{request.symbol} is not traded here", of_cancel))
            return
        if isinstance(request, Cancel):
            left = market.cancel(request.client_id)
            if left is None:
                reason = "nothing to cancel: the order is not in the market"
                said.append(Rejected(request.client_id, at, reason, of_cancel=True))
            else:
                del self._live[request.client_id]
                said.append(Canceled(request.client_id, at, left, "asked to"))
            return
        self._limit(request.symbol, market, at)
        self._arrivals += 1
        order = Order(
            client_id=request.client_id,
            side=request.side,
            type=request.type,
            tif=request.tif,
            price_ticks=request.price_ticks,
            left=request.qty,
            arrival=self._arrivals,
        )
        if request.client_id in self._live:
            raise BrokenInvariant(
                f"order {request.client_id} reached the exchange twice: the gateway must not let it"
            )
        self._live[request.client_id] = request
        outcome = market.enter(order, at)
        if not outcome.rejected:
            said.append(Accepted(request.client_id, at, f"{self._name}{self._arrivals}"))
        self._tell(outcome, at, said, shown)

    def _tell(self, outcome: Outcome, at: int, said: list[Said], shown: list[Said]) -> None:
        for client_id, reason in outcome.rejected:
            del self._live[client_id]
            said.append(Rejected(client_id, at, reason))
        for execution in outcome.executions:
            self._fills += 1
            order = self._live[execution.client_id]
            said.append(
                Filled(
                    client_id=execution.client_id,
                    at=at,
                    fill_id=f"{self._name}F{self._fills}",
                    symbol=order.symbol,
                    side=order.side,
                    qty=execution.qty,
                    price_ticks=execution.price_ticks,
                )
            )
        for client_id, left, reason in outcome.canceled:
            del self._live[client_id]
            said.append(Canceled(client_id, at, left, reason))
        for client_id in outcome.done:
            del self._live[client_id]
        shown.extend(outcome.market)

    def _end_session(self, ended: SessionEnded, market: Market, said: list[Said]) -> None:
        """Voids what works in the market, and what is still on its way to it."""
        for client_id, left in market.close():
            del self._live[client_id]
            said.append(Expired(client_id, ended.at, left))
        late = sorted(entry for entry in self._pending if entry[2].symbol == ended.symbol)
        self._pending = [entry for entry in self._pending if entry[2].symbol != ended.symbol]
        heapq.heapify(self._pending)
        for _, _, request in late:
            if isinstance(request, Submit):
                said.append(Expired(request.client_id, ended.at, request.qty))
