"""`autofutures db`: the journal proved, backed up and brought back."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from autofutures import clock
from autofutures.cli import options
from autofutures.cli.output import print_json
from autofutures.domain.errors import BadInput

if TYPE_CHECKING:
    from autofutures.storage.verify import Progress, Verdict

app = typer.Typer(
    no_args_is_help=True,
    help=(
        "The journal: prove it, back it up while the machine trades, and bring it back.\n\n"
        "All that the machine may not lose is in two files of a run's folder: journal.sqlite, what the trader "
        "heard and said, and gateway.sqlite, what was sent. Each record of the journal carries the hash of the one "
        "before it, so that none can change, go or trade places unseen. A machine does not start on a damaged "
        "journal: it says which record is bad, and what to do.\n\n"
        "Examples:\n\n"
        "autofutures db verify\n\n"
        "autofutures db backup --run my-run\n\n"
        "autofutures db restore --run my-run"
    ),
)

RunOption = Annotated[Path | None, typer.Option("--run", help="The run's folder. Default: the newest.")]

_VERIFY_HELP = (
    "Prove every record of a journal, and name the first bad one.\n\n"
    "Every batch is read and its hash compared, then the end with what the file beside the journal (.head) saw of "
    "it, the epochs, the snapshots, and SQLite's own structure. In a run's folder each snapshot is also compared with "
    "what all batches before it make. Nothing is changed; the machine may trade. The exit code is 1 where something is "
    "bad.\n\n"
    "Examples:\n\n"
    "autofutures db verify\n\n"
    "autofutures db verify my-run/backups/20210726-134500 --json"
)
_BACKUP_HELP = (
    "Copy a run's journal and send log into a new folder, while the machine trades.\n\n"
    "The copy is of one moment. It is proved before it gets its name, so that what looks like a backup is one. "
    "Keep a copy of the folder on another machine.\n\n"
    "Examples:\n\n"
    "autofutures db backup\n\n"
    "autofutures db backup --run my-run --to safe-place/monday"
)
_RESTORE_HELP = (
    "Put a backup in the place of a run's journal; what was there is set aside, not deleted.\n\n"
    "Stop the machine first. The backup is proved before anything moves. A restored journal is behind the venue: "
    "what was filled since the backup is learned again at the next start, when book and venue are compared, and "
    "until they agree no entry is sent. Client ids do not come twice: the trader's epoch moves on past all that may "
    "have been used. A send log that is whole is kept, because it knows more than the backup's.\n\n"
    "Where there is no backup, or only the last records are lost, as after a power cut, --salvage takes over every "
    "record before the first bad one.\n\n"
    "Examples:\n\n"
    "autofutures db restore --run my-run\n\n"
    "autofutures db restore my-run/backups/20210726-134500 --run my-run\n\n"
    "autofutures db restore --run my-run --salvage"
)


_REPLICATE_HELP = (
    "Follow a run's journal and send log with a replica elsewhere, by litestream, until you end it.\n\n"
    "The machine may run or not. A replica is a second or so behind, and what was committed since is lost with the "
    "disk: `autofutures db status` says how far it is. Needs the extra: pip install 'autofutures[backup]'. To bring "
    "a replica back: litestream restore -o journal.sqlite REPLICA, then `autofutures db restore journal.sqlite`.\n\n"
    "Examples:\n\n"
    "autofutures db replicate --to safe-place\n\n"
    "autofutures db replicate --run my-run --to s3://bucket/my-run"
)
_STATUS_HELP = (
    "How a journal stands: its end, its newest backup, room on its disk, and how far a replica is behind.\n\n"
    "For the replica all of it is restored to a temporary file and proved, which takes as long as it takes.\n\n"
    "Example:\n\n"
    "autofutures db status --json"
)


@app.command("verify", help=_VERIFY_HELP)
def verify_command(
    where: Annotated[
        Path | None, typer.Argument(help="A run's folder, a backup, or a journal. Default: the newest run.")
    ] = None,
    run: RunOption = None,
    as_json: options.JsonOption = False,
) -> None:
    """See `_VERIFY_HELP`."""
    from autofutures.storage.verify import verify

    if where is not None and run is not None:
        raise BadInput("name one place to verify, not two")
    path = _journal_at(where or _folder(run))
    with _bar("batches") as progress:
        verdict = verify(path, progress)
        if verdict.ok and (path.parent / "run.json").is_file():
            verdict = _with_snapshots(path, verdict, progress)
    if as_json:
        print_json(msgspec.to_builtins(verdict))
    else:
        sys.stdout.write(_words(verdict) + "\n")
    if not verdict.ok:
        sys.exit(1)


def _with_snapshots(path: Path, verdict: "Verdict", progress: "Progress") -> "Verdict":
    """Where the run's settings are known, each snapshot is compared with what the batches make."""
    from autofutures.config import read_run
    from autofutures.ops.book_check import check_snapshots
    from autofutures.storage.file import BadRecord, repair

    try:
        compared = check_snapshots(path, read_run(path.parent / "run.json"), progress)
    except BadRecord as error:
        return msgspec.structs.replace(
            verdict, ok=False, first_bad=error.record, why=error.why, repair=repair(path)
        )
    return msgspec.structs.replace(verdict, snapshots_compared=compared)


def _words(verdict: "Verdict") -> str:
    if verdict.ok:
        return (
            f"{verdict.path}: good, {verdict.batches:,} batches, {verdict.snapshots} snapshots, epoch "
            f"{verdict.epoch}, hash {verdict.hash[:16]}"
        )
    return (
        f"{verdict.path}: the first bad record is {verdict.first_bad}: {verdict.why}\n"
        f"{verdict.batches:,} batches before it are good. {verdict.repair}"
    )


@app.command("backup", help=_BACKUP_HELP)
def backup_command(
    run: RunOption = None,
    to: Annotated[
        Path | None, typer.Option("--to", help="A new folder. Default: in the run's backups, by the time.")
    ] = None,
    as_json: options.JsonOption = False,
) -> None:
    """See `_BACKUP_HELP`."""
    from autofutures.storage.backup import back_up, backup_folder

    root = _folder(run)
    now = clock.now_ns()
    with _bar("pages") as progress:
        backup = back_up(root, to or backup_folder(root, now), now, progress)
    if as_json:
        print_json(msgspec.to_builtins(backup))
    else:
        sys.stdout.write(f"{backup.path}: {backup.batches:,} batches, {', '.join(sorted(backup.files))}\n")


@app.command("restore", help=_RESTORE_HELP)
def restore_command(
    backup: Annotated[
        Path | None, typer.Argument(help="The backup's folder. Default: the newest good one of the run.")
    ] = None,
    run: RunOption = None,
    salvage: Annotated[
        bool, typer.Option("--salvage", help="No backup: take over every record before the first bad one.")
    ] = False,
    as_json: options.JsonOption = False,
) -> None:
    """See `_RESTORE_HELP`."""
    from autofutures.ops.folder import Folder
    from autofutures.storage.backup import newest_backup, restore
    from autofutures.storage.salvage import salvage as salvage_run

    if salvage and backup is not None:
        raise BadInput("--salvage needs no backup: it takes over what the damaged file still has")
    root = _folder(run)
    root.mkdir(parents=True, exist_ok=True)
    folder = Folder(root)
    folder.take()
    try:
        now = clock.now_ns()
        done = salvage_run(root, now) if salvage else restore(backup or newest_backup(root), root, now)
    finally:
        folder.leave()
    if as_json:
        print_json(msgspec.to_builtins(done))
        return
    sys.stdout.write(
        f"{done.path}: {done.batches:,} batches from {done.backup}, next epoch {done.epoch + 1}\n"
    )
    if done.set_aside:
        sys.stdout.write(f"What was there is in {done.set_aside}\n")


@app.command("replicate", help=_REPLICATE_HELP)
def replicate_command(
    to: Annotated[str, typer.Option("--to", help="A folder, or an address as s3://bucket/name.")],
    run: RunOption = None,
    once: Annotated[bool, typer.Option("--once", help="Copy what there is now, and end.")] = False,
) -> None:
    """See `_REPLICATE_HELP`."""
    from autofutures.storage.replica import find_litestream, replicate, write_config

    find_litestream()
    root = _folder(run)
    write_config(root, to, once=once)
    sys.exit(replicate(root, once=once))


@app.command("status", help=_STATUS_HELP)
def status_command(run: RunOption = None, as_json: options.JsonOption = False) -> None:
    """See `_STATUS_HELP`."""
    from autofutures.storage.replica import CONFIG, lag
    from autofutures.storage.status import look

    root = _folder(run)
    standing = look(root, clock.now_ns())
    replica = lag(root) if (root / CONFIG).is_file() else None
    table = {**msgspec.to_builtins(standing), "replica": msgspec.to_builtins(replica)}
    if as_json:
        print_json(table)
        return
    for name, value in table.items():
        sys.stdout.write(f"{name.replace('_', ' '):18} {_shown(value)}\n")


def _shown(value: object) -> str:
    if value is None or value == "":
        return "none"
    if isinstance(value, dict):
        return ", ".join(f"{name} {part}" for name, part in value.items())
    return f"{value:,}" if isinstance(value, int) else str(value)


def _folder(run: Path | None) -> Path:
    from autofutures.ops.folder import latest_folder

    return run if run is not None else latest_folder().root


def _journal_at(where: Path) -> Path:
    from autofutures.storage.backup import JOURNAL

    return where / JOURNAL if where.is_dir() else where


@contextmanager
def _bar(what: str) -> Iterator["Progress"]:
    """Shows on standard error how much is done; silent where that is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    console = Console(stderr=True)
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn(what))
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(what, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
