import pytest

from autofutures.domain.errors import BadInput
from autofutures.strategies.support_resistance import SupportResistance
from tests.unit.strategies.conditions_house import Values, entered, house, prices, rows, status, values
from tests.unit.strategies.house import MXF, TXF


def test_a_paused_condition_hears_nothing_and_is_disarmed() -> None:
    h = house(values(following=True))
    h.tick(21950)
    assert prices(h) == [21950, 21980, 22100, 21950]
    assert h.command("pause", "c1") == ""
    assert (status(h), rows(h)[0]["paused"], prices(h)) == ("waiting", True, [22000, 22030, 22150, 22000])
    assert [h.tick(price) for price in (21900, 22100)] == [[], []]
    assert h.command("resume", "c1") == ""
    assert h.tick(22100) == []
    assert (status(h), rows(h)[0]["paused"]) == ("waiting", False)
    h.tick(22000)
    assert status(h) == "armed"


def test_a_change_starts_a_condition_again_with_what_it_does_not_name_kept() -> None:
    h = house(values())
    h.tick(22000)
    assert h.command("change", "c1", {"trigger_ticks": 21000, "quantity": 4}) == ""
    assert (status(h), prices(h), rows(h)[0]["quantity"]) == ("waiting", [21000, 21030, 21150, 21000], 4)
    h.command("pause", "c1")
    h.command("change", "c1", {"quantity": 5})
    assert rows(h)[0]["paused"] is True


def test_a_condition_that_is_done_can_be_used_again() -> None:
    h = entered()
    for price in (22031, 22150, 22150):
        h.tick(price)
    assert status(h) == "done"
    assert "cannot be resumed" in h.command("resume", "c1")
    assert h.command("change", "c1", {}) == ""
    h.tick(22000)
    assert h.tick(22030) == ["buy 1"]


@pytest.mark.parametrize("verb", ["change", "pause", "resume", "remove"])
def test_what_is_in_the_market_is_left_alone(verb: str) -> None:
    h = entered()
    h.tick(22031)
    assert h.command(verb, "c1") == (
        f"condition 'c1' is open (1 open, 0 at work): it cannot be {verb.rstrip('e')}ed now"
    )
    assert h.tick(22150) == ["sell 1"]


def test_a_condition_can_be_removed_and_its_name_used_again() -> None:
    h = house(values())
    assert h.command("remove", "c1") == ""
    assert rows(h) == []
    assert h.command("add", "c1", values("sell")) == ""
    assert rows(h)[0]["side"] == "sell"


@pytest.mark.parametrize(
    ("verb", "name", "given_values", "sentence"),
    [
        ("add", "c1", values(), "a condition needs a name that is not taken; 'c1' is: change or remove it"),
        ("add", "", values(), "a condition needs a name"),
        ("add", "c2", {"side": "buy"}, "a condition needs trigger, quantity"),
        ("change", "c1", {"quantity": 0}, "quantity must be a whole number, 1 or more, not 0"),
        ("pause", "c9", {}, "there is no condition 'c9'; there are: c1"),
        ("fire", "c1", {}, "a condition takes add, change, pause, resume and remove, not 'fire'"),
    ],
)
def test_a_command_that_makes_no_sense_is_refused(
    verb: str, name: str, given_values: Values, sentence: str
) -> None:
    h = house(values())
    before = rows(h)
    assert h.command(verb, name, given_values).startswith(sentence)
    assert rows(h) == before


def test_a_written_condition_is_read_in_its_contracts_unit() -> None:
    written = {"side": "buy", "trigger": "22000", "quantity": 1}
    read = {"side": "buy", "trigger_ticks": 22000, "quantity": 1}
    assert SupportResistance.command_values(written, (TXF,)) == {**read, "symbol": TXF}
    named = {**written, "name": "c1", "symbol": "MXF202108"}
    assert SupportResistance.command_values(named, (TXF, MXF)) == {**read, "symbol": MXF}


@pytest.mark.parametrize(
    ("symbol", "symbols", "sentence"),
    [
        ({}, (TXF, MXF), "say which contract the condition is for: symbol is one of"),
        ({"symbol": 5}, (TXF,), "say which contract the condition is for"),
        ({"symbol": "TMF202108"}, (TXF, MXF), "TMF202108 is not traded by this strategy: symbol is one of"),
    ],
)
def test_a_written_condition_names_a_contract_of_its_strategy(
    symbol: dict[str, object], symbols: tuple[str, ...], sentence: str
) -> None:
    with pytest.raises(BadInput, match=sentence):
        SupportResistance.command_values({"side": "buy", **symbol}, symbols)
