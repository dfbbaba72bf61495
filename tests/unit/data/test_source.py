import gzip
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from autofutures.data import source
from autofutures.data.source import Member, open_source
from autofutures.domain.errors import BadInput, NotThisFormat
from tests.unit.data.files import HEADER, tick_text, zipped


def put(folder: Path, data: bytes, name: str = "Daily_2021_07_26.zip") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def test_a_zip_gives_the_files_in_it_and_the_hash_of_the_whole(tmp_path: Path) -> None:
    path = put(tmp_path, zipped({"folder/": b"", "folder/a.rpt": b"one", "__MACOSX/a.rpt": b"x"}))
    opened = open_source(path)
    assert opened.members == (Member("a.rpt", b"one", tmp_path.parts[1:]),)
    assert opened.sha256 != open_source(put(tmp_path, b"one", "a.rpt")).sha256


@pytest.mark.parametrize("encoding", ["cp950", "utf-8", "utf-8-sig"])
def test_text_is_read_in_big5_and_utf8(encoding: str) -> None:
    member = Member("a.csv", tick_text().encode(encoding))
    assert member.text() == tick_text()
    assert member.head()[0] == HEADER.strip()


def test_the_head_of_a_long_file_is_cut_at_a_lines_end() -> None:
    long = ("成" * 100 + "\n") * 1000
    assert Member("a.csv", long.encode()).head() == ["成" * 100] * 8


@pytest.mark.parametrize(
    ("name", "day"), [("Daily_2021_07_26_C.csv", 20210726), ("20210726.rpt", 20210726), ("ticks.csv", 0)]
)
def test_the_date_in_a_name_is_found(name: str, day: int) -> None:
    assert Member(name, b"").date_in_name() == day


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "is empty"),
        (zipped({"a.csv": b"\xef\xbb\xbf\r\n\x1a"}), "is empty"),
        (zipped({"a.csv": b"text" * 999})[:-40], "torn zip"),
        (zipped({"a.csv": bytes(range(32, 127)) * 99})[:60] + b"?" * 900, "torn zip"),
        (b"no zip at all", "torn zip"),
        (zipped({}), "nothing in it"),
        (zipped({"[Content_Types].xml": b"x"}), "Office document"),
        (zipped({"b.zip": zipped({"a.csv": b"x"})}), "zip within a zip"),
        (zipped({"a.csv": b""}), "a.csv in Daily_2021_07_26.zip is empty"),
        (zipped({"a.gz": b"\x1f\x8b\x08rest"}), "torn gzip"),
        (zipped({"a.gz": gzip.compress(b"text" * 999, mtime=0)[:-9]}), "torn gzip"),
        (zipped({"a.gz": gzip.compress(b"\x1f\x8b\x08", mtime=0)}), "a gzip archive within an archive"),
        (zipped({"a.zst": zstandard.compress(b"text" * 999)[:-1]}), "torn zstd"),
        (zipped({"a.zst": zstandard.compress(b"ab\x00\x01\x02")}), "binary"),
        (zipped({"a.xls": b"\xd0\xcf\x11\xe0rest"}), "Excel"),
        (zipped({"a.csv": "成交".encode("utf-16")}), "UTF-16"),
        (zipped({"a.csv": b"ab\x00\x01\x02"}), "binary"),
    ],
)
def test_what_is_no_text_is_refused_with_what_it_looks_like(tmp_path: Path, data: bytes, says: str) -> None:
    with pytest.raises(NotThisFormat, match=says):
        open_source(put(tmp_path, data))


def test_a_page_saved_under_the_name_of_a_zip_passes_as_text(tmp_path: Path) -> None:
    assert open_source(put(tmp_path, b"\n<!DOCTYPE html>")).members[0].head() == ["<!DOCTYPE html>"]


def test_a_locked_zip_is_refused(tmp_path: Path) -> None:
    data = bytearray(zipped({"a.csv": b"text"}))
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + flags] |= 1
    with pytest.raises(NotThisFormat, match="cannot be unpacked"):
        open_source(put(tmp_path, bytes(data)))


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
def test_packed_files_are_unpacked_and_named_without_their_ending(
    tmp_path: Path, pack: Callable[[bytes], bytes]
) -> None:
    (member,) = open_source(put(tmp_path, pack(b"text"), "a.csv.gz")).members
    assert (member.name, member.data) == ("a.csv", b"text")
    (inner,) = open_source(put(tmp_path, zipped({"b.csv.zst": pack(b"more")}))).members
    assert (inner.name, inner.data) == ("b.csv", b"more")


def test_frames_of_zstd_one_after_another_are_one_file(tmp_path: Path) -> None:
    path = put(tmp_path, zstandard.compress(b"one") + zstandard.compress(b"two"), "a.zst")
    assert open_source(path).members[0].data == b"onetwo"


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
def test_a_packed_file_that_would_fill_the_memory_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pack: Callable[[bytes], bytes]
) -> None:
    monkeypatch.setattr(source, "MAX_BYTES", 1000)
    with pytest.raises(BadInput, match="in parts"):
        open_source(put(tmp_path, pack(b"0" * 1001), "a.gz"))


def test_zstd_without_its_library_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(BadInput, match=r"install autofutures\[databento\]"):
        open_source(put(tmp_path, b"\x28\xb5\x2f\xfdrest", "a.zst"))


def test_databentos_binary_files_pass(tmp_path: Path) -> None:
    data = b"DBN\x03\x08\x00\x00\x00rest"
    assert open_source(put(tmp_path, data, "a.dbn")).members[0].data == data


def test_a_zip_that_would_fill_the_memory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "MAX_BYTES", 1000)
    with pytest.raises(BadInput, match="in parts"):
        open_source(put(tmp_path, zipped({"a.csv": b"0" * 1001})))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"absent\.csv: No such file"):
        open_source(tmp_path / "absent.csv")
