"""Logs: one JSON object a line, with process, UTC time and, where there is one, the request's id (`flow`).

Twenty lines of our own: a process that is started again must be ready at once, and structlog, which would do the
same, takes a quarter of a second of processor time to import, for it brings along what makes terminals colourful.
"""

import os
import traceback
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from autofutures import clock
from autofutures.domain.units import SECOND


class Log:
    """A process's log.

    Args:
        path: appended to; each line is written whole, at once, so that several processes may share it.
        process: named in each line.
    """

    def __init__(self, path: Path, process: str) -> None:
        self._file = os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY | os.O_CLOEXEC, 0o644)
        self._process = process

    def debug(self, event: str, **fields: object) -> None:
        """Of use when something is looked for."""
        self._write("debug", event, fields)

    def info(self, event: str, **fields: object) -> None:
        """It went as it should."""
        self._write("info", event, fields)

    def warning(self, event: str, **fields: object) -> None:
        """It did not go as it should, and the machine has an answer to it."""
        self._write("warning", event, fields)

    def error(self, event: str, **fields: object) -> None:
        """A person must look."""
        self._write("error", event, fields)

    def exception(self, event: str, **fields: object) -> None:
        """The error that is being handled, with where it came from."""
        self._write("error", event, {**fields, "exception": traceback.format_exc().rstrip()})

    def _write(self, level: str, event: str, fields: dict[str, object]) -> None:
        moment = datetime.fromtimestamp(clock.now_ns() / SECOND, UTC).isoformat().replace("+00:00", "Z")
        line = {"event": event, **fields, "process": self._process, "level": level, "timestamp": moment}
        os.write(self._file, msgspec.json.encode(line, enc_hook=str) + b"\n")


def open_log(path: Path, process: str) -> Log:
    """A process's log, appended to."""
    return Log(path, process)
