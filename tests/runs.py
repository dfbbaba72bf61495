"""Small runs and what a machine leaves of them, for the tests of what stands around the nodes."""

from pathlib import Path

import msgspec

from autofutures.assemble import nodes
from autofutures.assemble.market import make_exchange, make_feed
from autofutures.bus.codec import Outbox
from autofutures.config import RunSettings, StrategySettings, Value
from autofutures.domain.messages import AnyMessage
from autofutures.engine import Engine
from autofutures.ops.folder import Folder
from autofutures.portfolio.tally import Tally
from autofutures.processes.stream import LENGTH
from autofutures.telemetry.latency import LatencyTally
from tests.unit.data.files import imported, tick_file

TXF = "TAIFEX:TXF202608"
DAY = 20260803

RECORDED = "TAIFEX:TXF202108"
RECORDED_DAY = 20210726
ROWS = (
    "20210723,TX     ,202108     ,150000,17409,4,-,-,*",
    "20210723,TX     ,202108     ,150001,17410,2,-,-, ",
    "20210726,MTX    ,202108     ,084500,17470,2,-,-,*",
    "20210726,MTX    ,202108     ,084502,17471,2,-,-, ",
    "20210726,TX     ,202108     ,084500,17473,2,-,-,*",
    "20210726,TX     ,202108     ,084501,17475,2,-,-, ",
    "20210726,TX     ,202108     ,090000,17460,2,-,-, ",
    "20210726,TX     ,202108     ,100000,17450,2,-,-, ",
    "20210726,TX     ,202108     ,110000,17480,2,-,-, ",
    "20210726,TX     ,202108     ,134500,17400,2,-,-, ",
)
"""Trading day 2021-07-26: two trades of the night, six of the day, the last at the close; two of MXF."""

DAY_ORDERS = "95c8d618d44de42e07cc879e6b509ac029e1a2f6e2e2909366b7481b46947ac7"
DAY_FILLS = "60cbeffa7570ddc804af198238a8a787d9c916cb59864ffd6a3d5fb0c5d2d4b8"
"""Hashes of that whole day as the exchange recorded it, traded by `ema_cross` with fast=20, slow=60.

`tests/flow/test_ema_cross_independently.py` computes the same.
"""


def ema(**settings: Value) -> StrategySettings:
    return StrategySettings(
        name="ema_cross", use="ema_cross", symbols=(TXF,), settings={"fast": 2, "slow": 5, **settings}
    )


def generated(
    *strategies: StrategySettings, trades: int = 200, limit: int = 0, latency_ns: int = 0
) -> RunSettings:
    return RunSettings(
        symbols=(TXF,),
        day=DAY,
        source="generated",
        strategies=strategies or (ema(),),
        trades=trades,
        limit=limit,
        order_latency_ns=latency_ns,
    )


def a_catalog(folder: Path, rows: tuple[str, ...] = ROWS) -> Path:
    imported(tick_file(folder, rows), folder / "catalog")
    return folder / "catalog"


def recorded(catalog: Path, symbols: tuple[str, ...] = (RECORDED,), limit: int = 0) -> RunSettings:
    strategy = StrategySettings(
        name="ema_cross", use="ema_cross", symbols=symbols[:1], settings={"fast": 1, "slow": 2}
    )
    return RunSettings(
        symbols=symbols,
        day=RECORDED_DAY,
        source="recorded",
        catalog=str(catalog),
        strategies=(strategy,),
        limit=limit,
    )


class Listener(Tally):
    """A tally that also writes the stream down, as the recorder does."""

    def __init__(self, run: RunSettings) -> None:
        super().__init__(nodes.instruments_of(run))
        self._outbox = Outbox("trader", 1)
        self.data = bytearray()

    def handle(self, message: AnyMessage, now: int) -> None:
        super().handle(message, now)
        frame = self._outbox.frame((message,), now)
        self.data += LENGTH.pack(len(frame)) + frame


def trade(folder: Folder) -> None:
    """Leaves in the folder what the processes of its run would leave."""
    run = folder.run()
    listener = Listener(run)
    hosts = [nodes.make_host(run, strategy) for strategy in run.strategies]
    Engine(make_exchange(run), nodes.make_trader(run), hosts, listener).run(make_feed(run), run.limit)
    folder.stream.write_bytes(listener.data)
    folder.result.write_bytes(msgspec.json.encode(listener.summary()))
    latency = LatencyTally()
    for duration_ns in range(1_000, 11_000, 1_000):
        latency.add(duration_ns)
    folder.latency.write_bytes(msgspec.json.encode(latency.summary()))
