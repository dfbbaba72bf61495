"""The kernel's memory: one flat record for a run, and tables beside it. A snapshot is its bytes.

Every field is a 64-bit integer, so that the same bytes mean the same to compiled code, to Python and on disk. What may
grow without end (rows of orders and fills) lies outside, and the kernel stops between two events to have it emptied.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

MAX_LEGS = 8
"""Symbols that one run may trade."""

MAX_ORDERS = 512
"""Orders that may be alive, or have a request under way, at once."""

MAX_PLANS = 512
"""Exit plans that may be open at once."""

MAX_SAID = 256
"""Decisions that a strategy may take at one instant."""

MAX_TIMERS = 256
MAX_HEARD = 2048
"""Messages that one instant may bring to the strategy."""

MAX_LEVELS = 8
MAX_RANGES = 8
MAX_BARS = 8
MAX_RATE = 1024
"""The largest limit that rule `message_rate` may have here."""

NEVER = 1 << 62
"""A time that does not come, and a price that no trade reaches."""


def _ints(names: str) -> list[tuple[str, str]]:
    return [(name, "i8") for name in names.split()]


SAID = np.dtype(
    _ints(
        "kind seq k at leg side qty type price_ticks stop_ticks tif open_close day_trade exit "
        "why plan_ticks "
        "closes_seq closes_k"
    )
)
"""One decision of the strategy; of a wish to cancel or close (`seq`, `k`) name the order, of a timer `qty` is when."""

ORDER = np.dtype(
    _ints(
        "number alive refs placed seq k at leg side qty type price_ticks stop_ticks tif open_close "
        "day_trade exit "
        "plan_ticks why closes_seq closes_k status filled left fills cost asked_back "
        "in_market arrival market_left market_price resting queue_ahead passed market_type "
        "market_tif"
    )
)
"""An order as the book has it, and as the market has it (`market_...`); `placed` is its row of the orders placed."""

KNOWN = np.dtype(_ints("handle leg side left unfilled"))
"""An order as its strategy knows it."""

PLAN = np.dtype(
    _ints(
        "alive seq k leg side terms plan_ticks open_qty entered_qty origin_ticks "
        "take_profit_ticks stop_ticks reason "
        "opened_at levels_reached attempts retry_at atr_milli atr_spans day_trade number"
    )
)
"""An open exit plan; `terms` is its row of the table of terms."""

TERMS = np.dtype(
    [
        *_ints(
            "take_profit_ticks stop_ticks trail_ticks trail_atr break_even_ticks "
            "break_even_offset_ticks time_stop_ns "
            "flat_before_close_ns bracket levels range flawed protects"
        ),
        ("at", "i8", (MAX_LEVELS,)),
        ("percent", "i8", (MAX_LEVELS,)),
    ]
)
"""A declared exit plan; `range` is the column of the average true range that it follows, -1 for none."""

RANGE = np.dtype(_ints("on number high low last close has_close atr_milli spans"))
"""One average true range of one leg."""

BAR = np.dtype(_ints("at open high low close qty trades session"))
"""A bar under way."""

TICK = np.dtype(_ints("at price_ticks qty auction"))
QUOTE = np.dtype(_ints("at bid_ticks bid_qty ask_ticks ask_qty"))
BAR_EVENT = np.dtype(_ints("at open_ticks high_ticks low_ticks close_ticks qty trades day span"))
SHOWN = np.dtype(_ints("ticks qty taken traded"))
"""One side of a quote: what was displayed, and what of it is gone since."""

LEG = np.dtype(
    [
        *_ints(
            "seen last last_at last_mark low high is_spread session session_first session_end "
            "position cost "
            "working_buy working_sell marked until lo hi busy dirty tick_value tax_rate_ppb "
            "inverse_value final_code final_price quoted lowest band band_first band_end stop_limit stop_on stop_fired "
            "stop_floor stop_attempts stop_retry_at "
            "takers_n buys_n sells_n plans_n ranging known_position known_working known_last"
        ),
        ("shown", SHOWN, (2,)),
        ("quote", QUOTE, (1,)),
        ("takers", "i8", (MAX_ORDERS,)),
        ("buys", "i8", (MAX_ORDERS,)),
        ("sells", "i8", (MAX_ORDERS,)),
        ("plans", "i8", (MAX_PLANS,)),
        ("ranges", RANGE, (MAX_RANGES,)),
        ("bars", BAR, (MAX_BARS,)),
    ]
)
"""One symbol: its market, our stake in it, and the prices between which a trade can do nothing."""

REQUEST = np.dtype(_ints("acts_at kind slot number"))
TIMER = np.dtype(_ints("at number timer"))
REPORT = np.dtype(_ints("kind slot qty price_ticks fill left"))

EVENT = np.dtype(
    _ints(
        "kind leg at order_seq order_k handle side qty price_ticks n fee tax position status "
        "filled left refused "
        "open_qty take_profit_ticks stop_ticks entered_qty origin_ticks levels_reached "
        "attempts slot timer day"
    )
)
"""What the strategy hears of its own orders, fills and exits."""

STATE = np.dtype(
    [
        # What a strategy sees of its context.
        *_ints(
            "now position working last_ticks cause_seq open_close day_trade leg bid_ticks bid_qty "
            "ask_ticks ask_qty"
        ),
        # How decisions are numbered, and what went wrong.
        *_ints(
            "k said_n timers_n next_timer error error_value saves market_seq own_seq own_k "
            "timer_number numbers arrivals fills_n"
        ),
        # Settings of the run.
        *_ints(
            "latency_ns slippage_ticks queue_contracts mwp_points fee legs_n terms_n bars_n "
            "spans_timed must_plan "
            "max_age_ms max_order max_position max_bp max_rate limit value"
        ),
        # What the run has done.
        *_ints(
            "net peak max_drawdown next_point ticks bad_ticks bad_quotes orders_n refused_n "
            "contracts fees tax"
        ),
        # Rows that wait to be taken away.
        *_ints("out_orders out_fills out_refusals out_points placed_n placed_room"),
        # Counts of what is below.
        *_ints(
            "alive_n closing_n held_n free_n requests_first requests_n known_n plan_free_n rate_first rate_n "
            "heard_n reports_n over_n"
        ),
        ("tick", TICK, (1,)),
        ("quote", QUOTE, (1,)),
        ("bar", BAR_EVENT, (1,)),
        ("draft", SAID, (1,)),
        ("said", SAID, (MAX_SAID,)),
        ("known", KNOWN, (MAX_ORDERS,)),
        ("span_size", "i8", (MAX_BARS,)),
        ("span_kind", "i8", (MAX_BARS,)),
        ("range_span_ns", "i8", (MAX_RANGES,)),
        ("range_periods", "i8", (MAX_RANGES,)),
        ("rate", "i8", (MAX_RATE,)),
        ("legs", LEG, (MAX_LEGS,)),
        ("timers", TIMER, (MAX_TIMERS,)),
        ("alive", "i8", (MAX_ORDERS,)),
        ("held", "i8", (MAX_ORDERS,)),
        ("over", "i8", (MAX_ORDERS,)),
        ("free", "i8", (MAX_ORDERS,)),
        ("plan_free", "i8", (MAX_PLANS,)),
        ("requests", REQUEST, (MAX_ORDERS * 4,)),
        ("orders", ORDER, (MAX_ORDERS,)),
        ("plans", PLAN, (MAX_PLANS,)),
        ("reports", REPORT, (MAX_HEARD,)),
        ("heard", EVENT, (MAX_HEARD,)),
    ]
)
"""All of a run's state."""

SESSION = np.dtype(_ints("opens_at closes_at ends_at accepts_from day code"))
"""One session of one symbol; rows of one symbol stand together, in order of time."""

BAND = np.dtype(_ints("since until low high"))
"""The price limits of one symbol for a time; rows of one symbol stand together, in order of time."""

ORDER_ROW = np.dtype(
    _ints(
        "at seq k leg side qty type price_ticks tif open_close stop_ticks why last "
        "day_trade exit plan_ticks closes_seq closes_k"
    )
)
FILL_ROW = np.dtype(_ints("at seq k n leg side qty price_ticks fee tax position"))
REFUSAL_ROW = np.dtype(_ints("at seq k rule limit value leg"))
POINT_ROW = np.dtype(_ints("at net drawdown"))
PLACED = np.dtype(_ints("handle slot status filled leg"))
"""Every order that the strategy placed, in order of its handle; `slot` is -1 once nothing more can come of it."""

Rows = NDArray[np.void]


class Tables(NamedTuple):
    """What lies beside the state: tables that are read, and rows that are written."""

    sessions: Rows
    bands: Rows
    terms: Rows
    orders: Rows
    fills: Rows
    refusals: Rows
    points: Rows
    placed: Rows


JOB = np.dtype(_ints("hooks tables state taken waits"))
"""One run among several over the same events: addresses, how many it has taken, and whether it waits to be emptied."""
