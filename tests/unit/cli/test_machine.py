import json
from collections.abc import Callable
from pathlib import Path
from typing import Self

import pytest
from typer.testing import CliRunner

from autofutures import clock
from autofutures.assemble import paper
from autofutures.assemble.market import session_of
from autofutures.assemble.paper import OPENS_AFTER_NS
from autofutures.backtest.runner import run
from autofutures.cli import assembled
from autofutures.domain.errors import BadInput, Refusal
from autofutures.ops import operator
from autofutures.ops.folder import Folder, make_folder
from autofutures.processes import supervisor
from tests.runs import a_catalog, generated, recorded, trade

Status = dict[str, object]

STATUS: Status = {
    "events": 7,
    "ticks_seen": 5,
    "ticks_lost": 0,
    "orders": 2,
    "refused": 1,
    "fills": 2,
    "net_pnl": -40,
    "positions": {"TAIFEX:TXF202608": 1},
}
FAST = ["--strategy", "ema_cross", "--set", "fast=2", "--set", "slow=5"]


class OneProcess:
    """A supervisor that lets one process do what the machine's processes do."""

    def __init__(self, folder: Folder, progress: Callable[[Status], None]) -> None:
        self._folder = folder
        self._progress = progress

    def run(self) -> None:
        self._progress({"events": 7})
        trade(self._folder)
        Path(self._folder.machine().sockets).rmdir()
        self._folder.leave()


class Answers:
    """An operator whose trader answers each question with the next of `said`, and then is silent."""

    said: tuple[Status, ...] = ()
    asked: tuple[tuple[Path, str], ...] = ()

    def __init__(self, folder: Folder) -> None:
        self._folder = folder

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def ask(self, what: str) -> Status:
        Answers.asked = (*Answers.asked, (self._folder.root, what))
        if not Answers.said:
            raise Refusal("does not answer")
        answer, *rest = Answers.said
        Answers.said = tuple(rest)
        return answer


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No process is started, and everything lies below the test's own folder."""
    for variable in ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(variable, str(tmp_path / variable))
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    monkeypatch.setattr(supervisor, "Supervisor", OneProcess)
    monkeypatch.setattr(operator, "Operator", Answers)
    monkeypatch.setattr(Answers, "asked", ())
    monkeypatch.setattr("time.sleep", lambda _: None)
    return tmp_path


def autofutures(*arguments: str) -> str:
    """What the command says on standard output; an error goes on."""
    result = CliRunner().invoke(assembled(), list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_a_generated_session_is_traded_as_the_backtest_trades_it() -> None:
    table = json.loads(autofutures("up", "--generate", "--trades", "200", *FAST, "--until-end", "--json"))
    summary = run(generated()).summary
    assert (table["order_hash"], table["fill_hash"]) == (summary.order_hash, summary.fill_hash)
    assert table["net_pnl"] == summary.net_pnl
    assert table["latency_us"] == {"count": 10, "p50": 5.0, "p99": 10.0, "p999": 10.0}
    assert Path(table["report"]).is_file()


def test_a_recorded_day_is_replayed(tmp_path: Path) -> None:
    catalog = a_catalog(tmp_path)
    replay = ("up", "--replay", "TXF202108@2021-07-26", "--catalog", str(catalog), "--strategy", "ema_cross")
    table = json.loads(autofutures(*replay, "--set", "fast=1", "--set", "slow=2", "--json"))
    assert table["ticks_seen"] == 8
    assert table["order_hash"] == run(recorded(catalog)).summary.order_hash


def test_the_machine_is_driven_as_it_was_asked(tmp_path: Path) -> None:
    drill = ("--speed", "60x", "--until-end", "--pause-seed", "3", "--drop-frame", "4")
    autofutures("up", "--generate", "--trades", "200", *FAST, *drill, "--state", str(tmp_path / "mine"))
    machine = Folder(tmp_path / "mine").machine()
    assert (machine.speed, machine.until_end, machine.pause_seed, machine.drop_frame) == (60.0, True, 3, 4)


def test_a_database_for_projections_is_kept_in_the_run_and_a_password_is_not(tmp_path: Path) -> None:
    up = ("up", "--generate", "--trades", "200", *FAST, "--until-end", "--state", str(tmp_path / "mine"))
    folder = Folder(tmp_path / "mine")
    for url, place in (
        ("sqlite", f"sqlite:///{folder.root / 'projections.sqlite'}"),
        (f"sqlite:///{tmp_path}/p.sqlite", f"sqlite:///{tmp_path}/p.sqlite"),
    ):
        autofutures(*up, "--projections", url)
        assert folder.database() == place
    with pytest.raises(BadInput, match=r"put it into ~/\.pgpass"):
        autofutures(*up, "--projections", "postgresql://me:secret@h/d")


def test_a_paper_run_goes_by_a_clock_by_which_its_session_opens_now_and_its_book_goes_on_the_next_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paper, "LEAST_TRADES", 200)  # Five a second for a whole session take long to play.
    state = ["--paper", *FAST, "--state", str(tmp_path / "book"), "--minutes", "5", "--json"]
    before = clock.now_ns()
    autofutures("up", *state)
    folder = Folder(tmp_path / "book")
    machine, run_before = folder.machine(), folder.run()
    assert (machine.live, machine.minutes, machine.until_end) == (True, 5.0, True)
    assert run_before.policy.reconciles
    assert machine.begun_at == session_of(run_before).opens_at - OPENS_AFTER_NS
    begun_ns = machine.begun_at - machine.clock_offset_ns  # By the clock on the wall.
    assert before <= begun_ns <= clock.now_ns()
    autofutures("up", *state)
    assert folder.run().day == 20260804


def test_rows_and_report_are_copied_where_they_are_wanted(tmp_path: Path) -> None:
    names = ("report", "orders", "fills")
    wanted = [word for name in names for word in (f"--{name}", str(tmp_path / name))]
    mine = tmp_path / "mine"
    autofutures("up", "--generate", "--trades", "200", *FAST, *wanted, "--state", str(mine))
    folder = Folder(mine)
    for name, made in zip(names, (folder.report, folder.orders, folder.fills), strict=True):
        assert (tmp_path / name).read_bytes() == made.read_bytes() != b""


def test_a_person_reads_a_table_the_latency_and_where_things_are(tmp_path: Path) -> None:
    said = autofutures("up", "--generate", "--trades", "200", *FAST, "--state", str(tmp_path / "mine"))
    assert "net pnl" in said
    assert "tick to order: p50 5 us, p99 10 us, over 10 orders" in said
    assert f"Report: {tmp_path}/mine/report.html" in said


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "either --replay SYMBOL@DATE, --generate or --paper"),
        (
            ["--generate", "--replay", "TXF202108@2021-07-26"],
            "either --replay SYMBOL@DATE, --generate or --paper",
        ),
        (["--replay", "TXF202108", *FAST], "write SYMBOL@DATE"),
        (["--generate"], "no strategy was named"),
        (
            ["--generate", *FAST, "--speed", "fast"],
            "--speed 'fast': write max, or how many times recorded time",
        ),
        (["--generate", *FAST, "--speed", "0"], "--speed '0': write max"),
        (["--generate", *FAST, "--speed", "-1"], "--speed '-1': write max"),
        (["--generate", *FAST, "--speed", "nan"], "--speed 'nan': write max"),
        (["--generate", *FAST, "--speed", "inf"], "--speed 'inf': write max"),
        (["--generate", *FAST, "--set", "speed=3"], "EmaCross has no setting 'speed'"),
        (["--replay", "TXF202108@2021-07-26", *FAST], "no trades of TAIFEX:TXF202108"),
    ],
)
def test_what_cannot_start_is_refused_and_leaves_no_run(
    arguments: list[str], sentence: str, places: Path
) -> None:
    with pytest.raises(BadInput, match=sentence):
        autofutures("up", *arguments)
    assert list(places.rglob("run.json")) == []


@pytest.fixture
def folder(places: Path) -> Folder:
    made = make_folder(None, generated())
    made.leave()
    return made


def test_status_is_one_line_of_the_newest_run(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Answers, "said", (STATUS,))
    assert autofutures("status") == (
        "events 7  ticks_seen 5  ticks_lost 0  orders 2  refused 1  fills 2  net_pnl -40  "
        "positions {'TAIFEX:TXF202608': 1}\n"
    )
    assert Answers.asked == ((folder.root, "status"),)


def test_status_of_a_run_that_is_named_is_one_json_object(
    folder: Folder, places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Answers, "said", (STATUS,))
    assert json.loads(autofutures("status", "--run", str(places), "--json")) == STATUS
    assert Answers.asked == ((places, "status"),)


LIVE: Status = {
    **STATUS,
    "live": True,
    "mode": "REDUCING",
    "ready": False,
    "reasons": ["gateway is away", "no link to the venue"],
    "uncovered_lots": 0,
    "unknown_orders": 1,
    "lives": {"trader": 2},
}


def test_status_of_a_live_run_says_whether_it_may_trade_and_what_was_started_again(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.restarts.write_text('{"trader": 1, "gateway": 0}')
    monkeypatch.setattr(Answers, "said", (LIVE, LIVE))
    assert autofutures("status").splitlines()[1] == (
        "REDUCING, not ready: gateway is away; no link to the venue; uncovered lots 0, unknown orders 1; "
        "restarts: trader 1"
    )
    assert json.loads(autofutures("status", "--json"))["restarts"] == {"trader": 1, "gateway": 0}


def test_watching_goes_on_until_the_run_is_over(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Answers, "said", (STATUS, STATUS, STATUS))
    Path(folder.machine().sockets).rmdir()
    assert len(autofutures("status", "--watch").splitlines()) == 3


def test_watching_a_run_that_falls_silent_without_an_end_is_an_error(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Answers, "said", (STATUS,))
    with pytest.raises(Refusal, match="does not answer"):
        autofutures("status", "--watch")


def test_a_run_that_does_not_answer_is_an_error(folder: Folder) -> None:
    for arguments in (["status"], ["status", "--watch"], ["stop"]):
        with pytest.raises(Refusal, match="does not answer"):
            autofutures(*arguments)


def test_stop_asks_the_trader_and_says_which_run_ends(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Answers, "said", ({"stopping": True},))
    assert autofutures("stop") == f"stopping {folder.root}\n"
    monkeypatch.setattr(Answers, "said", ({"stopping": True},))
    assert json.loads(autofutures("stop", "--run", str(folder.root), "--json")) == {
        "stopping": str(folder.root)
    }
    assert [what for _, what in Answers.asked] == ["stop", "stop"]


def test_without_a_run_there_is_nothing_to_ask() -> None:
    for command in ("status", "stop"):
        with pytest.raises(BadInput, match="no run was found"):
            autofutures(command)
