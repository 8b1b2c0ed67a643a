"""The exceptions that freshset raises on purpose.

Every error says what is wrong, where, and what to do next; the command line prints exactly that and
exits with the class's ``exit_code``.  The pure ``stats`` layer raises plain ``ValueError`` instead.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class FreshsetError(Exception):
    """Base of all deliberate errors.

    Parameters
    ----------
    message
        What is wrong and where, as one sentence.
    hint
        The next step, as one sentence; empty when there is none.
    """

    exit_code = 2

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class UsageError(FreshsetError):
    """An option, a name or a combination of them that cannot be meant."""


class NotFoundError(UsageError):
    """A name of something that is not there."""


class DataError(FreshsetError):
    """A file from outside that does not hold what it should."""


class StoreError(FreshsetError):
    """A store that is missing, damaged, newer than this version, or in conflict with a request."""


class ConflictError(StoreError):
    """A change to what somebody else has changed since it was looked at; nothing was changed."""


class MissingExtraError(FreshsetError):
    """An optional dependency that is not installed; the hint is its install line."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a hint that names the closest of ``known``, or lists a few of them."""
    choices = sorted(known)
    close = difflib.get_close_matches(name, choices, n=3, cutoff=0.5)
    if close:
        return "Did you mean " + " or ".join(repr(c) for c in close) + "?"
    if not choices:
        return ""
    shown = ", ".join(choices[:8]) + (", ..." if len(choices) > 8 else "")
    return f"Known: {shown}."
