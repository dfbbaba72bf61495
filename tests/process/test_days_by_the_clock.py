"""A machine by the clock lives through sessions on end: it is logged out after each, and logs in for the next."""

import time
from pathlib import Path

import msgspec
import pytest

from autofutures import clock
from autofutures.assemble.market import START_TICKS, sessions_on_end
from autofutures.domain.errors import Refusal
from autofutures.domain.messages import LinkChanged
from autofutures.domain.units import SECOND
from autofutures.market.limits import band, limit_percent_bp
from autofutures.matching.ledger import Statement
from autofutures.matching.margins import initial_margin
from autofutures.ops.folder import Folder
from autofutures.ops.operator import Operator
from autofutures.processes.alerts import BATCHES_AT_ONCE, Sources
from autofutures.storage.journal import Journal
from autofutures.telemetry.alerts import Raised
from autofutures.telemetry.logs import open_log
from tests.process.live import LiveMachine, assert_equal, pinging
from tests.runs import TXF

FIRST_LEAD_NS, LEAD_NS = 12 * SECOND, 4 * SECOND
"""The clock is so long before the first open, and before each later one."""
TRADES_NS = 6 * SECOND
PERIOD_NS = TRADES_NS + 14 * SECOND
"""From open to open by the computer's clock: trades, the last comparison of books, the log-out, and the lead."""
PATIENCE_S = 90


@pytest.mark.timeout(240)
def test_the_machine_logs_in_again_for_each_session_and_no_order_outlives_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    ticks_per_s = 10
    run = pinging(every=7, ticks_per_s=ticks_per_s)
    trades = TRADES_NS * ticks_per_s // SECOND
    run = msgspec.structs.replace(run, until=20260804, trades=trades)
    day, night, _ = sessions_on_end(run)
    opens_at = clock.now_ns() + FIRST_LEAD_NS
    jumps = (
        (0, day.opens_at - opens_at),
        (opens_at + PERIOD_NS - LEAD_NS, night.opens_at - opens_at - PERIOD_NS),
    )
    with LiveMachine(tmp_path / "run", run, clock_jumps=jumps) as machine:  # type: ignore[arg-type]
        ledger = until_traded(machine, night.opens_at)
        machine.until_ready()
        machine.until_books_are_equal()
        with Operator(machine.folder) as operator:
            risk = operator.ask("risk")
        last = machine.stop()

    assert ledger.sessions >= 2
    # Where the processes start slowly the first session has passed before the first order: the next one has not.
    orders = {session: [one for one in last.orders if session.holds(one.at)] for session in (day, night)}
    assert sum(map(len, orders.values())) == len(last.orders)
    assert orders[night]
    for session, entered in orders.items():
        assert all(not one.left and one.moved_at <= session.ends_at for one in entered)
    assert not {one.session for one in orders[day]} & {one.session for one in orders[night]}
    assert_equal(machine.folder, last)
    settled = START_TICKS + (trades - 1) % 7
    link = logins(machine)[-1]
    assert link.limits == {TXF: band(settled, limit_percent_bp(night.day))}
    assert link.margins == {TXF: initial_margin(settled, 200)}
    told = {"initial": link.margins[TXF], "told": link.margins[TXF], "set": 0}
    assert risk["margins"] == {TXF: told}
    # The session is cut short here: by the calendar the login is still in its day.
    assert risk["limits_told"] == {TXF: [*link.limits[TXF], night.accepts_from]}
    assert told_people(machine.folder) == []
    assert b"the market's session is over: log in for the next" in machine.folder.log("gateway").read_bytes()


def logins(machine: LiveMachine) -> list[LinkChanged]:
    """Each login, as the trader heard it."""
    with Journal.open(machine.folder.journal) as journal:
        heard = [message for batch in journal.batches() for message in batch.inputs]
    return [message for message in heard if isinstance(message, LinkChanged) and message.up]


def told_people(folder: Folder) -> list[Raised]:
    """All that the alerts process would have told people of."""
    sources = Sources(folder, open_log(folder.log("test"), "test"))
    with Journal.open(folder.journal) as journal:
        reads = journal.head.number // BATCHES_AT_ONCE + 1
    return [raised for _ in range(reads) for raised in sources.news()]


def until_traded(machine: LiveMachine, since: int) -> Statement:
    """The broker's books, once an order that came after a moment is filled."""
    ends = time.monotonic() + PATIENCE_S
    seen: object = None
    while time.monotonic() < ends:
        try:
            ledger = machine.ledger()
        except (Refusal, OSError) as error:
            seen = error
            continue
        if any(fill.at > since for fill in ledger.fills):
            return ledger
        seen = ledger.sessions, len(ledger.orders), machine.verdict()
        time.sleep(0.2)
    raise AssertionError(f"nothing was traded after {since}: {seen}")
