"""A trader and its judge, without a house around them."""

import pytest

from autofutures.assemble.nodes import make_trader
from autofutures.config import RunSettings, StrategySettings
from autofutures.domain.errors import BrokenInvariant
from autofutures.domain.messages import AnyMessage, BookMode, Intent, Submit
from autofutures.domain.units import Mode
from autofutures.simulation.books import Books
from autofutures.simulation.judge import Judge
from tests.makers import OPEN, TXF, filled, tick

RUN = RunSettings(
    symbols=(TXF,),
    day=20210726,
    source="recorded",
    strategies=(StrategySettings(name="s", use="pinger", symbols=(TXF,)),),
    limits={"position": {"max_contracts": 5}},
)


class Bench:
    """The trader's words are kept unless a test says otherwise; orders reach the broker's books at once."""

    def __init__(self, run: RunSettings = RUN) -> None:
        self.trader = make_trader(run)
        self.judge = Judge(run, lambda: OPEN)
        self.books = Books(self.judge, run)
        self.judge.kept(self.trader, (), (BookMode(OPEN, Mode.NORMAL, ()),))
        self.hear(tick())

    def hear(self, message: AnyMessage) -> list[AnyMessage]:
        said = list(self.trader.handle(message, OPEN))
        self.judge.kept(self.trader, (message,), said)
        return said

    def order(self, wanted: Intent) -> Submit:
        (sent,) = [said for said in self.hear(wanted) if isinstance(said, Submit)]
        self.reach(sent)
        return sent

    def reach(self, sent: Submit) -> None:
        self.books.receive(f"B{len(self.books.orders) + 1}", sent, OPEN, 1)

    def fill(self, sent: Submit, qty: int, fill_id: str = "F1") -> None:
        report = filled(sent.client_id, fill_id, sent.side, qty, 17_400)
        (entry,) = self.books.of_client(sent.client_id)
        self.books.report(entry, report, OPEN)
        self.hear(report)


def refuses(why: str) -> pytest.RaisesExc[BrokenInvariant]:
    return pytest.raises(BrokenInvariant, match=why)
