"""The bus admits who has a key of this user, and nobody else; its secrets stay where they are."""

from collections.abc import Callable
from pathlib import Path

import zmq
import zmq.auth

from autofutures.bus.codec import Outbox
from autofutures.bus.curve import ROLES, load_keys
from autofutures.domain.messages import Ask
from autofutures.ops.folder import Folder
from autofutures.ops.operator import Operator
from tests.process.machine import EMA, Machine

QUESTION = Outbox("operator").frame((Ask("0123", "status"),), 0, flow="0123")
SLOW = ("--generate", *EMA, "--trades", "300", "--speed", "20")

Disguise = Callable[["zmq.Socket[bytes]", Path], None]


def bare(_socket: "zmq.Socket[bytes]", _keys: Path) -> None:
    """No keys at all."""


def stranger(socket: "zmq.Socket[bytes]", keys: Path) -> None:
    """Knows the server, and has a pair that nobody put into its folder."""
    socket.curve_publickey, socket.curve_secretkey = zmq.curve_keypair()
    socket.curve_serverkey = load_keys(keys, "operator").public_of("trader")


def impostor(socket: "zmq.Socket[bytes]", keys: Path) -> None:
    """Shows the public key of an operator without having the secret."""
    operator = load_keys(keys, "operator")
    socket.curve_publickey, socket.curve_secretkey = operator.public, zmq.curve_keypair()[1]
    socket.curve_serverkey = operator.public_of("trader")


def answer_to(disguise: Disguise, folder: Folder, keys: Path, *said: bytes) -> bytes | None:
    """What a peer hears when it asks for the status, or says something else."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    socket = context.socket(zmq.DEALER)
    socket.setsockopt(zmq.LINGER, 0)
    socket.setsockopt(zmq.IDENTITY, b"operator/guest")
    disguise(socket, keys)
    socket.connect(folder.endpoint("trader"))
    socket.send_multipart(said or (QUESTION,))
    heard = socket.recv() if socket.poll(1_500) else None
    socket.close()
    context.term()
    return heard


def rightful(socket: "zmq.Socket[bytes]", keys: Path) -> None:
    """An operator, as the machine's own commands are."""
    operator = load_keys(keys, "operator")
    socket.curve_publickey, socket.curve_secretkey = operator.public, operator.secret
    socket.curve_serverkey = operator.public_of("trader")


def test_only_a_key_of_the_folder_is_answered_and_no_secret_is_written_down(machine: Machine) -> None:
    with machine.started(*SLOW) as running:
        with Operator(running.folder) as operator:
            assert operator.ask("status")["ticks_lost"] == 0
        heard = [answer_to(who, running.folder, machine.keys) for who in (bare, stranger, impostor)]
        assert heard == [None, None, None]
        assert b"ticks_seen" in (answer_to(rightful, running.folder, machine.keys) or b"")
        assert not answer_to(rightful, running.folder, machine.keys, b"of another version")
        assert not answer_to(rightful, running.folder, machine.keys, b"\x91", b"in parts")
        assert answer_to(rightful, running.folder, machine.keys)
        machine.run("stop")
        ended = running.end()

    assert ended.code == 0
    assert machine.keys.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in machine.keys.glob("*.key_secret")} == {0o600}
    assert secrets_in(running.folder.root, machine.keys) == []
    assert [secret for secret in secrets_of(machine.keys) if secret in (ended.out + ended.err).encode()] == []


def secrets_of(keys: Path) -> list[bytes]:
    secrets = [load_keys(keys, role).secret for role in ROLES]
    assert all(len(secret) == 40 for secret in secrets)
    return secrets


def secrets_in(folder: Path, keys: Path) -> list[str]:
    """Files that hold a secret, as text or in its bytes."""
    wanted = [form for secret in secrets_of(keys) for form in (secret, zmq.utils.z85.decode(secret))]
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) > 10
    return [str(path) for path in files if any(form in path.read_bytes() for form in wanted)]


def test_a_machine_does_not_start_with_keys_that_others_may_read(machine: Machine) -> None:
    machine.keys.mkdir(parents=True)
    machine.keys.chmod(0o755)

    ended = machine.up("--generate", *EMA)

    assert ended.code == 1
    assert "chmod -R go=" in ended.err
