"""What the trader and the gate know of each symbol: the last trade and quote, and the session now under way."""

from collections.abc import Mapping
from typing import NamedTuple

from autofutures.domain.errors import BadInput
from autofutures.domain.instrument import Instrument
from autofutures.domain.messages import Quote
from autofutures.market.expiry import last_day_of
from autofutures.market.limits import Bands
from autofutures.market.quotes import ANY_PRICE, LOWEST, middle
from autofutures.market.sessions import Calendar, Session


class Seen:
    """What is known of one symbol; `at` and `price_ticks` are of its last trade, None before the first."""

    __slots__ = (
        "at",
        "bands",
        "last_close_at",
        "last_trading_day",
        "lowest_ticks",
        "middle_ticks",
        "price_ticks",
        "quoted_at",
        "session",
        "sessions_id",
    )

    def __init__(self, symbol: str, sessions_id: str, last_trading_day: int) -> None:
        self.lowest_ticks = ANY_PRICE if "/" in symbol else LOWEST  # A spread may trade at zero or less.
        self.sessions_id = sessions_id
        self.last_trading_day = last_trading_day
        self.at: int | None = None
        self.price_ticks: int | None = None
        self.quoted_at = 0
        self.middle_ticks = 0
        self.session: Session | None = None
        self.bands = Bands({})
        self.last_close_at: int | None = None

    def flaw(self, price_ticks: int, now: int) -> str:
        """Why there can have been no trade at a price; empty where there can."""
        low_ticks, high_ticks = self.bands.at(now)
        if price_ticks < self.lowest_ticks:
            return "a price of zero or less is no trade"
        if high_ticks and not low_ticks <= price_ticks <= high_ticks:
            return f"outside the day's limits {low_ticks}..{high_ticks}"
        return ""


class Market(NamedTuple):
    """What the gate may know of a market at a moment: as `reference`, `heard_at`, `accepts_orders` and `band`."""

    last_ticks: int
    last_at: int
    accepts_orders: bool
    low_ticks: int
    high_ticks: int


class MarketView:
    """Last price and session by symbol. A symbol is added once; then a tick costs two integer compares."""

    def __init__(self, calendar: Calendar) -> None:
        self.calendar = calendar
        self._seen: dict[str, Seen] = {}
        self._items: dict[str, Instrument] = {}

    def add(self, symbol: str, sessions_id: str, last_trading_day: int = 0) -> None:
        """Makes a symbol known; adding it again changes nothing.

        Args:
            symbol: the whole symbol.
            sessions_id: a key of `sessions.HOURS`, or `always`.
            last_trading_day: YYYYMMDD, or 0.
        """
        if symbol not in self._seen:
            self._seen[symbol] = Seen(symbol, sessions_id, last_trading_day)

    def add_instrument(self, item: Instrument) -> None:
        """Makes an instrument known, until its last trading day where it has one that we know."""
        self._items[item.symbol] = item
        self.add(item.symbol, item.product.sessions, last_day_of(item, self.calendar))

    def change_day(self, day: int, kind: str) -> bool:
        """A trading day is `closed`, or a closed one is `open`, from now on; whether that is news.

        Sessions and last trading days are found anew. Price limits stay with the instants for which they were made.
        """
        if not self.calendar.change(day, kind):
            return False
        for symbol, seen in self._seen.items():
            seen.session = seen.last_close_at = None
            if symbol in self._items:
                seen.last_trading_day = last_day_of(self._items[symbol], self.calendar)
        return True

    def on_tick(self, symbol: str, at: int, price_ticks: int) -> Session | None:
        """Keeps a trade, and returns the session that it belongs to (None: outside every session)."""
        seen = self.of(symbol)
        seen.at = at
        seen.price_ticks = price_ticks
        return self._session(seen, at)

    def on_quote(self, quote: Quote, at: int) -> int | None:
        """Keeps a sound quote.

        Returns:
            The price that it stands for, where no trade was ever heard and a quote is all that there is; else None.
        """
        seen = self.of(quote.symbol)
        seen.quoted_at = at
        if seen.at is not None or (quote.bid_qty == 0 and quote.ask_qty == 0):
            return None
        seen.middle_ticks = middle(quote.bid_ticks, quote.bid_qty, quote.ask_ticks, quote.ask_qty)
        return seen.middle_ticks

    def market(self, symbol: str, now: int) -> Market:
        """All that an order needs to know at once."""
        seen = self.of(symbol)
        reference = seen.middle_ticks if seen.price_ticks is None else seen.price_ticks
        session = seen.session
        is_open = session is not None and session.opens_at <= now < session.ends_at
        accepts = is_open or self.accepts_orders(symbol, now)
        return Market(reference, max(seen.at or 0, seen.quoted_at), accepts, *seen.bands.at(now))

    def reference(self, symbol: str) -> int:
        """What a price is measured against: the last trade; before the first the middle of the quote, 0 without one."""
        seen = self.of(symbol)
        return seen.middle_ticks if seen.price_ticks is None else seen.price_ticks

    def heard_at(self, symbol: str) -> int:
        """When the market was last heard, by a trade or a quote, UTC nanoseconds; 0 for never."""
        seen = self.of(symbol)
        return max(seen.at or 0, seen.quoted_at)

    def last(self, symbol: str) -> int | None:
        """The last trade's price in ticks; None before the first."""
        return self.of(symbol).price_ticks

    def last_at(self, symbol: str) -> int | None:
        """The last trade's time in UTC nanoseconds; None before the first."""
        return self.of(symbol).at

    def session(self, symbol: str, now: int) -> Session | None:
        """The session under way at `now`; None while the market is closed."""
        return self._session(self.of(symbol), now)

    def next_session(self, symbol: str, at: int) -> Session | None:
        """The session under way at `at`, else the next to open; None after the contract's last one."""
        seen = self.of(symbol)
        return self.calendar.next_session(seen.sessions_id, seen.last_trading_day, at)

    def last_day(self, symbol: str) -> int:
        """The contract's last trading day, YYYYMMDD; 0 where it has none that we know."""
        return self.of(symbol).last_trading_day

    def accepts_orders(self, symbol: str, now: int) -> bool:
        """Whether the exchange takes orders: from some minutes before a session opens until it ends."""
        seen = self.of(symbol)
        if self._session(seen, now) is not None:
            return True
        coming = self.next_session(symbol, now)
        return coming is not None and coming.accepts_from <= now

    def knows(self, symbol: str) -> bool:
        """Whether it was added."""
        return symbol in self._seen

    def next_day_begins_at(self, symbol: str, at: int) -> int:
        """When the first session takes orders after the trading day under way, else after the next.

        The end of that day where it is the contract's last, and `at` itself after it.
        """
        seen, session = self.of(symbol), self.next_session(symbol, at)
        if session is None:
            return at
        ends_at = self.calendar.sessions_of(session.day, seen.sessions_id, seen.last_trading_day)[-1].ends_at
        coming = self.next_session(symbol, ends_at)
        return ends_at if coming is None else coming.accepts_from

    def session_over(self, symbol: str, at: int, now: int) -> bool:
        """Whether the session for which an order was entered at `at` has ended by `now`; not of an unknown symbol."""
        seen = self._seen.get(symbol)
        if seen is None:
            return False
        session = self.calendar.next_session(seen.sessions_id, seen.last_trading_day, at)
        return session is None or session.ends_at <= now

    def last_close_at(self, symbol: str) -> int:
        """When the contract's last session closes, UTC nanoseconds; 0 where it has none that we know."""
        seen = self.of(symbol)
        if seen.last_close_at is None:
            day = seen.last_trading_day
            sessions = self.calendar.sessions_of(day, seen.sessions_id, day) if day else ()
            seen.last_close_at = sessions[-1].closes_at if sessions else 0
        return seen.last_close_at

    def learn_limits(self, limits: Mapping[str, tuple[int, int, int]]) -> None:
        """A venue has said which price limits hold, and until when; of other symbols it is of no use here.

        From then on none are known: those of a day that is over would make trades of the next one incredible.
        """
        for symbol, (low_ticks, high_ticks, until) in limits.items():
            if symbol in self._seen:
                self.set_bands(symbol, Bands({0: (low_ticks, high_ticks), until: (0, 0)}))

    def set_bands(self, symbol: str, bands: Bands) -> None:
        """Makes the price limits of each day known."""
        self.of(symbol).bands = bands

    def band(self, symbol: str, now: int) -> tuple[int, int]:
        """The price limits in ticks at `now`; (0, 0) where they are not known."""
        return self.of(symbol).bands.at(now)

    def _session(self, seen: Seen, at: int) -> Session | None:
        session = seen.session
        if session is None or not session.opens_at <= at < session.ends_at:
            session = self.calendar.session_at(seen.sessions_id, seen.last_trading_day, at)
            if session is not None:
                seen.session = session
        return session

    def of(self, symbol: str) -> Seen:
        """What is known of a symbol.

        Raises:
            BadInput: it was not added.
        """
        seen = self._seen.get(symbol)
        if seen is None:
            raise BadInput(f"{symbol} is not in the market view: add it before its first tick")
        return seen
