import sys
from pathlib import Path

import msgspec
import pytest

from autofutures.domain.errors import BadInput, Refusal
from autofutures.telemetry.alerts import Notice
from autofutures.telemetry.notify import Target, load_alert_settings, send
from tests.mailbox import Mailbox

NOTICE = Notice("desk", "halted", "", "0AB: the outcome of an exit is not known", 3, 1, 2)


def written(place: Path, text: str, mode: int = 0o600) -> Path:
    place.write_text(text)
    place.chmod(mode)
    return place


def test_a_mail_says_what_how_often_and_where_to_read_on() -> None:
    with Mailbox() as box:
        send(Target("desk", urls=(box.url("desk"),)), NOTICE, "/runs/1")
        assert len(box.mails) == 1
        mail = box.mails[0]
    assert "Subject: autofutures: halted (3 times)" in mail
    for part in (
        "desk@example.com",
        "0AB: the outcome",
        "/runs/1",
        "docs/runbooks/halted.md",
        "alerts ack halted",
    ):
        assert part in mail


def test_a_mail_that_is_not_taken_is_a_refusal_that_tells_no_secret() -> None:
    with Mailbox() as box:
        box.refuses = True
        with pytest.raises(Refusal, match=r"E-Mail \(address 1\) did not take it") as refused:
            send(Target("desk", urls=(box.url("secret"),)), NOTICE, "/runs/1")
    assert "secret" not in str(refused.value)
    with pytest.raises(Refusal, match="address 1 is none that apprise knows") as refused:
        send(Target("desk", urls=("nonsense://secret",)), NOTICE, "/runs/1")
    assert "secret" not in str(refused.value)


def test_a_command_reads_the_alert_on_its_standard_input(tmp_path: Path) -> None:
    heard = tmp_path / "heard.json"
    copy = f"import sys; open({str(heard)!r}, 'w').write(sys.stdin.read())"
    send(Target("desk", command=(sys.executable, "-c", copy)), NOTICE, "/runs/1")
    told = msgspec.json.decode(heard.read_bytes(), type=dict[str, object])
    assert (told["name"], told["count"], told["run"]) == ("halted", 3, "/runs/1")
    with pytest.raises(Refusal, match="ended with 3"):
        send(Target("desk", command=(sys.executable, "-c", "raise SystemExit(3)")), NOTICE, "/runs/1")
    with pytest.raises(Refusal, match="FileNotFoundError"):
        send(Target("desk", command=("/nowhere/at/all",)), NOTICE, "/runs/1")


def test_targets_are_read_from_the_settings_file_and_from_files_of_their_own(tmp_path: Path) -> None:
    urls = written(tmp_path / "urls", "# who is on duty\njson://127.0.0.1\n\n")
    file = written(
        tmp_path / "a.toml",
        f'[alerts]\nrepeat_minutes = 1\n[[alerts.target]]\nname = "duty"\nurls_file = "{urls}"\n',
        0o644,
    )
    settings = load_alert_settings(file)
    assert [target.name for target in settings.target] == ["duty"]
    assert (settings.repeat_minutes, settings.escalate_minutes) == (1, 10)


@pytest.mark.parametrize(
    ("text", "mode", "words"),
    [
        ('[[alerts.target]]\nname = "a"\nurls = ["json://h"]', 0o644, "chmod 600"),
        (
            '[[alerts.target]]\nname = "a"\nurls_file = "/nowhere/urls"',
            0o600,
            "there is no file /nowhere/urls",
        ),
        ('[[alerts.target]]\nname = "a"', 0o600, "neither urls, urls_file nor command"),
        ('[[alerts.target]]\nname = ""\ncommand = ["x"]', 0o600, "needs a name of its own"),
        ("[alerts]\nrepeat_minutes = 0", 0o600, "above zero"),
        ("[alerts]\nurl = 3", 0o600, "unknown field"),
    ],
)
def test_settings_that_cannot_work_are_refused_with_a_sentence(
    tmp_path: Path, text: str, mode: int, words: str
) -> None:
    with pytest.raises(BadInput, match=words):
        load_alert_settings(written(tmp_path / "a.toml", text, mode))


def test_a_file_of_addresses_that_others_may_read_is_refused(tmp_path: Path) -> None:
    urls = written(tmp_path / "urls", "json://127.0.0.1", 0o640)
    file = written(tmp_path / "a.toml", f'[[alerts.target]]\nname = "duty"\nurls_file = "{urls}"\n')
    with pytest.raises(BadInput, match="others may read it"):
        load_alert_settings(file)
