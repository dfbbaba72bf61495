"""A replica that follows the journal while it is written, made by litestream, and how far it is behind.

litestream copies what SQLite has committed a second or so later, to a folder or to an object store. It is not asked
before a commit is believed: what was committed since its last copy is lost with the machine.
"""

import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import msgspec

from autofutures.domain.errors import BadInput, Refusal
from autofutures.storage.backup import JOURNAL, SEND_LOG
from autofutures.storage.file import open_to_read
from autofutures.storage.verify import verify

CONFIG = "litestream.json"
"""In the run's folder: where its replica is. JSON is YAML, which is what litestream reads."""


class Lag(msgspec.Struct, frozen=True, kw_only=True):
    """A replica beside its journal; all of the replica was proved."""

    batches: int
    replicated: int
    behind: int
    """Batches that are not in the replica yet."""
    behind_s: float
    """Seconds of the trader's time between the newest batch here and the newest there."""
    agrees: bool
    """The replica's last batch is the one that the journal has there."""


def find_litestream() -> Path:
    """The program, beside this Python or on the path.

    Raises:
        BadInput: it is not installed.
    """
    beside = Path(sys.executable).with_name("litestream")
    found = str(beside) if beside.is_file() else shutil.which("litestream")
    if found is None:
        raise BadInput("litestream is not installed: pip install 'autofutures[backup]'")
    return Path(found)


def write_config(run: Path, to: str, *, once: bool = False) -> Path:
    """Writes down where a run's files are replicated to.

    Args:
        run: its folder.
        to: a folder, or an address that litestream knows, as s3://bucket/name.
        once: only what is there; otherwise a send log that is not there yet is followed as soon as it is.

    Raises:
        BadInput: there is no journal.
    """
    if not (run / JOURNAL).is_file():
        raise BadInput(f"there is no journal in {run}: name the run's folder with --run")
    databases = []
    for name in (JOURNAL, SEND_LOG):
        if once and not (run / name).is_file():
            continue
        place = to.rstrip("/")
        replica = (
            {"url": f"{place}/{name}"}
            if "://" in place
            else {"type": "file", "path": str(Path(place).resolve() / name)}
        )
        databases.append({"path": str((run / name).resolve()), "replica": replica})
    path = run / CONFIG
    path.write_bytes(msgspec.json.format(msgspec.json.encode({"dbs": databases})) + b"\n")
    return path


def replicate(run: Path, *, once: bool = False) -> int:
    """Runs litestream until it is interrupted; returns its exit code. `once` makes one copy and ends.

    The journal needs no stop for it, and no restart: litestream may be started and ended at any time.
    """
    command = [str(find_litestream()), "replicate", "-config", str(run / CONFIG)]
    if once:
        command.append("-once")
    with subprocess.Popen(command) as program:
        while True:
            try:
                return program.wait()
            except KeyboardInterrupt:
                program.send_signal(signal.SIGINT)


def lag(run: Path) -> Lag:
    """Restores the replica into a temporary file, proves it, and compares it with the journal.

    Raises:
        BadInput: no replica was ever made of this run.
        Refusal: the replica cannot be restored, or is damaged.
    """
    if not (run / CONFIG).is_file():
        raise BadInput(
            f"{run} has no replica: make one with `autofutures db replicate --run {run} --to FOLDER`"
        )
    with tempfile.TemporaryDirectory() as place:
        copy = Path(place) / JOURNAL
        restored = subprocess.run(
            [
                str(find_litestream()),
                "restore",
                "-config",
                str(run / CONFIG),
                "-o",
                str(copy),
                str((run / JOURNAL).resolve()),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        if restored.returncode or not copy.is_file():
            raise Refusal(f"the replica of {run} cannot be restored: {restored.stderr.strip()[-300:]}")
        verdict = verify(copy)
        if not verdict.ok:
            raise Refusal(f"the replica of {run} is damaged: {verdict.first_bad}: {verdict.why}")
        with closing(open_to_read(copy)) as connection:
            there = _place(connection, verdict.batches)
    with closing(open_to_read(run / JOURNAL)) as connection:
        (newest,) = connection.execute("SELECT coalesce(max(id), 0) FROM batch").fetchone()
        here = _place(connection, newest)
        agrees = _place(connection, verdict.batches)[1] == there[1]
    return Lag(
        batches=newest,
        replicated=verdict.batches,
        behind=newest - verdict.batches,
        behind_s=round((here[0] - there[0]) / 1e9, 3) if verdict.batches else 0.0,
        agrees=agrees,
    )


def _place(connection: sqlite3.Connection, number: int) -> tuple[int, bytes]:
    """Time and hash of a batch; nothing of batch 0, or of one that is not there."""
    row = connection.execute("SELECT at, hash FROM batch WHERE id = ?", (number,)).fetchone()
    return (int(row[0]), bytes(row[1])) if row is not None else (0, b"")
