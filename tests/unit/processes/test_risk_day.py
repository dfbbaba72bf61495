"""The risk of a day out of a journal and the recorder's market, and the page of it."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from autofutures.backtest.panels import Panel
from autofutures.backtest.risk_data import RiskDayData
from autofutures.backtest.risk_page import risk_html
from autofutures.bus.codec import Outbox
from autofutures.config import write_run
from autofutures.domain.errors import BadInput
from autofutures.domain.messages import AnyMessage, HaltReset, LimitSet, Tick
from autofutures.ops.folder import Folder
from autofutures.processes.risk_day import risk_day, summary_of
from autofutures.processes.stream import LENGTH
from autofutures.storage.journal import Journal
from tests.journals import a_run, trade
from tests.runs import DAY, TXF
from tests.unit.backtest.test_report import Page

LIMITS = {
    "daily_loss": {"max_loss": 4_000},
    "position": {"max_contracts": 4},
    "position.strategy.sr": {"max_contracts": 3},
    "daily_messages": {"max_messages": 60, "reserved": 10},
    "margin": {"min_percent": 100, "capital": 2_000_000},
    "margin.instrument.TAIFEX:TXF": {"initial": 300_000},
}


class Made:
    """A generated day whose strategies trade until they have lost too much."""

    def __init__(self, root: Path) -> None:
        run = msgspec.structs.replace(a_run(1_500), limits=LIMITS, catalog=str(root / "none"))
        write_run(run, root / "run.json")
        self.folder = Folder(root)
        outbox, stream = Outbox("trader", 1), bytearray()
        self.at = 0
        with Journal.open(self.folder.journal) as journal:

            def keep(inputs: Sequence[AnyMessage], outputs: Sequence[AnyMessage], at: int) -> None:
                journal.commit(inputs, outputs, at)
                self.at = at
                for message in inputs:
                    if isinstance(message, Tick):
                        frame = outbox.frame((message,), at)
                        stream.extend(LENGTH.pack(len(frame)) + frame)

            self.trader = trade(run, keep, journal.next_epoch())
            reset = HaltReset("f1", "daily_loss", "", self.at, "ann", "looked at it <b>")
            changed = LimitSet("f2", "daily_loss", "max_loss", self.at, "ann", 4_000, 9_000, "wider")
            journal.commit([], [changed, reset], self.at)
        self.folder.stream.write_bytes(stream)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return Made(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def data(made: Made) -> RiskDayData:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Folder, "is_over", lambda _: True)
        return risk_day(made.folder)


def test_the_lines_are_the_uses_of_the_day_and_the_halt_is_where_the_limit_is_reached(
    made: Made, data: RiskDayData
) -> None:
    assert (data.day, data.over) == (DAY, True)
    lines = {line.name: line for line in data.lines}
    stop = f"book_stop.strategy.ema_cross {TXF}"
    assert set(lines) == {"daily_loss", "position", "position.strategy.sr", "daily_messages", stop}
    (halt,) = (one for one in data.happened if one.what == "halted")
    loss = lines["daily_loss"]
    assert max(use for at, use in zip(loss.at, loss.use, strict=True) if at <= halt.at) >= 4_000
    assert all(use < 4_000 for at, use in zip(loss.at, loss.use, strict=True) if at < halt.at)
    assert (loss.of[0], loss.of[-1]) == (4_000, 9_000)
    assert lines["daily_messages"].use[-1] == made.trader.risk.state.messages == data.messages
    assert data.net == made.trader.risk.equity("")


def test_refusals_say_what_was_wanted_and_events_who_and_why(data: RiskDayData) -> None:
    refused = [one for one in data.refusals if one.control == "daily_loss"]
    assert refused
    assert refused[0].what.partition(" ")[0] in ("buy", "sell")
    assert TXF in refused[0].what
    assert [(one.what, one.who) for one in data.happened] == [
        ("halted", ""),
        ("set", "ann"),
        ("reset", "ann"),
    ]


def test_margin_and_scenario_follow_the_position(data: RiskDayData) -> None:
    held = [one for one in data.indicator if one is not None]
    assert held
    assert max(held) <= 100 * 2_000_000 // 300_000 + 1
    assert max(data.limit_move) > 0
    first = next(index for index, one in enumerate(data.initial) if one)
    assert (data.initial[first] // 300_000, data.limit_move[first] // 1_000 > 0) == (
        data.initial[first] / 300_000,
        True,
    )


def test_the_page_draws_a_line_for_each_limit_and_holds_every_word_back_that_is_html(
    data: RiskDayData,
) -> None:
    html = risk_html(data)
    page = Page(html)
    panels = {each.id: each for each in msgspec.json.decode(page.scripts[1], type=list[Panel])}
    assert {"panel-shares", "panel-control-0", "panel-indicator", "panel-limit-move"} <= set(panels)
    assert len(panels["panel-shares"].traces) == len(data.lines)
    assert [trace["name"] for trace in panels["panel-control-0"].traces][:2] == ["use", "limit"]
    assert "looked at it <b>" in page.text
    assert "<b>" not in html[html.index("looked at it") : html.index("looked at it") + 20]
    ids = {attributes.get("id") for _, attributes in page.elements}
    assert set(panels) <= ids
    assert risk_html(data) == html


def test_the_summary_has_the_pages_figures(data: RiskDayData) -> None:
    found = summary_of(data)
    limits = found["limits"]
    assert isinstance(limits, list)
    assert {one["control"] for one in limits} == {"daily_loss", "position", "daily_messages", "book_stop"}
    assert found["messages"] == data.messages


def test_a_day_of_which_the_journal_says_nothing_is_refused(made: Made) -> None:
    with pytest.raises(BadInput, match="says nothing of 2026-08-04: choose another --date"):
        risk_day(made.folder, 20260804)
