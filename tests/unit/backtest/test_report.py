import base64
import re
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import numpy as np
import pytest

from autofutures.backtest import charts, tables
from autofutures.backtest.charts import Charts, PriceChart
from autofutures.backtest.panels import Panel
from autofutures.backtest.report import (
    ReportData,
    report_html,
    report_measures,
    report_statistics,
    trading_days_of,
    write_report,
)
from autofutures.backtest.statistics import Ticks
from autofutures.domain.errors import BadInput
from autofutures.domain.instrument import instrument
from autofutures.domain.messages import Intent, Placed, Refused, Tick, Traded
from autofutures.domain.order_life import Status
from autofutures.domain.units import MINUTE, SECOND, OrderType, Side
from autofutures.market.dates import taipei_ns
from autofutures.portfolio.costs import Costs
from autofutures.portfolio.tally import Tally

TXF = "TAIFEX:TXF202108"
EXF = "TAIFEX:EXF202108"
OPEN = taipei_ns(20210726, 8 * 3600 + 45 * 60)
HOSTILE = "</script><img src=//evil.example/x onerror=alert(1)>&"
VOID = {"meta", "br", "img", "link", "input", "hr"}

Trade = tuple[int, str, Side, int, int]
"""Seconds after the open, symbol, side, contracts, price in ticks."""

TRADES: list[Trade] = [
    (60, TXF, Side.BUY, 1, 17_400),
    (120, TXF, Side.SELL, 2, 17_425),
    (180, TXF, Side.BUY, 1, 17_431),
    (200, EXF, Side.BUY, 3, 15_011),
]


class Page(HTMLParser):
    """What a browser would see: elements with their attributes, texts outside scripts, the open elements."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.scripts: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] == ["script"]:
            self.scripts.append(data)
        elif self.open[-1:] != ["style"] and data.strip():
            self.texts.append(data.strip())

    @property
    def text(self) -> str:
        return " ".join(self.texts)

    @property
    def charts(self) -> Charts:
        return msgspec.json.decode(self.scripts[0], type=Charts)


def example(
    trades: list[Trade] | None = None,
    *,
    strategy: str = "ema_cross",
    minutes: int = 10,
    notes: tuple[str, ...] = ("Price limit: unknown.",),
    slippage_ticks: int | None = 1,
    refusals: tuple[Refused, ...] = (),
) -> ReportData:
    """A report of a market that ticks once a second at the price of its last trade."""
    trades = TRADES if trades is None else trades
    instruments = {symbol: instrument(symbol) for symbol in (TXF, EXF)}
    tally, costs = Tally(instruments), Costs(20)
    ticks: dict[str, list[tuple[int, int]]] = {TXF: [], EXF: []}
    lasts = {TXF: 17_400, EXF: 15_000}
    waiting = list(trades)
    for second in range(minutes * 60):
        at = OPEN + second * SECOND
        while waiting and waiting[0][0] == second:
            _, symbol, side, qty, price = waiting.pop(0)
            lasts[symbol] = price
            fee, tax = costs.of(instruments[symbol], price, qty)
            name = f"c{len(tally.fills)}"
            intent = Intent(strategy, second, 1, at, symbol, side, qty, OrderType.MARKET)
            tally.handle(Placed(name, Status.SENT, intent), at)
            tally.handle(
                Traded(name, strategy, second, 1, 1, at, symbol, side, qty, price, fee, tax, 0, name), at
            )
        for symbol, last in lasts.items():
            ticks[symbol].append((at, last))
            tally.handle(Tick(symbol, at, last, 1), at)
    return ReportData(
        title=f"{strategy} on TXF202108",
        settings={"fast": "20", "slow": "60"},
        summary=tally.summary(),
        assumptions=("Our orders do not move the market.",),
        notes=notes,
        ticks={symbol: Ticks.of(rows) for symbol, rows in ticks.items()},
        fills=tally.fills,
        orders=tally.orders,
        equity=tally.equity,
        instruments=instruments,
        refusals=refusals,
        slippage_ticks=slippage_ticks,
    )


def numbers(text: str) -> list[float]:
    return [float(value) for value in np.frombuffer(base64.b64decode(text), dtype="<f8")]


def test_the_page_is_whole_and_refers_to_nothing_outside() -> None:
    page = Page(report_html(example()))
    assert page.open == []
    references = [
        value
        for _, attributes in page.elements
        for name, value in attributes.items()
        if name in {"src", "href", "srcset", "action", "data"}
    ]
    assert references == []
    policy = next(each["content"] for _, each in page.elements if "http-equiv" in each)
    assert policy is not None
    assert "default-src 'none'" in policy
    styles = report_html(example()).partition("<style>")[2].partition("</style>")[0]
    assert "url(" not in styles
    assert "@import" not in styles


def test_every_fill_stands_in_the_trades_with_taipei_time_and_price() -> None:
    page = Page(report_html(example()))
    for figure in ("17,400", "17,425", "17,431", "750.55"):
        assert figure in page.texts
    for moment in (
        "2021-07-26 08:46:00",
        "2021-07-26 08:47:00",
        "2021-07-26 08:48:00",
        "2021-07-26 08:48:20",
    ):
        assert moment in page.texts
    assert "+5,000" in page.texts
    assert "Still open at the end" in page.texts


def test_the_key_figures_are_those_of_the_summary() -> None:
    data = example()
    page = Page(report_html(data))
    summary = data.summary
    cards = page.texts[page.texts.index("Net profit, TWD") :]
    assert cards[1] == f"{summary.net_pnl:+,}"
    assert cards[4] == f"{summary.gross_pnl:+,}"
    assert cards[7] == f"{summary.fees + summary.tax:,}"
    assert cards[10] == f"{-summary.max_drawdown:,}"
    assert summary.order_hash in page.texts
    assert "+3 EXF202108" in page.text


def test_slippage_is_priced_on_the_contracts_that_took_at_market() -> None:
    page = Page(report_html(example(slippage_ticks=2)))
    # TXF and EXF are both worth 200 TWD a tick: 7 contracts, 2 ticks.
    assert "-2,800" in page.texts
    assert "2 tick(s) against us on the 7 contracts" in page.text
    assert "Slippage: none is assumed" in Page(report_html(example(slippage_ticks=None))).text


def test_limit_orders_pay_no_slippage() -> None:
    data = example()
    orders = [
        msgspec.structs.replace(
            order, intent=msgspec.structs.replace(order.intent, type=OrderType.LIMIT, price_ticks=1)
        )
        for order in data.orders
    ]
    page = Page(report_html(msgspec.structs.replace(data, orders=orders)))
    assert "on the 0 contracts that took at market" in page.text


def test_a_hostile_name_is_shown_and_never_run() -> None:
    data = example(strategy=HOSTILE, notes=(HOSTILE,))
    html = report_html(data)
    page = Page(html)
    assert [tag for tag, _ in page.elements if tag == "img"] == []
    assert sum(tag == "script" for tag, _ in page.elements) == 4
    assert HOSTILE in page.texts
    assert "&lt;img src=//evil.example/x" in page.charts.prices[0].marks[0].text[0]
    assert "<img src=//evil" not in html


def test_what_cannot_be_said_is_na_with_its_reason() -> None:
    page = Page(report_html(example()))
    assert "n/a — too few: 1 of 20 trading days needed" in page.texts
    assert "None" not in page.texts
    empty = Page(report_html(example([])))
    assert "n/a — no trade" in empty.texts
    assert "No trade was closed." in empty.texts


def test_the_same_data_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.html", "b.html"):
        write_report(example(), tmp_path / name)
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_red_is_up_unless_asked_otherwise(tmp_path: Path) -> None:
    path = tmp_path / "out.html"
    write_report(example(), path)
    assert Page(path.read_text("utf-8")).elements[0] == ("html", {"lang": "en", "data-up": "red"})
    write_report(example(), path, up_colour="green")
    assert Page(path.read_text("utf-8")).elements[0][1]["data-up"] == "green"


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"cannot write the report to .*nowhere.*folder that exists"):
        write_report(example(), tmp_path / "nowhere" / "out.html")


def test_ticks_without_their_instrument_are_named() -> None:
    data = msgspec.structs.replace(example(), instruments={TXF: instrument(TXF)})
    with pytest.raises(BadInput, match="EXF202108"):
        report_html(data)


def test_the_charts_mark_every_entry_and_exit_on_taipeis_clock() -> None:
    drawn = Page(report_html(example())).charts
    txf, exf = drawn.prices
    assert [mark.kind for mark in txf.marks] == [
        "buy_to_open",
        "sell_to_close",
        "sell_to_open",
        "buy_to_close",
    ]
    assert numbers(txf.marks[0].price) == [17_400.0]
    entered_ms = (OPEN + MINUTE) / 1e6 + 8 * 3_600_000
    assert numbers(txf.marks[0].at) == [entered_ms]
    assert numbers(exf.marks[0].price) == pytest.approx([750.55])
    assert "still open at the end" in exf.marks[0].text[0]
    assert numbers(txf.wins[1])[:2] == [17_400.0, 17_425.0]
    assert numbers(txf.losses[1])[:2] == [17_425.0, 17_431.0]
    assert numbers(drawn.net)[-1] == example().summary.net_pnl


def test_a_row_leads_to_its_chart() -> None:
    page = Page(report_html(example()))
    rows = [attributes for tag, attributes in page.elements if tag == "tr" and "data-chart" in attributes]
    assert [row["data-chart"] for row in rows] == ["price-0", "price-0"]
    (chart,) = [attributes for _, attributes in page.elements if attributes.get("id") == "price-0"]
    assert chart["class"] == "chart price"
    assert rows[0]["data-in"] == str((OPEN + MINUTE) // 1_000_000 + 8 * 3_600_000)


def test_too_many_trades_are_counted_and_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "MOST_ROWS", 3)
    monkeypatch.setattr(tables, "PRINTED_ROWS", 2)
    sides = [Side.BUY, Side.SELL] * 5
    page = Page(report_html(example([(10 + n, TXF, side, 1, 17_400) for n, side in enumerate(sides)])))
    assert "The table shows the first 3 of 5 trades;" in page.text
    assert "The first 2 of 5 are printed." in page.text
    assert sum("data-chart" in attributes for _, attributes in page.elements) == 3


def test_the_style_sheet_prints_as_many_rows_as_the_page_says() -> None:
    hidden = re.search(r"tr:nth-child\(n \+ (\d+)\) \{ display: none", report_html(example()))
    assert hidden is not None
    assert int(hidden[1]) == tables.PRINTED_ROWS + 1


def test_lost_ticks_and_refusals_are_not_hidden() -> None:
    refused = Refused("ema_cross", 1, 1, OPEN, "max_position", 20, 21, "21 > 20 <contracts>")
    data = example(refusals=(refused, refused))
    lost = msgspec.structs.replace(data, summary=msgspec.structs.replace(data.summary, ticks_lost=7))
    page = Page(report_html(lost))
    assert "7 ticks were lost on the way." in page.texts
    assert page.texts[page.texts.index("max_position") + 1] == "21 > 20 <contracts>"
    assert page.texts[page.texts.index("max_position") + 2] == "2"


def test_strategies_are_broken_down_when_there_are_several() -> None:
    data = example()
    more = [*data.fills, *(msgspec.structs.replace(each, strategy="other") for each in data.fills)]
    assert "By strategy and symbol" in Page(report_html(msgspec.structs.replace(data, fills=more))).texts
    assert "By strategy and symbol" not in Page(report_html(data)).texts


def test_a_run_that_saw_nothing_still_has_a_page() -> None:
    data = ReportData(
        title="nothing",
        settings={},
        summary=Tally({}).summary(),
        assumptions=(),
        notes=(),
        ticks={},
        fills=[],
        orders=[],
        equity=[],
        instruments={},
    )
    page = Page(report_html(data))
    assert page.charts.equity_at == ""
    assert page.texts.count("None.") == 3
    assert "n/a — no trading time" in page.texts


def test_an_open_lot_without_a_last_trade_has_no_open_profit() -> None:
    data = example()
    page = Page(report_html(msgspec.structs.replace(data, ticks={TXF: data.ticks[TXF]})))
    still = page.texts.index("Still open at the end")
    assert page.texts[still:].count("–") == 2


def test_statistics_are_there_as_data() -> None:
    data = example()
    trips, lots, figures = report_statistics(data)
    assert (len(trips), len(lots), figures.every.trades) == (2, 1, 2)
    assert figures.max_drawdown == data.summary.max_drawdown
    assert all(trip.mae is not None for trip in trips)


def test_a_hundred_thousand_ticks_are_thinned_and_two_thousand_trades_are_not() -> None:
    sides = [Side.BUY, *([Side.SELL, Side.BUY] * 1000)]
    data = example(
        [(10 + n, TXF, side, 1 if n == 0 else 2, 17_400 + n % 50) for n, side in enumerate(sides)], minutes=60
    )
    at = OPEN + np.arange(100_000, dtype=np.int64) * SECOND // 20
    walk = 17_400 + np.cumsum(np.where(np.arange(100_000) % 7 < 3, 1, -1))
    large = msgspec.structs.replace(data, ticks={TXF: Ticks(at, walk.astype(np.int64))})
    page = Page(report_html(large))
    chart: PriceChart = page.charts.prices[0]
    shown = numbers(chart.price)
    assert len(shown) <= 20_000
    assert (min(shown), max(shown)) == (walk.min(), walk.max())
    assert "of 100,000 ticks" in page.text
    assert sum("data-chart" in attributes for _, attributes in page.elements) == 2_000
    assert sum(len(mark.text) for mark in chart.marks) == 2 * 2_000 + 1


def test_where_profit_came_from_adds_up_to_the_net(tmp_path: Path) -> None:
    data = example()
    page = Page(report_html(data))
    hours = page.texts.index("Net profit by weekday of the trading day and Taipei's hour, TWD")
    assert page.texts[hours + 1 : hours + 6] == ["08", "All", "Monday", "+3,201", "+3,201"]
    months = page.texts.index("Net profit by month, TWD")
    assert "Jul" in page.texts[months:]
    assert page.texts[months:].count("+3,201") >= 4


def test_what_the_sample_is_too_small_for_is_said_figure_by_figure() -> None:
    page = Page(report_html(example()))
    for reason in (
        "n/a — too few: 2 of 10 closed trades needed",
        "n/a — too few: 1 of 5 winning trades needed",
        "n/a — too few: 1 of 4 days needed",
        "n/a — too few: 0 of 10 filled orders with a known decision needed",
        "Not drawn: too few: 2 of 40 closed trades needed.",
    ):
        assert reason in page.texts


def test_a_benchmark_is_one_contract_of_the_first_symbol() -> None:
    data = example()
    measures, held = report_measures(data, [], trading_days_of(data))
    assert held[0] == 0
    assert measures.benchmark is not None
    assert measures.benchmark.net == held[-1] == 31 * 200
    assert "One contract of TXF202108" in Page(report_html(data)).text


def test_every_chart_has_its_place_and_a_label() -> None:
    sides = [Side.BUY, *([Side.SELL, Side.BUY] * 50)]
    page = Page(
        report_html(
            example([(10 + n, TXF, side, 2 if n else 1, 17_400 + n % 7) for n, side in enumerate(sides)])
        )
    )
    panels = msgspec.json.decode(page.scripts[1], type=list[Panel])
    ids = {panel.id for panel in panels}
    assert ids == {"panel-mae", "panel-mfe", "panel-distribution", "panel-rolling-trades"}
    labels = {each["id"]: each.get("aria-label") for _, each in page.elements if each.get("role") == "img"}
    assert ids < set(labels)
    assert all(labels.values())


def test_of_very_many_trades_the_largest_are_marked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(charts, "MOST_MARKED", 2)
    sides = [Side.BUY, Side.SELL] * 4
    prices = [100, 101, 100, 150, 100, 99, 100, 20]
    data = example(
        [(10 + n, TXF, side, 1, price) for n, (side, price) in enumerate(zip(sides, prices, strict=True))]
    )
    page = Page(report_html(data))
    assert "The 2 trades with the largest results of 4 are marked." in page.text
    assert [text.split("<")[1] for mark in page.charts.prices[0].marks for text in mark.text] == [
        "b>#2 long 1", "b>#4 long 1", "b>#2 long 1", "b>#4 long 1",
    ]  # fmt: skip


def test_the_page_can_be_light_or_dark() -> None:
    html = report_html(example())
    assert any(each.get("id") == "scheme" for _, each in Page(html).elements)
    assert ':root[data-scheme="dark"]' in html
