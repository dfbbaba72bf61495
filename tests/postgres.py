"""A PostgreSQL server of the tests' own: no port, one user, no waiting for the disk, and gone afterwards."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg

START_S = 30


def programs() -> Path | None:
    """Where Debian puts the server's programs: they are not on the PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).parent if on_path else None


class Server:
    """A server that can be killed and started again. PostgreSQL refuses root, so root runs it as `postgres`."""

    def __init__(self) -> None:
        found = programs()
        assert found is not None
        self._programs = found
        # Not below pytest's own folder, which only its user may enter.
        self._root = Path(tempfile.mkdtemp(prefix="autofutures-pg-"))
        self._user = "postgres" if os.geteuid() == 0 else None
        if self._user is not None:
            owner = pwd.getpwnam(self._user)
            os.chown(self._root, owner.pw_uid, owner.pw_gid)
        self._data = self._root / "data"
        self._process: subprocess.Popen[bytes] | None = None
        options = ("--auth=trust", "--username=trader", "--no-sync", "--encoding=UTF8", "--locale=C.UTF-8")
        self._run("initdb", f"--pgdata={self._data}", *options)

    def start(self) -> None:
        """Starts it, and returns when it answers."""
        self._process = self._launched()
        deadline = time.monotonic() + START_S
        while not self._answers():
            assert time.monotonic() < deadline, (self._root / "log").read_text()
            if self._process.poll() is not None:
                # After a kill its children need a moment to notice, and hold the shared memory until then.
                self._process = self._launched()
            time.sleep(0.02)

    def _launched(self) -> "subprocess.Popen[bytes]":
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self._root),
            "fsync": "off",
            "shared_buffers": "16MB",
            "max_connections": "20",
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with (self._root / "log").open("ab") as log:
            return subprocess.Popen(
                [self._programs / "postgres", "-D", self._data, *options],
                stdout=log,
                stderr=log,
                user=self._user,
                group=self._user,
                cwd=self._root,
            )

    def kill(self, number: signal.Signals = signal.SIGQUIT) -> None:
        """Ends it at once: QUIT is PostgreSQL's own immediate shutdown, KILL is nobody's choice."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(START_S)
            self._process = None

    def empty_database(self) -> str:
        """The URL of a database that has nothing of ours in it: the same one each time, for making one is slow."""
        with psycopg.connect(f"host={self._root} dbname=postgres user=trader") as connection:
            connection.execute(
                "SET lock_timeout = '5s'"
            )  # Else a test that lets go of nothing would stop them all.
            connection.execute("DROP SCHEMA IF EXISTS autofutures CASCADE")
        return f"postgresql+psycopg://trader@/postgres?host={self._root}"

    def _answers(self) -> bool:
        asked = subprocess.run(
            [self._programs / "pg_isready", "-q", "-h", self._root], check=False, cwd=self._root
        )
        return asked.returncode == 0

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [self._programs / program, *arguments],
            capture_output=True,
            text=True,
            user=self._user,
            group=self._user,
            cwd=self._root,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        shutil.rmtree(self._root)
