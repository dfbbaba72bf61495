"""The machine at a glance: what a person sees of a trader besides its figures, as `status` shows it."""

from collections.abc import Sequence

import msgspec

from autofutures.config import RunSettings
from autofutures.domain.instrument import instrument
from autofutures.orders.plan import Plan
from autofutures.portfolio import pnl
from autofutures.risk.gate import make_gate
from autofutures.risk.position import Position
from autofutures.seats.trader import TraderSeat


class Holding(msgspec.Struct, frozen=True, kw_only=True):
    """One strategy's position in one contract; prices in points, money in minor units."""

    strategy: str
    symbol: str
    position: int
    average: str
    last: str
    unrealised: int
    covered: int
    """Contracts that an exit plan or a book stop closes."""
    exits: tuple[str, ...]
    """Each plan in words."""


class Market(msgspec.Struct, frozen=True, kw_only=True):
    """One contract's session and its last trade or quote, UTC nanoseconds; 0 for none."""

    session: str
    closes_at: int
    heard_at: int
    position: int
    limit: int
    """The most contracts, long or short."""


class Glance:
    """Looks at one trader's seat.

    Args:
        run: names the limits.
        seat: the trader's.
    """

    def __init__(self, run: RunSettings, seat: TraderSeat) -> None:
        rules = [rule for rule in make_gate(run.limits).rules if isinstance(rule, Position)]
        self._most = rules[0].max_contracts
        self._seat = seat

    def look(self, now: int) -> dict[str, object]:
        """Everything, as a table that is ready for JSON."""
        seat = self._seat
        return {
            "holdings": msgspec.to_builtins(self._holdings()),
            "markets": {
                symbol: msgspec.to_builtins(self._market(symbol, now)) for symbol in seat.trader.instruments
            },
            "refusals": [
                f"{one.strategy}: {one.rule}: {one.reason}" for one in reversed(seat.tally.newest_refusals)
            ],
            "link": {
                "up": seat.trader.inquiry.standing.link_up,
                "reconciled": seat.trader.inquiry.standing.reconciled,
            },
            "queues": self._queues(),
        }

    def _queues(self) -> dict[str, float]:
        """What waits: trades, of which the oldest since the last look tells, and frames for the recorder."""
        record = self._seat.record
        return {"lag_ms": round(record.take_lag_ns() / 1_000_000, 3), "recorder_frames": record.waiting}

    def _market(self, symbol: str, now: int) -> Market:
        trader = self._seat.trader
        session = trader.view.session(symbol, now)
        return Market(
            session=session.name if session is not None else "",
            closes_at=session.ends_at if session is not None else 0,
            heard_at=trader.view.heard_at(symbol),
            position=trader.portfolio.net(symbol),
            limit=self._most,
        )

    def _holdings(self) -> list[Holding]:
        trader = self._seat.trader
        found: list[Holding] = []
        for strategy, symbol, ledger in trader.portfolio.ledgers():
            if not ledger.position:
                continue
            item = instrument(symbol)
            plans = trader.exits.plans_of(strategy, symbol)
            stops = [stop for stop in trader.account.stops.holding(symbol) if stop.strategy == strategy]
            planned = sum(plan.open_qty for plan in plans)
            last = trader.view.last(symbol) if symbol in trader.instruments else None
            profit = pnl.unrealised(ledger.position, ledger.cost, last) if last is not None else 0
            average = round(abs(ledger.cost / ledger.position)) if not ledger.inverse_value else 0
            found.append(
                Holding(
                    strategy=strategy,
                    symbol=symbol,
                    position=ledger.position,
                    average=str(item.to_price(average)) if average else "",
                    last=str(item.to_price(last)) if last is not None else "",
                    unrealised=profit if ledger.inverse_value else profit * item.product.tick_value,
                    covered=abs(ledger.position) if stops else min(planned, abs(ledger.position)),
                    exits=(*(_in_words(plan) for plan in plans), *("book stop" for _ in stops)),
                )
            )
        return found


def _in_words(plan: Plan) -> str:
    item = instrument(plan.intent.symbol)
    words: Sequence[str] = [
        f"{name} {item.to_price(ticks)}"
        for name, ticks in (("stop", plan.stop_ticks), ("profit", plan.take_profit_ticks))
        if ticks
    ]
    return f"{plan.open_qty} with {', '.join(words) or 'a time exit'}"
