"""How alerts reach people: the settings of each target, and the sending, by apprise's addresses or a command.

Addresses hold passwords. They stand in a file that only its owner may read, and are never written anywhere else.
"""

import logging
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from autofutures.config import environment_of_children, load_settings
from autofutures.domain.errors import BadInput, Refusal
from autofutures.telemetry.alerts import Notice, kind_of

if TYPE_CHECKING:
    from apprise import NotifyBase

HOOK_S = 10.0
"""How long a command may take."""


class Target(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Somebody who is told, by all of the ways that are named."""

    name: str
    urls: tuple[str, ...] = ()
    """Addresses as apprise writes them: mailto://, line://, tgram://, twilio://."""
    urls_file: str = ""
    """A file of such addresses, one a line."""
    command: tuple[str, ...] = ()
    """A program with its arguments; it reads the alert as JSON on its standard input."""


class AlertSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[alerts]` of the settings file."""

    target: tuple[Target, ...] = ()
    """In the order in which they are told: the next one hears of it while nobody has acknowledged it."""
    escalate_minutes: float = 10.0
    repeat_minutes: float = 5.0
    """Repeats of one cause are told this often at most, with their count."""


def parse_alert_settings(table: Mapping[str, object], path: Path) -> AlertSettings:
    """The settings, proved.

    Args:
        table: `[alerts]`.
        path: the file that it stands in.

    Raises:
        BadInput: something is wrong with them, or others may read the addresses.
    """
    try:
        settings = msgspec.convert(table, AlertSettings)
    except msgspec.ValidationError as error:
        raise BadInput(f"{path}: [alerts]: {error}") from error
    if settings.escalate_minutes <= 0 or settings.repeat_minutes <= 0:
        raise BadInput(f"{path}: [alerts]: escalate_minutes and repeat_minutes must be above zero")
    names = [target.name for target in settings.target]
    if len(set(names)) < len(names) or not all(names):
        raise BadInput(f"{path}: [alerts]: each target needs a name of its own")
    for target in settings.target:
        if not (target.urls or target.urls_file or target.command):
            raise BadInput(f"{path}: [alerts]: target {target.name} has neither urls, urls_file nor command")
        if target.urls:
            _check_private(path)
        addresses_of(target)
    return settings


def load_alert_settings(path: Path) -> AlertSettings:
    """Reads them from a settings file.

    Raises:
        BadInput: the file is missing or wrong.
    """
    return parse_alert_settings(load_settings(path).alerts, path)


def addresses_of(target: Target) -> tuple[str, ...]:
    """All of a target's addresses.

    Raises:
        BadInput: its file is missing, or others may read it.
    """
    if not target.urls_file:
        return target.urls
    path = Path(target.urls_file).expanduser()
    if not path.is_file():
        raise BadInput(f"[alerts]: target {target.name}: there is no file {path}")
    _check_private(path)
    lines = (line.strip() for line in path.read_text("utf-8").splitlines())
    return (*target.urls, *(line for line in lines if line and not line.startswith("#")))


def _check_private(path: Path) -> None:
    if path.stat().st_mode & 0o077:
        raise BadInput(
            f"{path} holds addresses of alerts, with their passwords, and others may read it: chmod 600 {path}"
        )


def body_of(notice: Notice, run: str) -> str:
    """What a person reads."""
    return (
        f"{notice.text}\n\n{kind_of(notice.name).meaning}\nrun: {run}\nrunbook: docs/runbooks/{notice.name}.md\n"
        f"acknowledge: autofutures alerts ack {notice.name} --run {run}\n"
    )


def send(target: Target, notice: Notice, run: str) -> None:
    """Tells a target by each of its ways.

    Raises:
        Refusal: one of them failed; the sentence says which, without its secrets.
    """
    failed: list[str] = []
    addresses = addresses_of(target)
    if addresses:
        failed += _send_by_apprise(addresses, notice, run)
    if target.command:
        failed += _run(target.command, notice, run)
    if failed:
        raise Refusal("; ".join(failed))


def warm_up(settings: AlertSettings) -> list[str]:
    """Makes everything ready that takes a second: the first alert must not wait for it.

    Returns:
        The targets that have an address which apprise does not know.
    """
    addressed = {target.name: addresses_of(target) for target in settings.target}
    if not any(addressed.values()):
        return []
    known = _apprise()
    return [name for name, found in addressed.items() if any(known(address) is None for address in found)]


def _apprise() -> "Callable[[str], NotifyBase | None]":
    """What makes a service of an address."""
    import apprise  # noqa: PLC0415 - a process without addresses has no use for it

    logging.getLogger("apprise").setLevel(logging.CRITICAL)  # Its words may hold an address.
    return apprise.Apprise.instantiate


def _send_by_apprise(addresses: tuple[str, ...], notice: Notice, run: str) -> list[str]:
    known = _apprise()
    failed: list[str] = []
    for number, address in enumerate(addresses, 1):
        service = known(address)
        if service is None:
            failed.append(f"address {number} is none that apprise knows")
        elif not service.notify(body=body_of(notice, run), title=notice.title):
            failed.append(f"{service.service_name} (address {number}) did not take it")
    return failed


def _run(command: tuple[str, ...], notice: Notice, run: str) -> list[str]:
    told = {**msgspec.structs.asdict(notice), "run": run, "title": notice.title}
    try:
        done = subprocess.run(
            command,
            input=msgspec.json.encode(told),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=HOOK_S,
            check=False,
            env=environment_of_children({}),
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return [f"the command {command[0]} failed ({type(error).__name__})"]
    return [f"the command {command[0]} ended with {done.returncode}"] if done.returncode else []
