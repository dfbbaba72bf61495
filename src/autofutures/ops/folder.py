"""A run's folder: everything that a run reads and leaves, and where its sockets are."""

import fcntl
import os
import tempfile
from pathlib import Path

import msgspec

from autofutures import clock
from autofutures.bus.curve import ensure_keys
from autofutures.config import RunSettings, default_keys, default_runs, read_run, write_run
from autofutures.domain.errors import BadInput
from autofutures.market.dates import taipei_day, taipei_second
from autofutures.storage.file import Durability

SOCKETS = "autofutures-"
"""How the names of the places for sockets begin."""


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """How a run's processes are driven: none of it may change what they decide.

    `speed` is 0 for as fast as possible, else how many times recorded time.
    """

    sockets: str
    keys: str
    state: str
    speed: float = 0.0
    until_end: bool = False
    pause_seed: int = 0
    drop_frame: int = 0
    durability: Durability = "process-crash"
    """What the journal's and the gateway's commits outlive."""
    life: int = 1
    """How often a machine was started in this folder: the simulated exchange's ids must not come again."""
    live: bool = False
    """The processes run by the clock; otherwise they replay, one answered event after the other."""
    clock_offset_ns: int = 0
    """Added to the clock by every process of a live run, so that a generated session is now."""
    clock_jumps: tuple[tuple[int, int], ...] = ()
    """A drill that leaves closed hours out: from a moment of the computer's clock on, what is added to it instead."""
    begun_at: int = 0
    """When a live run began, by its own clock: what the journal holds of before belongs to earlier runs."""
    minutes: float = 0.0
    """A live run ends after so long; 0: with its market."""
    write_ahead: bool = True
    """Off, orders leave before they are written down: for proving that a drill notices it."""
    die_at: str = ""
    """A drill: `role:point:kind`, again after a comma, where `trader` or `gateway` dies, each time once."""
    venue_endpoint: str = ""
    """Where the exchange listens when it does not belong to the machine and outlives it; empty: in `sockets`."""
    projections: str = ""
    """The database that a projector keeps up to date with the journal, by URL; `sqlite` for a file in the run's
    folder; empty for none."""
    alerts: str = ""
    """The settings file that says who is told of trouble; empty for nobody."""
    memory_soft_mb: int = 768
    """A process that holds so much memory is told of; 0 for no limit."""
    memory_hard_mb: int = 1_024
    """One that holds so much is ended in order and started again, before the system kills some process."""
    descriptors: int = 512
    """A process that keeps so many files and sockets open is told of."""
    quiet_s: int = 60
    """A market in session that is not heard for so long makes the machine not ready; 0 for never."""
    clock_ms: int = 500
    """Nothing new is opened while the computer's clock may be further off than this; 0 for no bound."""
    free_mb: int = 128
    """Nothing new is opened while less memory than this is left; 0 for no bound."""


class Folder:
    """The paths of one run."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.journal = root / "journal.sqlite"
        self.stream = root / "stream.msgpack"
        self.result = root / "result.json"
        self.latency = root / "latency.json"
        self.slow = root / "slow.json"
        self.orders = root / "orders.csv"
        self.fills = root / "fills.csv"
        self.report = root / "report.html"
        self.send_log = root / "gateway.sqlite"
        self.restarts = root / "restarts.json"
        self.children = root / "children.json"
        self.ledger = root / "ledger.json"
        self.exchange = root / "exchange.json"
        self.died = root / "died"
        self.vitals = root / "vitals.json"
        self.alerts = root / "alerts.jsonl"
        self.alerts_read = root / "alerts.read.json"
        self.kill = root / "kill.json"
        self.kill_asked = root / "kill-asked.json"
        self.logs = root / "logs"
        self._lives = root / "lives"
        self._lock = -1

    def take(self) -> None:
        """Keeps other machines out of the folder, until `leave` or this process's end.

        Raises:
            BadInput: a machine runs in it now.
        """
        lock = os.open(self.root / "up.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            raise BadInput(
                f"a machine runs in {self.root}: end it with autofutures stop --run {self.root}, or choose "
                "another folder with --state"
            ) from None
        self._lock = lock

    def leave(self) -> None:
        """Lets other machines in again."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def is_over(self) -> bool:
        """Whether the machine here has ended in order: its supervisor took the sockets away."""
        return not Path(self.machine().sockets).is_dir()

    def run(self) -> RunSettings:
        """What the run does."""
        return read_run(self.root / "run.json")

    def machine(self) -> Machine:
        """How its processes are driven.

        Raises:
            BadInput: the folder holds no run.
        """
        path = self.root / "machine.json"
        try:
            return msgspec.json.decode(path.read_bytes(), type=Machine)
        except (OSError, msgspec.MsgspecError) as error:
            raise BadInput(f"{self.root} is not the folder of a run: {error}") from error

    def endpoint(self, hub: str) -> str:
        """Where a hub of this run listens."""
        machine = self.machine()
        if hub == "exchange" and machine.venue_endpoint:
            return machine.venue_endpoint
        return f"ipc://{machine.sockets}/{hub}"

    def database(self) -> str:
        """Where the run's projections are, by URL: a file in its folder unless a database was named."""
        named = self.machine().projections
        return named if named not in ("", "sqlite") else f"sqlite:///{self.root / 'projections.sqlite'}"

    def next_life(self, process: str) -> int:
        """A number above all that were given for this process in this folder; only the process itself may ask.

        It is no secret and no fact: after a power cut, which ends everyone, it may begin again.
        """
        self._lives.mkdir(exist_ok=True)
        path = self._lives / process.replace("/", "-")
        life = int(path.read_text()) + 1 if path.exists() else 1
        new = path.with_suffix(".new")
        new.write_text(str(life))
        new.replace(path)
        return life

    def open_sockets(self) -> None:
        """A new place for sockets, for a supervisor that starts again: an orphan may still hold the old ones."""
        former = self.machine()
        self._write(msgspec.structs.replace(former, sockets=tempfile.mkdtemp(prefix=SOCKETS)))
        remove_sockets(Path(former.sockets))

    def _write(self, machine: Machine) -> None:
        new = self.root / "machine.json.new"
        new.write_bytes(msgspec.json.format(msgspec.json.encode(machine), indent=2))
        new.replace(self.root / "machine.json")

    def log(self, process: str) -> Path:
        """A process's log: one JSON object a line."""
        return self.logs / f"{process.replace('/', '-')}.jsonl"


def make_folder(root: Path | None, settings: RunSettings, **options: float | bool | str) -> Folder:
    """A folder for a new run, taken, with its settings, its own place for sockets, and logs.

    Where a run was here before, its stream is kept beside the new one: a stream tells of one life of the
    machine.

    Args:
        root: `--state DIR`; a new folder of its own where there is none.
        settings: what the run does.
        **options: fields of `Machine`.

    Raises:
        BadInput: a machine runs in the folder now.
        Refusal: others may read the keys of the bus.
    """
    ensure_keys(default_keys())  # Before anyone can know of the run, and ask it something.
    place = root if root is not None else _new_root()
    place.mkdir(parents=True, exist_ok=True)
    folder = Folder(place.resolve())
    folder.take()
    folder.logs.mkdir(exist_ok=True)
    life = _keep_former_stream(folder)
    write_run(settings, folder.root / "run.json")
    # Only this user may enter (0700), and the name is short: a socket's path may have 107 bytes.
    sockets = tempfile.mkdtemp(prefix=SOCKETS)
    machine = msgspec.convert(
        {"sockets": sockets, "keys": str(default_keys()), "state": str(folder.root), "life": life, **options},
        Machine,
    )
    folder._write(machine)  # noqa: SLF001 - its maker
    return folder


def remove_sockets(folder: Path) -> None:
    """Takes the place of a run's sockets away, by which others see that the run is over."""
    if folder.is_dir():
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()


def _keep_former_stream(folder: Folder) -> int:
    """Puts a former life's stream aside, and returns which life comes now."""
    for former in (folder.result, folder.latency):
        former.unlink(missing_ok=True)
    lives = len(list(folder.root.glob("stream-*.msgpack")))
    if folder.stream.exists():
        lives += 1
        folder.stream.rename(folder.root / f"stream-{lives}.msgpack")
    return lives + 1


def _new_root() -> Path:
    now = clock.now_ns()
    runs = default_runs()
    runs.mkdir(parents=True, exist_ok=True)
    second = taipei_second(now)
    hour = f"{second // 3600:02d}{second // 60 % 60:02d}{second % 60:02d}"
    return Path(tempfile.mkdtemp(prefix=f"{taipei_day(now)}-{hour}-", dir=runs))


def latest_folder() -> Folder:
    """The folder of the newest run.

    Raises:
        BadInput: there never was one.
    """
    runs = sorted(default_runs().glob("*/machine.json"), key=lambda path: path.stat().st_mtime_ns)
    if not runs:
        raise BadInput("no run was found: start one with `autofutures up`, or name its folder with --run DIR")
    return Folder(runs[-1].parent)
