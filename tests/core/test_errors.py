from __future__ import annotations

from freshset.core import errors


def test_message_and_hint_are_both_said() -> None:
    error = errors.DataError("It is wrong.", "Mend it.")
    assert (error.message, error.hint, str(error)) == (
        "It is wrong.",
        "Mend it.",
        "It is wrong. Mend it.",
    )
    assert error.exit_code == 2


def test_few_subclasses() -> None:
    assert len(errors.FreshsetError.__subclasses__()) <= 8


def test_did_you_mean() -> None:
    assert errors.did_you_mean("imagnet", ["imagenet", "cifar"]) == "Did you mean 'imagenet'?"
    assert errors.did_you_mean("zzz", ["a", "b"]) == "Known: a, b."
    assert errors.did_you_mean("zzz", []) == ""
