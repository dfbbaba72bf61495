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
        "MISSES = 2",
        "MISSES = 1",
    ),
    Mutant(
        "absent-at-once",
        "a slow DLL: one signal, four orders",
        "orders/doubt.py",
        "if order.status is not Status.WORKING and asked_at < latest + self._policy.quiet_ns:",
        "if order.status is not Status.WORKING and asked_at < order.sent_at:",
    ),
    Mutant(
        "restart-forgets-positions",
        "1: a restart enters again",
        "trader.py",
        "positions={symbol: self.portfolio.position(strategy, symbol) for symbol in self.instruments},",
        "positions={symbol: self.portfolio.net(symbol) for symbol in self.instruments},",
    ),
    Mutant(
        "restart-repeats-exits",
        "1: a restart enters again",
        "trader.py",
        "self.account.free_exit(order)",
        "pass",
    ),
    Mutant(
        "fills-are-assumed",
        "2: fills are assumed",
        "orders/account.py",
        "touched.append(self.exits.open(intent, intent.exit, report.qty, order.average_ticks, at))",
        "touched.append(self.exits.open(intent, intent.exit, order.left + report.qty, order.average_ticks, at))",
    ),
    Mutant(
        "bad-print-trades",
        "3: a bad tick trades",
        "trader.py",
        "if high_ticks and not low_ticks <= tick.price_ticks <= high_ticks:",
        "if high_ticks and tick.price_ticks < low_ticks:",
    ),
    Mutant(
        "stops-have-no-symbol",
        "4: conditions have no symbol",
        "trader.py",
        "if intent.symbol != tick.symbol:",
        "if not tick.symbol:",
    ),
    Mutant(
        "conditions-enter-elsewhere",
        "4: conditions have no symbol",
        "strategies/support_resistance.py",
        "leg=ctx.leg_of(terms.symbol),",
        "leg=0,",
    ),
    Mutant(
        "average-truncated",
        "5: int() truncation",
        "orders/book.py",
        "return (2 * self.cost + self.filled) // (2 * self.filled)",
        "return self.cost // self.filled",
    ),
    Mutant(
        "condition-erased",
        "6: two writers, one file: a condition disappears",
        "strategies/host.py",
        "ctx.save()",
        "pass",
        nth=1,
    ),
    Mutant(
        "stale-orders-leave",
        "7: stale signals",
        "trader.py",
        "until=min(intent.until, until) if intent.until else until,",
        "until=intent.until,",
    ),
    Mutant(
        "disconnects-ignored",
        "8: disconnects are printed",
        "orders/standing.py",
        "self.link_up = changed.up",
        "self.link_up = True",
    ),
    Mutant(
        "reconnect-unchecked",
        "8: disconnects are printed",
        "orders/standing.py",
        "self.reconciled = False",
        "pass",
    ),
    Mutant(
        "no-session-sense",
        "9: no session sense",
        "trader.py",
        "session_open=self.view.accepts_orders(symbol, now),",
        "session_open=True,",
    ),
    Mutant(
        "no-risk-check",
        "10: no maximum quantity, no risk check at all",
        "trader.py",
        "verdict = self.gate.check(intent, self.exposure(intent.symbol, now, intent.strategy), exits=exits)",
        "verdict = self.gate.check(intent, self.exposure(intent.symbol, now, intent.strategy), exits=True)",
    ),
    Mutant(
        "state-silently-empty",
        "a truncated file silently loads as nothing",
        "storage/journal.py",
        "if isinstance(message, (Saved, Configured)):",
        "if isinstance(message, Configured):",
    ),
    Mutant(
        "health-always-true",
        "the health check is always true",
        "seats/peers.py",
        "return self.life > 0 and now - self.heard_at <= SILENCE_NS",
        "return self.life > 0",
    ),
    Mutant(
        "fills-never-asked-for",
        "position and fill queries are placeholders",
        "orders/reconcile.py",
        "found.reports.append(fill)",
        "pass",
    ),
    Mutant(
        "queue-drops-in-silence",
        "a full queue drops in silence",
        "seats/strategy.py",
        "return self._inbox.missed > 0 or gap.source == self.name",
        "return gap.source == self.name",
    ),
    Mutant(
        "shutdown-leaves-lots-bare",
        "positions are left as they are when it ends",
        "orders/plan.py",
        "self.stop_ticks = moved.stop_ticks",
        "self.stop_ticks = 0",
    ),
    Mutant(
        "entries-in-doubt",
        "own",
        "trader.py",
        "unknown=self.orders.unknown_of(symbol),",
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
        "listed-fill-twice",
        "own",
        "orders/book.py",
        "if filled.fill_id in self._heard or self.is_forgotten(filled.at):",
        "if self.is_forgotten(filled.at):",
    ),
    Mutant(
        "forgotten-is-booked-again",
        "own",
        "trader.py",
        "head = BookKept(now, self.market_seq, fills, self.orders.forgotten_at, ignored)",
        "head = BookKept(now, self.market_seq, fills, 0, ignored)",
    ),
    Mutant(
        "door-forgets",
        "own",
        "gateway.py",
        "if client_id in self._refused:",
        "if self._refused.get(client_id):",
    ),
    Mutant(
        "exits-cover-for-ever",
        "own",
        "orders/exits.py",
        "plan.open_qty -= qty",
        "pass",
    ),
    Mutant(
        "stopped-strategy-trades",
        "own",
        "trader.py",
        "stopped=self.account.stops.fired(strategy, symbol),",
        "stopped=False,",
    ),
)
"""Every planted fault."""
