import pytest

from autofutures.domain.errors import BadMessage
from autofutures.domain.instrument import instrument
from autofutures.domain.messages import (
    TRADER_K,
    Accepted,
    Command,
    Configured,
    ExitMoved,
    Intent,
    OrderChanged,
    Placed,
    Restored,
    Saved,
    Tick,
)
from autofutures.domain.order_life import Status
from autofutures.domain.units import OrderType, Side
from autofutures.orders.book import Orders
from autofutures.orders.ids import ClientIds
from autofutures.portfolio.costs import Costs
from autofutures.risk.gate import Gate
from autofutures.strategies.host import Host
from autofutures.strategies.support_resistance import SupportResistance
from autofutures.trader import Trader
from tests.unit.strategies.conditions_house import entered, house, note, rows, silent, status, values
from tests.unit.strategies.house import OPEN, TXF, House, Venue, filled, fills_whole, view_of


def restarted(h: House, venue: Venue = fills_whole) -> House:
    """A new house from what the old one's journal kept."""
    trader = Trader(
        {s: instrument(s) for s in h.symbols}, view_of(*h.symbols), Gate([]), Orders(ClientIds(2)), Costs()
    )
    for message in h.kept:
        trader.fold(message)
    trader.recovered(h.now)
    trader.market_seq = max(trader.market_seq, h.trader.market_seq)
    new = House(SupportResistance(), h.symbols, venue=venue, trader=trader)
    new.now = h.now
    return new


@pytest.mark.parametrize("ticks", range(8))
def test_a_restart_after_any_tick_changes_nothing(ticks: int) -> None:
    path = (22010, 22000, 21950, 21979, 21980, 22050, 22100, 22100)
    h = house(values(following=True))
    said = [h.tick(price) for price in path[:ticks]]
    if h.pending:  # What was sent is filled before the lights go out.
        h.report(*[report for each in h.submits()[-1:] for report in fills_whole(each, 21990, h.now)])
    before = rows(h)
    new = restarted(h)
    assert rows(new) == before
    said += [new.tick(price) for price in path[ticks:]]
    assert said == [[], [], [], [], ["buy 1"], [], ["sell 1"], []]
    assert status(new) == "done"


def test_an_entry_in_doubt_after_a_restart_halts_until_it_is_answered() -> None:
    h = entered(silent)
    new = restarted(h, silent)
    assert (status(new), note(new)) == ("halted", "nobody knows what became of its entry")
    submit = h.submits()[0]
    new.report(filled(submit, 22030, new.now))
    assert status(new) == "open"
    assert new.tick(22150) == ["sell 1"]


def test_an_exit_in_doubt_after_a_restart_halts_until_it_is_answered() -> None:
    h = entered()
    h.tick(22031)
    h.tick(22150)
    new = restarted(h, silent)
    assert status(new) == "halted"
    new.report(Accepted(h.submits()[1].client_id, new.now, "V"))
    assert status(new) == "exiting"
    new.report(filled(h.submits()[1], 22150, new.now))
    assert status(new) == "done"


def restored(h: House, position: int, changed: tuple[OrderChanged, ...] = ()) -> House:
    """The strategy alone starts again; the trader has gone on without it."""
    state = next(message.state for message in reversed(h.kept) if isinstance(message, Saved))
    new = house()
    event = Restored("sr", 9, state, (), tuple(_placed(each) for each in changed), changed, {TXF: position})
    new.host.handle(event, h.now)
    return new


def _placed(changed: OrderChanged) -> Placed:
    intent = Intent("sr", changed.order_seq, changed.order_k, 0, TXF, Side.BUY, 3, OrderType.MARKET)
    return Placed("x", changed.status, intent)


def test_what_was_missed_while_away_halts_and_the_plans_own_word_frees() -> None:
    new = restored(entered(silent), position=1)
    assert (status(new), note(new)) == (
        "halted",
        f"the book holds 1 of {TXF}, conditions know of 0: a fill was missed",
    )
    new.host.handle(ExitMoved("sr", 2, 1, OPEN, TXF, Side.BUY, 1, 22150, 22000), OPEN)
    assert status(new) == "open"


def test_an_entry_that_ended_while_away_halts() -> None:
    new = restored(entered(silent), position=0)
    assert (status(new), note(new)) == ("halted", "an order of it ended while this strategy was away")
    assert new.command("resume", "c1") == ""


def test_an_entry_that_is_still_at_work_goes_on() -> None:
    working = OrderChanged("x", "sr", 2, 1, OPEN, TXF, Status.WORKING, 0, 1)
    assert status(restored(entered(silent), 0, (working,))) == "entering"


def test_an_exit_in_doubt_that_ended_while_away_is_compared_with_the_book() -> None:
    h = entered()
    h.tick(22031)
    h.venue = silent
    h.tick(22150)
    h.kept += h.host.handle(OrderChanged("x", "sr", 4, TRADER_K, OPEN, TXF, Status.UNKNOWN, 0, 1), OPEN)
    assert status(h) == "halted"
    assert status(restored(h, position=1)) == "exiting"
    assert status(restored(h, position=0)) == "halted"


def test_without_state_conditions_come_back_from_the_commands() -> None:
    new = house()
    fact = Configured("f", "sr", OPEN, "add", "c1", values())
    new.host.handle(Restored("sr", 0, b"", (fact,), (), (), {}), OPEN)
    assert [row["name"] for row in rows(new)] == ["c1"]


def test_state_that_is_none_is_refused() -> None:
    with pytest.raises(BadMessage, match="3 bytes are not the state of conditions"):
        SupportResistance().unpack(b"abc")
    strategy = SupportResistance()
    assert strategy.unpack(strategy.pack()).conditions() == []


def test_every_change_is_kept_in_the_same_batch_as_its_order() -> None:
    host = Host("sr", SupportResistance(), (TXF,), view_of(TXF))
    host.handle(Command("f", "sr", "add", "c", values(following=True)), OPEN)
    kinds = [
        [type(each).__name__ for each in host.handle(Tick(TXF, OPEN, price, 1), OPEN)]
        for price in (22010, 22000, 22000, 21950, 21979, 21980, 21981)
    ]
    assert kinds == [[], ["Saved"], [], ["Saved"], [], ["Intent", "Saved"], []]
