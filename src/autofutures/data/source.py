"""Opens a file that someone gave us, through zip, gzip and zstd: says its hash and the files in it.

It refuses what is torn, too large, or binary in a way that no importer reads.
"""

import gzip
import hashlib
import io
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from autofutures.domain.errors import BadInput, NotThisFormat

MAX_BYTES = 4 * 1024**3
"""The most that a file may hold unpacked; the largest day of the exchange is some 0.2 GB."""

_HEAD_BYTES = 16_384
_PART_BYTES = 16 * 1024**2
_ZSTD_PART_BYTES = 4096
"""Of packed data, so that even the densest archive is noticed before it fills the memory."""
_HEAD_LINES = 8
_DATE = re.compile(r"(?<!\d)(\d{4})([_-]?)(\d{2})\2(\d{2})(?!\d)")

_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_PACKED = (".gz", ".gzip", ".zst", ".zstd")

DATABENTO = b"DBN"
"""How Databento's files begin: the one binary format that is read."""

_BINARY = (
    (_GZIP, "a gzip archive within an archive: unpack it first"),
    (_ZSTD, "a zstd archive within an archive: unpack it first"),
    (b"\xfd7zXZ", "an xz archive: unpack it first"),
    (b"7z\xbc\xaf", "a 7-Zip archive: unpack it first"),
    (b"Rar!", "a RAR archive: unpack it first"),
    (b"%PDF", "a PDF document, not data"),
    (b"PAR1", "a Parquet file: export it as CSV first"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook: save it as CSV first"),
    (b"SQLite format 3", "an SQLite database, not an exchange's file"),
    (b"\xff\xfe", "UTF-16 text: save it as UTF-8 or Big5 first"),
    (b"\xfe\xff", "UTF-16 text: save it as UTF-8 or Big5 first"),
)


class Member(msgspec.Struct, frozen=True):
    """One file, plain or out of an archive; `name` has no folder, nor the ending that said how it was packed."""

    name: str
    data: bytes
    folders: tuple[str, ...] = ()
    """The folders that the file, or its archive, lies in: some vendors say with them what the file does not."""

    def text(self) -> str:
        """The whole text: UTF-8, with or without its mark, else Big5 as Windows writes it (cp950)."""
        return _decoded(self.data)

    def head(self) -> list[str]:
        """The first lines that hold something, stripped: enough to tell what the file is."""
        start = self.data[:_HEAD_BYTES]
        if len(self.data) > _HEAD_BYTES:
            # Cut at a line's end, so that no character is torn in two.
            start = start.rpartition(b"\n")[0] or start
        lines = (line.strip(" \t\r\x1a") for line in _decoded(start).split("\n"))
        return [line for line in lines if line][:_HEAD_LINES]

    def date_in_name(self) -> int:
        """The date (YYYYMMDD) that the name holds, as `Daily_2021_07_26.csv` does; 0 when it holds none."""
        match = _DATE.search(self.name)
        return int(match[1] + match[3] + match[4]) if match else 0


class Source(msgspec.Struct, frozen=True):
    """A file from outside: its path, the SHA-256 of its bytes, and the files that it holds."""

    path: Path
    sha256: str
    members: tuple[Member, ...]


def open_source(path: Path) -> Source:
    """Reads a file, through a zip, gzip or zstd where it is one.

    Raises:
        BadInput: there is no such file, it is larger than `MAX_BYTES`, or zstd is not installed.
        NotThisFormat: the file is empty, torn, or binary; the text says what it looks like.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadInput(f"cannot read {path}: {error.strerror or error}") from error
    zipped = data[:4] in (b"PK\x03\x04", b"PK\x05\x06") or path.suffix.lower() == ".zip"
    found = _unzipped(path, data) if zipped and not _looks_like_page(data) else (Member(path.name, data),)
    folders = path.absolute().parts[1:-1]
    members = []
    for member in found:
        unpacked = Member(_plain_name(member.name), _unpacked(member, path), folders)
        refuse_binary(unpacked, path)
        members.append(unpacked)
    return Source(path=path, sha256=hashlib.sha256(data).hexdigest(), members=tuple(members))


def refuse_binary(member: Member, path: Path) -> None:
    """Lets text pass, and Databento's binary files.

    Raises:
        NotThisFormat: the member is empty or is no text; the words say what it looks like.
    """
    if member.data.startswith(DATABENTO) and b"\x00" in member.data[:8]:
        return
    where = path.name if member.name == path.name else f"{member.name} in {path.name}"
    if not member.data.strip(b" \t\r\n\x1a\x00\xef\xbb\xbf"):
        raise NotThisFormat(f"{where} is empty: download it again")
    if member.data[:4] == b"PK\x03\x04":
        raise NotThisFormat(f"{where} is a zip within a zip: unpack the outer one and import the inner ones")
    for magic, what in _BINARY:
        if member.data.startswith(magic):
            raise NotThisFormat(f"{where} looks like {what}")
    if b"\x00" in member.data[:_HEAD_BYTES]:
        raise NotThisFormat(f"{where} looks like binary data, not like text")


def _plain_name(name: str) -> str:
    return name.rpartition(".")[0] if name.lower().endswith(_PACKED) else name


def _unpacked(member: Member, path: Path) -> bytes:
    """The member's bytes, out of gzip or zstd where they are packed so."""
    data = member.data
    if data.startswith(_GZIP):
        try:
            packed = gzip.GzipFile(fileobj=io.BytesIO(data))
            return _bounded(iter(lambda: packed.read(_PART_BYTES), b""), path)
        except (EOFError, OSError, zlib.error) as error:
            raise NotThisFormat(f"{path.name} looks like a torn gzip ({error}): download it again") from error
    return _unpacked_zstd(data, path) if data.startswith(_ZSTD) else data


def _unpacked_zstd(data: bytes, path: Path) -> bytes:
    try:
        import zstandard  # noqa: PLC0415 - an optional library
    except ImportError as error:
        raise BadInput(
            f"{path.name} is packed with zstd: install autofutures[databento], or unpack it first"
        ) from error

    def parts() -> Iterator[bytes]:
        # A reader of the library takes a torn frame for a whole one, so frames are read one by one.
        place = 0
        while place < len(data):
            frame = zstandard.ZstdDecompressor().decompressobj()
            while not frame.eof:
                if place >= len(data):
                    raise EOFError("it ends within a frame")
                yield frame.decompress(data[place : place + _ZSTD_PART_BYTES])
                place += _ZSTD_PART_BYTES
            place = min(place, len(data)) - len(frame.unused_data)

    try:
        return _bounded(parts(), path)
    except (zstandard.ZstdError, EOFError) as error:
        raise NotThisFormat(
            f"{path.name} looks like a torn zstd archive ({error}): download it again"
        ) from error


def _bounded(parts: Iterable[bytes], path: Path) -> bytes:
    """All of it, unless it is more than `MAX_BYTES`: a small file may unpack to more than any memory holds."""
    held = io.BytesIO()
    for part in parts:
        held.write(part)
        if held.tell() > MAX_BYTES:
            raise BadInput(f"{path.name} unpacks to more than {MAX_BYTES // 1024**3} GB: import it in parts")
    return held.getvalue()


def _unzipped(path: Path, data: bytes) -> tuple[Member, ...]:
    if not data:
        raise NotThisFormat(f"{path.name} is empty: download it again")
    try:
        with zipfile.ZipFile(path) as archive:
            names = [
                info for info in archive.infolist() if not info.is_dir() and "__MACOSX" not in info.filename
            ]
            if any(info.filename == "[Content_Types].xml" for info in names):
                raise NotThisFormat(f"{path.name} looks like an Office document: save it as CSV first")
            if not names:
                raise NotThisFormat(f"{path.name} is a zip with nothing in it: download it again")
            if sum(info.file_size for info in names) > MAX_BYTES:
                raise BadInput(
                    f"{path.name} unpacks to more than {MAX_BYTES // 1024**3} GB: import it in parts"
                )
            return tuple(Member(Path(info.filename).name, archive.read(info)) for info in names)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
        raise NotThisFormat(f"{path.name} looks like a torn zip ({error}): download it again") from error
    except (RuntimeError, NotImplementedError) as error:
        raise NotThisFormat(f"{path.name} is a zip that cannot be unpacked ({error})") from error


def _looks_like_page(data: bytes) -> bool:
    return data.lstrip()[:1] == b"<"


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp950", errors="replace")
