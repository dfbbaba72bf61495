"""A conversation with a real trader, written as a text.

`->` is what it hears, `<-` what it must say of that, `=` what must be true then:

    -> tick 17400 x2                        a trade, 2 contracts; every line comes 1 ms after the one before
    -> +11s tick 17400                      the same, 11 s later
    -> buy 3 [limit P | mwp | stop P [limit P]] [ioc | fok] [exit PROFIT/STOP[@PLAN][,FIELD=N…]] [by STRATEGY]
                                            FIELD is one of ExitPlan's; levels=20:50:40:50 are two of 50 percent
    -> close o1 | reset STRATEGY            the lot that o1 opened; a person, the strategy's book stop
    -> again o1                             the decision that made o1 once more
    -> cancel o1 | accepted o1 | rejected o1 [cancel] | canceled o1 2 | expired o1 2 | fill o1 3 17400 [ID]
    -> session ends | restart | beat [TROUBLE] | link up | link down | gap
    -> list o1 working 0, h9 filled 2; fills o1 1 17400 F9, h9 2 17410 H1; position 3
                                            the venue's answer to the last query: its orders, fills and position;
                                            with `; since 5s` of what ended in the last five seconds only
    <- submit o1 3 | cancel o1 | refused RULE LIMIT VALUE | stray o1
    <- query | alert NAME o1 | mode WORD [REASON] | reconciled applied N absent N strangers N
    <- placed o1 | order o1 STATUS filled N left N | traded o1 QTY PRICE | exit o1 open N profit P stop P
    <- book_stop STRATEGY fired|reset loss N
    = position [of STRATEGY] 3 | working 2 0 | uncovered 0

Orders are o1, o2, … as they are placed. A `<-` line holds some of the words of what is said, in their
sequence. What leaves or warns (submit, cancel, refused, stray, query, alert, mode) must be named; the rest may be.
A fill without
an id is a new one.
"""

import re
from collections.abc import Callable, Mapping, Sequence

import msgspec

from autofutures.domain.messages import (
    Accepted,
    Alert,
    AnyMessage,
    Beat,
    BookMode,
    BookStop,
    Cancel,
    Canceled,
    CloseLot,
    Command,
    ExitMoved,
    ExitPlan,
    Expired,
    Filled,
    Gap,
    Intent,
    LinkChanged,
    OrderChanged,
    Placed,
    Query,
    Reconciled,
    Refused,
    Rejected,
    Revoke,
    SessionEnded,
    Snapshot,
    Stray,
    Submit,
    Tick,
    Traded,
    VenueOrder,
)
from autofutures.domain.order_life import Status
from autofutures.domain.units import OrderType, Side, TimeInForce
from autofutures.orders.cover import Cover
from autofutures.orders.policy import Policy
from autofutures.trader import Trader
from tests.makers import OPEN, TXF, WIDE, a_trader, intent

MS = 1_000_000
UNITS = {"ms": MS, "s": 1_000 * MS}
LOUD = ("submit", "cancel", "refused", "stray", "query", "alert", "mode")


class Scenario:
    """One trader, its clock, and the names of its orders."""

    def __init__(self, make: Callable[[int], Trader]) -> None:
        self._make = make
        self._epoch = 1
        self.trader = make(1)
        self.now = OPEN
        self.placed: list[Placed] = []
        self.facts: list[AnyMessage] = []
        self.query = ""
        self._k = 0
        self._fills = 0

    # What it hears.

    def hear(self, line: str) -> list[AnyMessage]:
        words = line.split()
        self.now += MS
        if later := re.fullmatch(r"\+(\d+)(ms|s)", words[0]):
            self.now += int(later[1]) * UNITS[later[2]] - MS
            words = words[1:]
        said = (
            self._restart()
            if words == ["restart"]
            else list(self.trader.handle(self._message(words), self.now))
        )
        self.placed += [message for message in said if isinstance(message, Placed)]
        self.query = next((message.flow for message in said if isinstance(message, Query)), self.query)
        self.facts += said
        return said

    def _message(self, words: Sequence[str]) -> AnyMessage:
        match words:
            case ["tick", price, *size]:
                self._k = 0
                return Tick(TXF, self.now, int(price), int(size[0][1:]) if size else 1)
            case ["buy" | "sell" as side, qty, *rest]:
                return self._intent(Side[side.upper()], int(qty), rest)
            case ["again", name]:
                return self._order(name).intent
            case ["cancel", name]:
                order = self._order(name).intent
                seq, k = self._next()
                return Revoke(order.strategy, seq, k, self.now, order.cause_seq, order.k)
            case ["close", name]:
                entry = self._order(name).intent
                seq, k = self._next()
                return CloseLot(entry.strategy, seq, k, self.now, entry.cause_seq, entry.k)
            case ["reset", strategy]:
                return Command("r", strategy, "reset", "book_stop", {})
            case ["beat", *trouble]:
                return Beat(self.now, " ".join(trouble))
            case ["link", way]:
                return LinkChanged("sim", self.now, way == "up", 1, "" if way == "up" else "cut")
            case ["gap"]:
                return Gap("gateway", self.now, 1)
            case ["list", *rest]:
                return self._list(" ".join(rest))
            case ["session", "ends"]:
                return SessionEnded(TXF, self.now, 20210726, "day")
            case _:
                return self._report(words)

    def _list(self, text: str) -> Snapshot:
        """The venue's answer: `o1 working 0, …; fills o1 1 17400 F9, …; position 3`; every part may be missing."""
        orders, fills, position, since = [], [], 0, 0
        for part in filter(None, map(str.strip, text.split(";"))):
            kind, _, rest = part.partition(" ")
            if kind == "position":
                position = int(rest)
            elif kind == "since":
                since = self.now - int(rest[:-1]) * UNITS["s"]
            elif kind == "fills":
                fills += [self._listed_fill(entry.split()) for entry in rest.split(",")]
            else:
                orders += [self._row(entry.split()) for entry in part.split(",")]
        positions = {TXF: position} if position else {}
        return Snapshot(self.query, self.now, since, tuple(orders), tuple(fills), positions)

    def _row(self, words: Sequence[str]) -> VenueOrder:
        name, status, done = words
        if name == "phantom":
            return VenueOrder("", "", TXF, Side.BUY, 1, 0, Status.SENT, self.now)
        client_id = self.id_of(name)
        side, qty = (
            (self._order(name).intent.side, self._order(name).intent.qty)
            if self._known(name)
            else (Side.BUY, 5)
        )
        return VenueOrder(client_id, f"X-{name}", TXF, side, qty, int(done), Status[status.upper()], self.now)

    def _listed_fill(self, words: Sequence[str]) -> Filled:
        name, qty, price, fill_id = words
        side = self._order(name).intent.side if self._known(name) else Side.BUY
        return Filled(self.id_of(name), self.now, fill_id, TXF, side, int(qty), int(price))

    def _report(self, words: Sequence[str]) -> AnyMessage:
        client_id = self.id_of(words[1])
        match words:
            case ["accepted", _]:
                return Accepted(client_id, self.now, f"X-{words[1]}")
            case ["rejected", _]:
                return Rejected(client_id, self.now, "no")
            case ["rejected", _, "cancel"]:
                return Rejected(client_id, self.now, "too late", of_cancel=True)
            case ["canceled", _, left]:
                return Canceled(client_id, self.now, int(left))
            case ["expired", _, left]:
                return Expired(client_id, self.now, int(left))
            case ["fill", name, qty, price, *fill_id]:
                self._fills += 1
                side = self._order(name).intent.side if self._known(name) else Side.BUY
                named = fill_id[0] if fill_id else f"F{self._fills}"
                return Filled(client_id, self.now, named, TXF, side, int(qty), int(price))
            case _:
                raise ValueError(f"no such line: {' '.join(words)}")

    def _intent(self, side: Side, qty: int, words: Sequence[str]) -> Intent:
        text = " ".join(words)
        price, stop = _number("limit", text), _number("stop", text)
        kinds = {(False, False): OrderType.MARKET, (True, False): OrderType.LIMIT}
        kind = kinds.get((price > 0, stop > 0), OrderType.STOP_LIMIT if price else OrderType.STOP)
        tifs = [tif for tif in TimeInForce if tif.word in words]
        by = re.search(r"by (\w+)", text)
        seq, k = self._next()
        return intent(
            side,
            qty,
            OrderType.MWP if "mwp" in words else kind,
            strategy=by[1] if by else "s",
            cause_seq=seq,
            k=k,
            at=self.now,
            price_ticks=price,
            stop_ticks=stop,
            tif=tifs[0] if tifs else TimeInForce.ROD,
            exit_plan=_plan(text),
        )

    def _next(self) -> tuple[int, int]:
        self._k += 1
        return self.trader.market_seq, self._k

    def _restart(self) -> list[AnyMessage]:
        self._epoch += 1
        self.trader = self._make(self._epoch)
        for fact in self.facts:
            self.trader.fold(fact)
        return list(self.trader.recovered(self.now))

    def restarted_from_a_snapshot(self) -> "Scenario":
        """The same book in its next life, made of a snapshot of this one."""
        again = Scenario(self._make)
        again.facts = list(self.trader.facts(self.now))
        again.now, again._epoch, again.placed = self.now, self._epoch, self.placed
        again._restart()
        return again

    # Names.

    def _known(self, name: str) -> bool:
        return name[1:].isdigit() and 0 < int(name[1:]) <= len(self.placed)

    def _order(self, name: str) -> Placed:
        return self.placed[int(name[1:]) - 1]

    def id_of(self, name: str) -> str:
        return self._order(name).client_id if self._known(name) else name

    def _name_of(self, client_id: str) -> str:
        names = {placed.client_id: f"o{number}" for number, placed in enumerate(self.placed, 1)}
        return names.get(client_id, client_id)

    def _name_of_decision(self, strategy: str, seq: int, k: int) -> str:
        order = self.trader.orders.decided(strategy, seq, k)
        return self._name_of(order.client_id) if order else "?"

    # What it says.

    def written(self, message: AnyMessage) -> str:
        match message:
            case Submit():
                price = f" {message.price_ticks}" if message.price_ticks else ""
                terms = f"{message.type.word}{price} {message.tif.word} {message.open_close.word}"
                return f"submit {self._name_of(message.client_id)} {message.side.word} {message.qty} {terms}"
            case Cancel():
                return f"cancel {self._name_of(message.client_id)}"
            case Refused():
                return f"refused {message.rule} {message.limit} {message.value}"
            case Stray():
                return f"stray {self._name_of(message.client_id)} {message.reason}"
            case Placed():
                return f"placed {self._name_of(message.client_id)} {message.status.word} k {message.intent.k}"
            case OrderChanged():
                now = f"{message.status.word} filled {message.filled} left {message.left}"
                return f"order {self._name_of(message.client_id)} {now} {message.reason}"
            case Traded():
                what = f"{message.side.word} {message.qty} {message.price_ticks} position {message.position}"
                costs = f"n {message.n} fee {message.fee} tax {message.tax}"
                return f"traded {self._name_of(message.client_id)} {what} {costs}"
            case ExitMoved():
                entry = self._name_of_decision(message.strategy, message.order_seq, message.order_k)
                prices = f"profit {message.take_profit_ticks} stop {message.stop_ticks}"
                level = f"level {message.levels_reached}"
                return f"exit {entry} open {message.open_qty} {prices} {level} {message.reason}"
            case _:
                return self._written_of_the_book(message)

    def _written_of_the_book(self, message: AnyMessage) -> str:
        match message:
            case Alert():
                return f"alert {message.name} {self._name_of(message.subject)} {message.text}"
            case BookStop():
                word = "fired" if message.fired else "reset"
                return f"book_stop {message.strategy} {word} loss {message.loss}"
            case BookMode():
                return f"mode {message.mode.word} {', '.join(map(self._name_of, message.reasons))}"
            case Reconciled():
                figures = f"applied {message.applied} absent {message.absent} strangers {message.strangers}"
                return f"reconciled {figures} {message.unexplained}"
            case _:
                return type(message).__name__.lower()

    def state(self, words: Sequence[str]) -> str:
        match words:
            case ["position", "of", strategy, _]:
                return f"position of {strategy} {self.trader.portfolio.position(strategy, TXF)}"
            case ["position", _]:
                return f"position {self.trader.portfolio.net(TXF)}"
            case ["uncovered", _]:
                return f"uncovered {self.trader.uncovered()}"
            case ["working", _, _]:
                orders = self.trader.orders
                return f"working {orders.working(TXF, Side.BUY)} {orders.working(TXF, Side.SELL)}"
            case _:
                raise ValueError(f"no such state: {' '.join(words)}")


def _number(word: str, text: str) -> int:
    found = re.search(rf"{word} (\d+)", text)
    return int(found[1]) if found else 0


def _plan(text: str) -> ExitPlan | None:
    found = re.search(r"exit (\d+)/(\d+)(?:@(\d+))?((?:,\w+=[\d:-]+)*)", text)
    if found is None:
        return None
    plan = ExitPlan(int(found[1]), int(found[2]), int(found[3] or 0))
    for word in filter(None, found[4].split(",")):
        name, _, value = word.partition("=")
        numbers = [int(number) for number in value.split(":")]
        levels = tuple(zip(numbers[::2], numbers[1::2], strict=False))
        plan = msgspec.structs.replace(plan, **{name: levels if name == "levels" else numbers[0]})
    return plan


def _holds(said: str, expected: str) -> bool:
    words = iter(said.split())
    return all(word in words for word in expected.split())


def compare(line: str, said: Sequence[str], expected: Sequence[str]) -> None:
    """Every expected line was said, in sequence, and nothing loud was said besides."""
    waiting = list(expected)
    for text in said:
        if waiting and _holds(text, waiting[0]):
            waiting.pop(0)
        else:
            assert text.split()[0] not in LOUD, (
                f"after '-> {line}' nobody expected '<- {text}'; expected: {waiting}"
            )
    assert not waiting, f"after '-> {line}' expected '<- {waiting[0]}', heard {list(said)}"


def scenario(
    text: str,
    limits: Mapping[str, Mapping[str, int]] = WIDE,
    policy: Policy | None = None,
    covers: Mapping[str, Cover] | None = None,
) -> Scenario:
    """Plays the text against a trader with these limits, and returns both for more questions."""
    play = Scenario(lambda epoch: a_trader(limits, epoch=epoch, policy=policy, covers=covers))
    heard, said, expected = "the start", list[str](), list[str]()
    for line in [*filter(None, map(str.strip, text.splitlines())), "-> end"]:
        mark, _, rest = line.partition(" ")
        if mark == "<-":
            expected.append(rest)
            continue
        compare(heard, said, expected)
        said, expected = [], []
        if mark == "=":
            assert play.state(rest.split()) == rest, f"after '-> {heard}'"
        elif rest != "end":
            heard = rest
            said = [play.written(message) for message in play.hear(rest)]
    return play
