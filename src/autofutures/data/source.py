"""Opens a file that someone gave us: says its hash and the texts in it, refuses what is torn or binary."""

import hashlib
import re
import zipfile
import zlib
from pathlib import Path

import msgspec

from autofutures.domain.errors import BadInput, NotThisFormat

MAX_BYTES = 4 * 1024**3
"""The most that a file may hold unpacked; the largest day of the exchange is some 0.2 GB."""

_HEAD_BYTES = 16_384
_HEAD_LINES = 8
_DATE = re.compile(r"(?<!\d)(\d{4})([_-]?)(\d{2})\2(\d{2})(?!\d)")

_BINARY = (
    (b"\x1f\x8b", "a gzip archive: unpack it first"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive: unpack it first"),
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
    """One text file, plain or out of a zip; `name` has no folder."""

    name: str
    data: bytes

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
    """A file from outside: its path, the SHA-256 of its bytes, and the text files that it holds."""

    path: Path
    sha256: str
    members: tuple[Member, ...]


def open_source(path: Path) -> Source:
    """Reads a file, through a zip where it is one.

    Raises:
        BadInput: there is no such file, or it is larger than `MAX_BYTES`.
        NotThisFormat: the file is empty, a torn zip, or binary; the text says what it looks like.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadInput(f"cannot read {path}: {error.strerror or error}") from error
    zipped = data[:4] in (b"PK\x03\x04", b"PK\x05\x06") or path.suffix.lower() == ".zip"
    members = _unzipped(path, data) if zipped and not _looks_like_page(data) else (Member(path.name, data),)
    for member in members:
        refuse_binary(member, path)
    return Source(path=path, sha256=hashlib.sha256(data).hexdigest(), members=members)


def refuse_binary(member: Member, path: Path) -> None:
    """Lets text pass.

    Raises:
        NotThisFormat: the member is empty or is no text; the words say what it looks like.
    """
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
