"""What is left of a run when its processes have ended: rows and a page, from the recorder's stream alone.

The fold of the stream must give the trader's own result: a difference means that one of them lost something.
"""

import msgspec

from autofutures.assemble.nodes import make_tally
from autofutures.backtest.run_report import report_of
from autofutures.backtest.runner import ticks_of, write_rows
from autofutures.domain.errors import BrokenInvariant
from autofutures.domain.messages import Tick
from autofutures.ops.folder import Folder
from autofutures.portfolio.tally import Summary
from autofutures.processes.stream import read_stream


def write_outcome(folder: Folder) -> Summary:
    """Writes orders, fills and the report, and returns the run's summary.

    Raises:
        BrokenInvariant: the recorder's stream tells another story than the trader.
    """
    run = folder.run()
    tally = make_tally(run)
    prices: dict[str, list[tuple[int, int]]] = {symbol: [] for symbol in run.symbols}
    for envelope in read_stream(folder.stream):
        tally.handle(envelope.body, envelope.at)
        if isinstance(envelope.body, Tick):
            prices[envelope.body.symbol].append((envelope.at, envelope.body.price_ticks))
    recorded = tally.summary()
    traded = msgspec.json.decode(folder.result.read_bytes(), type=Summary)
    if recorded != traded:
        raise BrokenInvariant(
            f"the recorder kept {recorded.orders} orders and {recorded.fills} fills, the trader counted "
            f"{traded.orders} and {traded.fills}: compare {folder.stream} with {folder.journal}"
        )
    write_rows(tally, folder.orders, folder.fills)
    report_of(run, tally, {symbol: ticks_of(rows) for symbol, rows in prices.items()}, folder.report)
    return traded
