"""The table of importers: one file reads one format, and the first that claims a file reads it."""

from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

import msgspec

from autofutures.data.looks import what_it_looks_like
from autofutures.data.rules import Parsed
from autofutures.data.source import Member
from autofutures.domain.errors import NotThisFormat
from autofutures.market.sessions import Calendar

IMPORTERS = {
    "csv_columns": "autofutures.data.importers.csv_columns:CsvColumns",
    "taifex_ticks": "autofutures.data.importers.taifex_ticks:TaifexTicks",
    "taifex_1min_json": "autofutures.data.importers.taifex_1min_json:TaifexOneMinuteJson",
    "lean": "autofutures.data.importers.lean:Lean",
    "databento": "autofutures.data.importers.databento:Databento",
    "binance_stream": "autofutures.data.importers.binance_stream:BinanceStream",
    "tardis_book": "autofutures.data.importers.tardis_book:TardisBook",
    "xcme_bars": "autofutures.data.importers.xcme_bars:XcmeBars",
}
"""Name to `module:Class`; the order is the order of asking."""


class Options(msgspec.Struct, frozen=True):
    """What a person may say about a file that does not say it itself, as plain CSV does not."""

    columns: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    """Our word to the file's column, as `at`, `price`, `qty`, `symbol`."""
    time_zone: str = ""
    """Of times that carry no offset; empty: as the format has it, Taipei's in plain CSV."""
    time_format: str = ""
    """As in `strptime`; empty: ISO 8601 or a number since 1970."""
    symbol: str = ""
    """Of a file that has no such column; or in place of the one that the file names."""


class Importer(Protocol):
    """Reads one format. Made anew for each import, from what the person said."""

    def __init__(self, options: Options) -> None: ...

    def claims(self, member: Member) -> bool:
        """Whether the file is of this format, told from its first lines."""
        ...

    def read(self, member: Member, calendar: Calendar) -> tuple[Parsed, ...]:
        """Reads the file, each kind that it holds apart; rows that break a rule are quarantined, never dropped.

        Raises:
            NotThisFormat: the file is something else after all, or of a kind that is not imported.
        """
        ...


def importer_for(member: Member, path: Path, options: Options) -> tuple[str, Importer]:
    """The name and the importer of the format that the file has.

    Raises:
        NotThisFormat: no importer reads it; the text says what it looks like.
    """
    for name, place in IMPORTERS.items():
        importer = _load(place)(options)
        if importer.claims(member):
            return name, importer
    where = path.name if member.name == path.name else f"{member.name} in {path.name}"
    raise NotThisFormat(f"{where} looks like {what_it_looks_like(member)}")


def _load(place: str) -> type[Importer]:
    module, _, name = place.partition(":")
    return cast("type[Importer]", getattr(import_module(module), name))
