"""How a journal stands, at a glance and beside its writer."""

from contextlib import closing
from pathlib import Path

import msgspec

from autofutures.domain.units import SECOND
from autofutures.storage.backup import JOURNAL, MANIFEST, Backup
from autofutures.storage.disk import FileDisk
from autofutures.storage.file import open_to_read


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What `autofutures db status` shows; nothing is proved here."""

    path: str
    batches: int
    hash: str
    since_snapshot: int
    """Batches that a start must fold."""
    epoch: int
    file_bytes: int
    log_bytes: int
    """Of SQLite's write-ahead log."""
    free_bytes: int
    backup: str
    """The newest; empty where there is none."""
    backup_behind: int
    """Batches that it lacks."""
    backup_age_s: int


def look(run: Path, now: int) -> Standing:
    """Looks at a run's journal.

    Raises:
        BadInput: there is none.
    """
    path = run / JOURNAL
    with closing(open_to_read(path)) as connection:
        row = connection.execute("SELECT id, hash FROM batch ORDER BY id DESC LIMIT 1").fetchone()
        (snapshot,) = connection.execute("SELECT coalesce(max(batch), 0) FROM snapshot").fetchone()
        (epoch,) = connection.execute("SELECT coalesce(max(number), 0) FROM epoch").fetchone()
    number, chain = row if row is not None else (0, b"")
    log = path.with_name(path.name + "-wal")
    backup = _newest_backup(run)
    return Standing(
        path=str(path),
        batches=number,
        hash=chain.hex(),
        since_snapshot=number - snapshot,
        epoch=epoch,
        file_bytes=path.stat().st_size,
        log_bytes=log.stat().st_size if log.exists() else 0,
        free_bytes=FileDisk(path).free_bytes(),
        backup="" if backup is None else backup.path,
        backup_behind=number if backup is None else number - backup.batches,
        backup_age_s=0 if backup is None else (now - backup.made_at) // SECOND,
    )


def _newest_backup(run: Path) -> Backup | None:
    found = []
    for manifest in (run / "backups").glob(f"*/{MANIFEST}"):
        try:
            found.append(msgspec.json.decode(manifest.read_bytes(), type=Backup))
        except (OSError, msgspec.MsgspecError):
            continue  # `db restore` says which is damaged.
    return max(found, key=lambda backup: backup.made_at, default=None)
