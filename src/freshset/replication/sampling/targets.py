"""How many images each class shall have, by group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from freshset.core.errors import DataError
from freshset.core.frequencies import Frequencies
from freshset.stats.apportionment import largest_remainder
from freshset.stats.bins import frequency_bins

Targets = dict[str, tuple[int, ...]]


def one_group(sizes: Mapping[str, int]) -> Targets:
    """Targets where a class is not divided: its size."""
    return {key: (size,) for key, size in sizes.items()}


def by_histogram(
    original: Frequencies,
    sizes: Mapping[str, int],
    edges: Sequence[float],
    *,
    min_answers: int,
    min_images: int,
) -> Targets:
    """Targets that follow the original test set's selection frequencies, class by class.

    Parameters
    ----------
    original
        Original images with the class that each is of.
    sizes
        Images that each class shall have.
    edges
        Inner edges of the bins.
    min_answers
        An original image with fewer answers does not count; one without answers never does.
    min_images
        Original images that must count in every class.

    Returns
    -------
    dict
        From class to images by bin, low to high; they add up to the class's size.

    Raises
    ------
    DataError
        When a class has too few original images with answers; names all such classes.

    Notes
    -----
    MatchedFrequency of Recht et al. (2019), appendix B: the class's histogram scaled by largest
    remainder, the higher bin first among equal remainders.
    """
    enough = (original.answers >= min_answers) & (original.answers > 0)
    known = original[enough]
    bins = frequency_bins(known.selected, known.answers, edges)
    place = {key: number for number, key in enumerate(sizes)}
    of_row = np.array([place.get(key, -1) for key in known.class_keys.tolist()], dtype=np.int64)
    table = np.zeros((len(sizes), len(edges) + 1), dtype=np.int64)
    np.add.at(table, (of_row[of_row >= 0], bins[of_row >= 0]), 1)
    counts = table.sum(axis=1)
    least = max(1, min_images)
    short = [(key, int(n)) for key, n in zip(sizes, counts, strict=True) if n < least]
    if short:
        named = ", ".join(f"{key} ({n})" for key, n in short[:8])
        raise DataError(
            f"{len(short):,} of {len(sizes):,} classes have fewer than {least} original images with "
            f"{max(1, min_answers)} answers: {named}{', ...' if len(short) > 8 else ''}.",
            "Ask about more original images, or lower sampling.min_original_images in the spec.",
        )
    return {
        key: tuple(largest_remainder(row.tolist(), size, ties="last").tolist())
        for (key, size), row in zip(sizes.items(), table, strict=True)
    }
