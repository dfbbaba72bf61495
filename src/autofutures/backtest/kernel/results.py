"""What a run of the kernel wrote, as the nodes' own messages: one tally, whoever ran."""

import msgspec

from autofutures.assemble import nodes
from autofutures.backtest.kernel import words as w
from autofutures.backtest.kernel.machine import Machine, Rows
from autofutures.backtest.kernel.state import NEVER, ORDER_ROW
from autofutures.config import RunSettings
from autofutures.domain.messages import TRADER_K, Intent, Placed, Refused, Traded
from autofutures.domain.order_life import Status
from autofutures.domain.units import OpenClose, OrderType, Side, TimeInForce
from autofutures.orders.book import HELD_TYPES
from autofutures.orders.ids import ClientIds
from autofutures.portfolio.tally import EquityPoint, Tally

_LAST = (ORDER_ROW.names or ()).index("last")


def tally_of(machine: Machine) -> Tally:
    """The run so far, as a tally that heard it would have it."""
    run = machine.run
    memory, rows = machine.memory, machine.rows()
    tally = nodes.make_tally(run)
    name = run.strategies[0].name
    clients = _hear_orders(tally, machine, rows)
    _hear_fills(tally, run, rows, clients)
    for at, seq, k, rule, limit, value, _ in rows.refusals.tolist():
        reason = f"{value} passes the limit of {limit}"
        tally.hear_refusal(Refused(name, seq, k, at, w.RULE_IDS[rule], limit, value, reason))
    tally.equity = [EquityPoint(at, net, drawdown) for at, net, drawdown in rows.points.tolist()]
    tally.take_totals(
        ticks_seen=int(memory["ticks"][0]),
        bad_ticks=int(memory["bad_ticks"][0] + memory["bad_quotes"][0]),
        net=int(memory["net"][0]),
        peak=int(memory["peak"][0]),
        max_drawdown=int(memory["max_drawdown"][0]),
        positions=positions_of(run, machine),
    )
    return tally


def _hear_orders(tally: Tally, machine: Machine, rows: Rows) -> dict[tuple[int, int], str]:
    """Tells the tally every order; client ids by decision."""
    ids = ClientIds(1)
    clients: dict[tuple[int, int], str] = {}
    for numbers in rows.orders.tolist():
        intent = _intent(machine, numbers)
        client_id = ids.next(intent.at)
        clients[intent.cause_seq, intent.k] = client_id
        status = Status.HELD if intent.type in HELD_TYPES else Status.SENT
        tally.hear_order(Placed(client_id, status, intent))
        last = numbers[_LAST]
        if last != -NEVER:
            tally.decided[client_id] = last
    return clients


def _intent(machine: Machine, numbers: tuple[int, ...]) -> Intent:
    """The decision behind an order; of the book's stop nobody says which of a strategy's legs it closes."""
    at, seq, k, leg, side, qty, kind, price, tif, open_close, stop, why, _, *rest = numbers
    day_trade, exit_, plan_ticks, closes_seq, closes_k = rest
    plan = machine.plans[exit_]
    return Intent(
        strategy=machine.run.strategies[0].name,
        cause_seq=seq,
        k=k,
        at=at,
        symbol=machine.run.symbols[leg],
        side=Side(side),
        qty=qty,
        type=OrderType(kind),
        price_ticks=price,
        stop_ticks=stop,
        tif=TimeInForce(tif),
        open_close=OpenClose(open_close),
        day_trade=bool(day_trade),
        exit=None if plan is None else msgspec.structs.replace(plan, plan_ticks=plan_ticks),
        leg=leg if k < TRADER_K or closes_k else 0,
        why=why,
        closes_seq=closes_seq,
        closes_k=closes_k,
    )


def _hear_fills(tally: Tally, run: RunSettings, rows: Rows, clients: dict[tuple[int, int], str]) -> None:
    """Tells the tally every fill; what ended with its contract has no order."""
    name = run.strategies[0].name
    number = 0
    for at, seq, k, n, leg, side, qty, price, fee, tax, position in rows.fills.tolist():
        number += n > 0
        settled = f"settled {run.symbols[leg]} {name}"
        tally.hear_fill(
            Traded(
                client_id=clients[seq, k] if n else "",
                strategy=name,
                order_seq=seq,
                order_k=k,
                n=n,
                at=at,
                symbol=run.symbols[leg],
                side=Side(side),
                qty=qty,
                price_ticks=price,
                fee=fee,
                tax=tax,
                position=position,
                fill_id=f"X1.F{number}" if n else settled,
            )
        )


def positions_of(run: RunSettings, machine: Machine) -> dict[str, int]:
    """What is held at the end, by symbol."""
    held = machine.memory["legs"][0]["position"].tolist()
    return {symbol: qty for symbol, qty in zip(run.symbols, held, strict=False) if qty}
