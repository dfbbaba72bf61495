"""Backups of a run's truth: the journal and the gateway's send log, copied while both are written, and brought back.

A backup is a folder. It bears its name only when all of it was copied, proved and is on the disk.
"""

import hashlib
import os
import shutil
import sqlite3
from contextlib import ExitStack, closing
from pathlib import Path

import msgspec

from autofutures.domain.errors import BadInput, Refusal
from autofutures.market.dates import taipei_day, taipei_second
from autofutures.orders.ids import MAX_EPOCH
from autofutures.storage.chain import Head
from autofutures.storage.file import open_to_read, take_lock
from autofutures.storage.reading import read_epochs, seal_of_epoch
from autofutures.storage.verify import Progress, verify
from autofutures.storage.witness import Witness, read_witness, witness_path

JOURNAL = "journal.sqlite"
SEND_LOG = "gateway.sqlite"
MANIFEST = "backup.json"

EPOCHS_LEFT_OUT = 64
"""How many epochs a restore skips where nothing tells which were given out since the backup: a client id holds the
day too, so this is how often the trader may have been started on the day of the restore."""

_PAGES_AT_ONCE = 512
_SQLITE_FILES = ("", "-wal", "-shm")


class Backup(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup holds; `files` has the SHA-256 of each."""

    path: str
    made_at: int
    batches: int
    hash: str
    """Of the journal's chain."""
    epoch: int
    files: dict[str, str]


class Restored(msgspec.Struct, frozen=True, kw_only=True):
    """What a restore did."""

    path: str
    backup: str
    batches: int
    epoch: int
    """The newest that counts as given out: the next life's is above it."""
    set_aside: str
    """Where the files that were there before are now; empty where there were none."""
    send_log: str
    """`kept`, `restored` or `none`."""


def backup_folder(run: Path, now: int) -> Path:
    """Where a backup made at `now` (UTC nanoseconds) goes, if nobody says otherwise."""
    second = taipei_second(now)
    name = f"{taipei_day(now)}-{second // 3600:02d}{second // 60 % 60:02d}{second % 60:02d}"
    return run / "backups" / name


def back_up(run: Path, to: Path, now: int, progress: Progress | None = None) -> Backup:
    """Copies a run's files into a new folder, and proves the copy.

    The send log comes last: it knows at least of all orders that the copied journal knows to be sent.

    Args:
        run: the folder of the run; its machine may trade.
        to: a folder that is not there yet.
        now: UTC nanoseconds.
        progress: hears of pages.

    Raises:
        BadInput: there is no journal, or `to` is there already.
        Refusal: the copy is not good: the journal itself is damaged.
    """
    if to.exists():
        raise BadInput(f"{to} is there already: name a folder that is not")
    partial = to.with_name(to.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    with closing(open_to_read(run / JOURNAL)) as source:
        _copy(source, partial / JOURNAL, progress)
    verdict = verify(partial / JOURNAL)
    if not verdict.ok:
        shutil.rmtree(partial)
        raise Refusal(
            f"no backup was made, for {run / JOURNAL} is damaged: {verdict.first_bad}: {verdict.why}. "
            f"{verdict.repair}"
        )
    if (run / SEND_LOG).is_file():
        uri = f"{(run / SEND_LOG).resolve().as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as source:
            _copy(source, partial / SEND_LOG, progress)
        if not _is_whole(partial / SEND_LOG):
            shutil.rmtree(partial)
            raise Refusal(f"no backup was made, for {run / SEND_LOG} is damaged")
    backup = Backup(
        path=str(to),
        made_at=now,
        batches=verdict.batches,
        hash=verdict.hash,
        epoch=verdict.epoch,
        files={file.name: _sha256(file) for file in sorted(partial.iterdir())},
    )
    (partial / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(backup)))
    for file in partial.iterdir():
        _to_disk(file)
    partial.rename(to)
    _to_disk(to.parent)
    return backup


def check_backup(path: Path) -> Backup:
    """Proves a backup.

    Raises:
        BadInput: it is none, or damaged.
    """
    try:
        backup = msgspec.json.decode((path / MANIFEST).read_bytes(), type=Backup)
    except (OSError, msgspec.MsgspecError) as error:
        raise BadInput(f"{path} is no backup: {error}") from error
    for name, digest in backup.files.items():
        file = path / name
        if not file.is_file() or _sha256(file) != digest:
            raise BadInput(f"{file} is not as it was when the backup was made: choose another backup")
    _check_journal(path / JOURNAL)
    return backup


def _check_journal(path: Path) -> None:
    verdict = verify(path)
    if not verdict.ok:
        raise BadInput(f"{path} is damaged: {verdict.first_bad}: {verdict.why}; choose another backup")


def newest_backup(run: Path) -> Path:
    """The newest good backup among those in a run's folder; damaged ones are passed over.

    Raises:
        BadInput: there is none.
    """
    made = sorted((run / "backups").glob(f"*/{MANIFEST}"), key=lambda path: path.parent.name, reverse=True)
    for manifest in made:
        try:
            check_backup(manifest.parent)
        except BadInput:
            continue
        return manifest.parent
    raise BadInput(
        f"there is no good backup in {run / 'backups'}: name one, or take over what can be read of the damaged "
        "file with --salvage"
    )


def restore(backup: Path, run: Path, now: int) -> Restored:
    """Puts a backup in the place of a run's files, which are set aside and not deleted.

    The journal is then behind the venue, so the epoch moves on: no client id comes twice, though nobody knows which
    were used since. A send log that is whole stays, for it knows of more orders than the backup's.

    Args:
        backup: a folder that `back_up` made, or a journal alone.
        run: a run's folder; nothing of it may run.
        now: UTC nanoseconds.

    Raises:
        BadInput: the backup is damaged, a process works in the folder, or all epochs are used.
    """
    if backup.is_file():  # A journal alone, as a replica's restore leaves it.
        _check_journal(backup)
        journal = backup
    else:
        check_backup(backup)
        journal = backup / JOURNAL
    run.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        for name in (JOURNAL, SEND_LOG):
            stack.enter_context(take_lock(run / name))
        new = run / f"{JOURNAL}.restoring"
        shutil.copyfile(journal, new)
        return put_in_place(new, journal.parent, run, now)


def put_in_place(new: Path, backup: Path, run: Path, now: int) -> Restored:
    """Makes `new` the run's journal. The caller holds the locks.

    A crash at any step leaves a folder in which nothing starts: the witness comes first, and no other file
    agrees with it.
    """
    old_send_log = run / SEND_LOG
    keeps = old_send_log.is_file() and _is_whole(old_send_log)
    epoch = _raise_epoch(new, run)
    verdict = verify(new)
    if not verdict.ok:
        raise Refusal(f"the copy of {backup} is damaged ({verdict.first_bad}: {verdict.why}): try again")
    old = [run / f"{JOURNAL}{suffix}" for suffix in _SQLITE_FILES]
    if not keeps:
        old += [run / f"{SEND_LOG}{suffix}" for suffix in _SQLITE_FILES]
    with Witness(_fresh(witness_path(run / JOURNAL))) as witness:
        witness.saw_epoch(epoch, Head(verdict.batches, bytes.fromhex(verdict.hash)))
    aside = _set_aside([file for file in old if file.exists()], run, now)
    new.rename(run / JOURNAL)
    send_log = "kept" if keeps else "none"
    if not keeps and (backup / SEND_LOG).is_file():
        shutil.copyfile(backup / SEND_LOG, old_send_log)
        _to_disk(old_send_log)
        send_log = "restored"
    _to_disk(run)
    return Restored(
        path=str(run),
        backup=str(backup),
        batches=verdict.batches,
        epoch=epoch,
        set_aside=aside,
        send_log=send_log,
    )


def _copy(source: sqlite3.Connection, to: Path, progress: Progress | None) -> None:
    """SQLite's own online backup, as of one moment: the writer goes on, and what it writes is not in the copy."""

    def heard(_: int, remaining: int, total: int) -> None:
        if progress is not None:
            progress(total - remaining, total)

    source.execute("BEGIN")
    source.execute("SELECT count(*) FROM sqlite_master").fetchone()  # The moment is now.
    with closing(sqlite3.connect(to, isolation_level=None)) as copy:
        source.backup(copy, pages=_PAGES_AT_ONCE, progress=heard)
        copy.execute(
            "PRAGMA journal_mode = DELETE"
        )  # One file, which can be read where nothing can be written.
    source.execute("COMMIT")


def _raise_epoch(new: Path, run: Path) -> int:
    """Gives the new file an epoch above all that may have been given out; returns it."""
    with closing(open_to_read(new)) as connection:
        own = max(read_epochs(connection, new), default=0)
    known = read_witness(witness_path(run / JOURNAL))
    epoch = max(own + EPOCHS_LEFT_OUT, _epoch_of_send_log(run)) if known is None else max(own, known[1])
    if epoch > MAX_EPOCH:
        raise BadInput(
            f"{run} has used all {MAX_EPOCH} epochs that a client id has room for: when no order is open, start with "
            "another place for the state"
        )
    if epoch > own:
        with closing(sqlite3.connect(new, isolation_level=None)) as connection:
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute(
                "INSERT INTO epoch (number, hash) VALUES (?, ?)", (epoch, seal_of_epoch(epoch))
            )
    return epoch


def _epoch_of_send_log(run: Path) -> int:
    """The newest epoch that the gateway has heard of; 0 where its file does not say."""
    try:
        with closing(
            sqlite3.connect(f"{(run / SEND_LOG).resolve().as_uri()}?mode=ro", uri=True)
        ) as connection:
            row = connection.execute("SELECT number FROM reached WHERE name = 'epoch'").fetchone()
    except sqlite3.Error:
        return 0
    return int(row[0]) if row is not None else 0


def _is_whole(path: Path) -> bool:
    """Whether SQLite finds nothing wrong with a file."""
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            (verdict,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    except sqlite3.Error:
        return False
    return bool(verdict == "ok")


def _set_aside(files: list[Path], run: Path, now: int) -> str:
    if not files:
        return ""
    name = backup_folder(run, now).name
    aside = run / f"damaged-{name}"
    number = 1
    while aside.exists():
        number += 1
        aside = run / f"damaged-{name}-{number}"
    aside.mkdir()
    for file in files:
        file.rename(aside / file.name)
    return str(aside)


def _fresh(path: Path) -> Path:
    path.unlink(missing_ok=True)
    return path


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _to_disk(path: Path) -> None:
    """Waits until a file, or a folder's list of names, is on the disk."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
