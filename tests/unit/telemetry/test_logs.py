import json
from pathlib import Path

from autofutures.telemetry.logs import open_log


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_each_line_is_one_object_with_process_time_level_and_request(tmp_path: Path) -> None:
    path = tmp_path / "trader.jsonl"
    open_log(path, "trader").info("submit", flow="abc", symbol="台指")
    (line,) = lines(path)
    assert line.pop("timestamp", "") != ""
    assert line == {"event": "submit", "flow": "abc", "symbol": "台指", "level": "info", "process": "trader"}


def test_a_line_is_on_the_disk_before_the_next_one_and_nothing_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "trader.jsonl"
    log = open_log(path, "trader")
    for number in range(3):
        log.debug("line", number=number)
        assert [line["number"] for line in lines(path)] == list(range(number + 1))


def test_a_log_that_is_there_is_continued(tmp_path: Path) -> None:
    path = tmp_path / "trader.jsonl"
    open_log(path, "trader").info("first")
    open_log(path, "trader").info("second")
    assert [line["event"] for line in lines(path)] == ["first", "second"]


def test_an_error_is_written_with_where_it_came_from(tmp_path: Path) -> None:
    path = tmp_path / "trader.jsonl"
    log = open_log(path, "trader")
    try:
        int("torn")
    except ValueError:
        log.exception("died")
    (line,) = lines(path)
    assert line["level"] == "error"
    assert "ValueError: invalid literal" in str(line["exception"])
