"""Puts the contracts of a run's series into its settings, so that every process knows the same rolls."""

from pathlib import Path

import msgspec

from autofutures.assemble.nodes import calendar_of
from autofutures.config import RunSettings
from autofutures.data.catalog import Catalog
from autofutures.data.continuous import Continuous, Rule, continuous, days_of_contract, is_series
from autofutures.domain.errors import BadInput
from autofutures.domain.instrument import instrument
from autofutures.market.dates import iso_day
from autofutures.market.expiry import last_day_of


def with_series(run: RunSettings, rule: Rule, *, carries: bool = True) -> RunSettings:
    """The run with the contracts of its series as symbols, and which of them is in front when.

    Raises:
        BadInput: the catalogue cannot say it, a position could not leave a contract, or a strategy's exits are plans.
    """
    names = [symbol for symbol in run.symbols if is_series(symbol)]
    if not names:
        return run
    if run.source != "recorded":
        raise BadInput(f"{names[0]} is a series of recorded contracts: name one contract, as in TXF202608")
    for strategy in run.strategies:
        if strategy.exits == "plans" and set(names) & set(strategy.symbols):
            raise BadInput(
                f"strategy {strategy.name} closes its lots with exit plans, and those end with their contract: "
                f"name contracts instead of {names[0]}"
            )
    catalog, calendar = Catalog(Path(run.catalog)), calendar_of(run)
    found = {name: continuous(catalog, name, run.day, run.last_day, rule, calendar) for name in names}
    for one in found.values():
        _check_that_positions_can_leave(run, catalog, one)
    contracts = [segment.symbol for one in found.values() for segment in one.segments]
    others = [symbol for symbol in run.symbols if symbol not in found]
    return msgspec.structs.replace(
        run,
        symbols=tuple(dict.fromkeys([*contracts, *others])),
        series={name: one.segments for name, one in found.items()},
        carries=carries,
    )


def _check_that_positions_can_leave(run: RunSettings, catalog: Catalog, found: Continuous) -> None:
    for roll in found.rolls:
        last_day = last_day_of(instrument(roll.old), calendar_of(run))
        if roll.day <= last_day and roll.day not in days_of_contract(catalog, roll.old):
            raise BadInput(
                f"{roll.old} has no trades on {iso_day(roll.day)}, when {roll.new} comes in front, so that no "
                "position could be closed there: import that day, or choose other --roll-days"
            )
