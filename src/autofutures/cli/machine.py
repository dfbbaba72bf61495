"""`autofutures up`, `status` and `stop`: the whole machine, every process its own."""

import math
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from autofutures.cli import options
from autofutures.cli.output import print_days, print_json, print_summary, spinner, write_json
from autofutures.cli.parity import write_certificate
from autofutures.config import GENERATED_DATE, GENERATED_SYMBOL, parse_replay
from autofutures.domain.errors import BadInput, BrokenInvariant, Refusal

if TYPE_CHECKING:
    from autofutures.config import RunSettings
    from autofutures.ops.folder import Folder
    from autofutures.orders.shutdown import Leaving
    from autofutures.portfolio.tally import Summary

_HELP = (
    "Start the machine: gateway, exchange, trader, strategies, recorder and this supervisor, each a process, "
    "over encrypted ZeroMQ.\n\n"
    "It replays recorded days or trades a generated session. In another terminal, `autofutures status "
    "--watch` looks on and `autofutures stop` ends it in order, as Ctrl-C does here.\n\n"
    "Examples:\n\n"
    "autofutures up --generate --strategy ema_cross --until-end\n\n"
    "autofutures up --replay TXF202108@2021-07-26 --strategy ema_cross --set fast=20 --set slow=60 "
    "--until-end\n\n"
    "autofutures up --replay TXF202605,TXF202606@2026-05-12..2026-06-05 --market bars --strategy ema_cross "
    "--until-end\n\n"
    "autofutures up --generate --speed 60 --config autofutures.toml"
)

_STOP_HELP = (
    "End the running machine in order: nothing in hand is lost.\n\n"
    "What becomes of a strategy's lots and orders is `on_stop` of its settings, and is said before it is done:\n\n"
    "keep (usual): lots stay, with their exit plans and the orders that close them; what would open is asked back.\n\n"
    "flatten: its orders are asked back, and its lots closed at the market, within \\[policy] leave_ms.\n\n"
    "hand_over: all stays as it is, for a machine that goes on with the same --state.\n\n"
    "The machine holds stops itself: while it is down nobody watches them. What could not be done is the alert "
    "left_open.\n\n"
    "autofutures stop --show"
)

ReplayOption = Annotated[
    str,
    typer.Option(
        help="A recorded day to trade: TXF202108@2021-07-26; or days on end, in one run: "
        "TXF202605,TXF202606@2026-05-12..2026-06-05."
    ),
]
StrategiesOption = Annotated[
    list[str] | None, typer.Option(help="ema_cross, or path/to/file.py:Class; again for more.")
]
SpeedOption = Annotated[str, typer.Option(help="max, or so many times recorded time: 1 is as recorded.")]
UntilEndOption = Annotated[
    bool, typer.Option("--until-end", help="End with the market, instead of staying up.")
]
StateOption = Annotated[
    Path | None, typer.Option("--state", help="Keep and continue the book in this folder.")
]
SymbolOption = Annotated[str, typer.Option(help="What a generated session trades.")]
DateOption = Annotated[str, typer.Option(help="The trading day of a generated session.")]
PauseSeedOption = Annotated[
    int, typer.Option("--pause-seed", help="A drill: random pauses in every process.")
]
DropFrameOption = Annotated[
    int, typer.Option("--drop-frame", help="A drill: the gateway loses its N-th frame.")
]
PaperOption = Annotated[
    bool,
    typer.Option("--paper", help="Trade by the clock at a simulated broker, in a market that is open now."),
]
MinutesOption = Annotated[
    float, typer.Option("--minutes", help="End a --paper run after so long; 0: with its session.", min=0)
]
DaysOption = Annotated[
    int,
    typer.Option(
        "--days",
        help="So many trading days a --paper run lives through by the clock, night sessions too; 1: one session.",
        min=1,
    ),
]
ProjectionsOption = Annotated[
    str,
    typer.Option(
        "--projections",
        metavar="URL",
        help="Keep tables for queries up to date in this database, see autofutures projections; sqlite: a file in "
        "the run's folder.",
    ),
]
CertifyOption = Annotated[
    bool,
    typer.Option(
        "--certify/--no-certify",
        help="After a --paper run, prove that a replay of it decides the same: see autofutures parity.",
    ),
]
RunOption = Annotated[Path | None, typer.Option("--run", help="The run's folder. Default: the newest.")]


def mount(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command("up", help=_HELP)(up)
    app.command("status", help="What the running machine has done so far; --watch keeps looking.")(status)
    app.command("stop", help=_STOP_HELP)(stop)


def up(
    replay: ReplayOption = "",
    generate: options.GenerateOption = False,
    paper: PaperOption = False,
    strategy: StrategiesOption = None,
    settings: options.SetOption = None,
    speed: SpeedOption = "max",
    until_end: UntilEndOption = False,
    state: StateOption = None,
    catalog: options.CatalogOption = None,
    symbol: SymbolOption = GENERATED_SYMBOL,
    date: DateOption = GENERATED_DATE,
    seed: options.SeedOption = 1,
    trades: options.TradesOption = 6_000,
    minutes: MinutesOption = 0,
    days: DaysOption = 1,
    order_latency: options.LatencyOption = "0",
    fee: options.FeeOption = 20,
    slippage: options.SlippageOption = None,
    queue: options.QueueOption = 20,
    market: options.MarketOption = "auto",
    risk: options.RiskOption = None,
    config: options.ConfigOption = None,
    limit: options.LimitOption = 0,
    roll: options.RollOption = None,
    report: options.ReportOption = None,
    orders: options.OrdersOption = None,
    fills: options.FillsOption = None,
    pause_seed: PauseSeedOption = 0,
    drop_frame: DropFrameOption = 0,
    durability: options.DurabilityOption = "process-crash",
    projections: ProjectionsOption = "",
    certify: CertifyOption = True,
    as_json: options.JsonOption = False,
) -> None:
    """See `_HELP`."""
    from autofutures.assemble.request import RunOptions

    symbol, date, to = _named(replay, symbol, date, others=[generate, paper])
    run = RunOptions(
        strategies=strategy or [],
        settings=settings or [],
        symbol=symbol,
        date=date,
        to=to,
        generate=generate or paper,
        catalog=catalog,
        seed=seed,
        trades=trades,
        order_latency=order_latency,
        fee=fee,
        slippage=slippage,
        queue=queue,
        market=market,
        risk=risk,
        config=config,
        limit=limit,
        roll=roll or [],
    ).run()
    drills = {"pause_seed": pause_seed, "drop_frame": drop_frame}
    driven: dict[str, float | str] = {"speed": _speed(speed), "until_end": until_end, **drills}
    driven |= {"durability": options.durability_of(durability), "projections": _database(projections)}
    if paper and config is not None:
        driven |= _watched_by(config)
    if days > 1 and not paper:
        raise BadInput("--days is for --paper: recorded days are named, as in --replay TXF202606@FIRST..LAST")
    by_the_clock = {**driven, "minutes": minutes}
    folder = _trade_by_the_clock(run, state, days, by_the_clock) if paper else _trade(run, state, driven)
    _finish(folder, (report, orders, fills), certify=certify, as_json=as_json)


def replay_run(run: "RunSettings", wanted: Sequence[Path | None], *, as_json: bool) -> None:
    """Trades a run in processes, as fast as they can, and prints what came of it."""
    drills: dict[str, float | str] = {
        "pause_seed": 0,
        "drop_frame": 0,
        "durability": "process-crash",
        "projections": "",
    }
    folder = _trade(run, None, {"speed": 0.0, "until_end": True, **drills})
    _finish(folder, wanted, certify=False, as_json=as_json)


def _finish(folder: "Folder", wanted: Sequence[Path | None], *, certify: bool, as_json: bool) -> None:
    """The run is over: its certificate, report, orders and fills where they are wanted, and its figures."""
    write_certificate(folder, certify=certify)
    report, *others = wanted
    if report is not None and not report.suffix and folder.run().until and not folder.machine().live:
        from autofutures.processes.days import write_pages

        write_pages(folder, report)
        report = None
    for made, place in zip((folder.report, folder.orders, folder.fills), (report, *others), strict=True):
        if place is not None:
            shutil.copyfile(made, place)
    _print(folder, as_json=as_json)


def _named(replay: str, symbol: str, date: str, others: list[bool]) -> tuple[str, str, str]:
    """What is traded, on which day, and until which; the last is empty for one day.

    Raises:
        BadInput: not exactly one market was named.
    """
    if [bool(replay), *others].count(True) != 1:
        raise BadInput("say what to trade: either --replay SYMBOL@DATE, --generate or --paper")
    if not replay:
        return symbol, date, ""
    replayed, first, last = parse_replay(replay)
    return replayed, str(first), str(last or "")


def _watched_by(config: Path) -> dict[str, float | str]:
    """What the settings file says of limits and of people; proved, for trouble is too late to find it wrong."""
    from autofutures.config import load_settings
    from autofutures.telemetry.notify import parse_alert_settings

    settings = load_settings(config)
    told = parse_alert_settings(settings.alerts, config)
    watch = msgspec.to_builtins(settings.watch)
    return {**watch, "alerts": str(config.resolve()) if told.target else ""}


def _database(url: str) -> str:
    if url in ("", "sqlite"):
        return url
    from autofutures.storage.projections.engine import kept_url

    return kept_url(url)


def _trade_by_the_clock(
    run: "RunSettings", state: Path | None, days: int, driven: Mapping[str, float | str]
) -> "Folder":
    """A paper run: its clock is shifted so that the session opens in a moment."""
    from autofutures import clock
    from autofutures.assemble.paper import by_the_clock, for_days, offset_ns
    from autofutures.config import read_run
    from autofutures.storage.day_changes import closed_days

    former = state / "run.json" if state is not None else None
    if state is not None:  # What people have changed in this book's calendar goes on.
        changed = closed_days(state / "journal.sqlite")
        run = msgspec.structs.replace(run, closed_days={**run.closed_days, **changed})
    run = by_the_clock(run, read_run(former) if former is not None and former.exists() else None)
    run = for_days(run, days)
    now = clock.now_ns()
    offset = offset_ns(run, now)
    live = {"live": True, "until_end": True, "begun_at": now + offset}
    return _trade(run, state, {**driven, **live, "clock_offset_ns": offset})


def _trade(run: "RunSettings", state: Path | None, driven: Mapping[str, float | str]) -> "Folder":
    """Proves the run, makes its folder, and trades it to its end; `driven` is fields of `Machine`."""
    from autofutures.assemble.check import check_run
    from autofutures.ops.folder import make_folder

    check_run(run)
    folder = make_folder(state, run, **driven)
    sys.stderr.write(f"run folder: {folder.root}\n")
    _supervise(folder)
    return folder


def _speed(text: str) -> float:
    if text == "max":
        return 0.0
    try:
        speed = float(text.removesuffix("x"))
    except ValueError:
        speed = 0.0
    if not 0 < speed < math.inf:
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
    from autofutures.backtest.runner import assumptions_of, notes_of
    from autofutures.portfolio.tally import Summary
    from autofutures.telemetry.latency import LatencySummary, LatencyTally

    summary = msgspec.json.decode(folder.result.read_bytes(), type=Summary)
    kept = (
        folder.latency.read_bytes() if folder.latency.exists() else b""
    )  # A gateway that was killed kept none.
    latency = msgspec.json.decode(kept, type=LatencySummary) if kept else LatencyTally().summary()
    run = folder.run()
    figures = {
        "latency_us": msgspec.to_builtins(latency),
        "run": str(folder.root),
        "report": str(folder.report),
        "assumptions": list(assumptions_of(run)),
        "notes": list(notes_of(run)),
    }
    if run.until and not folder.machine().live:
        _print_days(folder, summary, figures, as_json=as_json)
        return
    if as_json:
        write_json(summary, figures)
        return
    print_summary(summary, run.currency)
    if latency.p50 is not None:
        sys.stdout.write(
            f"tick to order: p50 {latency.p50:.0f} us, p99 {latency.p99:.0f} us, "
            f"over {latency.count:,} orders\n"
        )
    sys.stdout.write(f"Report: {folder.report}\nOrders: {folder.orders}\nFills: {folder.fills}\n")


def _print_days(
    folder: "Folder", summary: "Summary", figures: Mapping[str, object], *, as_json: bool
) -> None:
    """Prints days on end: each day, the whole, and what the journal and the exchange's books say of it.

    Raises:
        BrokenInvariant: an order outlived its session, or the books differ; the text names examples.
    """
    from autofutures.processes.days import summaries
    from autofutures.processes.lived import judge

    days, lived = summaries(folder), judge(folder)
    verdict = msgspec.to_builtins(lived)
    if as_json:
        write_json(summary, {**figures, "days": msgspec.to_builtins(days), "lived": verdict})
    else:
        print_days(days, folder.run().currency)
        print_summary(summary, folder.run().currency)
        counted = ", ".join(
            f"{name.replace('_', ' ')} {value}" for name, value in verdict.items() if name != "examples"
        )
        sys.stdout.write(f"Lived through: {counted}\nReport: {folder.report}\n")
    if lived.broken:
        raise BrokenInvariant(
            f"{lived.broken} promises of the calendar were broken: {'; '.join(lived.examples)}"
        )


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

        def ask() -> dict[str, object] | None:
            try:
                return _with_restarts(operator.ask("status"), folder)
            except Refusal:
                if folder.is_over():
                    return None
                raise

        answer = _with_restarts(operator.ask("status"), folder)
        if watch and answer.get("live") and not as_json and sys.stdin.isatty() and sys.stdout.isatty():
            from autofutures.cli import watch as screen

            screen.watch(ask, lambda: screen.kill_by_command(str(folder.root)))
            return
        _show(answer, as_json=as_json)
        while watch:
            time.sleep(1)
            again = ask()
            if again is None:
                return
            _show(again, as_json=as_json)


def _with_restarts(answer: dict[str, object], folder: "Folder") -> dict[str, object]:
    """Of a live run, what its folder says besides: restarts, what each process uses, latency, alerts."""
    if not answer.get("live"):
        return answer
    from autofutures.cli.alerts import causes_of
    from autofutures.ops.vitals import Usage
    from autofutures.telemetry.latency import LatencySummary

    counted = folder.restarts.read_bytes() if folder.restarts.exists() else b"{}"
    used = folder.vitals.read_bytes() if folder.vitals.exists() else b"{}"
    measured = folder.latency.read_bytes() if folder.latency.exists() else b"null"
    raised = [cause for cause in causes_of(folder) if not cause.acknowledged_by]
    return {
        **answer,
        "currency": folder.run().currency,
        "restarts": msgspec.json.decode(counted, type=dict[str, int]),
        "processes": msgspec.to_builtins(msgspec.json.decode(used, type=dict[str, Usage])),
        "latency_us": msgspec.to_builtins(msgspec.json.decode(measured, type=LatencySummary | None)),
        "alerts": [f"{cause.name} {cause.subject} x{cause.count}: {cause.text}" for cause in raised],
    }


def _show(answer: dict[str, object], *, as_json: bool) -> None:
    if as_json:
        print_json(answer)
        return
    shown = ("events", "ticks_seen", "ticks_lost", "orders", "refused", "fills", "net_pnl", "positions")
    sys.stdout.write("  ".join(f"{name} {answer[name]}" for name in shown) + "\n")
    if answer.get("live"):
        _show_live(msgspec.convert(answer, _Live))


class _Live(msgspec.Struct):
    """What a live run's status says besides."""

    mode: str
    ready: bool
    reasons: tuple[str, ...]
    uncovered_lots: int
    unknown_orders: int
    lives: dict[str, int]
    restarts: dict[str, int]


def _show_live(live: _Live) -> None:
    verdict = "ready" if live.ready else f"not ready: {'; '.join(live.reasons)}"
    restarted = ", ".join(f"{name} {count}" for name, count in live.restarts.items() if count) or "none"
    sys.stdout.write(
        f"{live.mode}, {verdict}; uncovered lots {live.uncovered_lots}, unknown orders {live.unknown_orders}; "
        f"restarts: {restarted}\n"
    )


def stop(
    run: RunOption = None,
    show: Annotated[
        bool, typer.Option("--show", help="Say what a stop would do with lots and orders, and do nothing.")
    ] = False,
    as_json: options.JsonOption = False,
) -> None:
    """Says what becomes of lots and orders, and ends the running machine in order."""
    from autofutures.ops.folder import Folder, latest_folder
    from autofutures.ops.operator import Operator
    from autofutures.orders.shutdown import Leaving

    folder = Folder(run) if run is not None else latest_folder()
    leaving: list[Leaving] = []
    with Operator(folder) as operator:
        if folder.machine().live:
            leaving = msgspec.convert(operator.ask("leaving")["strategies"], list[Leaving])
        if not as_json:
            sys.stdout.writelines(_in_words(one) for one in leaving)
            sys.stdout.flush()
        if not show:
            operator.ask("stop")
    if as_json:
        told = {"strategies": msgspec.to_builtins(leaving)} if folder.machine().live else {}
        print_json({"would_stop" if show else "stopping": str(folder.root), **told})
    elif not show:
        sys.stdout.write(f"stopping {folder.root}\n")


def _in_words(one: "Leaving") -> str:
    return f"{one.strategy} ({one.policy}): {'; '.join(one.will) or 'nothing is held or at work'}\n"
