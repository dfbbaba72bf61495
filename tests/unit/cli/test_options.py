import pytest

from autofutures.cli.options import range_of
from autofutures.config import GENERATED_DATE
from autofutures.domain.errors import BadInput


def test_a_range_has_a_first_and_a_last_day_and_a_date_is_one() -> None:
    assert range_of("", "", "") == (GENERATED_DATE, "")
    assert range_of("2021-07-26", "", "") == ("2021-07-26", "")
    assert range_of("", "2021-07-26", "2021-07-30") == ("2021-07-26", "2021-07-30")
    with pytest.raises(BadInput, match="give one or the other"):
        range_of("2021-07-26", "2021-07-26", "2021-07-30")
    for first, last in (("2021-07-26", ""), ("", "2021-07-26")):
        with pytest.raises(BadInput, match="--from and --to belong together"):
            range_of("", first, last)
