"""Journals as a real trader writes them: whole generated days, and small ones whose every message a test chooses."""

from collections.abc import Callable, Sequence
from pathlib import Path

from autofutures.assemble import nodes
from autofutures.assemble.market import make_exchange, make_feed
from autofutures.config import RunSettings, StrategySettings
from autofutures.domain.messages import AnyMessage
from autofutures.engine import Engine
from autofutures.orders.book import Orders
from autofutures.orders.ids import ClientIds
from autofutures.portfolio.costs import Costs
from autofutures.risk.gate import make_gate
from autofutures.storage.journal import Journal
from autofutures.trader import Trader
from tests.runs import DAY, TXF, ema

Keep = Callable[[Sequence[AnyMessage], Sequence[AnyMessage], int], None]

CONDITIONS = StrategySettings(
    name="sr",
    use="support_resistance",
    symbols=(TXF,),
    conditions={
        f"c{n}": {
            "side": side,
            "trigger": 17_400 + move,
            "turning_point": 2,
            "take_profit": 8,
            "stop_loss": 6,
            "quantity": 2,
            "following": True,
        }
        for n, (side, move) in enumerate([("buy", -5), ("sell", 5), ("buy", -20), ("sell", 20)])
    },
)


class KeptTrader(Trader):
    """A trader whose every batch is one message, kept before what it said goes on."""

    keep: Keep

    def handle(self, message: AnyMessage, now: int) -> Sequence[AnyMessage]:
        said = super().handle(message, now)
        self.keep([message], said, now)
        return said


def a_run(trades: int, seed: int = 1) -> RunSettings:
    return RunSettings(
        symbols=(TXF,), day=DAY, source="generated", strategies=(ema(), CONDITIONS), trades=trades, seed=seed
    )


def trade(run: RunSettings, keep: Keep, epoch: int = 1) -> Trader:
    """Trades the run to its end; `keep` is given every batch."""
    trader = KeptTrader(
        instruments=nodes.instruments_of(run),
        view=nodes.view_of(run),
        gate=make_gate(run.limits),
        orders=Orders(ClientIds(epoch)),
        costs=Costs(fee_per_contract=run.fee),
    )
    trader.keep = keep
    hosts = [nodes.make_host(run, strategy) for strategy in run.strategies]
    engine = Engine(make_exchange(run), trader, hosts, nodes.make_tally(run))
    commands = [command for strategy in run.strategies for command in nodes.first_commands(strategy)]
    engine.run(make_feed(run), commands=commands)
    return trader


def a_day(path: Path, trades: int = 600, seed: int = 1) -> Trader:
    """The journal of a whole day, and the trader who wrote it."""
    with Journal.open(path) as journal:
        return trade(a_run(trades, seed), journal.commit, journal.next_epoch())
