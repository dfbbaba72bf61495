"""Every message of the machine, on one page. These structs are the wire, the journal and the test fixture.

`at` is always integer UTC nanoseconds; prices are ticks of the message's own instrument. A decision is named by
(strategy, cause_seq, k): `cause_seq` counts the market events that its strategy had heard, `k` its decisions since
then, from 1. The trader's own decisions (exit plans) use `k` from `TRADER_K`, so that the two never collide.
"""

from typing import ClassVar, get_args

import msgspec

from autofutures.domain.errors import BadMessage
from autofutures.domain.order_life import Status
from autofutures.domain.units import MINUTE, KillLevel, Mode, OpenClose, OrderType, Side, TimeInForce

SCHEMA = 1
"""Version of this page; a peer that speaks another one is refused."""

TRADER_K = 1 << 15
"""The first `k` of decisions that the trader takes itself: exits, stops that fire."""


MARKET = ".market"
"""The suffix of a source that numbers market data apart from everything else, so that a gap says what was lost."""


def handle_of(cause_seq: int, k: int) -> int:
    """A decision's id as one integer: what a strategy calls its order."""
    return cause_seq << 16 | k


class Message(msgspec.Struct, frozen=True, array_like=True, tag=True, tag_field="message", gc=False):
    """What every message is: an immutable record, on the wire an array headed by its class's name."""


class Tick(Message, frozen=True):
    """One trade printed by the exchange; `auction` marks the print of a call auction."""

    symbol: str
    at: int
    price_ticks: int
    qty: int
    auction: bool = False


class Quote(Message, frozen=True):
    """The best bid and offer after a change; a side without orders has quantity 0."""

    symbol: str
    at: int
    bid_ticks: int
    bid_qty: int
    ask_ticks: int
    ask_qty: int


class Bar(Message, frozen=True):
    """Trades of one span; `at` is its start. Made by whoever needs it, never sent by the exchange."""

    symbol: str
    at: int
    span: str
    open_ticks: int
    high_ticks: int
    low_ticks: int
    close_ticks: int
    qty: int
    trades: int
    day: int
    session: str


class SessionEnded(Message, frozen=True):
    """A session of `symbol` is over: what worked in it is void. `day` is the trading day, YYYYMMDD."""

    symbol: str
    at: int
    day: int
    session: str


class SessionOpened(Message, frozen=True):
    """A session of `symbol` opened at `at` and closes at `closes_at`. Made by whoever needs it, never sent."""

    symbol: str
    at: int
    day: int
    session: str
    closes_at: int


class Gap(Message, frozen=True):
    """`missed` messages of `source` were lost before this moment; what they said is not known."""

    source: str
    at: int
    missed: int


class ExitPlan(Message, frozen=True):
    """How the trader closes what an entry opens: distances in ticks, times in nanoseconds, 0 for none.

    Prices count from `plan_ticks` where that is not 0, else from the average fill. Whatever is reached first closes
    the lot: the exits of one plan cancel each other. A stop moves in the position's favour only.
    """

    take_profit_ticks: int = 0
    stop_ticks: int = 0
    plan_ticks: int = 0
    trail_ticks: int = 0
    """The stop follows the trades at this distance."""
    trail_atr: int = 0
    """The stop follows at this many hundredths of the average true range; until one is known, at the other two."""
    atr_span_ns: int = MINUTE
    """A true range is measured over spans of this length."""
    atr_periods: int = 14
    break_even_ticks: int = 0
    """After a favourable move of so much, the stop moves to `break_even_offset_ticks` beyond the entry."""
    break_even_offset_ticks: int = 0
    time_stop_ns: int = 0
    """The lot is closed after so long."""
    flat_before_close_ns: int = 0
    """The lot is closed so long before its session's close."""
    levels: tuple[tuple[int, int], ...] = ()
    """Scale-out, nearest first: at a distance in ticks, so many percent of what was entered are closed."""
    bracket: bool = False
    """The take profit rests at the venue as a limit order; the trader holds the rest."""


class Intent(Message, frozen=True):
    """A strategy's decision to trade; it becomes an order only when the gate approves it.

    `price_ticks` is 0 for market orders, `stop_ticks` is 0 unless the type is a stop. `leg` and `why` index the
    tables that the strategy declares.
    """

    strategy: str
    cause_seq: int
    k: int
    at: int
    symbol: str
    side: Side
    qty: int
    type: OrderType
    price_ticks: int = 0
    stop_ticks: int = 0
    tif: TimeInForce = TimeInForce.ROD
    open_close: OpenClose = OpenClose.AUTO
    day_trade: bool = False
    exit: ExitPlan | None = None
    leg: int = 0
    why: int = 0
    closes_seq: int = 0
    """With `closes_k`, the decision whose open lot this order closes; 0 unless the trader's exit plan decided it."""
    closes_k: int = 0
    until: int = 0
    """The decision's deadline: not placed, and not sent, after it; 0 for the book's own rule."""


class Revoke(Message, frozen=True):
    """A strategy's decision to cancel its order (order_seq, order_k)."""

    strategy: str
    cause_seq: int
    k: int
    at: int
    order_seq: int
    order_k: int


class CloseLot(Message, frozen=True):
    """A strategy's decision to close what its entry (order_seq, order_k) opened: its exit plan fires now."""

    strategy: str
    cause_seq: int
    k: int
    at: int
    order_seq: int
    order_k: int


class WakeAt(Message, frozen=True):
    """A strategy asks to be woken at a time; `timer` is its own number for it."""

    strategy: str
    at: int
    timer: int


class Saved(Message, frozen=True):
    """A strategy's state, for the day it is restarted: bytes that only its host reads."""

    strategy: str
    at: int
    state: bytes


class Done(Message, frozen=True):
    """A process has answered event `number` whole; only replay waits for it."""

    source: str
    number: int
    wake_at: int = 0
    """When the trader's next timer rings; 0 for never."""


class Refused(Message, frozen=True):
    """The gate says no: `value` passed the `limit` of `rule`. For rules about states both are 0 or 1."""

    strategy: str
    cause_seq: int
    k: int
    at: int
    rule: str
    limit: int
    value: int
    reason: str

    refused: ClassVar[bool] = True
    """What tells it from `OrderChanged` where a strategy hears both; like those it has a status, and nothing left."""
    status: ClassVar[Status] = Status.REJECTED
    filled: ClassVar[int] = 0
    left: ClassVar[int] = 0

    @property
    def handle(self) -> int:
        """What the strategy calls the order that was not made."""
        return handle_of(self.cause_seq, self.k)


class Placed(Message, frozen=True):
    """The gate has approved an intent and the book keeps it under `client_id`.

    A stop is `HELD` here until a trade fires it; any other order is `SENT`: its `Submit` goes out in the same batch.
    """

    client_id: str
    status: Status
    intent: Intent


class Submit(Message, frozen=True):
    """An order on its way to the venue. Written down before it leaves, never sent twice."""

    client_id: str
    at: int
    symbol: str
    side: Side
    qty: int
    type: OrderType
    price_ticks: int
    tif: TimeInForce
    open_close: OpenClose
    day_trade: bool
    until: int = 0
    """The gateway does not send it after this time: from then on its absence can be proved. 0 for no limit."""


class Cancel(Message, frozen=True):
    """A request to the venue to take an order back; it may be repeated."""

    client_id: str
    at: int
    symbol: str


class Query(Message, frozen=True):
    """A request to the venue to say all that it has of us: a read, which may be repeated. Answered by `Snapshot`."""

    flow: str
    at: int


class OrderChanged(Message, frozen=True):
    """The book moved an order of `strategy` to `status`; `left` contracts may still trade."""

    client_id: str
    strategy: str
    order_seq: int
    order_k: int
    at: int
    symbol: str
    status: Status
    filled: int
    left: int
    reason: str = ""

    refused: ClassVar[bool] = False

    @property
    def handle(self) -> int:
        """What the strategy calls the order."""
        return handle_of(self.order_seq, self.order_k)


class Traded(Message, frozen=True):
    """A fill as it was booked: the `n`-th of its order, with its costs in minor units of money."""

    client_id: str
    strategy: str
    order_seq: int
    order_k: int
    n: int
    at: int
    symbol: str
    side: Side
    qty: int
    price_ticks: int
    fee: int
    tax: int
    position: int
    """The strategy's own position in `symbol` after this fill."""
    fill_id: str
    """The venue's id of the fill."""

    @property
    def handle(self) -> int:
        """What the strategy calls the order."""
        return handle_of(self.order_seq, self.order_k)


class ExitMoved(Message, frozen=True):
    """The exit plan opened by (order_seq, order_k) now covers `open_qty` contracts, at these prices (0 for none).

    It is the whole of a plan's state, said at each change of it, so that a plan comes back as it was.
    """

    strategy: str
    order_seq: int
    order_k: int
    at: int
    symbol: str
    side: Side
    open_qty: int
    take_profit_ticks: int
    stop_ticks: int
    """Where the stop is now: a stop that has moved in the position's favour never goes back."""
    reason: str = ""
    """Which exit was reached; from then on all of the lot is on its way out."""
    entered_qty: int = 0
    """What the entry has filled while the plan was open: percent of levels count from it."""
    origin_ticks: int = 0
    """The price that distances count from."""
    opened_at: int = 0
    levels_reached: int = 0
    attempts: int = 0
    """Exit orders in turn of which nothing was filled; the next is not sent before `retry_at`."""
    retry_at: int = 0
    atr_milli: int = 0
    """The average true range in thousandths of a tick, over `atr_spans` spans; 0 where it is not known."""
    atr_spans: int = 0

    @property
    def handle(self) -> int:
        """What the strategy calls the entry."""
        return handle_of(self.order_seq, self.order_k)


class BookStop(Message, frozen=True):
    """The stop that the trader holds for a strategy's whole position: it fired, or a person has reset it.

    Once fired, the position is closed and the strategy's orders in `symbol` are refused until the reset. `loss` is what
    was open to lose then, `limit` what may be; minor units of money.
    """

    strategy: str
    symbol: str
    at: int
    fired: bool
    limit: int
    loss: int


class Halted(Message, frozen=True):
    """A control stopped entries, of the account or of one scope: until a person resets it, whatever else happens."""

    control: str
    scope: str
    """As `strategy.ema`; empty for the account."""
    at: int
    limit: int
    value: int
    reason: str


class HaltReset(Message, frozen=True):
    """A person lets trade again what a control had stopped."""

    flow: str
    control: str
    scope: str
    at: int
    who: str
    reason: str


class PositionAccepted(Message, frozen=True):
    """A person accepts contracts that the venue's position has and no fill explains; `Traded` follows, and no order."""

    flow: str
    strategy: str
    """Whose lots they closed, or `outside`."""
    at: int
    symbol: str
    qty: int
    """Signed: what the venue has more than the book."""
    price_ticks: int
    who: str
    reason: str


class LimitSet(Message, frozen=True):
    """A person changed a limit of the running machine; it holds in later lives too, above the settings file."""

    flow: str
    key: str
    """Rule and scope, as `position.strategy.ema`."""
    setting: str
    at: int
    who: str
    old: int
    new: int
    reason: str


class RiskDay(Message, frozen=True):
    """A trading day began while lots were open: the prices, in ticks, that its profit and loss are counted from."""

    at: int
    day: int
    marks: dict[str, int]


class PeakMoved(Message, frozen=True):
    """The day's highest equity of a scope, in minor units, rounded up to a hundredth of the limit that watches it."""

    scope: str
    at: int
    peak: int


class BadTick(Message, frozen=True):
    """A print that cannot be a trade; nobody acts on it. The reason says which rule it broke."""

    symbol: str
    at: int
    price_ticks: int
    reason: str


class BadQuote(Message, frozen=True):
    """A quote that cannot be one; nobody acts on it. The reason says which rule it broke."""

    symbol: str
    at: int
    bid_ticks: int
    bid_qty: int
    ask_ticks: int
    ask_qty: int
    reason: str


class Stray(Message, frozen=True):
    """The venue reported on an order that the book does not have, or what no order can do: a person must look."""

    client_id: str
    at: int
    reason: str


class Woke(Message, frozen=True):
    """A timer that `strategy` asked for has come."""

    strategy: str
    at: int
    timer: int


class Accepted(Message, frozen=True):
    """The venue holds the order, under its own `venue_id`."""

    client_id: str
    at: int
    venue_id: str


class Rejected(Message, frozen=True):
    """The venue will not take the order; where `of_cancel`, it is the request to cancel it that is void."""

    client_id: str
    at: int
    reason: str
    of_cancel: bool = False


class Filled(Message, frozen=True):
    """The venue traded part of the order; `fill_id` is unique, so that a repeat is harmless."""

    client_id: str
    at: int
    fill_id: str
    symbol: str
    side: Side
    qty: int
    price_ticks: int


class Canceled(Message, frozen=True):
    """The venue took the rest of the order off: asked to, or because IOC and FOK do not wait."""

    client_id: str
    at: int
    left: int
    reason: str = ""


class Expired(Message, frozen=True):
    """The session that the order was valid for is over."""

    client_id: str
    at: int
    left: int


class VenueOrder(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A row of the venue's own list of our orders. `client_id` is empty where the order is not ours."""

    client_id: str
    venue_id: str
    symbol: str
    side: Side
    qty: int
    filled: int
    status: Status
    at: int


class Snapshot(Message, frozen=True):
    """All that the venue has of us, asked for by query `flow`: orders and fills since a time, and net positions.

    `at` is when the venue looked. A venue's list may be late, hold rows that are none, and lack rows. A long one comes
    in pages with time between them, fills first, so that nobody is kept from a trade by a day's orders.
    """

    flow: str
    at: int
    since: int
    orders: tuple[VenueOrder, ...]
    fills: tuple[Filled, ...]
    positions: dict[str, int]
    page: int = 0
    pages: int = 1


class LinkChanged(Message, frozen=True):
    """The gateway's link to its venue came up or went down. Each time it is up it is a new `session` of the venue."""

    venue: str
    at: int
    up: bool
    session: int
    reason: str = ""
    limits: dict[str, tuple[int, int]] = {}
    """The lowest and highest price in ticks that hold from now on, by symbol, as a login tells them; else as before."""
    margins: dict[str, int] = {}
    """The initial margin of one lot that holds from now on, in minor units, by symbol, told like limits."""


class TermsTold(Message, frozen=True):
    """A login told on what terms is traded from now on, and it is news; a snapshot keeps all that was told."""

    venue: str
    at: int
    limits: dict[str, tuple[int, int, int]]
    """By symbol the lowest and highest price in ticks, and until when they hold: the next trading day."""
    margins: dict[str, int]
    """The initial margin of one lot, in minor units, by symbol; it holds until another is told."""


class Reconciled(Message, frozen=True):
    """Book and venue were compared by snapshot `flow`: what it taught us, and what no fill explains."""

    flow: str
    at: int
    applied: int
    """Reports that were missing and are applied now."""
    absent: int
    """Orders of which it was proved that they are not at the venue."""
    strangers: int
    """Orders that are not ours."""
    unexplained: dict[str, int]
    """The venue's position less the book's, by symbol, where they differ."""
    ignored: tuple[tuple[str, int, str, int], ...] = ()
    """Strangers' fills that are left alone and were not known before: id, time, symbol, contracts."""


class BookMode(Message, frozen=True):
    """What the book may do from now on, and each reason why it may not do all."""

    at: int
    mode: Mode
    reasons: tuple[str, ...]


class Alert(Message, frozen=True):
    """A person is told: `name` is one of the runbooks' names, `subject` what it is about."""

    name: str
    at: int
    subject: str
    text: str


class Beat(Message, frozen=True):
    """Time has come this far: the trader's driver says it a few times a second, so that silence is noticed.

    `trouble` is why nothing new may be opened (a disk nearly full, or slow, a clock that is wrong), `about` the alert
    that tells of it; both empty where all is well.
    """

    at: int
    trouble: str = ""
    about: str = ""


class Heartbeat(Message, frozen=True):
    """A process is there, though it has nothing to say."""

    source: str
    at: int


class Command(Message, frozen=True):
    """A person asks a strategy to change a setting: `verb` name values. `flow` is the request's id."""

    flow: str
    strategy: str
    verb: str
    name: str
    values: dict[str, int | str | bool]
    who: str = ""
    """The person's name on his computer, and his name on the bus; the trader's seat writes the latter."""


class Configured(Message, frozen=True):
    """A strategy took a command: the fact that is kept and given to it again when it restarts."""

    flow: str
    strategy: str
    at: int
    verb: str
    name: str
    values: dict[str, int | str | bool]


class CommandRefused(Message, frozen=True):
    """A strategy, or the trader, did not take a command; `reason` says why and what to do."""

    flow: str
    strategy: str
    at: int
    reason: str


class Restored(Message, frozen=True):
    """What a strategy that starts again must know first: how far the market is, its state and its positions."""

    strategy: str
    cause_seq: int
    state: bytes
    configured: tuple[Configured, ...]
    placed: tuple[Placed, ...]
    changed: tuple[OrderChanged, ...]
    positions: dict[str, int]
    k: int = 0
    """How many decisions of it with this `cause_seq` were heard: the next ones are numbered from there."""


class BookKept(Message, frozen=True):
    """The head of a snapshot of the book: how far the market is, and each fill heard (id, time, symbol, contracts)."""

    at: int
    market_seq: int
    fills: tuple[tuple[str, int, str, int], ...]
    forgotten_at: int = 0
    """Fills before this time, by the venue's clock, were heard too and are forgotten."""
    ignored: tuple[tuple[str, int, str, int], ...] = ()
    """Every fill of strangers that is left alone, as in `Reconciled`."""


class OrderKept(Message, frozen=True):
    """An order as a snapshot keeps it: its `Placed`, and all that became of it since."""

    client_id: str
    status: Status
    intent: Intent
    filled: int
    left: int
    fills: int
    cost: int
    """Of its fills, ticks × contracts."""
    sent_at: int
    until: int
    acknowledged: bool


class LedgerKept(Message, frozen=True):
    """A strategy's ledger of one symbol as a snapshot keeps it; `lots` are contracts and prices, oldest first."""

    strategy: str
    symbol: str
    position: int
    cost: int
    realised: int
    realised_fifo: int
    fees: int
    tax: int
    contracts: int
    lots: tuple[tuple[int, int], ...]


class RiskKept(Message, frozen=True):
    """The risk counters of a trading day as a snapshot keeps them; halts and changed limits stand beside it.

    Money is in minor units. By scope: `` is the account, `strategy.ema` one strategy.
    """

    at: int
    day: int
    messages: int
    """Orders and cancels sent."""
    orders: dict[str, int]
    """Orders that each strategy decided and the gate let pass."""
    streaks: dict[str, int]
    """Losing round trips in turn."""
    baselines: dict[str, int]
    """Equity when the day began."""
    peaks: dict[str, int]
    marks: dict[str, int]
    """The last price of each symbol that a fact told of, in ticks."""
    trips: tuple[tuple[str, str, int], ...]
    """Strategy, symbol, and what it had earned when it was flat last."""


class RangeKept(Message, frozen=True):
    """An average true range as a snapshot keeps it, in thousandths of a tick, over `spans` spans."""

    symbol: str
    span_ns: int
    periods: int
    atr_milli: int
    spans: int


class Ready(Message, frozen=True):
    """A process has all that it needs; `symbols` is what it wants to hear (strategies only)."""

    source: str
    symbols: tuple[str, ...] = ()
    code: str = ""
    """The SHA-256 of the strategy's source, as this process has loaded it; empty for other processes."""
    life: int = 0
    """The strategy's life: a greeting that is said again is answered again, and only the first answer counts."""


class Started(Message, frozen=True):
    """A trader's life begins: what it is made of. Whoever compares its decisions with others asks this first."""

    at: int
    epoch: int
    code: str
    """The SHA-256 of all sources of the package."""
    settings: bytes
    """The run's settings as JSON: all that a run depends on, besides code and market."""
    batch: int
    """The newest batch of the journal before this life: it was folded up to there."""
    market_seq: int
    """The market event that was reached by it, and what of the market was measured: only snapshots know that."""
    ranges: tuple[RangeKept, ...] = ()


class Heard(Message, frozen=True):
    """What the trader took in between two settlings, in its order: with its stream, enough to have it decide again.

    It stands in the record just before the `said` messages of the stream that came of it.
    """

    at: int
    """When it settled: the time that strategies are told."""
    number: int
    """Of the first input, counted from 1 in each life of the trader."""
    moments: tuple[tuple[int, int], ...]
    """The trader's clock: so many inputs in turn were handled at that time."""
    market_seq: int
    """The gateway's number of the newest trade among these or before them."""
    said: int
    inputs: bytes
    """A msgpack list of messages; a whole number stands for so many trades and quotes, which are in the stream."""
    check: int
    """CRC-32 of the inputs' bytes, then the stream's, begun with that of the batch before: a chain over the record."""
    untold: tuple[str, ...] = ()
    """Strategies that could not be told of it (away, or with a full queue), and commands that were not, by `flow`."""


class Step(Message, frozen=True):
    """Replay: all of event `number` has been said, and the next is due at `next_at` (0: there is no next)."""

    number: int
    at: int
    next_at: int


class Stop(Message, frozen=True):
    """Finish what is in hand, keep it, and end."""

    at: int
    reason: str


class Leave(Message, frozen=True):
    """The machine stops: what each strategy holds and has at work is treated as its policy says.

    `over` ends that, whether all is done or not. Without policies a stop that an earlier life began is given up.
    """

    at: int
    policies: dict[str, str]
    """By strategy: `keep`, `flatten` or `hand_over`."""
    over: bool = False


class Left(Message, frozen=True):
    """What a strategy was left with when the machine stopped."""

    strategy: str
    at: int
    policy: str
    positions: dict[str, int]
    plans: int
    """Its open exit plans."""
    orders: int
    """Its orders at work."""
    text: str
    """What the policy asks for and could not be done; empty where all was."""


class Ask(Message, frozen=True):
    """A person's question to a process.

    `what` is `status`, `leaving` (what a stop would do), `stop`, `risk`, `conditions`, or `ledger` (a simulated
    venue's).
    """

    flow: str
    what: str


class Answer(Message, frozen=True):
    """The reply to an `Ask` or a `Command`, as JSON text."""

    flow: str
    text: str


class Kill(Message, frozen=True):
    """The kill switch asks the gateway for a level: orders stop at the door, whatever the trader says.

    `number` counts what was asked for in a run: the highest holds, however often it is said.
    """

    number: int
    at: int
    level: KillLevel
    who: str = ""
    reason: str = ""


class Killed(Message, frozen=True):
    """How far the gateway is with the kill switch; it is also its sign of life to that process.

    Traders of an epoch below `epoch` are not heard any more.
    """

    number: int
    at: int
    level: KillLevel
    epoch: int
    done: bool
    """What the level asks for is so, by two of the venue's lists in turn."""
    admits: bool
    """Whether the trader may send orders again, as far as the level lets them."""
    who: str
    text: str
    """What is still to be done, or why it cannot be done now."""


Market = Tick | Quote | SessionEnded | Gap
Request = Submit | Cancel
Report = Accepted | Rejected | Filled | Canceled | Expired
Link = Query | Snapshot | LinkChanged
Switch = Kill | Killed
Decision = Intent | Revoke | CloseLot | WakeAt | Saved | Configured | CommandRefused | Answer
Account = Reconciled | BookMode | Alert | PositionAccepted
Bad = BadTick | BadQuote
Risk = Halted | HaltReset | LimitSet | RiskDay | PeakMoved | TermsTold
Told = (
    Refused
    | Placed
    | OrderChanged
    | Traded
    | ExitMoved
    | BookStop
    | Bad
    | Stray
    | Woke
    | Account
    | Risk
    | Left
)
Control = Command | Restored | Ready | Step | Done | Stop | Leave | Ask | Beat | Heartbeat
Record = Started | Heard
Kept = BookKept | OrderKept | LedgerKept | RangeKept | RiskKept
NOT_FOR_STRATEGIES = frozenset((Submit, Cancel, Placed, Left, PositionAccepted, *get_args(Risk)))
"""What a strategy never hears: the trader's own part of an order, and of risk all but the refusal."""

AnyMessage = (
    Market
    | Bar
    | SessionOpened
    | Request
    | Report
    | Link
    | Decision
    | Told
    | Kept
    | Control
    | Record
    | Switch
)


class Envelope(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What travels: a message with who said it, its number there, when, and what it follows from.

    `cause` is the number, in the receiver's own stream, of what led to it; `flow` is the request id that logs and
    traces share.
    """

    schema: int
    source: str
    epoch: int
    seq: int
    at: int
    cause: int
    flow: str
    body: AnyMessage


encode = msgspec.msgpack.Encoder().encode
"""Bytes of a message, an envelope, or a list of envelopes (a frame)."""

_message_decoder: msgspec.msgpack.Decoder[AnyMessage] = msgspec.msgpack.Decoder(AnyMessage)
_frame_decoder = msgspec.msgpack.Decoder(list[Envelope])


def decode(data: bytes) -> AnyMessage:
    """Reads one message.

    Raises:
        BadMessage: the bytes are not a message of this page.
    """
    try:
        return _message_decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadMessage(f"{len(data)} bytes are not a message that this version knows: {error}") from error


def decode_frame(data: bytes) -> list[Envelope]:
    """Reads a frame: an array of envelopes.

    Raises:
        BadMessage: the bytes are not a frame, or its schema is not ours.
    """
    try:
        frame = _frame_decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadMessage(f"{len(data)} bytes are not a frame that this version knows: {error}") from error
    for envelope in frame:
        if envelope.schema != SCHEMA:
            raise BadMessage(
                f"{envelope.source} speaks schema {envelope.schema}, this process speaks {SCHEMA}: "
                "run the same version of autofutures everywhere"
            )
    return frame
