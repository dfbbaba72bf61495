"""Imports files into the catalogue: opens, sniffs, reads, compares, and writes all or nothing."""

from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec
import polars as pl

from autofutures.data import shelf
from autofutures.data.catalog import Catalog, Part, place_of, providers, write_frame
from autofutures.data.importers import Options, importer_for
from autofutures.data.record import FileRecord, SeriesRecord, series_records
from autofutures.data.rules import UNREADABLE, Kind, Parsed
from autofutures.data.source import Source, open_source
from autofutures.domain.errors import BadInput, NotThisFormat, Refusal
from autofutures.market.dates import iso_day
from autofutures.market.sessions import Calendar

Progress = Callable[[str, int, int], None]
"""Hears what is being done, and how much of how much is done."""

SHOWN = 5
"""How many quarantined rows an import shows."""


_Provided = dict[Path, tuple[Part, ...]]


class Imported(msgspec.Struct, frozen=True):
    """What became of one file."""

    record: FileRecord
    already_imported: bool
    """The same bytes were imported before: nothing was written."""
    examples: tuple[str, ...] = ()
    """The first quarantined rows, as `line 7: price_off_grid: ...`."""
    quarantine: Path | None = None
    """Where all quarantined rows are written."""


class _Reading(msgspec.Struct, frozen=True):
    """All members of a file, read: one frame for each kind."""

    format: str
    frames: dict[Kind, pl.DataFrame]
    quarantined: pl.DataFrame
    notes: tuple[str, ...]


def import_file(
    path: Path,
    catalog: Catalog,
    options: Options,
    *,
    replace: bool = False,
    progress: Progress = lambda *_: None,
) -> Imported:
    """Imports one file.

    Args:
        path: the file.
        catalog: where to.
        options: what the person says about plain CSV.
        replace: whether the file may replace what another one, or an earlier import of it, provides.
        progress: is told what goes on.

    Raises:
        NotThisFormat: the file is something else; the text says what it looks like.
        Refusal: another file provides one of its days, or another process imports into the catalogue.
        BadInput: the file cannot be read, or the options do not fit it.
    """
    progress(f"reading {path.name}", 0, 1)
    source = open_source(path)
    with shelf.locked(catalog.root):
        records = catalog.records()
        there = providers(records)
        before = next((record for record in records if record.sha256 == source.sha256), None)
        if before and not replace and _is_whole(catalog.root, before, there):
            return Imported(before, already_imported=True, quarantine=_quarantine_of(catalog.root, before))
        reading = _read(source, options)
        record = _record(source, reading, number=1 + max((record.number for record in records), default=0))
        if not replace:
            _refuse_overlap(record, there, path)
        with shelf.staged(catalog.root, source.sha256) as folder:
            _write(folder, record, _joined(catalog.root, reading, record, there), progress)
            if record.quarantined:
                reading.quarantined.write_csv(folder / "quarantine" / f"{record.sha256}.csv")
    return Imported(
        record,
        already_imported=False,
        examples=_examples(reading.quarantined),
        quarantine=_quarantine_of(catalog.root, record),
    )


def files_under(paths: Iterable[Path]) -> list[Path]:
    """The files themselves, and those in the folders, in order of name; hidden ones are left out."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = (one for one in path.rglob("*") if one.is_file())
            found += sorted(
                one for one in inside if not any(part.startswith(".") for part in one.relative_to(path).parts)
            )
        else:
            found.append(path)
    return found


def _is_whole(root: Path, record: FileRecord, provided: _Provided) -> bool:
    """Whether the catalogue still has all that the file gave it."""
    places = [place_of(series.kind, series.symbol, series.day) for series in record.series]
    return all(
        record.number in {one.number for _, one in provided[place]} and (root / place).exists()
        for place in places
    )


def _read(source: Source, options: Options) -> _Reading:
    calendar = Calendar()
    chosen = [(member, *importer_for(member, source.path, options)) for member in source.members]
    parsed = [(member.name, one) for member, _, importer in chosen for one in importer.read(member, calendar)]
    for name, one in parsed:
        _refuse_unreadable(name, one)
        _refuse_other_grid(name, one)
    frames: dict[Kind, pl.DataFrame] = {}
    for _, one in parsed:
        frames[one.kind] = pl.concat([frames[one.kind], one.frame]) if one.kind in frames else one.frame
    _refuse_repeats(source, [one for _, one in parsed])
    quarantined = [
        one.quarantined.select(pl.lit(name).alias("file"), "line", "reason", "text") for name, one in parsed
    ]
    return _Reading(
        format=chosen[0][1],
        frames=frames,
        quarantined=pl.concat(quarantined),
        notes=tuple(dict.fromkeys(note for _, one in parsed for note in one.notes)),
    )


def _refuse_unreadable(name: str, parsed: Parsed) -> None:
    """A file of which not one row can be read is something else than its header says."""
    reasons = set(parsed.quarantined["reason"])
    if parsed.frame.is_empty() and reasons and reasons <= UNREADABLE:
        line, reason, text = parsed.quarantined.row(0)
        raise NotThisFormat(f"{name}: not one row could be read; line {line} is {text!r} ({reason})")


def _refuse_other_grid(name: str, parsed: Parsed) -> None:
    """A file of which not one price is on the grid is of a time, or a market, with another tick size."""
    if parsed.frame.is_empty() and set(parsed.quarantined["reason"]) == {"price_off_grid"}:
        line, _, text = parsed.quarantined.row(0)
        raise BadInput(
            f"{name}: no price lies on the product's grid, so another tick size was in force: line {line} is {text!r}. "
            "Say --symbol EXCHANGE:NAME with a name of your own to import it as a product whose grid is not checked"
        )


def _refuse_repeats(source: Source, parsed: list[Parsed]) -> None:
    days = Counter(
        (one.kind, *key) for one in parsed for key in one.frame.select("symbol", "day").unique().rows()
    )
    twice = [key for key, count in days.items() if count > 1]
    if twice:
        _, symbol, day = twice[0]
        raise BadInput(
            f"{source.path.name} holds {symbol} on {iso_day(day)} in two of its files: import them one by one"
        )


def _record(source: Source, reading: _Reading, number: int) -> FileRecord:
    series = tuple(one for kind, frame in reading.frames.items() for one in series_records(frame, kind))
    reasons = Counter(reading.quarantined["reason"].to_list())
    spreads = sum(one.rows for one in series if "/" in one.symbol)
    imported = sum(one.rows for one in series) - spreads
    quarantined = reasons.total()
    return FileRecord(
        number=number,
        sha256=source.sha256,
        name=source.path.name,
        format=reading.format,
        rows=imported + spreads + quarantined,
        imported=imported,
        spreads=spreads,
        quarantined=quarantined,
        quarantined_by_reason=dict(sorted(reasons.items())),
        notes=reading.notes,
        series=series,
    )


def _refuse_overlap(record: FileRecord, provided: _Provided, path: Path) -> None:
    for series in record.series:
        for part, other in provided.get(place_of(series.kind, series.symbol, series.day), ()):
            if other.sha256 != record.sha256 and series.overlaps(part):
                raise Refusal(
                    f"{path.name} holds {series.symbol} on {iso_day(series.day)}, which the catalogue has from "
                    f"{other.name} with other content: say --replace if this file is the better one"
                )


def _joined(
    root: Path, reading: _Reading, record: FileRecord, provided: _Provided
) -> dict[Path, pl.DataFrame]:
    """The days as they shall lie in the catalogue: with the parts that other files gave and that stay."""
    spans = {(one.kind, one.symbol, one.day): one for one in record.series}
    days: dict[Path, pl.DataFrame] = {}
    for kind, frame in reading.frames.items():
        parted = frame.partition_by("symbol", "day", as_dict=True, maintain_order=True, include_key=False)
        for (symbol, day), rows in parted.items():
            place = place_of(kind, symbol, day)
            own = spans[kind, symbol, day]
            others = [part for part, other in provided.get(place, ()) if other.sha256 != record.sha256]
            stay = [part for part in others if not own.overlaps(part)]
            days[place] = _with_parts(rows, root / place, stay)
    return days


def _with_parts(rows: pl.DataFrame, path: Path, stay: list[SeriesRecord]) -> pl.DataFrame:
    if not stay or not path.exists():
        return rows
    there = pl.read_parquet(path)
    kept = [there.filter(pl.col("at").is_between(part.first_at, part.last_at)) for part in stay]
    return pl.concat([*kept, rows]).sort("at", maintain_order=True)


def _write(folder: Path, record: FileRecord, days: dict[Path, pl.DataFrame], progress: Progress) -> None:
    for done, (place, rows) in enumerate(days.items(), 1):
        write_frame(rows, folder / place)
        progress(f"writing {record.name}", done, len(record.series))
    for name in ("imports", "quarantine"):
        (folder / name).mkdir()
    encoded = msgspec.json.format(msgspec.json.encode(record), indent=1)
    (folder / "imports" / f"{record.sha256}.json").write_bytes(encoded)


def _examples(quarantined: pl.DataFrame) -> tuple[str, ...]:
    rows = quarantined.head(SHOWN).rows()
    return tuple(f"{file} line {line}: {reason}: {text}" for file, line, reason, text in rows)


def _quarantine_of(root: Path, record: FileRecord) -> Path | None:
    return root / "quarantine" / f"{record.sha256}.csv" if record.quarantined else None
