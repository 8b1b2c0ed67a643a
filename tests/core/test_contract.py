from __future__ import annotations

import pytest

from freshset.core.contract import ContractViolation, listed, refused, require


def is_even(subject: int) -> None:
    require(subject % 2 == 0, "it is odd")


def test_a_check_names_the_subject_and_the_clause() -> None:
    (check,) = listed([is_even])
    check(4)
    assert str(check) == check.name == "is_even"
    with pytest.raises(ContractViolation, match="^3: is_even: it is odd$"):
        check(3)


def test_other_errors_keep_their_traceback() -> None:
    (check,) = listed([lambda subject: 1 // subject])
    with pytest.raises(ZeroDivisionError):
        check(0)


def fail(error: Exception) -> None:
    raise error


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: None, "nonsense is not refused"),
        (lambda: fail(KeyError("x")), "nonsense ends in KeyError: 'x'"),
        (lambda: fail(ValueError()), "nonsense is refused without a word"),
    ],
)
def test_only_the_right_error_with_a_message_refuses(call, message: str) -> None:
    with pytest.raises(ContractViolation, match=message):
        refused(call, "nonsense", (ValueError,))
    refused(lambda: fail(ValueError("no")), "nonsense", (ValueError,))
