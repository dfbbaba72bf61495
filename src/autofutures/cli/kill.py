"""`autofutures kill`, `flatten`, `resume`: the kill switch of a running machine, and the drill that proves it."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from autofutures.cli import options
from autofutures.cli.output import print_json
from autofutures.domain.errors import BadInput, Refusal

if TYPE_CHECKING:
    from autofutures.ops.folder import Folder
    from autofutures.ops.kill import Standing
    from autofutures.processes.kill_drill import Shot

_HELP = (
    "Stop a running machine at the door to its venue, whatever its trader, strategies and databases do.\n\n"
    "Levels, each with all of those before it: `entries` (only orders that reduce the account's position go out), "
    "`cancel` (what works at the venue is taken back), `flatten` (positions are closed by market orders, 10 contracts "
    "each in a day session and 5 at night, until the venue's own list shows none), `disconnect` (then the session with "
    "the venue ends). The level is kept, outlives every process, and is lowered by `autofutures resume` alone.\n\n"
    "A gateway that is deaf is ended by its process id, and the next one comes up killed. While the session is closed, "
    "or nobody trades against us because the price is locked at its limit, it says so and stays armed.\n\n"
    "It takes the key `kill.key_secret`, in the same folder as the machine's other keys, and no other.\n\n"
    "`--dead-man 60s` sets a switch that acts by itself unless this command is given again within that time; "
    "`--dead-man off` takes it away.\n\n"
    "`--drill` proves it on paper machines of its own: a position is taken, something is broken, the kill switch is "
    "used, and the exchange's ledger says when all is flat.\n\n"
    "Examples:\n\n"
    "autofutures kill\n\n"
    "autofutures kill --level entries --reason 'odd fills, looking'\n\n"
    "autofutures kill --dead-man 60s --level cancel\n\n"
    "autofutures kill --drill --drills 50 --json"
)

RunOption = Annotated[Path | None, typer.Option("--run", help="The run's folder. Default: the newest.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why, for those who read the log.")]
WaitOption = Annotated[float, typer.Option("--wait", help="Look on for so many seconds at most.", min=0)]

WAIT_S = 15.0
PROMISE_S = 3.0
STARTS = 10
"""Questions to a kill process that is starting, each of some seconds."""


def mount(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command("kill", help=_HELP)(kill)
    app.command("flatten", help="Close all positions and stop trading: the same as kill --level flatten.")(
        flatten
    )
    app.command("resume", help="Let a machine trade again that the kill switch has stopped.")(resume)


def kill(
    level: Annotated[
        str, typer.Option("--level", help="entries, cancel, flatten or disconnect.")
    ] = "flatten",
    run: RunOption = None,
    reason: ReasonOption = "",
    wait: WaitOption = WAIT_S,
    dead_man: Annotated[
        str, typer.Option("--dead-man", metavar="TIME", help="Act unless renewed in time: 60s, 5m, or off.")
    ] = "",
    status: Annotated[bool, typer.Option("--status", help="Only say how it stands.")] = False,
    drill: Annotated[bool, typer.Option("--drill", help="Prove it on paper machines of its own.")] = False,
    drills: Annotated[int, typer.Option("--drills", help="How many, by --drill.", min=1)] = 4,
    within: Annotated[
        float, typer.Option("--within", help="A drill that takes longer, in seconds, is late.", min=0)
    ] = PROMISE_S,
    state: Annotated[
        Path | None, typer.Option("--state", help="Keep the drill's machines in this folder.")
    ] = None,
    as_json: options.JsonOption = False,
) -> None:
    """See `_HELP`."""
    from autofutures.ops.kill import KillSwitchOf

    if drill:
        _drill(drills, within, state, as_json=as_json)
        return
    folder = _folder(run)
    if not (dead_man or status):
        _take_over(folder, level, reason)
    with KillSwitchOf(folder) as switch:
        if dead_man:
            switch.dead_man(seconds_of(dead_man), level)
        elif not status:
            switch.kill(level, reason)
        standing = switch.standing() if status or dead_man else switch.until_done(wait)
    _show(standing, as_json=as_json)
    if not (status or dead_man or standing.done):
        raise typer.Exit(1)


def _take_over(folder: "Folder", level: str, reason: str) -> None:
    """A machine that has lost its supervisor is started again, killed; this waits until its kill switch answers."""
    from autofutures.config import login_name
    from autofutures.ops.kill import KillSwitchOf, take_over

    if take_over(folder, level, login_name(), reason) is None:
        return
    sys.stderr.write("the machine has lost its supervisor: it is started again, and comes up killed\n")
    for _ in range(STARTS):
        try:
            with KillSwitchOf(folder) as switch:
                switch.standing()
        except Refusal:
            continue
        return


def _drill(count: int, within: float, state: Path | None, *, as_json: bool) -> None:
    """Proves the kill switch; exit code 1 where a promise was broken."""
    from autofutures.processes.kill_drill import drill

    figures = drill(count, _tell, state, within)
    if as_json:
        print_json(msgspec.to_builtins(figures))
    else:
        for cause, times in figures.causes.items():
            sys.stdout.write(
                f"{cause:24} {times.drills:3} drills  median {times.median_s:.3f} s  max {times.max_s:.3f} s\n"
            )
        sys.stdout.write(
            f"{'all':24} {figures.drills:3} drills  median {figures.median_s:.3f} s  max {figures.max_s:.3f} s, "
            f"promised {figures.promise_s:g} s\n"
        )
    for sentence in figures.broken:
        sys.stderr.write(f"broken: {sentence}\n")
    if not figures.passed:
        raise typer.Exit(1)


def _tell(done: int, of: int, shot: "Shot") -> None:
    sys.stderr.write(f"{done}/{of}  {shot.cause}: {shot.held} contracts, flat after {shot.seconds:.3f} s\n")


def flatten(
    run: RunOption = None,
    reason: ReasonOption = "",
    wait: WaitOption = WAIT_S,
    as_json: options.JsonOption = False,
) -> None:
    """Closes all positions."""
    kill("flatten", run, reason, wait, as_json=as_json)


def resume(
    run: RunOption = None,
    confirm: Annotated[
        str, typer.Option("--confirm", help="The run's name, where nobody can be asked for it.")
    ] = "",
    as_json: options.JsonOption = False,
) -> None:
    """Lets a machine trade again."""
    from autofutures.ops.kill import KillSwitchOf

    folder = _folder(run)
    with KillSwitchOf(folder) as switch:
        before = switch.standing()
        if not confirm:
            sys.stderr.write(f"{_words(before)}\nIt trades again from now on.\n")
            confirm = typer.prompt(f"To go on, type the run's name, {folder.root.name}", err=True)
        switch.resume(confirm)
        standing = switch.until_done(2)
    _show(standing, as_json=as_json)


def seconds_of(text: str) -> float:
    """A span as people write it: `60s`, `5m`; `off` is 0.

    Raises:
        BadInput: it is none.
    """
    if text == "off":
        return 0.0
    unit = {"s": 1, "m": 60}.get(text[-1:], 0)
    number = text[:-1]
    if not unit or not number.isdecimal() or int(number) == 0:
        raise BadInput(f"--dead-man {text!r}: write a time such as 60s or 5m, or off")
    return float(int(number) * unit)


def _folder(run: Path | None) -> "Folder":
    from autofutures.ops.folder import Folder, latest_folder

    return Folder(run.resolve()) if run is not None else latest_folder()


def _show(standing: "Standing", *, as_json: bool) -> None:
    if as_json:
        print_json(msgspec.to_builtins(standing))
    else:
        sys.stdout.write(f"{_words(standing)}\n")


def _words(standing: "Standing") -> str:
    """How it stands, for a person."""
    if standing.level == "none":
        words = "the kill switch is not in use"
        if not standing.admits:
            words += "; the trader is heard once it has compared its book with the venue's"
    else:
        words = f"kill switch: {standing.level}, by {standing.who or 'nobody named'}"
        words += ": done" if standing.done else f": not done: {standing.text or 'under way'}"
        if standing.level == "disconnect" and standing.done:
            words += ", the session with the venue ends"
    if standing.dead_man_s >= 0:
        words += f"; the dead man's switch acts in {standing.dead_man_s:.0f} s unless it is renewed"
    return words
