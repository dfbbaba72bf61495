"""What each seed of the fuzz trades: settings of every kind, and a market without sense."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from autofutures.config import RunSettings, StrategySettings, currency_of
from autofutures.data.catalog import place_of, write_frame
from autofutures.data.stream import QUOTE, SESSION_END, TICK, Chunk
from autofutures.domain.instrument import instrument
from autofutures.domain.units import SECOND
from autofutures.market.expiry import last_day_of
from autofutures.market.sessions import Calendar, Session

DAY = 20210726
LAST_DAYS = 20210816
"""The contracts end on the 18th."""

PER_SESSION = 4_000
"""Events of one session in a long market: sessions begin and end often, for much is only done then."""

REACH = 50
"""Beyond so many ticks from where it began a market turns back."""


class Kind(NamedTuple):
    """A group of contracts that are traded in one run."""

    symbols: tuple[str, ...]
    starts: tuple[int, ...]
    book_stops: tuple[int, ...]
    collars: tuple[int, ...] = (2, 50, 200)


INDEX = Kind(
    ("TAIFEX:TXF202108", "TAIFEX:MXF202108", "TAIFEX:TXF202109"),
    (17_000, 17_000, 16_950),
    (150_000, 2_000_000, 200_000_000, 200_000_000),
)
SPREAD = Kind(
    ("TAIFEX:TXF202108/202109", "TAIFEX:TXF202108"), (-20, 17_000), (2_000_000,), (200, 20_000, 1_000_000)
)
DOLLARS = Kind(("CME:ES202109", "CME:NQ202109"), (17_600, 17_000), (600_000, 12_500_000))
INVERSE = Kind(("BINANCE:BTCUSD",), (12_000,), (5 * 10**9, 10**12))


def kind_of(seed: int) -> Kind:
    """Mostly contracts on an index, now and then such as have prices below zero, cents, or no last day."""
    return {1: INVERSE, 7: SPREAD, 9: DOLLARS}.get(seed % 10, INDEX)


def settings_of(seed: int, **changes: object) -> RunSettings:
    """What a seed trades, and under which limits; `changes` are fields that are to be others."""
    rng = np.random.default_rng(seed)
    kind = kind_of(seed)
    symbols = kind.symbols[: 1 + seed % 2 + seed % 5 // 3]
    exits: Literal["plans", "own"] = "plans" if seed % 5 == 4 else "own"
    ends = seed % 7 == 5 and kind is INDEX
    run = RunSettings(
        symbols=symbols,
        day=LAST_DAYS if ends else DAY,
        until=20210831,
        source="recorded",
        market="quotes" if seed % 4 == 3 else "prints",
        strategies=(
            StrategySettings(
                name="every",
                use=f"{Path(__file__).parent / 'every_kind.py'}:EveryKind",
                symbols=symbols,
                settings={"seed": seed, "legs": len(symbols), "pace": 2 + int(rng.integers(4))},
                exits=exits,
                book_stop=int(rng.choice(kind.book_stops)),
            ),
        ),
        limits={
            "position": {"max_contracts": int(rng.integers(5, 25))},
            "message_rate": {"max_per_second": int(rng.integers(3, 30))},
            "stale_tick": {"max_age_ms": int(rng.choice([2_000, 10_000]))},
            "collar": {"max_bp": int(rng.choice(kind.collars))},
        },
        slippage_ticks=int(rng.integers(3)),
        queue_contracts=int(rng.choice([0, 3, 20])),
        mwp_points=int(rng.choice([1, 3, 50])),
        order_latency_ns=int(rng.choice([0, 0, 5_000_000, SECOND])),
        fee=int(rng.integers(40)),
        closed_days={20210728: "closed"} if seed % 3 == 1 else {},
        settlements={symbols[0]: kind.starts[0] + 7} if ends and seed % 2 else {},
        currency=currency_of(symbols),
    )
    if kind is INDEX and seed % 3:
        run = _with_limits(run, kind, rng)
    return msgspec.structs.replace(run, **changes)


def _with_limits(run: RunSettings, kind: Kind, rng: np.random.Generator) -> RunSettings:
    """Price limits that are others each day, now and then unknown."""
    calendar, day = Calendar(run.closed_days), run.day
    by_day: dict[int, dict[str, tuple[int, int]]] = {}
    while day <= run.last_day:
        by_day[day] = {
            symbol: (
                start - REACH - 10 + int(rng.integers(-6, 7)),
                start + REACH + 10 + int(rng.integers(-6, 7)),
            )
            for symbol, start in zip(run.symbols, kind.starts, strict=False)
            if rng.integers(8)
        }
        day = calendar.next_trading_day(day)
    return msgspec.structs.replace(run, bands=by_day.pop(run.day), later_bands=by_day)


Row = tuple[int, int, int, int, int, int, int]


class Maker:
    """Makes the rows of a seed's market.

    Args:
        seed: the market's; its settings come from the same.
        run: what is traded, and when.
    """

    def __init__(self, seed: int, run: RunSettings) -> None:
        self._rng = np.random.default_rng(seed + 1_000_000)
        self._run = run
        self._starts = kind_of(seed).starts
        self._prices = list(self._starts)
        self._odd = [
            [start * 2] if instrument(symbol).product.inverse_value else [0, start * 2, start - REACH - 11]
            for symbol, start in zip(run.symbols, self._starts, strict=False)
        ]
        """Prices that cannot be, or hardly; none of 0 where a contract is worth so much divided by its price."""
        self._mute = len(run.symbols) - 1 if seed % 8 == 7 else -1
        """A leg that is quoted and does not trade, as long as the first session lasts."""

    def rows(self, sessions: list[Session], events_n: int) -> Iterator[Row]:
        """The events of the sessions, with their ends."""
        numbers: Counter[int] = Counter()
        made = 0
        for place, session in enumerate(sessions):
            numbers[session.day] += 1
            left = max(1, events_n - made)
            each = max(1, left // (len(sessions) - place))
            count = left if session is sessions[-1] else 1 + int(self._rng.integers(each // 2, each * 2))
            heard = set()
            for number, at in enumerate(self._times(session, count)):
                for row in self._moment(int(at), opens=number == 0, first_session=place == 0):
                    heard.add(row[2])
                    made += 1
                    yield row
            for leg in sorted(heard):
                made += 1
                yield (session.ends_at, SESSION_END, leg, session.day, numbers[session.day] - 1, 0, 0)

    def _times(self, session: Session, count: int) -> NDArray[np.int64]:
        """Moments of a session with lulls, from its open, from its middle on, or until its close."""
        rng = self._rng
        gaps = rng.exponential(rng.choice([SECOND // 5, SECOND // 5, SECOND // 40]), count)
        lulls = rng.integers(150, size=count) == 0
        gaps[lulls] = rng.integers(2, 60, int(lulls.sum())) * SECOND
        gaps[0] = 0
        since = gaps.cumsum()
        span = session.ends_at - session.opens_at - 1
        since *= min(1.0, span / max(1.0, since[-1]))
        room = span - int(since[-1])
        at: NDArray[np.int64] = (
            session.opens_at + int(rng.choice([0, room // 2, room])) + since.astype(np.int64)
        )
        return at // SECOND * SECOND if rng.integers(3) == 0 else at

    def _moment(self, at: int, *, opens: bool, first_session: bool) -> list[Row]:
        """A trade, a quote, or both."""
        rng = self._rng
        leg = int(rng.integers(len(self._run.symbols)))
        start = self._starts[leg]
        step = int(rng.integers(-40, 41)) if rng.integers(80) == 0 else int(rng.integers(-2, 3))
        drift = (self._prices[leg] < start - REACH) - (self._prices[leg] > start + REACH)
        self._prices[leg] += step + drift
        now = self._prices[leg]
        price = now if rng.integers(300) else int(rng.choice(self._odd[leg]))
        tick = (at, TICK, leg, price, int(rng.choice([1, 1, 2, 5, 30])), int(opens), 0)
        if self._run.market != "quotes":
            return [tick]
        muted = leg == self._mute and first_session
        if not muted and not rng.integers(3):
            return [tick]
        bid, ask = now - int(rng.integers(1, 3)), now + int(rng.integers(3))
        if rng.integers(150) == 0:
            bid, ask = ask, bid  # What no exchange says.
        quote = (at, QUOTE, leg, bid, int(rng.integers(0, 30)), ask, int(rng.integers(0, 30)))
        return [quote] if muted or rng.integers(4) == 0 else [tick, quote]


def market(seed: int, run: RunSettings, events_n: int) -> Chunk:
    """Trades of several sessions, with jumps, lulls, whole-second stamps, and prints that cannot be trades."""
    sessions = _sessions(run, max(12, events_n // PER_SESSION))
    rows = [row for row, _ in zip(Maker(seed, run).rows(sessions, events_n), range(events_n), strict=False)]
    columns = list(zip(*rows, strict=True))
    kinds = ("i8", "u1", "u1", "i8", "i8", "i8", "i8")
    return Chunk(*(np.array(column, kind) for column, kind in zip(columns, kinds, strict=True)))


def _sessions(run: RunSettings, wanted: int) -> list[Session]:
    """So many sessions from the run's first day on; of a contract that ends, two beyond its last."""
    calendar, item = Calendar(run.closed_days), instrument(run.symbols[0])
    sessions_id, last_day = item.product.sessions, last_day_of(item, calendar)
    found: list[Session] = []
    day = run.day
    while len(found) < wanted:
        coming = calendar.sessions_of(day, sessions_id, last_day)
        found += coming or calendar.sessions_of(day, sessions_id)
        if not coming:
            break
        day = calendar.next_trading_day(day, sessions_id)
    return found


def session_name(run: RunSettings, leg: int, day: int, number: int) -> str:
    """What the session of a leg, a trading day and a number is called."""
    sessions_id = instrument(run.symbols[leg]).product.sessions
    return Calendar(run.closed_days).sessions_of(day, sessions_id)[number].name


def catalogued(run: RunSettings, chunk: Chunk, root: Path) -> RunSettings:
    """Puts the market into a catalogue; the run that trades it there."""
    calendar = Calendar(run.closed_days)
    for leg, symbol in enumerate(run.symbols):
        sessions_id = instrument(symbol).product.sessions
        days = np.array([calendar.trading_day_of(at, sessions_id) for at in chunk.at.tolist()])
        for day in np.unique(days).tolist():
            mine = (chunk.leg == leg) & (days == day)
            _put(root, symbol, day, mine & (chunk.kind == TICK), chunk)
            _put(root, symbol, day, mine & (chunk.kind == QUOTE), chunk)
    return msgspec.structs.replace(run, catalog=str(root))


def _put(root: Path, symbol: str, day: int, rows: NDArray[np.bool_], chunk: Chunk) -> None:
    if not rows.any():
        return
    a, b, c, d = (getattr(chunk, name)[rows] for name in "abcd")
    at = chunk.at[rows]
    if chunk.kind[rows][0] == TICK:
        frame = pl.DataFrame({"at": at, "price_ticks": a, "qty": b, "auction": c != 0})
        write_frame(frame, root / place_of("ticks", symbol, day))
    else:
        frame = pl.DataFrame({"at": at, "bid_ticks": a, "bid_qty": b, "ask_ticks": c, "ask_qty": d})
        write_frame(frame, root / place_of("quotes", symbol, day))
