"""The command line as a person uses it: a program, its output, its exit code, and what it leaves behind."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import msgspec

from autofutures.ops.folder import Folder

COMMAND = (sys.executable, "-m", "autofutures.cli")
PATIENCE_S = 90
"""No run of these tests but the whole day takes a third of that, even where two cores are shared with others."""

EMA = ("--strategy", "ema_cross", "--set", "fast=20", "--set", "slow=60")
DAY = "TXF202108@2021-07-26"

Json = dict[str, object]


class Outcome(msgspec.Struct, frozen=True):
    """What a command said, and how it ended."""

    code: int
    out: str
    err: str

    def json(self) -> Json:
        """The one JSON object of standard output; the command must have succeeded."""
        assert self.code == 0, self.err
        return msgspec.json.decode(self.out, type=Json)

    @property
    def folder(self) -> Folder:
        """The run's folder, as `up` says it on standard error."""
        return _folder_of(self.err)


class Running:
    """A machine that works in the background."""

    def __init__(self, child: "subprocess.Popen[bytes]", folder: Folder, first_words: str) -> None:
        self._child = child
        self._first_words = first_words
        self.folder = folder

    @property
    def pid(self) -> int:
        """The supervisor's process."""
        return self._child.pid

    def signal(self, number: int) -> None:
        """Sends a signal to the supervisor alone."""
        self._child.send_signal(number)

    def end(self) -> Outcome:
        """Waits for the end that something else brings about."""
        out, err = self._child.communicate(timeout=PATIENCE_S)
        return Outcome(self._child.returncode, out.decode(), self._first_words + err.decode())


class Machine:
    """One user of this computer: a home of his own, and commands in it.

    Args:
        home: where settings, keys, state and data go.
        catalog: an imported catalogue for `up` and `backtest`; none where all is generated.
    """

    def __init__(self, home: Path, catalog: Path | None = None) -> None:
        self.home = home
        self._catalog = ("--catalog", str(catalog)) if catalog is not None else ()
        self._environment = {
            **os.environ,
            "XDG_STATE_HOME": str(home / "state"),
            "XDG_CONFIG_HOME": str(home / "config"),
            "XDG_DATA_HOME": str(home / "data"),
            "COLUMNS": "200",
        }

    @property
    def keys(self) -> Path:
        """Where this user's keys are."""
        return self.home / "config" / "autofutures" / "keys"

    def run(self, *arguments: str, patience_s: int = PATIENCE_S) -> Outcome:
        """Runs a command to its end."""
        done = subprocess.run(
            [*COMMAND, *arguments],
            capture_output=True,
            text=True,
            env=self._environment,
            timeout=patience_s,
            check=False,
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    def on_catalog(self, *arguments: str) -> Outcome:
        """Runs a command on the imported catalogue."""
        return self.run(*arguments, *self._catalog)

    def backtest(self, *options: str, patience_s: int = PATIENCE_S) -> Json:
        """A backtest's figures."""
        return self.run("backtest", *options, *self._catalog, "--json", patience_s=patience_s).json()

    def up(self, *options: str) -> Outcome:
        """A machine's whole run."""
        return self.run("up", *options, *self._catalog, "--json")

    @contextmanager
    def started(self, *options: str) -> Iterator[Running]:
        """A machine at work in the background; whatever happens, it is gone afterwards."""
        with self.background("up", *options, *self._catalog, "--json") as child:
            assert child.stderr is not None
            words = child.stderr.readline().decode()
            assert words.startswith("run folder:"), words
            yield Running(child, _folder_of(words), words)

    @contextmanager
    def watching(self, running: Running) -> Iterator[Running]:
        """Someone who looks on; he has seen something when this begins."""
        with self.background("status", "--watch", "--run", str(running.folder.root)) as child:
            assert child.stdout is not None
            yield Running(child, running.folder, child.stdout.readline().decode())

    @contextmanager
    def background(self, *arguments: str) -> Iterator["subprocess.Popen[bytes]"]:
        """A command at work in the background; it is ended afterwards."""
        with subprocess.Popen(
            [*COMMAND, *arguments],
            bufsize=0,  # So that a line is read and nothing behind it.
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**self._environment, "PYTHONUNBUFFERED": "1"},
        ) as child:
            try:
                yield child
            finally:
                if child.poll() is None:
                    child.terminate()
                    child.communicate(timeout=PATIENCE_S)


def children_of(folder: Folder) -> dict[str, int]:
    """The process id of every process that the supervisor has started, by name."""
    lines = folder.log("supervisor").read_bytes().splitlines()
    entries = [msgspec.json.decode(line, type=Json) for line in lines]
    return {str(e["child"]): cast("int", e["pid"]) for e in entries if e["event"] == "started"}


def alive(pids: Sequence[int]) -> list[int]:
    """Those that still run. A process that has ended and that nobody has asked about yet is dead."""
    return [pid for pid in pids if _state(pid) not in ("", "Z")]


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


def _folder_of(words: str) -> Folder:
    line = next(line for line in words.splitlines() if line.startswith("run folder:"))
    return Folder(Path(line.removeprefix("run folder:").strip()))
