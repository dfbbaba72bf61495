"""The hash chain: a batch carries the hash of all before it, so that none can change, go or trade places unseen."""

import hashlib
import struct

import msgspec

_pack = struct.Struct("<32sqqqq").pack
_sha256 = hashlib.sha256


class Head(msgspec.Struct, frozen=True):
    """The end of a chain: its newest batch, and the hash of everything up to it."""

    number: int
    hash: bytes


START = Head(0, bytes(32))
"""The chain without a batch."""


def chained(before: bytes, number: int, at: int, schema: int, heard: bytes, said: bytes) -> bytes:
    """The hash of a batch that follows the hash `before`: SHA-256 over that and every field of the batch.

    The length of `heard` is among them: a byte that moves from one blob to the other is noticed.
    """
    return _sha256(_pack(before, number, at, schema, len(heard)) + heard + said).digest()


def seal(*parts: bytes | int) -> bytes:
    """The hash of a record that stands alone."""
    sealed = _sha256()
    for part in parts:
        data = part if isinstance(part, bytes) else part.to_bytes(8, "little", signed=True)
        sealed.update(len(data).to_bytes(8, "little") + data)
    return sealed.digest()
