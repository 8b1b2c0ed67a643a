"""What a project knows of its images when a sample is to be drawn."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import sqlalchemy as sa

from freshset.core.errors import DataError
from freshset.core.files import sha256_bytes
from freshset.core.frequencies import Frequencies
from freshset.replication.eligibility import REASONS, Eligibility
from freshset.replication.tables import exclusions, members

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


def read_pools(connection: sa.Connection, frequencies: Frequencies) -> Pools:
    """Bring frequencies and the images of a project together.

    Parameters
    ----------
    frequencies
        Pooled answers; pairs that nobody was asked about are unknown.

    Raises
    ------
    DataError
        When frequencies are of images that the project does not have.
    """
    c = members.c
    query = sa.select(c.item_id, c.class_key, c.pool, c.keyword)
    known = set()
    # Train images are there to be compared with, and have no part in a sample.
    of_pool: dict[str, dict[Pair, str]] = {"candidate": {}, "test": {}, "train": {}}
    for item, key, pool, keyword in connection.execute(query).all():
        known.add(item)
        of_pool[pool][item, key] = keyword
    strange = sorted(set(frequencies.item_ids.tolist()) - known)
    if strange:
        raise DataError(
            f"{len(strange):,} images have selection frequencies and are not in the project, such as "
            f"{strange[0]!r}.",
            "Give the frequencies of this project's images, or collect those images first.",
        )
    pairs = zip(frequencies.item_ids.tolist(), frequencies.class_keys.tolist(), strict=True)
    place = {pair: row for row, pair in enumerate(pairs)}
    return Pools(
        _aligned(frequencies, place, sorted(of_pool["candidate"])),
        _aligned(frequencies, place, sorted(of_pool["test"])),
        of_pool["candidate"],
        of_pool["test"],
    )


def excluded(connection: sa.Connection, *, kind: str = "") -> dict[str, str]:
    """Reasons of the images that no sample may take, by id: all, or one kind of exclusion."""
    query = sa.select(exclusions.c.item_id, exclusions.c.reason)
    if kind:
        query = query.where(exclusions.c.kind == kind)
    return {row.item_id: row.reason for row in connection.execute(query)}


def pools_digest(eligibility: Eligibility) -> str:
    """Digest of every candidate with its answers and the reason why it is not eligible."""
    lines = ["\t".join(row) for row in _rows(eligibility)]
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
    columns = (rows.class_keys, rows.item_ids, rows.selected, rows.answers, eligibility.reason)
    for key, item, selected, answers, code in zip(*(c.tolist() for c in columns), strict=True):
        yield key, item, repr(selected), repr(answers), names[code + 1]


def _aligned(
    frequencies: Frequencies, place: dict[Pair, int], pairs: Sequence[Pair]
) -> Frequencies:
    row = np.array([place.get(pair, -1) for pair in pairs], dtype=np.int64)
    asked = row >= 0
    selected, answers = np.zeros(len(row)), np.zeros(len(row))
    selected[asked] = frequencies.selected[row[asked]]
    answers[asked] = frequencies.answers[row[asked]]
    return Frequencies(
        np.array([item for item, _ in pairs], dtype=object),
        np.array([key for _, key in pairs], dtype=object),
        selected,
        answers,
    )
