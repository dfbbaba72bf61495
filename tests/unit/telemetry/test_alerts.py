import msgspec

from autofutures.domain.units import MINUTE, SECOND
from autofutures.telemetry.alerts import (
    ALERTS,
    Acknowledged,
    AlertBook,
    Failed,
    Line,
    Notice,
    Raised,
    Told,
    decode_line,
)

LINK = "paper"


class Post:
    """A book, and somebody who takes every notice to its target."""

    def __init__(self, *targets: str) -> None:
        self.book = AlertBook(targets, repeat_ns=5 * MINUTE, escalate_ns=10 * MINUTE)
        self.lines: list[Line] = []

    def fold(self, line: Line) -> None:
        self.lines.append(line)
        self.book.fold(line)

    def happens(self, at: int, name: str = "link_down", subject: str = LINK, text: str = "gone") -> None:
        self.fold(Raised(name, subject, text, at))

    def tells(self, now: int) -> list[tuple[str, str, int]]:
        """Everything that is due, told at once: (target, alert, count)."""
        due = self.book.due(now)
        for notice in due:
            self.fold(Told(notice.name, notice.subject, notice.target, notice.count, now))
        return [(notice.target, notice.name, notice.count) for notice in due]


def test_a_cause_is_told_at_once_and_its_repeats_later_with_their_count() -> None:
    post = Post("desk")
    post.happens(1)
    assert post.tells(2) == [("desk", "link_down", 1)]
    for second in range(1, 100):
        post.happens(second * SECOND)
        assert post.tells(second * SECOND) == []
    assert post.tells(5 * MINUTE + 2) == [("desk", "link_down", 100)]
    assert post.tells(60 * MINUTE) == []
    post.happens(60 * MINUTE)
    assert post.tells(60 * MINUTE) == [("desk", "link_down", 101)]


def test_hundreds_of_orders_in_doubt_are_one_message_and_two_links_are_two() -> None:
    post = Post("desk")
    for number in range(300):
        post.happens(number, "unknown_order", f"0AB{number}")
    post.happens(301, subject="other")
    post.happens(302)
    assert post.tells(303) == [
        ("desk", "unknown_order", 300),
        ("desk", "link_down", 1),
        ("desk", "link_down", 1),
    ]
    assert "0AB299: gone" in post.book.causes[0].text


def test_who_does_not_acknowledge_is_not_the_last_to_hear_of_it() -> None:
    post = Post("desk", "duty", "boss")
    post.happens(0)
    assert post.tells(0) == [("desk", "link_down", 1)]
    assert post.tells(10 * MINUTE - 1) == []
    assert post.tells(10 * MINUTE) == [("duty", "link_down", 1)]
    assert post.tells(20 * MINUTE) == [("boss", "link_down", 1)]
    assert post.tells(90 * MINUTE) == []
    post.happens(91 * MINUTE)
    assert post.tells(91 * MINUTE) == [(name, "link_down", 2) for name in ("desk", "duty", "boss")]


def test_what_is_acknowledged_goes_no_further_until_it_happens_again() -> None:
    post = Post("desk", "duty")
    post.happens(0)
    post.tells(0)
    post.fold(Acknowledged("link_down", "wang", MINUTE))
    assert post.book.causes[0].acknowledged_by == "wang"
    assert post.tells(30 * MINUTE) == []
    post.happens(31 * MINUTE)
    assert post.tells(31 * MINUTE) == [("desk", "link_down", 2)]
    assert post.book.causes[0].acknowledged_by == ""
    assert post.tells(41 * MINUTE) == [("duty", "link_down", 2)]


def test_what_is_not_urgent_stays_with_the_first() -> None:
    post = Post("desk", "duty")
    post.happens(0, "process_restarted", "gateway")
    assert post.tells(0) == [("desk", "process_restarted", 1)]
    assert post.tells(60 * MINUTE) == []


def test_a_target_that_cannot_be_told_is_tried_again_later_each_time() -> None:
    post = Post("desk")
    post.happens(0)
    now, tries = 0, []
    while now < 10 * MINUTE:
        if post.book.due(now):
            tries.append(now // SECOND)
            post.fold(Failed("link_down", LINK, "desk", "mail did not take it", now))
        now += SECOND
    assert tries == [0, 1, 3, 7, 15, 31, 63, 123, 183, 243, 303, 363, 423, 483, 543]
    assert post.tells(11 * MINUTE) == [("desk", "link_down", 1)]


def test_a_later_life_that_folds_the_same_lines_tells_nothing_twice() -> None:
    post = Post("desk", "duty")
    post.happens(0)
    post.tells(0)
    post.fold(Acknowledged("", "", 1))
    post.happens(2)
    again = Post("desk", "duty")
    for line in post.lines:
        again.fold(decode_line(msgspec.json.encode(line)))
    again.happens(2)
    assert again.book.causes == post.book.causes
    assert again.book.due(3) == []


def test_nobody_is_told_where_there_is_nobody() -> None:
    post = Post()
    post.happens(0)
    assert post.tells(60 * MINUTE) == []


def test_a_title_says_how_often() -> None:
    assert Notice("desk", "disk", "journal", "full", 1, 0, 0).title == "autofutures: disk journal"
    assert Notice("desk", "halted", "", "x", 7, 0, 0).title == "autofutures: halted (7 times)"


def test_the_table_has_the_alerts_of_every_room() -> None:
    assert {"halted", "uncovered", "unknown_order", "link_down", "limit_near", "process_restarted"} <= set(
        ALERTS
    )
