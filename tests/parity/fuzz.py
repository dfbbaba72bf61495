"""The kernel against the nodes, on markets without sense: the same rows, byte for byte, or the first that differs.

python -m tests.parity.fuzz --seeds 20 --events 100000
"""

import argparse
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import msgspec

from autofutures import clock
from autofutures.assemble import nodes
from autofutures.assemble.check import check_run
from autofutures.assemble.market import make_exchange, make_feed
from autofutures.backtest import takes
from autofutures.backtest.kernel import words
from autofutures.backtest.kernel.machine import Machine
from autofutures.backtest.kernel.results import tally_of
from autofutures.config import RunSettings
from autofutures.data.feed import events
from autofutures.data.stream import Chunk
from autofutures.domain.units import SECOND
from autofutures.engine import Engine
from autofutures.matching.model import FeedEvent
from autofutures.ops.folder import make_folder
from autofutures.portfolio.tally import Tally
from autofutures.processes.outcome import write_outcome
from autofutures.processes.stream import read_stream
from autofutures.processes.supervisor import Supervisor
from autofutures.strategies.load import make
from tests.parity.counts import CountingTally, rare
from tests.parity.seeds import catalogued, market, session_name, settings_of

WAYS = ("compiled", "interpreted", "processes")
"""What is held against the nodes: the kernel in its two ways, or the machine itself, each process its own."""


def on_nodes(run: RunSettings, chunk: Chunk) -> CountingTally:
    """The run on the nodes."""
    return traded(run, events([chunk], run.symbols, partial(session_name, run)))


def traded(run: RunSettings, feed: Iterator[FeedEvent] | None = None) -> CountingTally:
    """The run on the nodes; its feed is the catalogue's unless it is given."""
    hosts = [nodes.make_host(run, strategy) for strategy in run.strategies]
    tally = CountingTally(run)
    Engine(make_exchange(run), nodes.make_trader(run), hosts, tally).run(
        make_feed(run) if feed is None else feed
    )
    return tally


def parts(chunk: Chunk, size: int) -> Iterator[Chunk]:
    """A chunk in pieces."""
    for start in range(0, len(chunk), size):
        yield chunk.part(start, start + size)


def on_kernel(run: RunSettings, chunk: Chunk, way: str = "compiled", size: int = 7_001) -> Tally:
    """The run on the kernel, compiled or interpreted, in pieces."""
    settings = run.strategies[0]
    strategy = make(settings.use, settings.settings)
    machine = Machine(run, strategy, getattr(takes, way)(strategy))
    for part in parts(chunk, size):
        machine.take(part)
    machine.finish(int(chunk.at[-1]))
    return tally_of(machine)


def on_processes(run: RunSettings, place: Path) -> Tally:
    """A run of a catalogue, on real processes over sockets, as `--engine processes` has it.

    Raises:
        BrokenInvariant: a process died, or the recorder tells another story than the trader.
    """
    check_run(run)
    folder = make_folder(place, run, until_end=True)
    Supervisor(folder).run()
    write_outcome(folder)
    tally = nodes.make_tally(run)
    for envelope in read_stream(folder.stream):
        tally.handle(envelope.body, envelope.at)
    return tally


def both(seed: int, events_n: int, way: str) -> tuple[CountingTally, Tally]:
    """A seed's run on the nodes, and on what is held against them."""
    run = settings_of(seed)
    chunk = market(seed, run, events_n)
    if way != "processes":
        return on_nodes(run, chunk), on_kernel(run, chunk, way)
    with tempfile.TemporaryDirectory(prefix="fuzz-") as kept:
        run = catalogued(run, chunk, Path(kept) / "catalog")
        return traded(run), on_processes(run, Path(kept) / "run")


def difference(nodes_tally: Tally, other_tally: Tally) -> str:
    """The first thing in which two runs differ, in words; empty where they are equal."""
    for what in ("orders", "fills", "equity"):
        ours, theirs = getattr(nodes_tally, what), getattr(other_tally, what)
        for number, (one, other) in enumerate(zip(ours, theirs, strict=False)):
            if one != other:
                return f"{what} {number}: nodes {one}, other {other}"
        if len(ours) != len(theirs):
            extra = max(ours, theirs, key=len)[min(len(ours), len(theirs))]
            return f"{what}: nodes {len(ours)}, other {len(theirs)}; the first more is {extra}"
    refused = [
        [(one.cause_seq, one.k, one.at, one.rule, one.limit, one.value) for one in tally.refusals]
        for tally in (nodes_tally, other_tally)
    ]
    for number, (one, other) in enumerate(zip(*refused, strict=False)):
        if one != other:
            return f"refusal {number}: nodes {one}, other {other}"
    if nodes_tally.decided != other_tally.decided:
        return "the last trades at the decisions differ"
    mine, yours = nodes_tally.summary(), other_tally.summary()
    return "" if mine == yours else f"nodes {mine}, other {yours}"


class Found(msgspec.Struct):
    """What came of all seeds."""

    way: str
    seeds: int
    events: int = 0
    orders: int = 0
    different: dict[int, str] = {}
    counts: Counter[str] = msgspec.field(default_factory=Counter)

    def add(self, seed: int, on_nodes_: CountingTally, other: Tally) -> None:
        """One seed's runs."""
        self.events += sum(n for name, n in on_nodes_.counts.items() if name in _EVENTS)
        self.orders += len(on_nodes_.orders)
        self.counts += on_nodes_.counts
        found = difference(on_nodes_, other)
        if found:
            self.different[seed] = found

    def write(self, least: int) -> int:
        """Prints it as one JSON object; 1 where a seed differs or something occurred too seldom."""
        seldom = rare(self.counts, least)
        figures = {
            **msgspec.to_builtins(self, str_keys=True),
            "counts": dict(sorted(self.counts.items())),
            "least": least,
            "seldom": seldom,
            "cannot_occur": [f"refused {rule}" for rule in sorted(words.SETTLED_RULES)],
        }
        sys.stdout.write(json.dumps(figures, indent=1) + "\n")
        return 1 if self.different or seldom else 0


_EVENTS = frozenset({"event tick", "event quote", "event session end", "bad print", "bad quote"})


def compare(
    seeds: range, events_n: int, way: str = "compiled", say: Callable[[str], object] = lambda _: None
) -> Found:
    """Runs every seed on both; `say` hears how it goes."""
    found = Found(way, len(seeds))
    started = clock.stopwatch_ns()
    for done, seed in enumerate(seeds, start=1):
        found.add(seed, *both(seed, events_n, way))
        left_s = (clock.stopwatch_ns() - started) / SECOND / done * (len(seeds) - done)
        verdict = found.different.get(seed, "the same")
        say(f"seed {seed} ({done} of {len(seeds)}): {verdict}; about {left_s:.0f} s left\n")
    return found


def main() -> int:
    """See `Found.write`."""
    parser = argparse.ArgumentParser(description="the kernel, or the machine of processes, against the nodes")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--events", type=int, default=100_000, help="of each seed")
    parser.add_argument("--way", choices=WAYS, default="compiled")
    parser.add_argument(
        "--least", type=int, default=100, help="how often each thing must occur; 0: it need not"
    )
    told = parser.parse_args()
    seeds = range(told.first_seed, told.first_seed + told.seeds)
    return compare(seeds, told.events, told.way, sys.stderr.write).write(told.least)


if __name__ == "__main__":
    sys.exit(main())
