import numpy as np
import pytest

from autofutures.data.decimals import price_text, price_texts
from autofutures.domain.instrument import instrument


@pytest.mark.parametrize(
    ("symbol", "ticks", "text"),
    [
        ("TXF202108", 17400, "17400"),
        ("EXF202108", 17409, "870.45"),
        ("EXF202108", 20, "1"),
        ("CDF202108", -900, "-0.09"),
        ("CDF202108", 0, "0"),
    ],
)
def test_a_price_is_written_exactly_and_without_needless_zeros(symbol: str, ticks: int, text: str) -> None:
    assert price_text(instrument(symbol), ticks) == text
    assert price_texts(instrument(symbol), np.array([ticks, 20, ticks]))[::2] == [text, text]
