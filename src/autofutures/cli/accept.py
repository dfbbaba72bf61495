"""`autofutures accept`: a person explains what the venue's position has and no fill does."""

import sys
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated

import typer

from autofutures.cli import options
from autofutures.cli.output import print_json
from autofutures.domain.errors import BadInput

_HELP = (
    "Let a running machine's book take what its venue's position has and no fill explains: a trade by telephone, a "
    "transfer, an exercise.\n\n"
    "Until a difference is explained the book may only reduce. `autofutures status` and the alert `unexplained` say "
    "how large it is; only that, or a part of it, can be accepted. Nothing is sent: a fill at your price enters a "
    "ledger that is nobody's, or with --strategy closes that strategy's oldest lots, and what covered them ends. You, "
    "your reason and the fill are kept. The book goes on once a comparison with the venue finds nothing more.\n\n"
    "Examples:\n\n"
    "autofutures accept TXF202108 +1 --price 17250 --reason 'bought by telephone'\n\n"
    "autofutures accept TXF202108 -2 --price 17180.5 --strategy ema_cross --reason 'the desk closed it'"
)


def mount(app: typer.Typer) -> None:
    """Adds the command."""
    # A difference may be below zero, which is no option's name.
    app.command("accept", help=_HELP, context_settings={"ignore_unknown_options": True})(accept)


def accept(
    symbol: Annotated[str, typer.Argument(help="The contract.")],
    qty: Annotated[str, typer.Argument(help="What the venue has more than the book: +1, -2.")],
    price: Annotated[str, typer.Option("--price", help="What was paid for each, as the exchange quotes it.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; it is kept.")],
    strategy: Annotated[
        str, typer.Option("--strategy", help="Whose lots it closed. Default: nobody's, a ledger of its own.")
    ] = "",
    run: Annotated[Path | None, typer.Option("--run", help="The run's folder. Default: the newest.")] = None,
    as_json: options.JsonOption = False,
) -> None:
    """Accepts a difference."""
    from autofutures.domain.instrument import instrument
    from autofutures.ops.folder import Folder, latest_folder
    from autofutures.ops.operator import Operator
    from autofutures.orders.acceptance import NAME

    item = instrument(symbol)
    values: dict[str, int | str | bool] = {
        "symbol": item.symbol,
        "qty": _contracts(qty),
        "price_ticks": item.to_ticks(_price(price)),
        "strategy": strategy,
        "reason": reason,
    }
    folder = Folder(run) if run is not None else latest_folder()
    with Operator(folder) as operator:
        operator.command("", "accept", NAME, values)
    if as_json:
        print_json({**values, "accepted": True})
    else:
        sys.stdout.write(f"{qty} {item.symbol} at {price}: in the book of {strategy or 'nobody'}\n")


def _contracts(text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise BadInput(f"{text!r} is no number of contracts: write +1 or -2") from error


def _price(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise BadInput(f"{text!r} is no price: write it as the exchange quotes it, as 17250") from error
