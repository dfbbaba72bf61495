from hypothesis import given
from hypothesis import strategies as st

from autofutures.domain.units import Side
from autofutures.portfolio.book import Portfolio

SYMBOLS = ("TXF202108", "TXF202109")
FILLS = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from(SYMBOLS), st.sampled_from(Side), st.integers(1, 5)),
    max_size=40,
)


@given(FILLS)
def test_the_account_is_the_sum_of_its_ledgers_and_each_ledger_the_sum_of_its_fills(
    fills: list[tuple[str, str, Side, int]],
) -> None:
    portfolio = Portfolio()
    for strategy, symbol, side, qty in fills:
        after = portfolio.apply(strategy, symbol, side, qty, 100, 20, 1)
        assert after == portfolio.position(strategy, symbol)
    for symbol in SYMBOLS:
        assert portfolio.net(symbol) == sum(side * qty for _, of, side, qty in fills if of == symbol)
        assert portfolio.net(symbol) == sum(
            ledger.position for _, of, ledger in portfolio.ledgers() if of == symbol
        )
    for strategy, symbol, ledger in portfolio.ledgers():
        own = [(side, qty) for who, of, side, qty in fills if (who, of) == (strategy, symbol)]
        assert ledger.position == sum(side * qty for side, qty in own)


def test_strategies_on_opposite_sides_leave_the_account_flat_and_their_ledgers_open() -> None:
    portfolio = Portfolio()
    portfolio.apply("long", "TXF202108", Side.BUY, 2, 100, 0, 0)
    portfolio.apply("short", "TXF202108", Side.SELL, 2, 100, 0, 0)
    assert portfolio.net("TXF202108") == 0
    assert (portfolio.position("long", "TXF202108"), portfolio.position("short", "TXF202108")) == (2, -2)


def test_what_was_never_traded_is_flat() -> None:
    assert Portfolio().net("TXF202108") == 0
    assert Portfolio().position("s", "TXF202108") == 0


def test_ledgers_come_in_the_same_sequence_however_they_were_opened() -> None:
    portfolio = Portfolio()
    for strategy, symbol in [("b", "TXF202108"), ("a", "TXF202109"), ("a", "TXF202108")]:
        portfolio.apply(strategy, symbol, Side.BUY, 1, 100, 0, 0)
    assert [(strategy, symbol) for strategy, symbol, _ in portfolio.ledgers()] == [
        ("a", "TXF202108"),
        ("a", "TXF202109"),
        ("b", "TXF202108"),
    ]
