"""The words of the kernel as plain integers: compiled code knows no enumerations."""

from autofutures.domain.order_life import Status
from autofutures.domain.units import OpenClose, OrderType, TimeInForce
from autofutures.risk import RULES

LIMIT, MARKET, MWP = int(OrderType.LIMIT), int(OrderType.MARKET), int(OrderType.MWP)
STOP, STOP_LIMIT = int(OrderType.STOP), int(OrderType.STOP_LIMIT)
ROD, IOC, FOK = int(TimeInForce.ROD), int(TimeInForce.IOC), int(TimeInForce.FOK)
AUTO = int(OpenClose.AUTO)

HELD, SENT, WORKING = int(Status.HELD), int(Status.SENT), int(Status.WORKING)
FILLED, CANCELED = int(Status.FILLED), int(Status.CANCELED)
REJECTED, EXPIRED = int(Status.REJECTED), int(Status.EXPIRED)

ASK_ORDER, ASK_CANCEL, ASK_CLOSE, ASK_TIMER = range(1, 5)
"""What a strategy may say."""

SAYS_ACCEPTED, SAYS_FILLED, SAYS_REJECTED, SAYS_NO_CANCEL, SAYS_CANCELED, SAYS_EXPIRED = range(6)
"""What the exchange may say of an order."""

IS_TICK, IS_QUOTE, IS_SESSION_END = 0, 1, 2
"""Kinds of events in a chunk, as `data/stream.py` has them."""

TO_SUBMIT, TO_CANCEL = range(2)
"""What may be asked of the exchange."""

(
    HEARS_TICK,
    HEARS_QUOTE,
    HEARS_SESSION_END,
    HEARS_ORDER,
    HEARS_REFUSED,
    HEARS_FILL,
    HEARS_EXIT,
    HEARS_TIMER,
) = range(8)
"""What a strategy may hear."""

RULE_IDS = ("", *RULES, "cancel", "close")
"""Why something was refused: the gate's rules in its order, and what no order or lot answers to."""

(
    BOOK_STOP,
    EXIT_PLAN,
    SESSION,
    STALE_TICK,
    ORDER_SIZE,
    POSITION,
    COLLAR,
    PRICE_LIMIT,
    MESSAGE_RATE,
    NO_CANCEL,
    NO_CLOSE,
) = (
    RULE_IDS.index(name)
    for name in (
        "book_stop",
        "exit_plan",
        "session",
        "stale_tick",
        "order_size",
        "position",
        "collar",
        "price_limit",
        "message_rate",
        "cancel",
        "close",
    )
)

SETTLED_RULES = frozenset({"duplicate", "deadline", "mode", "unknown"})
"""Rules that nothing breaks where no process is restarted, no clock is late and no answer is lost."""

NODES_RULES = frozenset(
    {
        "daily_loss",
        "drawdown",
        "loss_streak",
        "repeated_execution",
        "restricted",
        "expiry_guard",
        "order_value",
        "account_value",
        "margin",
        "self_match",
        "daily_messages",
    }
)
"""Rules that are off unless a run sets them, and that only the nodes ask: a run that sets one is refused."""

(
    TOO_MANY_ORDERS,
    TOO_MANY_PLANS,
    TOO_MANY_DECISIONS,
    TOO_MANY_TIMERS,
    TOO_MUCH_HEARD,
    ENDLESS_ANSWERS,
    ENDLESS_TIMERS,
    BAD_LEG,
    BAD_PLAN,
) = range(1, 10)
"""Why the kernel stopped before its events were over."""
