import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import zmq

from autofutures.bus.codec import Outbox
from autofutures.bus.curve import load_keys
from autofutures.bus.sockets import Hub
from autofutures.domain.errors import BadInput, Refusal
from autofutures.domain.messages import Answer, AnyMessage, Ask, Command, decode_frame
from autofutures.ops.folder import Folder, make_folder
from autofutures.ops.operator import Operator
from tests.runs import generated

SOON_MS = 5_000


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Folder]:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    made = make_folder(tmp_path / "run", generated())
    yield made
    made.leave()


@contextmanager
def a_trader(
    folder: Folder, answer: Callable[[Ask | Command], list[AnyMessage]]
) -> Iterator[list[AnyMessage]]:
    """A trader that hears one thing, and answers it."""
    keys = Path(folder.machine().keys)
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    hub = Hub(context, folder.endpoint("trader"), load_keys(keys, "trader"))
    heard: list[AnyMessage] = []

    def serve() -> None:
        said = hub.receive(SOON_MS)
        assert said is not None
        for envelope in decode_frame(said[1]):
            heard.append(envelope.body)
            assert isinstance(envelope.body, (Ask, Command))
            hub.send(said[0], Outbox("trader").frame(answer(envelope.body), 0))

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield heard
    finally:
        thread.join()
        hub.close()
        context.destroy(linger=0)


def answers(**table: object) -> Callable[[Ask | Command], list[AnyMessage]]:
    return lambda message: [Answer(message.flow, json.dumps(table))]


def test_a_question_is_answered_with_a_table(folder: Folder) -> None:
    with a_trader(folder, answers(events=7)) as heard, Operator(folder) as operator:
        assert operator.ask("status", SOON_MS) == {"events": 7}
    (asked,) = heard
    assert isinstance(asked, Ask)
    assert (asked.what, len(asked.flow)) == ("status", 16)


def test_only_the_answer_to_the_own_question_counts(folder: Folder) -> None:
    def answer(message: Ask | Command) -> list[AnyMessage]:
        return [
            Answer("another", '{"events": 1}'),
            Ask(message.flow, "x"),
            Answer(message.flow, '{"events": 2}'),
        ]

    with a_trader(folder, answer), Operator(folder) as operator:
        assert operator.ask("status", SOON_MS) == {"events": 2}


def test_a_command_says_what_and_for_whom(folder: Folder) -> None:
    with a_trader(folder, answers(accepted=True)) as heard, Operator(folder) as operator:
        operator.command("levels", "pause", "s1", {"a": 1})
    (command,) = heard
    assert isinstance(command, Command)
    assert (command.strategy, command.verb, command.name, command.values) == (
        "levels",
        "pause",
        "s1",
        {"a": 1},
    )


def test_a_command_that_is_refused_is_refused_with_its_reason(folder: Folder) -> None:
    with (
        a_trader(folder, answers(refused="there is no condition s9")),
        Operator(folder) as operator,
        pytest.raises(BadInput, match="there is no condition s9"),
    ):
        operator.command("levels", "pause", "s9", {})


def test_nobody_there_is_a_sentence(folder: Folder) -> None:
    with (
        Operator(folder) as operator,
        pytest.raises(Refusal, match=r"does not answer: .* see its logs folder"),
    ):
        operator.ask("status", timeout_ms=1)


def test_a_run_that_has_ended_is_another_sentence(folder: Folder) -> None:
    Path(folder.machine().sockets).rmdir()
    with Operator(folder) as operator, pytest.raises(Refusal, match=r"has ended: look at its report\.html"):
        operator.ask("status", timeout_ms=1)


def test_without_keys_nobody_is_an_operator(folder: Folder) -> None:
    (Path(folder.machine().keys) / "operator.key_secret").unlink()
    with pytest.raises(BadInput, match=r"there is no key .*operator"):
        Operator(folder)
