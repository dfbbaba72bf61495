from pathlib import Path

from autofutures.telemetry.tail import Tail


def test_each_line_is_given_once_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "log"
    tail = Tail(path)
    assert tail.lines() == []
    with path.open("ab", buffering=0) as file:
        file.write(b"one\ntw")
        assert tail.lines() == [b"one"]
        assert tail.lines() == []
        file.write(b"o\nthree\n")
        assert tail.lines() == [b"two", b"three"]
    tail.close()


def test_a_later_life_goes_on_where_the_former_was(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"one\ntwo\nthr")
    former = Tail(path)
    assert former.lines() == [b"one", b"two"]
    former.close()
    path.write_bytes(b"one\ntwo\nthree\n")
    assert Tail(path, former.offset).lines() == [b"three"]
