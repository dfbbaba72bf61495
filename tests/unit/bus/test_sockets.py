import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import zmq
from zmq.utils.monitor import recv_monitor_message

from autofutures.bus.curve import Keys, ensure_keys, load_keys
from autofutures.bus.sockets import Hub, Link
from autofutures.domain.errors import Refusal

Context = zmq.Context[zmq.Socket[bytes]]
SOON_MS = 5_000


@pytest.fixture
def context() -> Iterator[Context]:
    made: Context = zmq.Context()
    yield made
    made.destroy(linger=0)


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    ensure_keys(tmp_path / "keys")
    return tmp_path / "keys"


@pytest.fixture
def endpoint(tmp_path: Path) -> str:
    return f"ipc://{tmp_path}/hub"


@pytest.fixture
def hub(context: Context, endpoint: str, keys: Path) -> Iterator[Hub]:
    made = Hub(context, endpoint, load_keys(keys, "trader"))
    made.socket.get_monitor_socket()  # From the first: a newcomer may be turned away before anyone looks.
    yield made
    made.close()


def link(context: Context, endpoint: str, keys: Keys, identity: str = "gateway") -> Link:
    return Link(context, endpoint, keys, "trader", identity)


def refused(hub: Hub, connect: "zmq.Socket[bytes] | Link") -> bool:
    """Whether the hub turns the newcomer away before it can say a word."""
    socket = connect.socket if isinstance(connect, Link) else connect
    monitor = hub.socket.get_monitor_socket()
    with contextlib.suppress(zmq.Again):  # Whoever was turned away at once has nobody to say it to.
        socket.send(b"let me in", zmq.NOBLOCK)
    failures = (
        zmq.Event.HANDSHAKE_FAILED_AUTH
        | zmq.Event.HANDSHAKE_FAILED_PROTOCOL
        | zmq.Event.HANDSHAKE_FAILED_NO_DETAIL
    )
    try:
        while monitor.poll(SOON_MS):
            event = recv_monitor_message(monitor)["event"]
            if event == zmq.Event.HANDSHAKE_SUCCEEDED:
                return False
            if event & failures:
                return hub.receive(0) is None
    finally:
        hub.socket.disable_monitor()
        monitor.close()
    raise AssertionError("nobody knocked")


def test_a_known_link_is_heard_and_answered_by_name(
    context: Context, hub: Hub, endpoint: str, keys: Path
) -> None:
    known = link(context, endpoint, load_keys(keys, "gateway"), "gateway")
    known.send(b"ready")
    assert hub.receive(SOON_MS) == ("gateway", b"ready")
    hub.send("gateway", b"begin")
    assert known.receive(SOON_MS) == b"begin"
    known.send(b"done")
    assert hub.receive() == ("gateway", b"done")
    hub.send("gateway", b"more")
    assert known.receive() == b"more"
    known.close()


def test_silence_is_none(context: Context, hub: Hub, endpoint: str, keys: Path) -> None:
    known = link(context, endpoint, load_keys(keys, "gateway"))
    assert known.receive(0) is None
    assert hub.receive(0) is None
    known.close()


def test_a_link_with_a_known_key_is_let_in(context: Context, hub: Hub, endpoint: str, keys: Path) -> None:
    known = link(context, endpoint, load_keys(keys, "recorder"), "recorder")
    assert not refused(hub, known)
    assert hub.receive(SOON_MS) == ("recorder", b"let me in")
    known.close()


def test_a_known_key_under_another_roles_name_is_not_heard(
    context: Context, hub: Hub, endpoint: str, keys: Path
) -> None:
    imposter = link(context, endpoint, load_keys(keys, "operator"), "gateway")
    imposter.send(b"sell everything")
    assert hub.receive(SOON_MS) is None
    assert hub.imposters == 1
    imposter.close()
    honest = link(context, endpoint, load_keys(keys, "strategy"), "strategy/ema_cross")
    honest.send(b"hello")
    assert hub.receive() == ("strategy/ema_cross", b"hello")
    honest.close()


def test_a_link_with_a_strangers_key_is_turned_away(
    context: Context, hub: Hub, endpoint: str, keys: Path, tmp_path: Path
) -> None:
    ensure_keys(tmp_path / "strange")
    strange = load_keys(tmp_path / "strange", "gateway")
    stranger = link(context, endpoint, Keys(strange.public, strange.secret, keys))
    assert refused(hub, stranger)
    stranger.socket.close(0)


def test_a_link_that_looks_for_another_server_is_turned_away(
    context: Context, hub: Hub, endpoint: str, keys: Path
) -> None:
    lost = Link(context, endpoint, load_keys(keys, "gateway"), "exchange", "gateway")
    assert refused(hub, lost)
    lost.socket.close(0)


def test_a_socket_without_keys_is_turned_away(context: Context, hub: Hub, endpoint: str) -> None:
    plain = context.socket(zmq.DEALER)
    plain.connect(endpoint)
    assert refused(hub, plain)
    plain.close(0)


def test_what_is_said_to_nobody_is_an_error_never_silence(hub: Hub) -> None:
    with pytest.raises(Refusal, match="recorder is not connected"):
        hub.send("recorder", b"hear me")
