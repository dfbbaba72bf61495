"""Says what an import, or the catalogue, holds, in the words that `--json` prints."""

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from autofutures.data.importing import Imported
from autofutures.data.record import SeriesRecord
from autofutures.data.rules import Kind
from autofutures.market.dates import iso_day


class SeriesSummary(msgspec.Struct, frozen=True):
    """One contract over all its days."""

    symbol: str
    kind: Kind
    days: tuple[str, ...]
    rows: int
    """Trades, quotes, changes of depth, or bars, as the kind says."""
    trades: int
    contracts: int
    contracts_with_spreads: int
    """The exchange's daily way of counting: with the spread trades that have this expiry as a leg."""
    grid: str
    """`checked`, or `unchecked` where the product is not specified."""


class FileSummary(msgspec.Struct, frozen=True):
    """One file of an import."""

    name: str
    sha256: str
    format: str
    rows: int
    imported: int
    spreads: int
    quarantined: int
    quarantined_by_reason: dict[str, int]
    quarantine_file: str
    """Where the quarantined rows are written; empty when there are none."""
    already_imported: bool
    notes: tuple[str, ...]


class RefusedFile(msgspec.Struct, frozen=True):
    """A file that was not imported, and why."""

    name: str
    reason: str


class ImportSummary(msgspec.Struct, frozen=True):
    """All files of an import: `rows` = `imported` + `spreads` + `quarantined`."""

    rows: int
    imported: int
    spreads: int
    quarantined: int
    quarantined_by_reason: dict[str, int]
    already_imported: bool
    """Every file had been imported before: nothing was written."""
    files: tuple[FileSummary, ...]
    refused: tuple[RefusedFile, ...]
    series: tuple[SeriesSummary, ...]
    seconds: float


def import_summary(done: Sequence[Imported], refused: Sequence[RefusedFile], seconds: float) -> ImportSummary:
    """Adds up what became of the files of one import, each content once; `seconds` of wall time."""
    records = list({one.record.sha256: one.record for one in done}.values())
    reasons: Counter[str] = Counter()
    for record in records:
        reasons.update(record.quarantined_by_reason)
    return ImportSummary(
        rows=sum(record.rows for record in records),
        imported=sum(record.imported for record in records),
        spreads=sum(record.spreads for record in records),
        quarantined=sum(record.quarantined for record in records),
        quarantined_by_reason=dict(sorted(reasons.items())),
        already_imported=bool(done) and all(one.already_imported for one in done),
        files=tuple(_file(one) for one in done),
        refused=tuple(refused),
        series=series_summaries(series for record in records for series in record.series),
        seconds=round(seconds, 3),
    )


def series_summaries(series: Iterable[SeriesRecord]) -> tuple[SeriesSummary, ...]:
    """One summary for each contract and kind, in their order."""
    grouped: dict[tuple[str, Kind], list[SeriesRecord]] = {}
    for one in series:
        grouped.setdefault((one.symbol, one.kind), []).append(one)
    return tuple(_series(*grouped[key]) for key in sorted(grouped))


def _series(*days: SeriesRecord) -> SeriesSummary:
    return SeriesSummary(
        symbol=days[0].symbol,
        kind=days[0].kind,
        days=tuple(sorted({iso_day(one.day) for one in days})),
        rows=sum(one.rows for one in days),
        trades=sum(one.trades for one in days),
        contracts=sum(one.contracts for one in days),
        contracts_with_spreads=sum(one.contracts_with_spreads for one in days),
        grid="checked" if days[0].grid_checked else "unchecked",
    )


def _file(one: Imported) -> FileSummary:
    record = one.record
    return FileSummary(
        name=record.name,
        sha256=record.sha256,
        format=record.format,
        rows=record.rows,
        imported=record.imported,
        spreads=record.spreads,
        quarantined=record.quarantined,
        quarantined_by_reason=record.quarantined_by_reason,
        quarantine_file=str(one.quarantine or ""),
        already_imported=one.already_imported,
        notes=record.notes,
    )
