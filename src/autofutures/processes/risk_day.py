"""The risk of a trading day, out of a run's journal and the recorder's market, whether or not the run lives.

A trader folds the journal's facts, as one that starts does; the recorder's trades move its prices. After each fact, and
every ten seconds of the market, it is asked what it would be asked by `risk show`.
"""

import heapq
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from autofutures.assemble.nodes import calendar_of, make_trader
from autofutures.backtest.risk_data import Exposed, Happened, Line, Refusal, RiskDayData, TailsShown
from autofutures.backtest.wording import date
from autofutures.config import RunSettings
from autofutures.domain.errors import BadInput
from autofutures.domain.instrument import minor_unit
from autofutures.domain.messages import AnyMessage, Halted, Intent, Quote, Refused, Tick, decode_frame
from autofutures.domain.units import SECOND
from autofutures.market.dates import iso_day
from autofutures.ops.folder import Folder
from autofutures.ops.risk_shown import batches_of, event_of, limit_moves
from autofutures.ops.tail_risk import LEVEL, WINDOW, tails_of
from autofutures.orders.margin import MarginView
from autofutures.orders.risk_use import BOOK_STOP, LimitUse, Uses
from autofutures.processes.stream import frames_of
from autofutures.risk import RULES
from autofutures.risk.state import FACTS
from autofutures.storage.journal import facts_of
from autofutures.storage.reading import Batch
from autofutures.trader import Trader

EVERY_NS = 10 * SECOND
"""How often the market is looked at between facts."""

UNITS = {
    "position": "contracts",
    "daily_messages": "messages",
    "repeated_execution": "orders",
    "loss_streak": "losing trades in turn",
}
"""What a use is counted in; everything else is money."""

_ELSEWHERE = ("margin", "message_rate")
"""The one has a panel of its own; of the other a look now and then says nothing."""

Moment = tuple[int, int, Batch | Tick | Quote]
"""When, the market before the journal, and what."""


class _Series(msgspec.Struct):
    """The use of one limit as it grows."""

    at: list[int] = []
    use: list[int] = []
    of: list[int] = []


class _Seen(msgspec.Struct):
    """What was found of the day."""

    series: dict[tuple[str, str], _Series] = {}
    sampled_at: list[int] = []
    indicator: list[int | None] = []
    equity: list[int] = []
    initial: list[int] = []
    limit_move: list[int] = []
    refusals: list[Refusal] = []
    happened: list[Happened] = []
    net_before: int | None = None
    until: int = 0
    days: set[int] = set()


def risk_day(
    folder: Folder, day: int = 0, *, catalog: Path | None = None, window: int = WINDOW, level: float = LEVEL
) -> RiskDayData:
    """What the page of a trading day's risk shows.

    Args:
        folder: of the run.
        day: YYYYMMDD; 0 for the newest of which the journal says anything.
        catalog: of past days' prices, where it is not the run's own.
        window: days that value at risk looks back on.
        level: of value at risk, as 0.99.

    Raises:
        BadInput: there is no journal, or it says nothing of the day.
        BadMessage: it is damaged.
    """
    run = folder.run()
    reader = _Reader(run, day or _newest_day(folder, run))
    for _, _, moment in heapq.merge(_market(folder), _journaled(folder), key=lambda one: one[:2]):
        if not reader.hear(moment):
            break
    if not reader.heard:
        raise BadInput(f"the journal says nothing of {iso_day(reader.day)}: choose another --date")
    return reader.data(catalog or Path(run.catalog), window, level, over=reader.ended or folder.is_over())


def _newest_day(folder: Folder, run: RunSettings) -> int:
    trader, newest = make_trader(run), 0
    for batch in batches_of(folder):
        newest = max(newest, trader.risk.trading_day(batch.at) if batch.at else 0)
    return newest


def _journaled(folder: Folder) -> Iterator[Moment]:
    for batch in batches_of(folder):
        yield batch.at, 1, batch


def _market(folder: Folder) -> Iterator[Moment]:
    """Trades and quotes as they were recorded, of earlier lives of the machine too."""
    former = folder.root.glob("stream-*.msgpack")
    lives = sorted(former, key=lambda path: int(path.stem.partition("-")[2]))
    for path in (*lives, folder.stream):
        for _, frame in frames_of(path):
            for envelope in decode_frame(frame):
                if isinstance(envelope.body, (Tick, Quote)):
                    yield envelope.at, 0, envelope.body


class _Reader:
    """Folds a run up to the end of a day, and looks at the risk on that day."""

    def __init__(self, run: RunSettings, day: int) -> None:
        self._run = run
        self.day = day
        self._trader = make_trader(run)
        self._margin = MarginView(self._trader.account, self._trader.risk)
        self._uses = Uses(self._trader.gate, self._trader.risk, self._trader.account, self._trader.stake)
        self._seen = _Seen()
        self._next_at = 0
        self.ended = False

    @property
    def heard(self) -> bool:
        """Whether there was anything on the day."""
        return self._seen.until > 0

    def hear(self, moment: Batch | Tick | Quote) -> bool:
        """Takes one thing in; `False` where the day is over by then."""
        day = self._trader.risk.trading_day(moment.at) if moment.at else 0
        if day > self.day:
            self.ended = True
            return False
        if day == self.day and self._seen.net_before is None:
            self._seen.net_before = self._trader.risk.equity("")
        if isinstance(moment, Batch):
            self._batch(moment, day)
        else:
            self._price(moment)
            if day == self.day and moment.at >= self._next_at:
                self._look(moment.at)
        return True

    def _price(self, said: Tick | Quote) -> None:
        """Moves the last price, as the trader does; of what the run does not trade none is kept."""
        if said.symbol not in self._trader.instruments:
            return
        if isinstance(said, Tick):
            seen = self._trader.view.of(said.symbol)
            seen.at, seen.price_ticks = said.at, said.price_ticks
        else:
            self._trader.view.on_quote(said, said.at)

    def _batch(self, batch: Batch, day: int) -> None:
        facts = list(facts_of(batch))
        for fact in facts:
            self._trader.fold(fact)
        if day != self.day:
            return
        self._seen.until = max(self._seen.until, batch.at)
        intents = {
            (one.strategy, one.cause_seq, one.k): one for one in batch.inputs if isinstance(one, Intent)
        }
        for fact in facts:
            self._tell(fact, intents)
        if any(type(fact) in FACTS for fact in facts):
            self._look(batch.at)

    def _tell(self, fact: AnyMessage, intents: Mapping[tuple[str, int, int], Intent]) -> None:
        if isinstance(fact, Refused):
            intent = intents.get((fact.strategy, fact.cause_seq, fact.k))
            self._seen.refusals.append(
                Refusal(fact.at, fact.rule, fact.strategy, _what(intent), fact.limit, fact.value, fact.reason)
            )
            return
        if (
            isinstance(fact, Halted) and fact.limit
        ):  # Its value is exact: trades of one instant follow each other.
            self._point(fact.control, fact.scope, fact.at, fact.value, fact.limit)
        event = event_of(fact)
        if event is not None:
            self._seen.happened.append(Happened(event.at, event.what, event.key, event.text, event.who))

    def _look(self, at: int) -> None:
        """Asks for the use of every limit, for margin and scenario."""
        seen, trader = self._seen, self._trader
        self._next_at = at + EVERY_NS
        seen.until = max(seen.until, at)
        if trader.risk.state.day < self.day and trader.risk.watched:
            return  # The day's first word is heard, and its counters begin with the next.
        for use in self._uses.look(at):
            self._note(use, at)
        equity, initial, indicator = self._margin.indicator(at, trader.gate)
        seen.sampled_at.append(at)
        seen.equity.append(equity)
        seen.initial.append(initial)
        seen.indicator.append(indicator)
        seen.limit_move.append(sum(one.loss for one in limit_moves(trader, at)))

    def _note(self, use: LimitUse, at: int) -> None:
        if use.control not in _ELSEWHERE and use.on and use.use is not None and use.of:
            scope = f"{use.scope} {use.about}" if use.control == BOOK_STOP else use.scope
            self._point(use.control, scope, at, use.use, use.of)

    def _point(self, control: str, scope: str, at: int, use: int, of: int) -> None:
        series = self._seen.series.setdefault((control, scope), _Series())
        series.at.append(at)
        series.use.append(use)
        series.of.append(of)

    def data(self, catalog: Path, window: int, level: float, *, over: bool) -> RiskDayData:
        """What was found."""
        seen, trader, run = self._seen, self._trader, self._run
        tails = tails_of(
            catalog,
            trader.portfolio.nets(),
            _lasts(trader),
            self.day,
            calendar_of(run),
            window=window,
            level=level,
        )
        names = ", ".join(strategy.name for strategy in run.strategies)
        currency = minor_unit(run.currency)
        return RiskDayData(
            day=self.day,
            title=f"Risk of {names} on {date(self.day)}",
            currency=currency,
            until=seen.until,
            over=over,
            net=trader.risk.equity("") - (seen.net_before or 0),
            messages=trader.risk.state.messages_on(self.day),
            off=_off(trader),
            lines=[
                Line(control, scope, UNITS.get(control, currency), one.at, one.use, one.of)
                for (control, scope), one in seen.series.items()
            ],
            sampled_at=seen.sampled_at,
            indicator=seen.indicator,
            equity=seen.equity,
            initial=seen.initial,
            limit_move=seen.limit_move,
            exposed=_exposed(trader, seen.until),
            tails=TailsShown(tails.figures, tails.notes()),
            refusals=seen.refusals,
            happened=seen.happened,
        )


def _lasts(trader: Trader) -> dict[str, int]:
    """The newest price of everything that is held."""
    return {
        symbol: trader.view.last(symbol) or trader.risk.state.marks.get(symbol, 0)
        for symbol, qty in trader.portfolio.nets().items()
        if qty
    }


def _exposed(trader: Trader, at: int) -> list[Exposed]:
    moves = {one.symbol: one for one in limit_moves(trader, at)}
    lasts = _lasts(trader)
    found: list[Exposed] = []
    for symbol, last in lasts.items():
        move = moves.get(symbol)
        adverse, loss = (0, None) if move is None else (move.adverse_ticks, move.loss)
        found.append(Exposed(symbol, trader.portfolio.net(symbol), last, adverse, loss))
    return found


def _off(trader: Trader) -> list[str]:
    """Controls that have no limit anywhere."""
    return [rule for rule in RULES if rule not in trader.gate.on]


def _what(intent: Intent | None) -> str:
    if intent is None:
        return "an exit of the trader's"
    price = f" at {intent.price_ticks:,} ticks" if intent.price_ticks else ""
    return f"{intent.side.word} {intent.qty} {intent.symbol} {intent.type.word}{price}"


def summary_of(data: RiskDayData) -> dict[str, object]:
    """The page's figures, without its lines."""
    indicators = [one for one in data.indicator if one is not None]
    limits = [
        {
            "control": line.control,
            "scope": line.scope,
            "limit": line.of[-1],
            "highest_use": max(line.use),
            "at": line.at[line.use.index(max(line.use))],
        }
        for line in data.lines
    ]
    return {
        "day": data.day,
        "until": data.until,
        "over": data.over,
        "net": data.net,
        "messages": data.messages,
        "limits": limits,
        "refusals": dict(Counter(one.control for one in data.refusals)),
        "happened": [msgspec.structs.asdict(one) for one in data.happened],
        "lowest_indicator_percent": min(indicators, default=None),
        "worst_limit_move": max(data.limit_move, default=0),
        "held": [msgspec.structs.asdict(one) for one in data.exposed],
        "tails": [msgspec.structs.asdict(one) for one in data.tails.figures],
        "tail_notes": list(data.tails.notes),
    }
