"""The command line: one way in. Every command takes `--json`; errors are sentences on standard error."""

import sys
from importlib import import_module

import typer

from autofutures.domain.errors import AutofuturesError, BadInput

COMMANDS = {
    "alerts": "autofutures.cli.alerts:app",
    "data": "autofutures.cli.data:app",
    "calendar": "autofutures.cli.calendar:app",
    "condition": "autofutures.cli.condition:app",
    "book-stop": "autofutures.cli.book_stop:app",
    "bench": "autofutures.cli.bench:app",
    "db": "autofutures.cli.db:app",
    "projections": "autofutures.cli.projections:app",
    "report": "autofutures.cli.report:app",
    "results": "autofutures.cli.results:app",
    "risk": "autofutures.cli.risk:app",
}
"""Groups of commands, loaded when they are first named."""

HELP = (
    "Trades futures by itself: the same strategy, risk, order and matching code in backtest, paper and "
    "live.\n\n"
    "A first look needs nothing: autofutures up --generate --strategy ema_cross --until-end\n\n"
    "On recorded data: autofutures data import Daily_2021_07_26.zip, then "
    "autofutures backtest ema_cross --symbol TXF202108 --date 2021-07-26"
)


def assembled() -> typer.Typer:
    """The whole command line."""
    from autofutures.cli import (
        accept,
        backtest,
        chaos,
        kill,
        machine,
        parity,
        simulate,
        soak,
        sweep,
        walk_forward,
    )

    app = typer.Typer(name="autofutures", no_args_is_help=True, pretty_exceptions_enable=False, help=HELP)
    backtest.mount(app)
    sweep.mount(app)
    walk_forward.mount(app)
    machine.mount(app)
    kill.mount(app)
    accept.mount(app)
    parity.mount(app)
    simulate.mount(app)
    chaos.mount(app)
    soak.mount(app)
    for name, place in COMMANDS.items():
        module, _, attribute = place.partition(":")
        app.add_typer(getattr(import_module(module), attribute), name=name)
    return app


def main() -> None:
    """Runs a command. Exit codes: 0 done, 1 the machine failed, 2 the request was wrong."""
    try:
        assembled()()
    except AutofuturesError as error:
        sys.stderr.write(f"autofutures: {error}\n")
        sys.exit(2 if isinstance(error, BadInput) else 1)
    except OSError as error:  # A place is not there, is full, or may not be written to: the text names it.
        sys.stderr.write(f"autofutures: {error}\n")
        sys.exit(1)
