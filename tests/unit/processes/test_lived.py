from collections import Counter
from pathlib import Path

import msgspec
import pytest

from autofutures.config import RunSettings, StrategySettings, write_run
from autofutures.domain.messages import (
    Accepted,
    AnyMessage,
    Expired,
    Filled,
    OrderChanged,
    Placed,
    Submit,
    Traded,
)
from autofutures.domain.order_life import Status
from autofutures.domain.units import SECOND, OpenClose, OrderType, Side, TimeInForce
from autofutures.market.contract_days import sessions_of
from autofutures.market.sessions import Calendar
from autofutures.matching.ledger import Ledger
from autofutures.ops.folder import Folder
from autofutures.processes.lived import judge
from autofutures.storage.journal import Journal
from tests.makers import intent

AUG = "TAIFEX:TXF202108"
DAYS = (20210817, 20210818)
NIGHT, DAY = sessions_of(AUG, DAYS[0], Calendar())
_, LAST = sessions_of(AUG, DAYS[1], Calendar())


class Books:
    """A journal and the exchange's books beside it, order by order."""

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        self.journal: list[tuple[int, list[AnyMessage]]] = []
        self.ledger = Ledger()
        self._count = 0

    def trade(self, at: int, side: Side, *, fill_id: str = "", over_at: int = 0, there: bool = True) -> None:
        """An order for one contract that is filled a second later; or over unfilled, then, where it is said when."""
        self._count += 1
        client_id, number = f"a{self._count}", self._count
        decided = intent(side, 1, OrderType.MARKET, symbol=AUG, at=at, cause_seq=number)
        ends_at = over_at or at + SECOND
        status = Status.EXPIRED if over_at else Status.FILLED
        changed = OrderChanged(client_id, "s", number, 1, ends_at, AUG, status, 0 if over_at else 1, 0)
        self.journal.append((at, [Placed(client_id, Status.SENT, decided)]))
        self.journal.append((ends_at, [changed]))
        fill = Filled(client_id, ends_at, fill_id or f"F{number}", AUG, side, 1, 17_000)
        if not over_at:
            self.journal[-1][1].append(self._traded(fill, number))
        entry = self.ledger.receive(str(number), _submit(client_id, side, at), at, 1)
        self.ledger.report(entry, Accepted(client_id, at, str(number)), at)
        if over_at:
            self.ledger.report(entry, Expired(client_id, over_at, 1), over_at)
        elif there:
            self.ledger.report(entry, fill, ends_at)

    def settle(self, side: Side) -> None:
        """What was held became money."""
        fill = Filled("", LAST.ends_at, "settled", AUG, side, 1, 17_000)
        self.journal.append((LAST.ends_at, [self._traded(fill, 0)]))

    def _traded(self, fill: Filled, number: int) -> Traded:
        return Traded(
            fill.client_id, "s", number, 1, 1, fill.at, AUG, fill.side, 1, 17_000, 0, 0, 0, fill.fill_id
        )

    def close(self) -> None:
        """Writes both down; the run has lived past its last session."""
        with Journal.open(self.folder.journal) as journal:
            for at, messages in sorted(self.journal, key=lambda batch: batch[0]):
                journal.commit((), messages, at)
            if not any(at >= LAST.ends_at for at, _ in self.journal):
                journal.commit((), [_beat()], LAST.ends_at)
        self.folder.exchange.write_bytes(msgspec.json.encode(self.ledger.statement(1, Counter())))
        self.folder.stream.write_bytes(b"")


def _beat() -> AnyMessage:
    return OrderChanged("none", "s", 0, 0, LAST.ends_at, AUG, Status.WORKING, 0, 1)


def _submit(client_id: str, side: Side, at: int) -> Submit:
    return Submit(
        client_id,
        at,
        AUG,
        side,
        1,
        OrderType.MARKET,
        0,
        TimeInForce.IOC,
        OpenClose.AUTO,
        day_trade=False,
    )


@pytest.fixture
def books(tmp_path: Path) -> Books:
    folder = Folder(tmp_path)
    strategy = StrategySettings(name="s", use="ema_cross", symbols=(AUG,))
    run = RunSettings(symbols=(AUG,), day=DAYS[0], until=DAYS[1], source="recorded", strategies=(strategy,))
    write_run(run, tmp_path / "run.json")
    return Books(folder)


def test_orders_that_end_with_their_session_and_books_that_agree_break_nothing(books: Books) -> None:
    books.trade(DAY.opens_at, Side.BUY)
    books.trade(DAY.opens_at + SECOND, Side.BUY, over_at=DAY.ends_at)
    books.settle(Side.SELL)
    books.close()
    lived = judge(books.folder)
    assert (lived.broken, lived.examples) == (0, ())
    assert (lived.closes, lived.orders, lived.fills) == (4, 2, 2)


def test_an_order_that_outlives_its_session_is_found_in_both_books(books: Books) -> None:
    books.trade(NIGHT.opens_at, Side.BUY, over_at=NIGHT.ends_at + 1)
    books.close()
    lived = judge(books.folder)
    assert (lived.outlived, lived.broken) == (2, 2)
    assert lived.examples[0] == (
        f"order a1 in {AUG}, decided at {NIGHT.opens_at}: over at {NIGHT.ends_at + 1}"
    )
    assert lived.examples[1] == f"order a1 in {AUG} at the exchange: expired at {NIGHT.ends_at + 1}"


def test_what_is_held_after_the_last_session_is_found(books: Books) -> None:
    books.trade(DAY.opens_at, Side.BUY)
    books.close()
    lived = judge(books.folder)
    assert (lived.held_after_expiry, lived.broken) == (1, 1)
    assert lived.examples == (f"1 of {AUG} after its end on 2021-08-18, 0 fills later than that",)


def test_a_fill_that_the_exchange_does_not_know_makes_every_later_close_unequal(books: Books) -> None:
    books.trade(DAY.opens_at, Side.BUY)
    books.trade(DAY.opens_at + SECOND, Side.SELL, there=False)
    books.close()
    lived = judge(books.folder)
    assert lived.unequal_books == 3
    assert f"{AUG} at the end of the day of 2021-08-17: (0, 2) here, (1, 1) there" in lived.examples


def test_an_id_that_comes_twice_is_found_in_both_books(books: Books) -> None:
    books.trade(DAY.opens_at, Side.BUY, fill_id="F")
    books.trade(DAY.opens_at + SECOND, Side.SELL, fill_id="F")
    books.close()
    lived = judge(books.folder)
    assert lived.repeated_ids == 2
    assert lived.examples == ("fill F: 2 times", "fill at the exchange F: 2 times")
