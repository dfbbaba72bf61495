"""The report of a run, whichever driver traded it: gathers what the page needs."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from autofutures.assemble.nodes import instruments_of
from autofutures.backtest.decided import decision_ticks
from autofutures.backtest.report import ReportData, write_report
from autofutures.backtest.runner import assumptions_of, notes_of
from autofutures.backtest.statistics import Ticks
from autofutures.config import RunSettings
from autofutures.domain.instrument import minor_unit, money_text
from autofutures.domain.messages import Placed, Refused, Traded
from autofutures.portfolio.tally import EquityPoint, Summary, Tally

RunRows = tuple[Sequence[Placed], Sequence[Traded], Sequence[Refused], Sequence[EquityPoint]]
"""Orders, fills, refusals and equity of a run."""


def report_of(run: RunSettings, tally: Tally, ticks: Mapping[str, Ticks], path: Path) -> None:
    """Writes the page of a finished run."""
    rows = (tally.orders, tally.fills, tally.refusals, tally.equity)
    data = data_of(run, tally.summary(), ticks, rows)
    decided = tally.decided or decision_ticks(tally.orders, ticks)
    said = {"assumptions": assumptions_of(run), "notes": notes_of(run)}
    write_report(msgspec.structs.replace(data, decided=decided, **said), path)


def data_of(run: RunSettings, summary: Summary, ticks: Mapping[str, Ticks], rows: RunRows) -> ReportData:
    """What a page of the run says; without its assumptions and notes, for which its data must be at hand."""
    names = ", ".join(strategy.name for strategy in run.strategies)
    symbols = ", ".join(run.symbols)
    orders, fills, refusals, equity = rows
    return ReportData(
        title=f"{names} on {symbols}, {_days_of(run)}",
        settings=_settings_of(run),
        summary=summary,
        assumptions=(),
        notes=(),
        ticks=ticks,
        fills=fills,
        orders=orders,
        equity=to_the_end(equity, summary, ticks),
        instruments=instruments_of(run),
        currency=minor_unit(run.currency),
        refusals=refusals,
        slippage_ticks=run.slippage_ticks if run.source == "recorded" else None,
    )


def to_the_end(
    equity: Sequence[EquityPoint], summary: Summary, ticks: Mapping[str, Ticks]
) -> Sequence[EquityPoint]:
    """The equity up to the last trade of the market, where it is the run's net profit; its points come each minute."""
    last_at = max((int(tape.at[-1]) for tape in ticks.values() if len(tape.at)), default=0)
    if not equity or equity[-1].net == summary.net_pnl or last_at <= equity[-1].at:
        return equity
    before = equity[-1]
    peak = max(before.net + before.drawdown, summary.net_pnl)
    return [*equity, EquityPoint(last_at, summary.net_pnl, peak - summary.net_pnl)]


def _days_of(run: RunSettings) -> str:
    return f"{run.day} to {run.until}" if run.until else str(run.day)


def _settings_of(run: RunSettings) -> dict[str, str]:
    table = {
        "symbols": ", ".join(run.symbols),
        "trading days" if run.until else "trading day": _days_of(run),
        "market": "recorded trades" if run.source == "recorded" else f"generated from seed {run.seed}",
        "order latency": f"{run.order_latency_ns / 1e6:g} ms",
        "fee": f"{money_text(run.currency, run.fee)} {run.currency} a contract and side",
    }
    for strategy in run.strategies:
        settings = ", ".join(f"{name}={value}" for name, value in strategy.settings.items())
        table[f"strategy {strategy.name}"] = f"{strategy.use} {settings}".strip()
    for rule, limits in run.limits.items():
        table[f"limit {rule}"] = ", ".join(f"{name}={value}" for name, value in limits.items())
    return table
