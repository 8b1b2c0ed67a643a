"""What a report is about: comparisons with a title and a word on where the data come from."""

from __future__ import annotations

import re
from dataclasses import dataclass

from freshset.core.errors import UsageError
from freshset.generalization.comparison import Comparison
from freshset.generalization.pair import PairMatrix, all_pairs
from freshset.store.base import Store

_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class MissingResult:
    """A model without a result on one of the test sets, although it was asked for.

    Attributes
    ----------
    reason
        One sentence.
    """

    model: str
    testset: str
    reason: str


@dataclass(frozen=True, slots=True)
class Study:
    """One comparison as a report shows it.

    Attributes
    ----------
    title
        Heading of the study.
    slug
        Short name in file names and links: lower-case letters and digits, joined by ``-``.
    comparison
        The numbers.
    pairs
        Which models can be told apart, one matrix for each test set; empty without per-example
        data.
    note
        One paragraph on where the data come from.
    missing_results
        What was asked for and is not there; the comparison is without these models.

    Raises
    ------
    UsageError
        When the slug has other characters.
    """

    title: str
    slug: str
    comparison: Comparison
    pairs: tuple[PairMatrix, ...] = ()
    note: str = ""
    missing_results: tuple[MissingResult, ...] = ()

    def __post_init__(self) -> None:
        check_slug(self.slug)


def check_slug(slug: str) -> None:
    """Raise `UsageError` unless a text can be part of file names and links."""
    if not _SLUG.fullmatch(slug):
        raise UsageError(
            f"{slug!r} is not a slug.",
            "Use lower-case letters and digits, joined by '-', for example 'cifar-10'.",
        )


def slug_of(text: str) -> str:
    """Return ``text`` as a slug; ``study`` when nothing of it is left."""
    return "-".join(re.findall(r"[a-z0-9]+", text.lower())) or "study"


def study_from(
    store: Store, comparison: Comparison, *, title: str, slug: str = "", note: str = ""
) -> Study:
    """Make a study, with all pairs of models on both test sets where the store has the examples.

    Parameters
    ----------
    store
        The store that the comparison was made from.
    slug
        Made from the title by default.
    """
    pairs: tuple[PairMatrix, ...] = ()
    if comparison.per_example and len(comparison.models) > 1:
        names = [row.model for row in comparison.models]
        pairs = tuple(
            all_pairs(store, testset, names, comparison.settings)
            for testset in (comparison.old, comparison.new)
        )
    return Study(title, slug or slug_of(title), comparison, pairs, note)
