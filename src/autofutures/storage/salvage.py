"""What can be read of a damaged journal becomes a new one: every batch before the first bad one."""

import sqlite3
from contextlib import ExitStack, closing
from pathlib import Path

from autofutures.domain.errors import BadInput
from autofutures.storage.backup import JOURNAL, SEND_LOG, Restored, put_in_place
from autofutures.storage.chain import START
from autofutures.storage.file import BadRecord, take_lock
from autofutures.storage.memory import empty_journal
from autofutures.storage.reading import checked_rows, read_epochs, seal_of_epoch
from autofutures.storage.verify import stretched
from autofutures.storage.witness import read_witness, witness_path

_ROW = "INSERT INTO batch (id, at, schema, inputs, outputs, hash) VALUES (?, ?, ?, ?, ?, ?)"


def salvage(run: Path, now: int) -> Restored:
    """Puts the good beginning of a run's journal in its place; the damaged file is set aside.

    Args:
        run: a run's folder; nothing of it may run.
        now: UTC nanoseconds.

    Raises:
        BadInput: there is no file, which epochs were used is lost, or a process works in the folder.
    """
    if not (run / JOURNAL).is_file():
        raise BadInput(f"there is no journal in {run}: name the run's folder with --run")
    with ExitStack() as stack:
        for name in (JOURNAL, SEND_LOG):
            stack.enter_context(take_lock(run / name))
        new = run / f"{JOURNAL}.restoring"
        new.write_bytes(empty_journal())
        with (
            stretched(run / JOURNAL) as damaged,
            closing(sqlite3.connect(new, isolation_level=None)) as whole,
        ):
            whole.execute("BEGIN")
            _take_over(damaged, whole, run / JOURNAL)
            whole.execute("COMMIT")
        return put_in_place(new, run / JOURNAL, run, now)


def _take_over(damaged: sqlite3.Connection, whole: sqlite3.Connection, path: Path) -> None:
    try:
        for row in checked_rows(damaged, path, START):
            whole.execute(_ROW, row)
    except BadRecord:
        pass  # Here the good beginning ends.
    try:
        epochs = read_epochs(damaged, path)
    except BadRecord as error:
        if read_witness(witness_path(path)) is None:
            raise BadInput(f"{error} Which client ids were used is not known: restore a backup") from error
        epochs = []  # The witness knows the newest.
    rows = [(number, seal_of_epoch(number)) for number in epochs]
    whole.executemany("INSERT INTO epoch (number, hash) VALUES (?, ?)", rows)
