"""A machine whose alerts are read as the alerts process reads them, on a clock that tests move."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import msgspec
import pytest

from autofutures.bus.sockets import Hub
from autofutures.config import RunSettings, StrategySettings, write_run
from autofutures.domain.messages import AnyMessage, Query, Rejected, Report, Snapshot, Submit, VenueOrder
from autofutures.domain.units import SECOND
from autofutures.matching.broker import Broker
from autofutures.ops import host
from autofutures.ops.folder import Folder, make_folder
from autofutures.orders.policy import Policy
from autofutures.processes.alerts import LOOK_EVERY_NS, Sources
from autofutures.processes.live_trader import LiveTrader
from autofutures.seats.port import BEAT_NS, TRADER
from autofutures.seats.trader import TraderSeat
from autofutures.storage.journal import Journal
from autofutures.telemetry.alerts import AlertBook, Notice, Told
from autofutures.telemetry.logs import open_log
from tests.makers import TXF
from tests.unit.seats.broker_house import BrokerHouse, BrokerVenue
from tests.unit.seats.house import End

PROMISE_NS = 5 * SECOND
BUY, SELL = 7, 8
"""The size of a trade at which the strategies buy, or sell."""

PRICE = 17_400

STRATEGIES = f"""
from autofutures.domain.messages import ExitPlan
from autofutures.strategies.base import Strategy


class Own(Strategy):
    def on_tick(self, tick, ctx):
        if tick.qty == {BUY}:
            ctx.buy_market(1)
        elif tick.qty == {SELL}:
            ctx.sell_market(1)


class Plans(Strategy):
    exits = "plans"
    exit_plans = (ExitPlan(stop_ticks=50),)

    def on_tick(self, tick, ctx):
        if tick.qty == {BUY}:
            ctx.buy_market(1, exit=1)
"""


class Wire(BrokerVenue):
    """The link to a broker that can be told to misbehave.

    Attributes:
        mute: neither reports nor lists are said.
        refuses: no order is taken.
        beside: what somebody else holds in the account, by symbol.
        rows: somebody else's orders.
        queries: how often it was asked for its lists.
    """

    def __init__(self, broker: Broker) -> None:
        super().__init__(broker)
        self.mute = self.refuses = False
        self.beside: dict[str, int] = {}
        self.rows: tuple[VenueOrder, ...] = ()
        self.queries = 0

    def send(self, *messages: AnyMessage) -> None:
        for message in messages:
            self.queries += isinstance(message, Query)
            if self.refuses and isinstance(message, Submit):
                self.said.append((Rejected(message.client_id, self.now, "no margin"), self.now))
            else:
                super().send(message)

    def pump(self) -> None:
        before, self.said = self.said, []
        super().pump()
        self.said = [
            *before,
            *((self._seen(message), at) for message, at in self.said if self._says(message)),
        ]

    def _says(self, message: AnyMessage) -> bool:
        return not (self.mute and isinstance(message, (Report, Snapshot)))

    def _seen(self, message: AnyMessage) -> AnyMessage:
        if not isinstance(message, Snapshot):
            return message
        symbols = {*message.positions, *self.beside}
        held = {symbol: message.positions.get(symbol, 0) + self.beside.get(symbol, 0) for symbol in symbols}
        return msgspec.structs.replace(message, positions=held, orders=(*message.orders, *self.rows))


class Ends:
    """What a trader's driver takes for its hub."""

    imposters = 0

    def __init__(self, house: "AlertHouse") -> None:
        self._end = End(house, TRADER)

    def offer(self, peer: str, data: bytes) -> bool:
        return self._end.send(peer, data)


class Ears:
    """The alerts process without its messengers: what it has read, and what it would tell a person now."""

    def __init__(self, folder: Folder) -> None:
        self._sources = Sources(folder, open_log(folder.log("alerts"), "alerts"))
        self._book = AlertBook(["desk"])

    def told(self, now: int) -> list[Notice]:
        for raised in self._sources.news():
            self._book.fold(raised)
        due = self._book.due(now)
        for one in due:
            self._book.fold(Told(one.name, one.subject, one.target, one.count, now))
        return due


class AlertHouse(BrokerHouse):
    """All seats of a live run; its trader has the run's driver, folder, journal and log."""

    link_kind = Wire

    def __init__(self, folder: Folder, run: RunSettings, patch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.words = open_log(folder.log("trader"), "trader")
        self.clock = host.Clock("synchronised", 0.1, 1.0)
        self.free_mb = 4_096
        self.heard: list[Notice] = []
        patch.setattr("autofutures.ops.host.clock_of_kernel", lambda: self.clock)
        patch.setattr("autofutures.ops.host.memory_free_mb", lambda: self.free_mb)
        patch.setattr("autofutures.clock.now_ns", lambda: self.now)
        patch.setattr("autofutures.clock.stopwatch_ns", lambda: self.now)
        super().__init__(run)
        self.ears = Ears(folder)

    @property
    def wire(self) -> Wire:
        assert isinstance(self._link, Wire)
        return self._link

    def open_journal(self) -> Journal:
        return Journal.open(self.folder.journal)

    def new_trader(self, *, write_ahead: bool = True) -> TraderSeat:
        self.live = LiveTrader(self.folder, cast("Hub", Ends(self)), self.journal, self.words)
        self.trader = self.live.seat
        self.trader.start(self.now)
        return self.trader

    def trades_now(self, run: RunSettings) -> None:
        """The trader begins anew, and the run is another one."""
        write_run(run, self.folder.root / "run.json")
        self.new_trader()

    def beat(self, times: int = 1) -> None:
        for _ in range(times):
            self.now += BEAT_NS
            for seat in (self.gateway, self.recorder, self.strategy):
                seat.beat(self.now)
            self.live.beat(self.now)
            self.talk()

    def until_asked(self) -> None:
        """The venue was asked for its lists just now: the next time is as far away as it can be."""
        before = self.wire.queries
        while self.wire.queries == before:
            self.beat()

    def order(self, what: int, price: int = PRICE) -> None:
        """The strategy orders, and the next trade fills it."""
        self.trade(price, qty=what)
        self.trade(price)

    def listen(self) -> None:
        """The alerts process looks."""
        self.heard += self.ears.told(self.now)

    def names(self) -> list[str]:
        """Every alert that was told so far."""
        return [notice.name for notice in self.heard]

    def tells(self, name: str, prices: Sequence[int] = ()) -> None:
        """Whether a person hears of it in time, while the market trades at these prices, the last one for ever."""
        began, waits = self.now, list(prices)
        while name not in self.names():
            if waits:
                self.trade(waits.pop(0) if len(waits) > 1 else waits[0])
            self.beat()
            self.listen()
            assert self.now - began + LOOK_EVERY_NS <= PROMISE_NS, f"no {name}, but {self.heard}"


def a_run(place: Path, name: str = "Own", *, book_stop: int = 10**9, **changes: object) -> RunSettings:
    """One strategy that does as the market's sizes say."""
    source = place / "strategies.py"
    source.write_text(STRATEGIES)
    strategy = StrategySettings(
        name="pinger",
        use=f"{source}:{name}",
        symbols=(TXF,),
        exits="own" if name == "Own" else "plans",
        book_stop=book_stop,
    )
    run = RunSettings(
        symbols=(TXF,), day=20210726, source="steady", strategies=(strategy,), policy=Policy(reconciles=True)
    )
    return msgspec.convert({**msgspec.structs.asdict(run), **changes}, RunSettings)


@contextmanager
def watched(place: Path, run: RunSettings, patch: pytest.MonkeyPatch) -> Iterator[AlertHouse]:
    """A machine that has traded for a while, and of which nothing is told."""
    patch.setenv("XDG_CONFIG_HOME", str(place / "config"))
    patch.setattr("tempfile.tempdir", str(place))
    folder = make_folder(place / "run", run, live=True)
    try:
        with AlertHouse(folder, run, patch) as house:
            house.begin()
            for _ in range(20):
                house.trade(PRICE)
                house.beat()
            house.listen()
            assert house.heard == []
            yield house
    finally:
        folder.leave()
