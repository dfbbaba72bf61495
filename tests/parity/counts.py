"""How often each thing occurred that a run may do: so that two engines are known to be equal in all of it."""

from collections import Counter

import msgspec

from autofutures.assemble import nodes
from autofutures.backtest.kernel import words
from autofutures.config import RunSettings
from autofutures.domain.messages import (
    TRADER_K,
    AnyMessage,
    BadQuote,
    BadTick,
    BookStop,
    ExitMoved,
    OrderChanged,
    Placed,
    Quote,
    Refused,
    SessionEnded,
    Tick,
    Traded,
    Woke,
)
from autofutures.orders.exit_rules import BOOK_STOPPED, WORDS
from autofutures.portfolio.tally import Tally
from tests.parity.every_kind import KINDS_OF_PLANS

_PLAN_NAMES = {plan: name for name, plan in KINDS_OF_PLANS.items()}

ORDERS = (
    "order market ioc",
    "order mwp ioc",
    *(f"order limit {tif}" for tif in ("rod", "ioc", "fok")),
    "order stop rod",
    "order stop_limit rod",
    "order of the trader",
)
REFUSALS = tuple(
    f"refused {rule}" for rule in words.RULE_IDS[1:] if rule not in words.SETTLED_RULES | words.NODES_RULES
)
FILLS = ("fill", "fill in part", "order ended canceled", "order ended expired", "cancel too late")
PLANS = (
    *(f"plan {name}" for name in KINDS_OF_PLANS if name != "without sense"),
    *(f"exit {reason}" for reason in WORDS[1:BOOK_STOPPED]),
    "level reached",
)
"""The book's stop is not among the exits: it fires once for a contract and run, for only a person resets it."""
MARKETS = ("event tick", "event quote", "event session end", "event timer", "bad print", "bad quote")

EACH = (*ORDERS, *REFUSALS, *FILLS, *PLANS, *MARKETS)
"""All that a backtest can do: refusals that only a restart, a late clock or a lost answer brings are not among them."""

_NAMES: dict[type[AnyMessage], str] = {
    Tick: "event tick",
    Quote: "event quote",
    SessionEnded: "event session end",
    Woke: "event timer",
    BadTick: "bad print",
    BadQuote: "bad quote",
    Traded: "fill",
    BookStop: "book stop fired",
}


class CountingTally(Tally):
    """A run's tally that counts what happened as well."""

    def __init__(self, run: RunSettings) -> None:
        super().__init__(nodes.instruments_of(run), nodes.heard_symbols(run))
        self.counts: Counter[str] = Counter()
        self._sizes: dict[str, int] = {}
        self._plans: dict[tuple[int, int], str] = {}
        self._closing: set[tuple[int, int]] = set()
        self._levels: Counter[tuple[int, int]] = Counter()

    def handle(self, message: AnyMessage, now: int) -> None:
        """Counts one message of the stream."""
        super().handle(message, now)
        name = _NAMES.get(type(message))
        if name is not None:
            self.counts[name] += 1
        match message:
            case Placed():
                self._count_order(message)
            case Refused():
                self.counts[f"refused {message.rule}"] += 1
            case Traded():
                self.counts["fill in part"] += message.qty < self._sizes.get(message.client_id, 0)
            case OrderChanged():
                self._count_change(message)
            case ExitMoved():
                self._count_exit(message)
            case _:
                pass

    def _count_order(self, placed: Placed) -> None:
        intent = placed.intent
        self._sizes[placed.client_id] = intent.qty
        self.counts[f"order {intent.type.word} {intent.tif.word}"] += 1
        self.counts["order of the trader"] += intent.k >= TRADER_K
        if intent.exit is not None:
            bare = msgspec.structs.replace(intent.exit, plan_ticks=0)
            self._plans[intent.cause_seq, intent.k] = _PLAN_NAMES.get(bare, "unknown")

    def _count_change(self, changed: OrderChanged) -> None:
        if changed.reason.startswith("nothing to cancel"):
            self.counts["cancel too late"] += 1
        elif changed.status.word in ("canceled", "expired", "rejected"):
            self.counts[f"order ended {changed.status.word}"] += 1

    def _count_exit(self, moved: ExitMoved) -> None:
        """A lot counts when it opens, when it is on its way out, and at each level that it reaches."""
        lot = moved.order_seq, moved.order_k
        plan = self._plans.pop(lot, None)
        if plan is not None:
            self.counts[f"plan {plan}"] += 1
        if moved.reason and lot not in self._closing:
            self._closing.add(lot)
            self.counts[f"exit {moved.reason}"] += 1
        if moved.levels_reached > self._levels[lot]:
            self.counts["level reached"] += moved.levels_reached - self._levels[lot]
            self._levels[lot] = moved.levels_reached


def rare(counts: Counter[str], least: int) -> dict[str, int]:
    """What occurred less often than that, of all that must."""
    return {name: counts[name] for name in EACH if counts[name] < least}
