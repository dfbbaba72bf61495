"""What the certificate says of recorded days: nothing of a clean one, and the event and class of what was planted."""

from pathlib import Path

import msgspec
import pytest

from autofutures.domain.messages import Tick
from autofutures.domain.units import SECOND
from autofutures.processes.parity.certificate import Certificate, Finding, Kind, adopted, lines_of
from autofutures.processes.parity.check import certify
from autofutures.processes.parity.page import page_of
from tests.parity import planted
from tests.parity.day import Day, Planted, a_run


def only(certificate: Certificate, kind: Kind) -> Finding:
    """The one finding."""
    (finding,) = certificate.findings
    assert finding.kind == kind
    assert not certificate.identical
    return finding


@pytest.mark.parametrize("seed", planted.CLEAN)
def test_a_clean_day_gives_no_finding(tmp_path: Path, seed: int) -> None:
    certificate = planted.clean(tmp_path, seed)
    assert certificate.findings == ()
    assert (certificate.identical, certificate.whole) == (True, True)
    assert certificate.decisions >= 15
    assert certificate.market_events > 500
    assert certificate.measured.slippage == {0: certificate.measured.slippage_ticks.count}


def test_one_deleted_tick_is_data_and_is_shown(tmp_path: Path) -> None:
    found = only(planted.deleted_tick(tmp_path), "data")
    assert found.count == 1
    assert found.recorded == "nothing"
    assert found.expected.startswith(
        "Tick(symbol=TAIFEX:TXF202608, at=1785717903700132083, price_ticks=17400"
    )
    assert found.place.at_ns == pytest.approx(1785717903700132083, abs=SECOND // 4)
    assert found.place.event > 0


def test_a_later_market_is_latency_and_the_first_late_decision_is_named(tmp_path: Path) -> None:
    certificate = planted.late_market(tmp_path)
    found = only(certificate, "latency")
    assert "heard 52.1 ms from its own time" in found.what
    assert "40 decisions are the same and late, the first mine 113.1" in found.what
    assert certificate.measured.feed_ms.p50 == pytest.approx(51.5, abs=1)
    assert certificate.decisions == 43


def test_later_orders_are_latency_and_the_first_is_named(tmp_path: Path) -> None:
    certificate = planted.late_orders(tmp_path)
    found = only(certificate, "latency")
    assert found.what.startswith("orders take 4")
    assert found.recorded.startswith("Submit(client_id=")
    assert certificate.measured.latency_ms == pytest.approx(51.5, abs=2)


def test_a_latency_that_the_model_has_is_none(tmp_path: Path) -> None:
    run = a_run(5, trades=1_000, order_latency_ns=50 * 1_000_000)
    assert certify(Day(tmp_path, run).record()).identical


def test_one_changed_parameter_is_configuration_with_both_values(tmp_path: Path) -> None:
    certificate = planted.changed_parameter(tmp_path)
    found = only(certificate, "configuration")
    assert "strategies[mine].settings.slow was 15, is 16" in found.what
    assert found.recorded.startswith("Intent(strategy=mine, cause_seq=480, k=1")
    assert (found.expected, found.place.market_event) == ("no decision", 480)
    assert certificate.decisions == 14


def test_one_manual_order_is_a_person(tmp_path: Path) -> None:
    found = only(planted.manual_order(tmp_path), "person")
    assert found.what == "an order in the account that is not ours: sell 1 TAIFEX:TXF202608"
    assert found.recorded.endswith("1 filled")


def test_one_command_is_a_person_with_his_name(tmp_path: Path) -> None:
    found = only(planted.command(tmp_path), "person")
    assert found.what == "a command to mine by ada operator/1: pause c1"


def test_one_edited_line_is_code_with_both_decisions(tmp_path: Path) -> None:
    found = only(planted.edited_line(tmp_path), "code")
    assert "the source of mine is another one" in found.what
    assert found.recorded.startswith("Intent(strategy=mine")
    assert found.expected == "no decision"


def test_a_strategy_that_decides_by_the_hour_is_code_in_words_whatever_is_lost_later(tmp_path: Path) -> None:
    day = planted.own_strategy(tmp_path, planted=Planted(lost_tick=200))
    by_chance = "if difference == 0.0 or time.perf_counter_ns() // 64 % 2:"
    planted.edit(tmp_path, planted.LINE, by_chance)
    planted.edit(tmp_path, "from typing", "import time\nfrom typing")
    lost, found = certify(day.record()).findings
    assert (lost.kind, found.kind) == ("data", "code")
    assert "a strategy decides by something that it does not hear" in found.what
    assert found.place.at_ns < lost.place.at_ns


def test_an_edited_comment_is_no_finding_and_said(tmp_path: Path) -> None:
    folder = planted.own_strategy(tmp_path).record()
    planted.edit(tmp_path, planted.LINE, f"{planted.LINE}  # no sign")
    certificate = certify(folder)
    assert certificate.identical
    assert certificate.code.startswith("the source of mine is another one")


def test_a_changed_setting_without_another_decision_is_no_finding_and_said(tmp_path: Path) -> None:
    folder = Day(tmp_path, a_run(2)).record()
    own = folder.run()
    wider = msgspec.structs.replace(own, limits={**own.limits, "position": {"max_contracts": 500}})
    certificate = certify(folder, wider)
    assert certificate.identical
    assert certificate.settings.startswith("other: limits.position was None, is ")


def test_a_changed_limit_is_the_traders_and_configuration(tmp_path: Path) -> None:
    folder = Day(tmp_path, a_run(2)).record()
    tight = msgspec.structs.replace(folder.run(), limits={"order_size": {"max_contracts": 1}})
    found = only(certify(folder, tight), "configuration")
    assert found.what.startswith("trader decides otherwise; settings differ: limits.")
    assert found.expected.startswith("Refused(strategy=mine")


def test_a_tick_deleted_from_the_record_is_a_hole_that_is_named(tmp_path: Path) -> None:
    folder = Day(tmp_path, a_run(1)).record()
    tick = planted.a_tick_of(folder)
    planted.rewrite(folder, planted.without(tick))
    certificate = certify(folder)
    found = only(certificate, "data")
    due = f"number {tick.seq} is due and {tick.seq + 1} comes: 1 of the market are missing"
    assert (found.recorded, certificate.whole) == (due, False)


def test_a_tick_altered_in_the_record_does_not_fit_its_check(tmp_path: Path) -> None:
    folder = Day(tmp_path, a_run(1)).record()
    tick = planted.a_tick_of(folder)
    assert isinstance(tick.body, Tick)
    other = msgspec.structs.replace(tick.body, price_ticks=tick.body.price_ticks + 1)
    planted.rewrite(folder, planted.instead(tick, other))
    found = only(certify(folder), "data")
    assert found.recorded == "it does not fit its check: somebody altered the record here"


def test_a_day_that_begins_after_its_market_says_so(tmp_path: Path) -> None:
    certificate = certify(Day(tmp_path, a_run(1), Planted(lost_tick=1)).record())
    assert certificate.identical
    assert certificate.notes == ("the day begins 1 market events after its market did",)


def test_the_certificate_reads_as_text_json_and_page(tmp_path: Path) -> None:
    certificate = planted.changed_parameter(tmp_path)
    text = "\n".join(lines_of(certificate))
    assert text.startswith("parity of 20260803: 1 finding\n")
    assert "expected: no decision" in text
    page = page_of(certificate)
    assert "slow was 15, is 16" in page
    assert "http" not in page
    assert msgspec.json.decode(msgspec.json.encode(certificate), type=Certificate) == certificate


def test_what_was_measured_becomes_the_models_settings(tmp_path: Path) -> None:
    text = adopted(certify(Day(tmp_path, a_run(5, trades=1_000)).record()))
    assert "[model]" in text
    (latency,) = [line for line in text.splitlines() if line.startswith("order_latency")]
    assert 1_000 < int(latency.split('"')[1].removesuffix("us")) < 4_000
