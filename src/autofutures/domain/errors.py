"""Errors, sorted by what the caller can do about them.

AutofuturesError
├── BadInput          fix what you gave us: the text says what was wrong and what to do
│   ├── NotThisFormat     the file is something else; the text says what it looks like
│   └── BadMessage        bytes that no peer of ours may send
├── Refusal           the machine will not do this now; the state is unharmed
└── BrokenInvariant   stop the process: the supervisor restarts it, the journal restores it
"""


class AutofuturesError(Exception):
    """The root of every error that this package raises on purpose."""


class BadInput(AutofuturesError, ValueError):
    """What the caller gave is wrong; the text says what, where and what to do instead."""


class NotThisFormat(BadInput):
    """A file is not what the importer reads; the text says what it looks like."""


class BadMessage(BadInput):
    """Bytes from the wire or the disk that do not decode to a message we know."""


class Refusal(AutofuturesError):
    """The machine will not do this now; nothing has changed."""


class BrokenInvariant(AutofuturesError):
    """The process's own state contradicts itself: it must stop, and be restored from its journal."""
