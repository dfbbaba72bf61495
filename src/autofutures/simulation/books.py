"""The broker's own ledger, which is watched as it is written: one order per decision, within the limit, no more."""

from collections import Counter

from autofutures.config import RunSettings
from autofutures.domain.errors import BrokenInvariant
from autofutures.domain.messages import Filled, Report, Submit
from autofutures.domain.units import Side
from autofutures.matching.ledger import Entry, Ledger
from autofutures.orders.account import OUTSIDE
from autofutures.orders.ids import is_kill_id
from autofutures.risk.position import reach
from autofutures.simulation.compared import order_of
from autofutures.simulation.judge import Judge, Key
from autofutures.trader import Trader


class Books(Ledger):
    """The ledger, and what must never be in it.

    Args:
        judge: knows what is in the journal.
        run: its position limit is the one that counts.

    Attributes:
        fills: how many were booked, strangers' not counted.
    """

    def __init__(self, judge: Judge, run: RunSettings) -> None:
        super().__init__()
        self._judge = judge
        self._limit = run.limits["position"]["max_contracts"]
        self._symbols = run.symbols
        self._ignores = run.policy.strangers == "ignore"
        self._own: Counter[str] = Counter()
        self._working: Counter[tuple[str, Side]] = Counter()
        self._strange: Counter[str] = Counter()
        self._killed: Counter[str] = Counter()
        self._costs: Counter[str] = Counter()
        self._exits: dict[Key, list[Entry]] = {}
        self.fills_booked = 0

    def receive(self, venue_id: str, submit: Submit, now: int, session: int) -> Entry:
        """An order has reached the broker.

        Raises:
            BrokenInvariant: it ought not to have.
        """
        entry = super().receive(venue_id, submit, now, session)
        client_id = submit.client_id
        if is_kill_id(client_id):
            self._judge.kill.arrives(entry)
        if not client_id or is_kill_id(client_id):
            return entry
        order = self._judge.orders.get(client_id)
        if order is None or not order.written:
            raise BrokenInvariant(f"order {client_id} reached the broker and is not in the journal")
        if client_id in self._judge.arrived:
            raise BrokenInvariant(f"order {client_id} reached the broker twice")
        if self._judge.is_absent(client_id):
            raise BrokenInvariant(f"order {client_id} reached the broker after it was proved absent")
        intent = order.intent
        if (intent.symbol, intent.side, intent.qty) != (submit.symbol, submit.side, submit.qty):
            raise BrokenInvariant(f"{submit} reached the broker, decided was {intent}")
        self._judge.arrived.add(client_id)
        self._working[submit.symbol, submit.side] += submit.qty
        self._within_limit(submit.symbol)
        if intent.closes_k:
            plan = (intent.strategy, intent.closes_seq, intent.closes_k)
            self._exits.setdefault(plan, []).append(entry)
            self._no_more_than_open(plan)
        return entry

    def report(self, entry: Entry, report: Report, now: int) -> None:
        """What became of an order.

        Raises:
            BrokenInvariant: it is more than was decided, or than the limit allows.
        """
        before = entry.left
        super().report(entry, report, now)
        submit = entry.submit
        symbol = submit.symbol
        if isinstance(report, Filled):
            self._judge.kill.filled(report, entry.client_id, now)
        if not entry.client_id or is_kill_id(entry.client_id):
            self._not_decided(entry, report)
            return
        if isinstance(report, Filled):
            self.fills_booked += 1
            self._own[symbol] += report.side * report.qty
            self._costs[entry.client_id] += report.qty * report.price_ticks
            if entry.filled > submit.qty:
                raise BrokenInvariant(f"{report} is more than was ordered")
        self._working[symbol, submit.side] += entry.left - before
        self._within_limit(symbol)

    def _not_decided(self, entry: Entry, report: Report) -> None:
        """What strangers trade; and what the kill switch does, which may be against what they hold."""
        if not isinstance(report, Filled):
            return
        symbol = report.symbol
        if not entry.client_id:
            self._strange[symbol] += report.qty
            return
        self._killed[symbol] += report.qty
        self._own[symbol] += report.side * report.qty
        if entry.filled > entry.submit.qty:
            raise BrokenInvariant(f"{report} is more than the kill switch ordered")

    def _within_limit(self, symbol: str) -> None:
        """What strangers traded moves the account without us, where it is counted at all."""
        counts = not self._ignores or self._killed[symbol]
        limit = self._limit + self._strange[symbol] if counts else self._limit
        for side in Side:
            working = self._working[symbol, side]
            value = reach(self._own[symbol], working, side, 0)
            if value > limit:
                raise BrokenInvariant(
                    f"the broker has {self._own[symbol]} of {symbol} and {working} working to {side.word}: "
                    f"{value} passes the limit of {limit}"
                )

    def _no_more_than_open(self, plan: Key) -> None:
        """The exits of one entry close at most what it opened."""
        entries = self.of_client(self._judge.order_at(plan))
        opened = sum(entry.filled for entry in entries)
        closing = sum(entry.filled + entry.left for entry in self._exits[plan])
        if closing > opened:
            raise BrokenInvariant(f"exits of {plan} are for {closing} contracts, and it has opened {opened}")

    def same_as(self, trader: Trader) -> None:
        """Nothing moves any more: the trader's book is this ledger, order by order and ledger by ledger.

        Raises:
            BrokenInvariant: it is not.
        """
        owners: Counter[tuple[str, str]] = Counter()
        for entry in self.orders.values():
            if not entry.client_id or is_kill_id(entry.client_id):
                continue
            own, kept = trader.orders.get(entry.client_id), self._judge.orders[entry.client_id]
            account = (entry.filled, self._costs[entry.client_id], entry.left)
            if (kept.filled, kept.cost, kept.left) != account:
                raise BrokenInvariant(f"{entry} at the broker is in the journal {kept}")
            if own is not None and (own.filled, own.cost, own.left) != account:  # What is old is forgotten.
                raise BrokenInvariant(f"{entry} at the broker is in the book {order_of(own)}")
            owners[kept.intent.strategy, entry.submit.symbol] += entry.submit.side * entry.filled
        for client_id in self._judge.orders.keys() - self._judge.arrived:
            if self._judge.orders[client_id].filled:
                raise BrokenInvariant(f"{self._judge.orders[client_id]} never reached the broker")
        self._judge.kill.at_rest()
        for where, signed in self._judge.kill.booked.items():
            owners[where] += signed
        for symbol in self._symbols:
            self._same_positions(trader, symbol, owners)

    def _decided(self, symbol: str) -> int:
        """What the trader's own orders have made, less what of it the kill switch has closed."""
        judge, own = self._judge.kill, self._own[symbol]
        killed = sum(fill.side * fill.qty for fill in judge.fills.values() if fill.symbol == symbol)
        return own - killed + sum(signed for (_, traded), signed in judge.booked.items() if traded == symbol)

    def _same_positions(self, trader: Trader, symbol: str, owners: Counter[tuple[str, str]]) -> None:
        book = trader.portfolio.net(symbol)
        ours = self._decided(symbol) if self._ignores else self.positions[symbol]
        if book != ours:
            raise BrokenInvariant(f"the book has {book} of {symbol}, the broker {ours}")
        for (strategy, traded), position in owners.items():
            book = trader.portfolio.position(strategy, symbol)
            if traded == symbol and strategy != OUTSIDE and book != position:
                raise BrokenInvariant(
                    f"{strategy} has {book} of {symbol}, the broker filled it to {position}"
                )
