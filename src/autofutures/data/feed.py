"""Recorded trades as a feed: in time order across symbols, each session closed when its time is over."""

import heapq
from collections.abc import Iterator, Sequence
from operator import attrgetter

import msgspec

from autofutures.data.catalog import TickColumns
from autofutures.domain.messages import SessionEnded, Tick
from autofutures.market.sessions import Session


class Recorded(msgspec.Struct, frozen=True):
    """One symbol's recorded trades of a trading day, and the sessions of that day in order."""

    symbol: str
    ticks: TickColumns
    sessions: tuple[Session, ...]


def recorded(series: Sequence[Recorded]) -> Iterator[Tick | SessionEnded]:
    """Events of all series by time; at equal times by the sequence in which the series are given.

    Trades of one series keep the exchange's own sequence: whole-second stamps do not reorder them.
    """
    if len(series) == 1:
        return _events(series[0])
    return heapq.merge(*(_events(entry) for entry in series), key=attrgetter("at"))


def _events(entry: Recorded) -> Iterator[Tick | SessionEnded]:
    """One symbol's trades, with the end of each session that had any."""
    symbol, ticks = entry.symbol, entry.ticks
    sessions = iter(entry.sessions)
    session = next(sessions, None)
    traded = False
    columns = zip(
        ticks.at.tolist(), ticks.price_ticks.tolist(), ticks.qty.tolist(), ticks.auction.tolist(), strict=True
    )
    for at, price_ticks, qty, auction in columns:
        while session is not None and at >= session.ends_at:
            if traded:
                yield SessionEnded(symbol, session.ends_at, session.day, session.name)
            session, traded = next(sessions, None), False
        traded = True
        yield Tick(symbol, at, price_ticks, qty, auction)
    if traded and session is not None:
        yield SessionEnded(symbol, session.ends_at, session.day, session.name)
