"""Trading days that a person changes while the machine runs: a typhoon closes one at breakfast, a Saturday is made up.

The trader answers the command, and its answer is the fact: kept, told to every strategy, folded at the next start.
Until when a day may be changed is the exchange's matter: here it is until the day is over.
"""

from autofutures.domain.errors import BadInput
from autofutures.domain.messages import Command, CommandRefused, Configured
from autofutures.market.dates import checked_day
from autofutures.market.view import MarketView

NAME = "calendar"
"""What such a command names."""

KINDS = {"close": "closed", "open": "open"}
"""A command's verb, and what the calendar calls it."""


def decide(command: Command, view: MarketView, now: int) -> Configured | CommandRefused:
    """The fact that a command becomes; it changes nothing yet."""
    try:
        day, reason = _asked(command, view, now)
    except BadInput as error:
        return CommandRefused(command.flow, command.strategy, now, str(error))
    values: dict[str, int | str | bool] = {"day": day, "reason": reason, "who": command.who}
    return Configured(command.flow, "", now, command.verb, f"{NAME} {day}", values)


def apply(fact: Configured, view: MarketView) -> bool:
    """Lets the view's calendar know a day; whether that was news."""
    change = change_of(fact)
    return change is not None and view.change_day(*change)


def change_of(fact: Configured) -> tuple[int, str] | None:
    """The day, and `closed` or `open`; None where the fact is of something else."""
    day = fact.values.get("day")
    if fact.strategy or not fact.name.startswith(f"{NAME} ") or not isinstance(day, int):
        return None
    return day, KINDS[fact.verb]


def _asked(command: Command, view: MarketView, now: int) -> tuple[int, str]:
    day, reason = command.values.get("day"), command.values.get("reason")
    if command.verb not in KINDS:
        raise BadInput(f"the calendar knows close and open, not {command.verb!r}")
    if not isinstance(day, int) or not isinstance(reason, str) or not reason.strip():
        raise BadInput("say which day, and why: calendar close 2026-07-24 --reason typhoon")
    checked_day(day)
    opens = command.verb == "open"
    if view.calendar.is_trading_day(day) is opens:
        raise BadInput(f"{day} is {'a' if opens else 'no'} trading day already")
    if day < view.calendar.local_day(now):
        raise BadInput(f"{day} is over: what was traded then stays as it is")
    return day, reason.strip()
