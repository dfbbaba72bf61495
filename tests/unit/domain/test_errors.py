import pytest

from autofutures.domain import errors


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (errors.BadInput, errors.AutofuturesError),
        (errors.NotThisFormat, errors.BadInput),
        (errors.BadMessage, errors.BadInput),
        (errors.Refusal, errors.AutofuturesError),
        (errors.BrokenInvariant, errors.AutofuturesError),
    ],
)
def test_the_tree_is_the_one_that_the_page_shows(error: type[Exception], kind: type[Exception]) -> None:
    assert error.__base__ is kind or kind in error.__bases__
    assert error.__name__ in (errors.__doc__ or "")


def test_bad_input_is_a_value_error_and_a_broken_invariant_is_not() -> None:
    assert issubclass(errors.BadInput, ValueError)
    assert not issubclass(errors.BrokenInvariant, ValueError)
