"""The planted faults: for each failure of the former machine, and ten more, one line of source that brings it back.

`failure` says which one it is, by its number or its words in the former machine's record; `own` are the ten more.
A line is changed where the unit tests do not look, so that only the whole machine shows it.
"""

import msgspec


class Mutant(msgspec.Struct, frozen=True):
    """One changed line: `old`, stripped, is a line of `file`; where there are several, the `nth` from 0."""

    name: str
    failure: str
    file: str
    old: str
    new: str
    nth: int = -1


MUTANTS = (
    Mutant(
        "retries-writes",
        "a slow DLL: one signal, four orders",
        "orders/doubt.py",
        "latest = max(order.sent_at, order.until)",
        "latest = max(order.sent_at, order.until) if not order.intent.closes_k else 0",
    ),
    Mutant(
        "restart-forgets-positions",
        "1: a restart enters again",
        "trader.py",
        "positions={symbol: self.portfolio.position(strategy, symbol) for symbol in self.instruments},",
        "positions={symbol: self.portfolio.net(symbol) for symbol in self.instruments},",
    ),
    Mutant(
        "fills-are-assumed",
        "2: fills are assumed",
        "orders/account.py",
        "closed = 0 if own is None else min(own.open_qty, report.qty)",
        "closed = 0 if own is None else report.qty",
    ),
    Mutant(
        "bad-print-trades",
        "3: a bad tick trades",
        "trader.py",
        "if flaw:",
        "if flaw and not self.exits.watches(symbol):",
    ),
    Mutant(
        "stops-have-no-symbol",
        "4: conditions have no symbol",
        "trader.py",
        "if intent.symbol != symbol:",
        "if intent.symbol != symbol and intent.type is OrderType.STOP:",
    ),
    Mutant(
        "average-truncated",
        "5: int() truncation",
        "orders/account.py",
        "touched.append(self.exits.open(intent, intent.exit, report.qty, order.average_ticks, at))",
        "touched.append(self.exits.open(intent, intent.exit, report.qty, order.cost // order.filled, at))",
    ),
    Mutant(
        "condition-erased",
        "6: two writers, one file: a condition disappears",
        "storage/journal.py",
        "for message in batch.inputs:",
        "for message in {type(one): one for one in batch.inputs}.values():",
    ),
    Mutant(
        "stale-orders-leave",
        "7: stale signals",
        "seats/gateway.py",
        "for out in self._node.request(message, epoch, now):",
        "for out in self._node.request(message, epoch, message.at):",
    ),
    Mutant(
        "reconnect-unchecked",
        "8: disconnects are printed",
        "orders/standing.py",
        "self.reconciled = False",
        "self.reconciled = self.reconciled and changed.session > 1",
        nth=0,
    ),
    Mutant(
        "no-session-sense",
        "9: no session sense",
        "orders/stake.py",
        "market = view.market(symbol, now)",
        "market = view.market(symbol, view.last_at(symbol) or now)",
    ),
    Mutant(
        "no-risk-check",
        "10: no maximum quantity, no risk check at all",
        "orders/stake.py",
        "position=self._portfolio.net(symbol),",
        "position=self._portfolio.position(strategy, symbol) if strategy else self._portfolio.net(symbol),",
    ),
    Mutant(
        "state-silently-empty",
        "a truncated file silently loads as nothing",
        "trader.py",
        "self._states[message.strategy] = message.state",
        'self._states[message.strategy] = message.state if len(message.state) < 512 else b""',
        nth=1,
    ),
    Mutant(
        "health-always-true",
        "the health check is always true",
        "seats/trader.py",
        "absent = [name for name, peer in self._peers.items() if not peer.is_there(now)]",
        "absent = [name for name, one in self._peers.items() if not (one.life if one.strategy else one.is_there(now))]",
    ),
    Mutant(
        "fills-never-asked-for",
        "position and fill queries are placeholders",
        "orders/reconcile.py",
        "elif not (orders.has_heard(fill.fill_id) or orders.is_forgotten(fill.at)):",
        "elif not (orders.has_heard(fill.fill_id) or orders.get(fill.client_id).intent.closes_k):",
    ),
    Mutant(
        "queue-drops-in-silence",
        "a full queue drops in silence",
        "seats/recorder.py",
        "self._inbox = Inbox(seen=seen)",
        "self._inbox = Inbox(joins=True, seen=seen)",
    ),
    Mutant(
        "shutdown-leaves-lots-bare",
        "positions are left as they are when it ends",
        "orders/plan.py",
        "self.stop_ticks = moved.stop_ticks",
        "self.stop_ticks = moved.stop_ticks if self.terms.stop_ticks else 0",
    ),
    Mutant(
        "entries-in-doubt",
        "own",
        "orders/stake.py",
        "unknown=orders.unknown_of(symbol),",
        "unknown=0,",
    ),
    Mutant(
        "stops-fire-in-doubt",
        "own",
        "trader.py",
        "if exposure.mode is Mode.HALTED or (doubt and not reduces):",
        "if exposure.mode is Mode.HALTED:",
    ),
    Mutant(
        "no-room-for-exits",
        "own",
        "orders/exit_desk.py",
        "own, others = 0, self._exits.pending(symbol, side)",
        "own, others = 0, 0",
    ),
    Mutant(
        "no-room-for-book-stops",
        "own",
        "orders/exit_desk.py",
        "others += qty",
        "others += 0",
    ),
    Mutant(
        "fills-behind-the-cancel",
        "own",
        "orders/account.py",
        "untraded = report.left if isinstance(report, (Canceled, Expired)) else None",
        "untraded = None",
    ),
    Mutant(
        "stopped-strategy-trades",
        "own",
        "orders/stake.py",
        "stopped=self._account.stops.fired(strategy, symbol),",
        "stopped=False,",
    ),
    Mutant(
        "exits-of-other-strategies",
        "own",
        "orders/exits.py",
        "return [plan for plan in self._by_symbol.get(symbol, ()) if plan.intent.strategy == strategy]",
        "return list(self._by_symbol.get(symbol, ()))",
    ),
    Mutant(
        "fills-of-the-first-contract",
        "own",
        "strategies/context.py",
        "self.set_position(fill.symbol, fill.position)",
        "self.set_position(self.symbols[0], fill.position)",
    ),
    Mutant(
        "flat-stop-is-forgotten",
        "own",
        "orders/book_stop.py",
        "return [self._said(stop, at, 0) for stop in self._stops.values()]",
        "return [self._said(stop, at, 0) for stop in self._stops.values() if stop.ledger.position]",
    ),
    Mutant(
        "stops-fire-beside-the-unknown",
        "own",
        "trader.py",
        'doubt = known or (("an order\'s outcome is not known",) if exposure.unknown else ())',
        "doubt = known",
    ),
    Mutant(
        "kill-forgets-the-trader-of-before",
        "own",
        "seats/gateway.py",
        "if self._kill is not None and self._kill.ask(kill, self._node.epoch):",
        "if self._kill is not None and self._kill.ask(kill, self._trader_epoch):",
    ),
    Mutant(
        "kill-ids-come-again",
        "own",
        "orders/kill.py",
        "self._ids = KillIds(state.lives + 1)",
        "self._ids = KillIds(1)",
    ),
    Mutant(
        "kill-forgets-what-it-has-sent",
        "own",
        "orders/kill.py",
        "self._log.keep(msgspec.structs.replace(state, orders=left))",
        "self._log.keep(msgspec.structs.replace(state, orders=()))",
    ),
)
"""Every planted fault."""
