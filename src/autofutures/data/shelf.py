"""Puts an import's files into the catalogue all at once: a killed import leaves all of them there, or none.

Files are written to `staging/<sha256>.part`. Renaming that folder to `staging/<sha256>` decides; moving the
files to their places is then only work, which whoever opens the catalogue next finishes.
"""

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from autofutures.domain.errors import Refusal

_STAGING = "staging"
_UNFINISHED = ".part"


@contextmanager
def locked(root: Path) -> Iterator[None]:
    """Keeps other imports out.

    Raises:
        Refusal: another process imports into this catalogue.
    """
    root.mkdir(parents=True, exist_ok=True)
    with (root / ".lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Refusal(f"another import is writing to {root}: wait until it has finished") from error
        _finish(root)
        yield


def mend(root: Path) -> None:
    """Finishes, or takes back, what a killed import left; an import that is alive is left alone."""
    if not any((root / _STAGING).glob("*")):
        return
    try:
        with locked(root):
            pass
    except (Refusal, OSError):
        # Someone else is at it, or the place cannot be written to: what is there can still be read.
        return


@contextmanager
def staged(root: Path, sha256: str) -> Iterator[Path]:
    """A folder to write an import's files to; they are in the catalogue when the block ends without an error.

    The caller holds the lock.
    """
    folder = root / _STAGING / (sha256 + _UNFINISHED)
    folder.mkdir(parents=True)
    decided = False
    try:
        yield folder
        decided = True
    finally:
        if not decided:
            shutil.rmtree(folder)
    folder.rename(folder.with_suffix(""))
    _finish(root)


def _finish(root: Path) -> None:
    for folder in sorted((root / _STAGING).glob("*")):
        if folder.suffix != _UNFINISHED:
            for path in sorted(path for path in folder.rglob("*") if path.is_file()):
                place = root / path.relative_to(folder)
                place.parent.mkdir(parents=True, exist_ok=True)
                path.replace(place)
        shutil.rmtree(folder)
