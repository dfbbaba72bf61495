"""`autofutures bench`: measurements that print JSON, each beside a baseline of the same run."""

import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from autofutures.cli import options
from autofutures.cli.output import print_json

app = typer.Typer(no_args_is_help=True, help="Measure the machine, each time beside a floor in the same run.")


@app.callback()
def measure() -> None:
    """Measure the machine, each time beside a floor in the same run."""


@app.command("order-path")
def order_path(
    orders: Annotated[int, typer.Option("--orders", help="How many orders to measure.", min=10)] = 10_000,
    durability: options.DurabilityOption = "process-crash",
    sustained: Annotated[
        bool,
        typer.Option("--sustained/--no-sustained", help="Then measure how many trades a second it takes."),
    ] = True,
    as_json: options.JsonOption = False,
) -> None:
    """Time from a tick's arrival at the gateway to its order's leaving it, and the bare bus beside it.

    Real processes by the clock, with journal and send log: trades at 1,000 a second, an order at one in ten. The
    floor is a chain of the same hops (gateway, trader, strategy, trader, gateway) with the same sockets, frame
    size and CURVE, run at the same time. Then the machine alone takes 60,000 trades a second for some seconds.
    """
    from autofutures.processes.order_path import measure as run_bench

    kept = options.durability_of(durability)
    sys.stderr.write(
        f"about {orders // 100 + (45 if sustained else 20)} s: {orders:,} orders from {orders * 10:,} trades at "
        "1,000 a second\n"
    )
    result = run_bench(orders, kept, sustain=sustained)
    if as_json:
        print_json(msgspec.to_builtins(result))
        return
    for name, figures in (("tick to order", result.latency_us), ("bare bus", result.bus_floor_us)):
        sys.stdout.write(f"{name:14} p50 {figures.p50} us  p99 {figures.p99} us  p999 {figures.p999} us\n")
    sys.stdout.write(f"p50 is {result.p50_over_floor} times the floor's, p99 {result.p99_over_floor} times\n")
    if result.sustained is not None:
        sys.stdout.write(
            f"sustained: {result.sustained.ticks_per_s:,.0f} trades a second, {result.sustained.lost} lost\n"
        )


@app.command("journal")
def journal(
    commits: Annotated[int, typer.Option("--commits", help="How many batches under each.", min=10)] = 2_000,
    at: Annotated[
        Path | None, typer.Option("--at", help="A folder on the disk to measure. Default: where runs are.")
    ] = None,
    as_json: options.JsonOption = False,
) -> None:
    """What a commit of the journal costs under each --durability, beside a bare file's append on the same disk.

    The bare file is given the same bytes in turn: an append, and for power-loss a wait for the disk. `open_ms` is how
    long a start takes to prove and open what was written.
    """
    from autofutures.config import default_runs
    from autofutures.processes.journal_cost import measure as run_bench

    costs = run_bench(commits, at or default_runs())
    if as_json:
        print_json({name.replace("-", "_"): msgspec.to_builtins(cost) for name, cost in costs.items()})
        return
    for name, cost in costs.items():
        for what, figures in (("commit", cost.commit_us), ("bare file", cost.bare_file_us)):
            sys.stdout.write(
                f"{name:14} {what:10} p50 {figures.p50} us  p99 {figures.p99} us  p999 {figures.p999} us\n"
            )


@app.command("stream")
def stream(
    ticks: Annotated[int, typer.Option("--ticks", help="How many trades to stream.", min=1)] = 100_000_000,
    symbol: Annotated[
        str, typer.Option(help="The contracts of the recorded day, with commas.")
    ] = "TXF202108",
    date: Annotated[str, typer.Option(help="The recorded trading day.")] = "2021-07-26",
    catalog: options.CatalogOption = None,
    at: Annotated[
        Path | None, typer.Option("--at", help="A folder for the data that is made. Default: where runs are.")
    ] = None,
    as_json: options.JsonOption = False,
) -> None:
    """How fast recorded trades are read, decoded and merged, and in how much memory, with nobody who trades on them.

    A recorded day is written again and again under the dates of other trading days, as files of a catalogue that is
    deleted afterwards (some 250 MB for 100 million trades). Then a run over all of them is streamed.
    """
    from autofutures.backtest.stream_cost import measure as run_bench
    from autofutures.config import default_catalog, default_runs
    from autofutures.market.dates import parse_day

    place, symbols = catalog or default_catalog(), symbol.split(",")
    cost = run_bench(place, symbols, parse_day(date), ticks, at or default_runs())
    if as_json:
        print_json(msgspec.to_builtins(cost))
        return
    sys.stdout.write(
        f"{cost.events:,} events of {cost.days} days in {cost.seconds} s: {cost.events_per_s:,} a second, "
        f"peak memory {cost.peak_rss_mb} MB\n"
    )


@app.command("backtest")
def backtest(
    scale: Annotated[
        float, typer.Option("--scale", help="How long the markets are: 1 is 2 million events.", min=0.01)
    ] = 1.0,
    as_json: options.JsonOption = False,
) -> None:
    """How many events a second the kernel takes, beside bare loops of the same arithmetic over the same arrays.

    The first time, the kernel and four strategies are compiled, which takes a minute or two; then they are cached.
    `over_floor` is the kernel's speed as a part of the bare loop's.
    """
    from autofutures.backtest.kernel_cost import measure as run_bench

    cost = run_bench(scale)
    if as_json:
        print_json(msgspec.to_builtins(cost))
        return
    for name in ("ema_ticks", "ema_bars", "maker_quotes", "resting_64"):
        figures = getattr(cost, name)
        sys.stdout.write(
            f"{name:13} {figures.events_per_s:>12,} events a second, {figures.over_floor} of the bare loop's; "
            f"{figures.orders:,} orders, {figures.fills:,} fills\n"
        )
    sys.stdout.write(
        f"nodes         {cost.nodes_events_per_s:>12,} events a second; an order late in a run costs "
        f"{cost.cost_per_order_ratio} of an early one\n"
    )


@app.command("sweep")
def sweep(
    scale: Annotated[
        float, typer.Option("--scale", help="How long the market is: 1 is a million trades.", min=0.01)
    ] = 1.0,
    as_json: options.JsonOption = False,
) -> None:
    """How many sets of parameters a second a search on the kernel tries, with its database, on all cores.

    200 sets over a million trades, and over 100,000 bars. Some sets are run again alone, and must come to the same.
    """
    from autofutures.backtest.sweep_cost import measure as run_bench

    cost = run_bench(scale)
    if as_json:
        print_json(msgspec.to_builtins(cost))
        return
    for name, rate in (("trades", cost.ticks), ("bars", cost.bars)):
        sys.stdout.write(
            f"{rate.sets} sets over {rate.events:,} {name} in {rate.seconds} s: {rate.sets_per_s} sets a second, "
            f"{rate.orders:,} orders\n"
        )
