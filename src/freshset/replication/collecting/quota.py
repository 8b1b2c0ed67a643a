"""Keyword quotas: how many images of each sub-class, so that a class is made up as in the original.

Source: Recht et al. 2018 (CIFAR-10.1), section 2.2: of the most frequent keywords of a class each has its
share of the images, rounded by largest remainder.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa

from freshset.core.errors import DataError
from freshset.replication.spec import Spec
from freshset.replication.tables import exclusions, members
from freshset.stats.apportionment import largest_remainder


@dataclass(frozen=True, slots=True)
class Quota:
    """One keyword of one class.

    Attributes
    ----------
    class_key, keyword
        Which.
    original
        Images of the original test set.
    wanted
        Images that the fresh set shall have.
    candidates
        Images that there are to choose from; excluded ones are not counted.
    """

    class_key: str
    keyword: str
    original: int
    wanted: int
    candidates: int

    @property
    def missing(self) -> int:
        """Candidates that are wanted, at the least, and not there."""
        return max(0, self.wanted - self.candidates)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return asdict(self) | {"missing": self.missing}


def keyword_quotas(
    counts: Mapping[str, int], size: int, *, top: int | None = None
) -> dict[str, int]:
    """Split the images of one class over its keywords.

    Parameters
    ----------
    counts
        Images of the original by keyword.
    size
        Images that the class shall have.
    top
        Only the most frequent keywords count (50 in CIFAR-10.1 v6); by default all.

    Returns
    -------
    dict
        Images by keyword, the most frequent first and equally frequent ones in alphabetical order,
        which is also how equal remainders are served.

    Raises
    ------
    DataError
        When no keyword has an image.
    """
    order = sorted((word for word in counts if word), key=lambda word: (-counts[word], word))[:top]
    if not any(counts[word] for word in order):
        raise DataError(
            "No original image has a keyword, so that there is no quota.",
            "Add the original's images with their keywords: a folder each, or a column.",
        )
    shares = largest_remainder([counts[word] for word in order], size)
    return dict(zip(order, shares.tolist(), strict=True))


def quota_table(
    connection: sa.Connection, spec: Spec, *, top: int | None = None
) -> tuple[Quota, ...]:
    """Quotas of all classes whose original test images have keywords, with the stock of each.

    Parameters
    ----------
    top
        As of `keyword_quotas`.
    """
    original = _counts(connection, "test")
    stock = _counts(connection, "candidate")
    out = []
    for one in spec.classes:
        words = original.get(one.key, Counter())
        if any(words.values()):
            quotas = keyword_quotas(words, spec.size_of(one.key), top=top)
            there = stock.get(one.key, Counter())
            out += [Quota(one.key, w, words[w], n, there[w]) for w, n in quotas.items()]
    return tuple(out)


def _counts(connection: sa.Connection, pool: str) -> dict[str, Counter[str]]:
    """Images with a keyword, by class and keyword."""
    c = members.c
    gone = sa.select(exclusions.c.item_id)
    query = (
        sa.select(c.class_key, c.keyword, sa.func.count().label("images"))
        .where(c.pool == pool, c.keyword != "", c.item_id.not_in(gone))
        .group_by(c.class_key, c.keyword)
    )
    out: dict[str, Counter[str]] = {}
    for row in connection.execute(query):
        out.setdefault(row.class_key, Counter())[row.keyword] = row.images
    return out
