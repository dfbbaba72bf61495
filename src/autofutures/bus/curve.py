"""Keys for the bus: one CURVE pair for each role, made at first start, in a folder only its user can read.

A server admits the public keys in its folder and no others.
Source: zguide, "Using ZeroMQ Security" (ironhouse).
"""

import fcntl
from pathlib import Path

import msgspec
import zmq.auth

from autofutures.domain.errors import BadInput, Refusal

ROLES = ("exchange", "gateway", "trader", "strategy", "recorder", "operator", "kill")
"""Everyone who speaks on the bus."""


class Keys(msgspec.Struct, frozen=True):
    """One role's pair, and what it needs to meet the others.

    The secret never leaves the folder and this struct; it is shown nowhere.
    """

    public: bytes
    secret: bytes
    folder: Path

    def __repr__(self) -> str:
        """Without the secret."""
        return f"Keys(public={self.public.decode()})"

    def public_of(self, role: str) -> bytes:
        """Another role's public key."""
        return _load(self.folder / "public" / f"{role}.key")[0]


def ensure_keys(folder: Path) -> None:
    """Makes what is missing of the folder and its pairs.

    Raises:
        Refusal: the folder, or a secret in it, can be read by others.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _refuse_readable(folder)
    public = folder / "public"
    public.mkdir(mode=0o700, exist_ok=True)
    with (folder / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # Two machines that start at once must not make two sets.
        for role in ROLES:
            secret = folder / f"{role}.key_secret"
            if not secret.exists():
                zmq.auth.create_certificates(folder, role)
                secret.chmod(0o600)
                (folder / f"{role}.key").replace(public / f"{role}.key")
            _refuse_readable(secret)


def _refuse_readable(path: Path) -> None:
    if path.stat().st_mode & 0o077:
        raise Refusal(
            f"{path} must be its user's alone, for it holds secrets of the bus, and others may read it: "
            f"run chmod -R go= {path}"
        )


def load_keys(folder: Path, role: str) -> Keys:
    """The pair of one role.

    Raises:
        BadInput: there is none.
    """
    public, secret = _load(folder / f"{role}.key_secret")
    if secret is None:
        raise BadInput(f"{folder / role}.key_secret holds no secret key: delete the folder, and start again")
    return Keys(public, secret, folder)


def _load(path: Path) -> tuple[bytes, bytes | None]:
    if not path.exists():
        raise BadInput(f"there is no key {path}: keys are made by `autofutures up`")
    return zmq.auth.load_certificate(path)
