"""What is left of a run when its processes have ended: rows and a page.

Of a replay the recorder's stream alone gives them, and the fold must give the trader's own result: a difference means
that one of them lost something. By the clock a recorder may have been killed, so orders and fills come from the
journal, and the stream gives the market around them; what it lacks is in the result as `ticks_lost`.
"""

import heapq
from collections import Counter
from collections.abc import Iterator

import msgspec

from autofutures.assemble.nodes import make_tally
from autofutures.backtest.run_report import report_of
from autofutures.backtest.runner import Prices, write_rows
from autofutures.domain.errors import BrokenInvariant
from autofutures.domain.messages import (
    AnyMessage,
    Bad,
    Gap,
    Placed,
    Quote,
    Refused,
    Tick,
    Traded,
    decode_frame,
)
from autofutures.ops.folder import Folder
from autofutures.portfolio.tally import Summary
from autofutures.processes.stream import frames_of, read_stream
from autofutures.storage.journal import Journal

Moment = tuple[int, AnyMessage]


def write_outcome(folder: Folder) -> Summary:
    """Writes orders, fills and the report, and returns the run's summary.

    Raises:
        BrokenInvariant: the recorder's stream tells another story than the trader.
    """
    if folder.machine().live:
        return _write_live(folder)
    run = folder.run()
    tally = make_tally(run)
    prices = Prices(run.symbols)
    for envelope in read_stream(folder.stream):
        tally.handle(envelope.body, envelope.at)
        prices.handle(envelope.body, envelope.at)
    recorded = tally.summary()
    traded = msgspec.json.decode(folder.result.read_bytes(), type=Summary)
    if recorded != traded:
        raise BrokenInvariant(
            f"the recorder kept {recorded.orders} orders and {recorded.fills} fills, the trader counted "
            f"{traded.orders} and {traded.fills}: compare {folder.stream} with {folder.journal}"
        )
    write_rows(tally, folder.orders, folder.fills)
    report_of(run, tally, prices.ticks(), folder.report)
    return traded


def _write_live(folder: Folder) -> Summary:
    run = folder.run()
    tally = make_tally(run)
    prices = Prices(run.symbols)
    with Journal.open(folder.journal) as journal:
        held, traded = _journaled(journal, folder.machine().begun_at)
    tally.hold(held)
    for at, message in heapq.merge(_market(folder), traded, key=lambda moment: moment[0]):
        tally.handle(message, at)
        prices.handle(message, at)
    summary = tally.summary()
    folder.result.write_bytes(msgspec.json.encode(summary))
    write_rows(tally, folder.orders, folder.fills)
    report_of(run, tally, prices.ticks(), folder.report)
    return summary


def _market(folder: Folder) -> Iterator[Moment]:
    """The market as it was recorded, with its holes."""
    for _, frame in frames_of(folder.stream):
        for envelope in decode_frame(frame):
            if isinstance(envelope.body, (Tick, Quote, Gap, Bad)):
                yield envelope.at, envelope.body


def _journaled(journal: Journal, since: int) -> tuple[Counter[str], list[Moment]]:
    """The positions of before the run, and what was decided and traded in it."""
    held: Counter[str] = Counter()
    traded: list[Moment] = []
    for batch in journal.batches():
        for message in batch.outputs:
            if batch.at >= since:
                if isinstance(message, (Placed, Traded, Refused)):
                    traded.append((batch.at, message))
            elif isinstance(message, Traded):
                held[message.symbol] += message.side * message.qty
    return held, traded
