"""`autofutures up`, `status` and `stop`: the whole machine, every process its own."""

import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from autofutures.cli import options
from autofutures.cli.output import print_json, print_summary, spinner, write_json
from autofutures.config import parse_replay
from autofutures.domain.errors import BadInput

if TYPE_CHECKING:
    from autofutures.ops.folder import Folder

_HELP = (
    "Start the machine: gateway, exchange, trader, strategies, recorder and this supervisor, each a process, over "
    "encrypted ZeroMQ.\n\n"
    "It replays a recorded day or trades a generated session. In another terminal, `autofutures status --watch` looks "
    "on and `autofutures stop` ends it in order, as Ctrl-C does here.\n\n"
    "Examples:\n\n"
    "autofutures up --generate --strategy ema_cross --until-end\n\n"
    "autofutures up --replay TXF202108@2021-07-26 --strategy ema_cross --set fast=20 --set slow=60 --until-end\n\n"
    "autofutures up --generate --speed 60 --config autofutures.toml"
)

RunOption = Annotated[Path | None, typer.Option("--run", help="The run's folder. Default: the newest.")]


def mount(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command("up", help=_HELP)(up)
    app.command("status", help="What the running machine has done so far; --watch keeps looking.")(status)
    app.command("stop", help="End the running machine in order: nothing in hand is lost.")(stop)


def up(  # noqa: PLR0913  # every option is one of the run's settings
    replay: Annotated[str, typer.Option(help="A recorded day to trade: TXF202108@2021-07-26.")] = "",
    generate: Annotated[
        bool, typer.Option("--generate", help="Trade a generated session: no data needed.")
    ] = False,
    strategy: Annotated[
        list[str] | None, typer.Option(help="ema_cross, or path/to/file.py:Class; again for more.")
    ] = None,
    settings: options.SetOption = None,
    speed: Annotated[
        str, typer.Option(help="max, or so many times recorded time: 1 is as recorded.")
    ] = "max",
    until_end: Annotated[
        bool, typer.Option("--until-end", help="End with the market, instead of staying up.")
    ] = False,
    state: Annotated[
        Path | None, typer.Option("--state", help="Keep and continue the book in this folder.")
    ] = None,
    catalog: options.CatalogOption = None,
    symbol: Annotated[str, typer.Option(help="What a generated session trades.")] = options.GENERATED_SYMBOL,
    date: Annotated[
        str, typer.Option(help="The trading day of a generated session.")
    ] = options.GENERATED_DATE,
    seed: options.SeedOption = 1,
    trades: options.TradesOption = 6_000,
    order_latency: options.LatencyOption = "0",
    fee: options.FeeOption = 20,
    slippage: options.SlippageOption = 1,
    queue: options.QueueOption = 20,
    risk: options.RiskOption = None,
    config: options.ConfigOption = None,
    limit: options.LimitOption = 0,
    report: Annotated[Path | None, typer.Option("--report", help="Write the HTML page here too.")] = None,
    orders: Annotated[
        Path | None, typer.Option("--orders", help="Write orders as CSV here too, as hashed.")
    ] = None,
    fills: Annotated[
        Path | None, typer.Option("--fills", help="Write fills as CSV here too, as hashed.")
    ] = None,
    pause_seed: Annotated[
        int, typer.Option("--pause-seed", help="A drill: random pauses in every process.")
    ] = 0,
    drop_frame: Annotated[
        int, typer.Option("--drop-frame", help="A drill: the gateway loses its N-th frame.")
    ] = 0,
    as_json: options.JsonOption = False,
) -> None:
    """See `_HELP`."""
    if bool(replay) == generate:
        raise BadInput("say what to trade: either --replay SYMBOL@DATE or --generate")
    if replay:
        symbol, day = parse_replay(replay)
        date = str(day)
    run = options.RunOptions(
        strategies=strategy or [],
        settings=settings or [],
        symbol=symbol,
        date=date,
        generate=generate,
        catalog=catalog,
        seed=seed,
        trades=trades,
        order_latency=order_latency,
        fee=fee,
        slippage=slippage,
        queue=queue,
        risk=risk,
        config=config,
        limit=limit,
    ).run()
    from autofutures.assemble.check import check_run
    from autofutures.ops.folder import make_folder

    check_run(run)
    folder = make_folder(
        state, run, speed=_speed(speed), until_end=until_end, pause_seed=pause_seed, drop_frame=drop_frame
    )
    sys.stderr.write(f"run folder: {folder.root}\n")
    _supervise(folder)
    for made, wanted in ((folder.report, report), (folder.orders, orders), (folder.fills, fills)):
        if wanted is not None:
            shutil.copyfile(made, wanted)
    _print(folder, as_json=as_json)


def _speed(text: str) -> float:
    if text == "max":
        return 0.0
    try:
        speed = float(text.removesuffix("x"))
    except ValueError:
        speed = 0.0
    if speed <= 0:
        raise BadInput(f"--speed {text!r}: write max, or how many times recorded time, as in 1 or 60")
    return speed


def _supervise(folder: "Folder") -> None:
    """Runs the processes to their end, and makes of the recorder's stream what people look at."""
    from autofutures.processes.outcome import write_outcome
    from autofutures.processes.supervisor import Supervisor

    with spinner("events") as progress:

        def heard(status: dict[str, object]) -> None:
            progress(int(str(status["events"])))

        Supervisor(folder, heard).run()
    write_outcome(folder)


def _print(folder: "Folder", *, as_json: bool) -> None:
    from autofutures.portfolio.tally import Summary
    from autofutures.telemetry.latency import LatencySummary

    summary = msgspec.json.decode(folder.result.read_bytes(), type=Summary)
    latency = msgspec.json.decode(folder.latency.read_bytes(), type=LatencySummary)
    figures = {
        "latency_us": msgspec.to_builtins(latency),
        "run": str(folder.root),
        "report": str(folder.report),
    }
    if as_json:
        write_json(summary, figures)
        return
    print_summary(summary, folder.run().currency)
    if latency.p50 is not None:
        sys.stdout.write(
            f"tick to order: p50 {latency.p50:.0f} us, p99 {latency.p99:.0f} us, over {latency.count:,} orders\n"
        )
    sys.stdout.write(f"Report: {folder.report}\nOrders: {folder.orders}\nFills: {folder.fills}\n")


def status(
    run: RunOption = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Look again every second, until the run ends.")
    ] = False,
    as_json: options.JsonOption = False,
) -> None:
    """What the running machine has done so far."""
    from autofutures.ops.folder import Folder, latest_folder
    from autofutures.ops.operator import Operator

    folder = Folder(run) if run is not None else latest_folder()
    with Operator(folder) as operator:
        while True:
            _show(operator.ask("status"), as_json=as_json)
            if not watch:
                return
            time.sleep(1)


def _show(answer: dict[str, object], *, as_json: bool) -> None:
    if as_json:
        print_json(answer)
        return
    shown = ("events", "ticks_seen", "ticks_lost", "orders", "refused", "fills", "net_pnl", "positions")
    sys.stdout.write("  ".join(f"{name} {answer[name]}" for name in shown) + "\n")


def stop(run: RunOption = None, as_json: options.JsonOption = False) -> None:
    """Ends the running machine in order."""
    from autofutures.ops.folder import Folder, latest_folder
    from autofutures.ops.operator import Operator

    folder = Folder(run) if run is not None else latest_folder()
    with Operator(folder) as operator:
        operator.ask("stop")
    if as_json:
        print_json({"stopping": str(folder.root)})
    else:
        sys.stdout.write(f"stopping {folder.root}\n")
