"""Contracts of the ports as lists of checks that other packages can import."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

Subject = TypeVar("Subject")


class ContractViolation(AssertionError):  # noqa: N818 - it is what the contract calls it
    """An adapter that does not keep its contract; the message says which part, and how."""


@dataclass(frozen=True, slots=True)
class Check(Generic[Subject]):
    """One clause of a contract.

    Attributes
    ----------
    run
        Raises `ContractViolation` when the subject does not keep the clause, which has its name.
    """

    run: Callable[[Subject], None]

    @property
    def name(self) -> str:
        """Name of the clause."""
        return self.run.__name__

    def __call__(self, subject: Subject) -> None:
        """Check one subject.

        Raises
        ------
        ContractViolation
            When it does not keep the clause; names both.
        """
        try:
            self.run(subject)
        except ContractViolation as error:
            raise ContractViolation(f"{subject}: {self.name}: {error}") from error.__cause__

    def __str__(self) -> str:
        return self.name


def require(kept: bool, broken: str) -> None:
    """Raise `ContractViolation` that says how a clause is broken, unless it is kept."""
    if not kept:
        raise ContractViolation(broken)


def refused(call: Callable[[], object], what: str, by: tuple[type[Exception], ...]) -> None:
    """Require that a call raises one of some errors, with a message.

    Parameters
    ----------
    call
        Must raise.
    what
        What it was given, for the message.
    by
        The errors that are right.
    """
    try:
        call()
    except by as error:
        require(bool(str(error)), f"{what} is refused without a word")
    except Exception as error:
        raise ContractViolation(f"{what} ends in {type(error).__name__}: {error}") from error
    else:
        raise ContractViolation(f"{what} is not refused")


def listed(clauses: Iterable[Callable[[Subject], None]]) -> list[Check[Subject]]:
    """Make checks of the functions that state a contract."""
    return [Check(clause) for clause in clauses]
