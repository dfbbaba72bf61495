"""The kill switch as people use it: what was asked for, kept on the disk, and the words that its process is asked with.

It takes a key of its own (`kill.key_secret`): who may trade may not thereby stop, and who may stop need not be able to
trade.
"""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import msgspec

from autofutures import clock
from autofutures.config import environment_of_children
from autofutures.domain.errors import BadInput, Refusal
from autofutures.domain.units import SECOND, KillLevel
from autofutures.ops.folder import Folder
from autofutures.ops.operator import Operator
from autofutures.storage.kill_file import keep, read

PATIENCE_MS = 3_000
"""How long a person waits for the kill process's word: it does nothing else."""

LOOK_NS = SECOND // 20

LEVELS = {level.word: level for level in KillLevel if level}


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for last, and the dead man's switch. The process keeps it before it tells the gateway.

    Times are the computer's clock, UTC nanoseconds.
    """

    number: int = 0
    at: int = 0
    level: KillLevel = KillLevel.NONE
    who: str = ""
    reason: str = ""
    renew_within_ns: int = 0
    """A dead man's switch is set: it must be renewed within so long; 0 for none."""
    renewed_at: int = 0
    renew_level: KillLevel = KillLevel.NONE

    @property
    def due_at(self) -> int:
        """When the dead man's switch acts; 0 for never."""
        return self.renewed_at + self.renew_within_ns if self.renew_within_ns else 0


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """The kill switch of a run at a moment, as its process answers."""

    level: str
    """What was asked for."""
    reached: str
    """What the gateway holds to; empty while it has not said."""
    done: bool
    admits: bool
    text: str
    who: str
    reason: str
    gateway_heard_ms: int
    """So long ago the gateway gave a sign of life; below 0 for never."""
    dead_man_s: float
    """So soon the dead man's switch acts; below 0 where none is set."""

    @property
    def is_armed(self) -> bool:
        """Whether it cannot act now, and will by itself when it can."""
        return "armed" in self.text

    @property
    def agrees(self) -> bool:
        """Whether the gateway holds to what was asked for."""
        return self.level == self.reached


class KillSwitchOf:
    """One person's hand on the kill switch of a run. Use it in a `with` block.

    Args:
        folder: the run's.

    Raises:
        BadInput: there is no key for it here.
    """

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        machine = folder.machine()
        if not machine.live:
            raise BadInput(
                f"{folder.root} is a replay, which has no kill switch: end it with autofutures stop"
            )
        if not (Path(machine.keys) / "kill.key_secret").exists():
            raise BadInput(
                f"refused: the kill switch takes orders under its own key alone, and {machine.keys} holds no "
                "kill.key_secret: use the account that started the machine, or copy that key here"
            )
        self._operator = Operator(folder, "kill", "kill")

    def __enter__(self) -> Self:
        """Ready to be used."""
        return self

    def __exit__(self, *_: object) -> None:
        """Lets go."""
        self._operator.__exit__()

    def kill(self, level: str, reason: str = "") -> None:
        """Asks for a level; it is kept when this returns.

        Raises:
            BadInput: there is no such level, or the key is not admitted.
            Refusal: the kill process does not answer.
        """
        if level not in LEVELS:
            raise BadInput(f"--level {level!r}: write {', '.join(LEVELS)}")
        self._say("kill", level, {"reason": reason})

    def resume(self, name: str) -> None:
        """Lets the machine trade again; the run's name stands for that it is meant.

        Raises:
            BadInput: the name is another.
        """
        self._say("resume", name, {})

    def dead_man(self, seconds: float, level: str) -> None:
        """Sets the dead man's switch, or renews it; 0 seconds take it away."""
        if level not in LEVELS:
            raise BadInput(f"--level {level!r}: write {', '.join(LEVELS)}")
        self._say("dead_man", level, {"within_ms": round(seconds * 1_000)})

    def standing(self) -> Standing:
        """How it stands.

        Raises:
            Refusal: the kill process does not answer.
        """
        return msgspec.convert(self._operator.ask("status", PATIENCE_MS), Standing)

    def until_done(self, wait_s: float) -> Standing:
        """How it stands once all is done, or it can do no more for now, or so long has passed."""
        until = clock.stopwatch_ns() + round(wait_s * SECOND)
        standing = self.standing()
        while not (standing.agrees and (standing.done or standing.is_armed)) and clock.stopwatch_ns() < until:
            clock.sleep_ns(LOOK_NS)
            standing = self.standing()
        return standing

    def _say(self, verb: str, name: str, values: Mapping[str, int | str | bool]) -> None:
        try:
            self._operator.command("", verb, name, dict(values), PATIENCE_MS)
        except Refusal as error:
            raise Refusal(
                f"the kill process of {self._folder.root} does not answer: it is not running, or it does not admit "
                f"this key ({error}). Take orders back and close positions at the broker by hand"
            ) from error


def take_over(folder: Folder, level: str, who: str, reason: str) -> "subprocess.Popen[bytes] | None":
    """Where the machine has lost its supervisor, and so all its processes, a new one starts and comes up killed.

    Args:
        folder: of a live run.
        level: what is asked for; it is kept before anything starts.
        who: for the log.
        reason: for the log.

    Returns:
        The new supervisor; none where the run's own is there, or ended in order.

    Raises:
        BadInput: there is no such level, or no key for the kill switch here.
    """
    KillSwitchOf(folder).__exit__()
    if level not in LEVELS:
        raise BadInput(f"--level {level!r}: write {', '.join(LEVELS)}")
    if folder.is_over():
        return None
    try:
        folder.take()
    except BadInput:
        return None
    try:
        former = read(folder.kill_asked, Asked) or Asked()
        asked = msgspec.structs.replace(
            former,
            number=former.number + 1,
            at=clock.now_ns(),
            level=max(former.level, LEVELS[level]),
            who=who,
            reason=reason,
        )
        keep(folder.kill_asked, asked)
    finally:
        folder.leave()
    with folder.log("supervisor.err").open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "autofutures.processes.supervisor", "--run", str(folder.root)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=environment_of_children({}),
            start_new_session=True,
        )
