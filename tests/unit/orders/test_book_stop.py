import pytest

from autofutures.domain.instrument import instrument
from autofutures.domain.messages import BookStop
from autofutures.domain.units import Side
from autofutures.orders.book_stop import BookStops
from autofutures.portfolio.ledger import Ledger
from tests.makers import OPEN, TXF

LIMIT = 4_000
"""Twenty ticks of one TXF."""


def stops(symbol: str = TXF, limit: int = LIMIT) -> tuple[BookStops, Ledger]:
    return BookStops({"s": limit}, {symbol: instrument(symbol)}), Ledger()


def bought(held: BookStops, ledger: Ledger, side: Side, qty: int, price: int, symbol: str = TXF) -> None:
    ledger.apply(side, qty, price)
    held.filled("s", symbol, ledger)


def is_quiet(held: BookStops, price: int, symbol: str = TXF) -> bool:
    low, high = held.quiet(symbol)
    return low < price < high


@pytest.mark.parametrize(("side", "last"), [(Side.BUY, 17_380), (Side.SELL, 17_420)])
def test_it_fires_once_when_what_is_open_has_lost_the_limit(side: Side, last: int) -> None:
    held, ledger = stops()
    bought(held, ledger, side, 1, 17_400)
    assert is_quiet(held, last + side)
    assert list(held.hear_trade(TXF, last + side, OPEN)) == []
    assert not is_quiet(held, last)
    assert list(held.hear_trade(TXF, last, OPEN)) == [BookStop("s", TXF, OPEN, True, LIMIT, LIMIT)]
    assert list(held.hear_trade(TXF, last, OPEN)) == []
    assert held.fired("s", TXF)


def test_a_fill_moves_it_with_the_average_and_the_size() -> None:
    held, ledger = stops()
    bought(held, ledger, Side.BUY, 1, 17_400)
    bought(held, ledger, Side.BUY, 1, 17_380)
    assert list(held.hear_trade(TXF, 17_381, OPEN)) == []
    assert [said.loss for said in held.hear_trade(TXF, 17_380, OPEN)] == [4_000]


def test_a_flat_strategy_and_one_without_a_limit_have_nothing_to_stop() -> None:
    held, ledger = stops()
    bought(held, ledger, Side.BUY, 1, 17_400)
    bought(held, ledger, Side.SELL, 1, 17_300)
    other = Ledger()
    other.apply(Side.BUY, 9, 17_400)
    held.filled("other", TXF, other)
    assert is_quiet(held, 1)
    assert not held.fired("other", TXF)


def test_a_recorded_one_comes_back_fired_until_its_reset() -> None:
    held, ledger = stops()
    fired = BookStop("s", TXF, OPEN, True, LIMIT, LIMIT)
    ledger.apply(Side.BUY, 1, 17_400)
    held.restore(fired, ledger)
    assert [stop.ledger for stop in held.open(TXF)] == [ledger]
    (stop,) = held.of("s")
    assert held.reset(stop, OPEN + 1) == BookStop("s", TXF, OPEN + 1, False, LIMIT, 0)
    assert held.of("s") == []


def test_a_contract_whose_tick_has_no_known_worth_counts_ticks() -> None:
    symbol = "TAIFEX:QQF202108"
    held, ledger = stops(symbol, 5)
    bought(held, ledger, Side.BUY, 1, 100, symbol)
    assert [said.loss for said in held.hear_trade(symbol, 95, OPEN)] == [5]


@pytest.mark.parametrize(
    ("side", "fires", "quiet"), [(Side.BUY, 160_000, 160_002), (Side.SELL, 266_667, 266_665)]
)
def test_the_stop_of_an_inverse_contract_lies_where_its_coin_is_lost(
    side: Side, fires: int, quiet: int
) -> None:
    # 10 contracts of 100 USD at 20,000.0; 0.0125 BTC are lost at 16,000.0 by a buyer and at 26,666.7 by a seller.
    symbol = "BINANCE:BTCUSD"
    held, _ = stops(symbol, 12_500_000_000)
    ledger = Ledger(instrument(symbol).product.inverse_value)
    bought(held, ledger, side, 10, 200_000, symbol)
    assert list(held.hear_trade(symbol, quiet, OPEN)) == []
    (said,) = held.hear_trade(symbol, fires, OPEN)
    assert said.loss == pytest.approx(12_500_000_000, rel=1e-5)


def test_an_inverse_seller_who_may_lose_all_that_he_can_has_no_stop_price() -> None:
    # A short of 10 contracts at 20,000.0 cannot lose more than the 0.05 BTC that they are worth.
    symbol = "BINANCE:BTCUSD"
    held, _ = stops(symbol, 60_000_000_000)
    ledger = Ledger(instrument(symbol).product.inverse_value)
    bought(held, ledger, Side.SELL, 10, 200_000, symbol)
    assert is_quiet(held, 10**9, symbol)
