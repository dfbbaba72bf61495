"""A market's story as a text: each line is what comes, and after `=>` what the market says of it.

    quote 99x10 101x5           the best bid and offer; `-` for a side that is empty
    trade 99 4                  a print
    o1 buy 3 limit 101 ioc      an order of ours arrives: limit PRICE, market or mwp; rod, ioc or fok
    cancel o1                   says what was left
    queue o1                    says what stands before it
    close                       says what still worked

What the market says: `o1 3 at 101` (a fill), `o1 canceled 2`, `o1 rejected`, `o1 done`.
"""

from autofutures.domain.messages import Quote, Tick
from autofutures.domain.units import OrderType, Side, TimeInForce
from autofutures.matching.model import Order, Outcome
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


def event_of(words: list[str], at: int) -> Tick | Quote:
    if words[0] == "trade":
        return Tick(TXF, at, int(words[1]), int(words[2]))
    return Quote(TXF, at, *size_of(words[1]), *size_of(words[2]))


def words_of(outcome: Outcome) -> list[str]:
    said = [f"{client_id} rejected" for client_id, _ in outcome.rejected]
    said += [f"{fill.client_id} {fill.qty} at {fill.price_ticks}" for fill in outcome.executions]
    said += [f"{client_id} canceled {left}" for client_id, left, _ in outcome.canceled]
    return said + [f"{client_id} done" for client_id in outcome.done]


def say(market: QuoteMarket, line: str, number: int) -> list[str]:
    """What the market says of one line's input."""
    words = line.split()
    at = OPEN + number
    match words:
        case ["cancel", client_id]:
            return [str(market.cancel(client_id))]
        case ["queue", client_id]:
            return [str(market.queue_position(client_id))]
        case ["close"]:
            return [f"{client_id} {left}" for client_id, left in market.close()]
        case ["trade" | "quote", *_]:
            event = event_of(words, at)
            outcome = market.hear(event)
            assert outcome.market == [event]
            return words_of(outcome)
        case _:
            return words_of(market.enter(order_of(words, number), at))


def tell(market: QuoteMarket, text: str) -> None:
    """Tells the story, and checks what is said at each line."""
    story, expected = [], []
    for number, line in enumerate(filter(None, (row.strip() for row in text.splitlines()))):
        heard, _, answer = (part.strip() for part in line.partition("=>"))
        said = ", ".join(say(market, heard, number))
        story.append(f"{heard} => {said}")
        expected.append(f"{heard} => {', '.join(part.strip() for part in answer.split(','))}")
    assert story == expected
