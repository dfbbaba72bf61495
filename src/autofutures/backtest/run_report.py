"""The report of a run, whichever driver traded it: gathers what the page needs."""

from collections.abc import Mapping
from pathlib import Path

from autofutures.assemble.nodes import instruments_of
from autofutures.backtest.report import ReportData, write_report
from autofutures.backtest.runner import assumptions_of, notes_of
from autofutures.backtest.statistics import Ticks
from autofutures.config import RunSettings
from autofutures.portfolio.tally import Tally


def report_of(run: RunSettings, tally: Tally, ticks: Mapping[str, Ticks], path: Path) -> None:
    """Writes the page of a finished run."""
    names = ", ".join(strategy.name for strategy in run.strategies)
    symbols = ", ".join(run.symbols)
    data = ReportData(
        title=f"{names} on {symbols}, {run.day}",
        settings=_settings_of(run),
        summary=tally.summary(),
        assumptions=assumptions_of(run),
        notes=notes_of(run),
        ticks=ticks,
        fills=tally.fills,
        orders=tally.orders,
        equity=tally.equity,
        instruments=instruments_of(run),
        currency=run.currency,
        refusals=tally.refusals,
        slippage_ticks=run.slippage_ticks if run.source == "recorded" else None,
    )
    write_report(data, path)


def _settings_of(run: RunSettings) -> dict[str, str]:
    table = {
        "symbols": ", ".join(run.symbols),
        "trading day": str(run.day),
        "market": "recorded trades" if run.source == "recorded" else f"generated from seed {run.seed}",
        "order latency": f"{run.order_latency_ns / 1e6:g} ms",
        "fee": f"{run.fee} {run.currency} a contract and side",
    }
    for strategy in run.strategies:
        settings = ", ".join(f"{name}={value}" for name, value in strategy.settings.items())
        table[f"strategy {strategy.name}"] = f"{strategy.use} {settings}".strip()
    for rule, limits in run.limits.items():
        table[f"limit {rule}"] = ", ".join(f"{name}={value}" for name, value in limits.items())
    return table
