"""A house whose venue is the broker itself, with its own books and its faults."""

from autofutures.assemble.market import make_broker
from autofutures.config import RunSettings
from autofutures.domain.messages import AnyMessage, Cancel, LinkChanged, Query, Submit, Tick
from autofutures.matching.broker import Broker
from autofutures.matching.ledger import OrderLine
from autofutures.seats.gateway import GatewaySeat
from tests.makers import TXF
from tests.unit.seats.house import FakeVenue, House


class BrokerVenue(FakeVenue):
    """The link to a broker, in one session."""

    def __init__(self, broker: Broker) -> None:
        super().__init__()
        self.broker = broker
        self.now = 0

    def send(self, *messages: AnyMessage) -> None:
        for message in messages:
            if isinstance(message, (Submit, Cancel, Query)):
                self.broker.hear(message, self.broker.session, self.now)

    def pump(self) -> None:
        """What the broker says by now."""
        self.said += [(message, self.now) for message in self.broker.say(self.now)]


class BrokerHouse(House):
    """All seats of a run, and its broker.

    Attributes:
        link_kind: the link to the broker.
        late: pairs (sender, receiver) whose frames are kept in `held`, until a test lets them go on.
    """

    link_kind: type[BrokerVenue] = BrokerVenue

    def __init__(self, run: RunSettings) -> None:
        self.broker = make_broker(run)
        self.late: set[tuple[str, str]] = set()
        self.held: list[tuple[str, str, bytes]] = []
        self._link = self.link_kind(self.broker)
        super().__init__(run)

    def new_gateway(self) -> GatewaySeat:
        self.venue = self._link
        return super().new_gateway()

    def carry(self, sender: str, receiver: str, data: bytes) -> bool:
        if (sender, receiver) in self.late:
            self.held.append((sender, receiver, data))
            return True
        return super().carry(sender, receiver, data)

    def let_go(self) -> None:
        """What was kept back arrives."""
        self.late.clear()
        self.frames.extend(self.held)
        self.talk()

    def talk(self) -> None:
        self._link.now = self.now
        self._link.pump()
        super().talk()
        while self.broker.due_at <= self.now:
            self._link.pump()
            super().talk()

    def link(self, *, up: bool) -> None:
        cut = LinkChanged("paper", self.now, up=False, session=self.broker.session, reason="cut")
        said = self.broker.connect(self.now) if up else (cut,)
        self.venue.said += [(message, self.now) for message in said]
        self.talk()

    def trade(self, *prices: int, symbol: str = TXF, qty: int = 50) -> None:
        """Trades of the market, 1 ms apart, and what comes of each."""
        for price in prices:
            self.now += 1_000_000
            self._link.now = self.now
            self.broker.market(Tick(symbol, self.now, price, qty), self.now)
            self.talk()

    @property
    def at_broker(self) -> tuple[OrderLine, ...]:
        """Every order that reached the broker, by its own books."""
        return self.broker.statement().orders
