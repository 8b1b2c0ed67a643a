"""What a project knows of its images when a sample is to be drawn."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import sqlalchemy as sa

from freshset.core.errors import DataError
from freshset.core.files import sha256_bytes
from freshset.core.frequencies import Frequencies
from freshset.replication.databases import plain_rows
from freshset.replication.membership import Membership, read_membership
from freshset.replication.sampling.eligibility import REASONS, Eligibility
from freshset.replication.tables import members
from freshset.stats.types import FloatArray

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Pools:
    """Images of a project with the classes they are there for.

    Attributes
    ----------
    candidates, originals
        One row per image and class, answers or not.  Originals are the test part of the original.
    candidate_keywords, original_keywords
        Search word of an image and class, where it has one.
    """

    candidates: Frequencies
    originals: Frequencies
    candidate_keywords: dict[Pair, str]
    original_keywords: dict[Pair, str]


def read_pools(
    connection: sa.Connection, frequencies: Frequencies, membership: Membership | None = None
) -> Pools:
    """Bring frequencies and the images of a project together.

    Parameters
    ----------
    frequencies
        Pooled answers; pairs that nobody was asked about are unknown.
    membership
        Of the project, where it was read already.

    Raises
    ------
    DataError
        When frequencies are of images that the project does not have.
    """
    membership = membership or read_membership(connection)
    rows = _aligned(frequencies, membership)
    words = _keywords(connection)
    # Train images are there to be compared with, and have no part in a sample.
    return Pools(
        rows[membership.pools == "candidate"],
        rows[membership.pools == "test"],
        words["candidate"],
        words["test"],
    )


def pools_digest(eligibility: Eligibility) -> str:
    """Digest of every candidate with its answers and the reason why it is not eligible."""
    lines = map("\t".join, _rows(eligibility))
    return sha256_bytes("\n".join(lines).encode())


def eligibility_csv(eligibility: Eligibility) -> str:
    """Every candidate with its answers and the first reason why it is not eligible, as csv."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["class", "item_id", "selected", "answers", "reason"])
    rows.writerows(_rows(eligibility))
    return text.getvalue()


def _rows(eligibility: Eligibility) -> Iterator[tuple[str, str, str, str, str]]:
    rows, names = eligibility.candidates, ("", *REASONS)
    selected, answers = _texts(rows.selected), _texts(rows.answers)
    reasons = [names[code + 1] for code in eligibility.reason.tolist()]
    return zip(
        rows.class_keys.tolist(), rows.item_ids.tolist(), selected, answers, reasons, strict=True
    )


def _texts(counts: FloatArray) -> list[str]:
    """Numbers as texts; there are few different ones."""
    numbers = counts.tolist()
    text = {number: repr(number) for number in set(numbers)}
    return [text[number] for number in numbers]


def _keywords(connection: sa.Connection) -> defaultdict[str, dict[Pair, str]]:
    """Search words by pool."""
    c = members.c
    query = sa.select(c.pool, c.item_id, c.class_key, c.keyword).where(c.keyword != "")
    words: defaultdict[str, dict[Pair, str]] = defaultdict(dict)
    for pool, item, key, word in plain_rows(connection, query):
        words[pool][item, key] = word
    return words


def _aligned(frequencies: Frequencies, wanted: Membership) -> Frequencies:
    """Frequencies of all that is wanted, in its order, unknown where there are none."""
    place = {pair: row for row, pair in enumerate(_pairs(frequencies))}
    row = np.array([place.get(pair, -1) for pair in _pairs(wanted)], dtype=np.int64)
    known = row >= 0
    if known.sum() < len(frequencies):
        _refuse_strange(frequencies, wanted)
    row = row[known]
    selected, answers = np.zeros(len(known)), np.zeros(len(known))
    selected[known], answers[known] = frequencies.selected[row], frequencies.answers[row]
    return Frequencies(wanted.item_ids, wanted.class_keys, selected, answers)


def _pairs(rows: Frequencies | Membership) -> list[str]:
    """Image and class as one text, which is quicker to look up than two; neither may hold a 0."""
    both = zip(rows.item_ids.tolist(), rows.class_keys.tolist(), strict=True)
    return [f"{item}\0{key}" for item, key in both]


def _refuse_strange(frequencies: Frequencies, known: Membership) -> None:
    strange = sorted(set(frequencies.item_ids.tolist()).difference(known.item_ids.tolist()))
    if strange:
        raise DataError(
            f"{len(strange):,} images have selection frequencies and are not in the project, such as "
            f"{strange[0]!r}.",
            "Give the frequencies of this project's images, or collect those images first.",
        )
