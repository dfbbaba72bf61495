"""All seats of a live run: a person accepts a difference, and the book goes on, in this life and in the next."""

from pathlib import Path

import pytest

from autofutures.domain.messages import Command, PositionAccepted
from autofutures.domain.units import Mode
from autofutures.orders.account import OUTSIDE
from tests.makers import TXF
from tests.unit.processes.alert_house import PRICE, AlertHouse, a_run, watched


def until_normal(house: AlertHouse) -> None:
    began = house.wire.queries
    while house.trader.trader.inquiry.standing.mode is not Mode.NORMAL:
        house.trade(PRICE)
        house.beat()
        assert house.wire.queries < began + 20


def test_a_person_accepts_what_the_account_holds_and_nothing_is_asked_about_it_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Command(
        "f1",
        "",
        "accept",
        "position",
        {"symbol": TXF, "qty": 1, "price_ticks": PRICE, "reason": "by telephone"},
        "ann",
    )
    with watched(tmp_path, a_run(tmp_path), monkeypatch) as house:
        house.until_asked()
        house.wire.beside = {TXF: 1}
        house.tells("unexplained")
        assert house.ask(asked) == [{"accepted": True}]
        until_normal(house)
        [again] = house.ask(asked)
        assert "nothing of" in str(again["refused"])
        told = len(house.heard)
        house.new_trader()
        until_normal(house)
        for _ in range(40):
            house.trade(PRICE)
            house.beat()
        house.listen()
        assert house.trader.trader.portfolio.position(OUTSIDE, TXF) == 1
        assert [notice.name for notice in house.heard[told:] if notice.name == "unexplained"] == []
        kept = [m for m in house.tape.messages if isinstance(m, PositionAccepted)]
        assert [(one.who, one.reason) for one in kept] == [("ann operator/1", "by telephone")]
