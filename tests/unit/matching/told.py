"""A market's story as a text: each line is what comes, and after `=>` what the market says of it.

    quote 99x10 101x5           the best bid and offer; `-` for a side that is empty
    trade 99 4                  a print
    depth buy 99 10             a level's new size; `snapshot` after it: it starts one, `more`: it is not the last
    o1 buy 3 limit 101 ioc      an order of ours arrives: limit PRICE, market or mwp; rod, ioc or fok
    cancel o1                   says what was left
    queue o1                    says what stands before it
    close                       says what still worked
    limits 90 110               a new day's price limits

What the market says: `o1 3 at 101` (a fill), `o1 canceled 2`, `o1 rejected`, `o1 done`, and `says 99x10 101x5`, a quote
that the feed did not bring.
"""

from autofutures.domain.messages import Quote, Tick
from autofutures.domain.units import OrderType, Side, TimeInForce
from autofutures.matching.depth_market import DepthMarket
from autofutures.matching.model import DepthChanged, Order, Outcome
from autofutures.matching.quote_market import QuoteMarket
from tests.makers import OPEN, TXF


def side_of(word: str) -> Side:
    return Side[word.upper()]


def size_of(word: str) -> tuple[int, int]:
    """(price, contracts) of `99x10`."""
    if word == "-":
        return 0, 0
    price, _, qty = word.partition("x")
    return int(price), int(qty)


def order_of(words: list[str], arrival: int) -> Order:
    client_id, side, qty, kind, *rest = words
    price = int(rest.pop(0)) if kind == "limit" else 0
    tif = TimeInForce[rest.pop(0).upper()] if rest else TimeInForce.ROD
    return Order(client_id, side_of(side), OrderType[kind.upper()], tif, price, int(qty), arrival)


def event_of(words: list[str], at: int) -> Tick | Quote | DepthChanged:
    if words[0] == "trade":
        return Tick(TXF, at, int(words[1]), int(words[2]))
    if words[0] == "quote":
        return Quote(TXF, at, *size_of(words[1]), *size_of(words[2]))
    _, side, price, qty, *rest = words
    first, more = "snapshot" in rest, "more" in rest
    return DepthChanged(TXF, at, side_of(side), int(price), int(qty), first=first, more=more)


def quoted(quote: Quote) -> str:
    sides = ((quote.bid_ticks, quote.bid_qty), (quote.ask_ticks, quote.ask_qty))
    return " ".join(f"{price}x{qty}" if qty else "-" for price, qty in sides)


def words_of(outcome: Outcome, heard: Tick | Quote | DepthChanged | None = None) -> list[str]:
    said = [f"{client_id} rejected" for client_id, _ in outcome.rejected]
    said += [f"{fill.client_id} {fill.qty} at {fill.price_ticks}" for fill in outcome.executions]
    said += [f"{client_id} canceled {left}" for client_id, left, _ in outcome.canceled]
    said += [f"{client_id} done" for client_id in outcome.done]
    own = [event for event in outcome.market if event != heard]
    assert len(outcome.market) - len(own) == isinstance(heard, (Tick, Quote))
    return said + [f"says {quoted(event)}" for event in own if isinstance(event, Quote)]


def say(market: QuoteMarket | DepthMarket, line: str, number: int) -> list[str]:
    """What the market says of one line's input."""
    words = line.split()
    at = OPEN + number
    match words:
        case ["cancel", client_id]:
            return [str(market.cancel(client_id))]
        case ["queue", client_id]:
            return [str(market.queue_position(client_id))]
        case ["limits", low, high]:
            market.set_limits(int(low), int(high))
            return []
        case ["close"]:
            return [f"{client_id} {left}" for client_id, left in market.close()]
        case ["trade" | "quote" | "depth", *_]:
            event = event_of(words, at)
            return words_of(market.hear(event), event)
        case _:
            return words_of(market.enter(order_of(words, number), at))


def tell(market: QuoteMarket | DepthMarket, text: str) -> None:
    """Tells the story, and checks what is said at each line."""
    story, expected = [], []
    for number, line in enumerate(filter(None, (row.strip() for row in text.splitlines()))):
        heard, _, answer = (part.strip() for part in line.partition("=>"))
        said = ", ".join(say(market, heard, number))
        story.append(f"{heard} => {said}")
        expected.append(f"{heard} => {', '.join(part.strip() for part in answer.split(','))}")
    assert story == expected
