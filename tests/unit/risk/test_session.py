from autofutures.risk.base import Violation
from autofutures.risk.session import Session
from tests.makers import exposure, intent


def test_an_order_in_an_open_session_passes() -> None:
    assert Session().check(intent(), exposure(session_open=True)) is None


def test_an_order_while_the_market_is_closed_is_refused() -> None:
    reason = "TAIFEX:TXF202108 is closed: the exchange takes no orders now"
    assert Session().check(intent(), exposure(session_open=False)) == Violation(1, 0, reason)
