"""Logs: one JSON object a line, with process, UTC time and, where there is one, the request's id (`flow`)."""

from pathlib import Path
from typing import TextIO

import structlog


def open_log(path: Path, process: str) -> structlog.typing.FilteringBoundLogger:
    """A process's log, appended to; each line is flushed as it is written."""
    stream: TextIO = path.open("a", encoding="utf-8", buffering=1)
    log: structlog.typing.FilteringBoundLogger = structlog.wrap_logger(
        structlog.WriteLogger(stream),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(0),
        process=process,
    )
    return log
