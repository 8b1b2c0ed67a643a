"""What a spec asks of a sample: its strategy, its groups and its targets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from random import Random
from typing import Literal

import numpy as np

from freshset.core.errors import DataError
from freshset.core.frequencies import Frequencies
from freshset.replication.collecting.quota import keyword_quotas
from freshset.replication.sampling.draws import Strategy, Stratified, Top
from freshset.replication.sampling.eligibility import Limits
from freshset.replication.sampling.sample import Sample, draw_sample
from freshset.replication.sampling.stocks import stocks_of
from freshset.replication.sampling.targets import Targets, by_histogram, one_group
from freshset.replication.spec import Spec
from freshset.stats.bins import bin_names, frequency_bins
from freshset.stats.types import IntArray

WHOLE = "all"
"""Name of the group of a class that is not divided."""

Pair = tuple[str, str]
"""Image and class."""

Keywords = Mapping[Pair, str]
"""The search word by which an image was found for a class."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How a sample is to be drawn.

    Attributes
    ----------
    strategy
        The rule for one class.
    names
        Names of the groups, by class.
    targets
        Images by class and group.
    by
        What the groups of a class are: its bins of the selection ``frequency``, its ``keyword``, or
        the ``class`` as a whole.
    edges
        Inner edges of the bins.
    """

    strategy: Strategy
    names: Mapping[str, tuple[str, ...]]
    targets: Targets
    by: Literal["class", "frequency", "keyword"] = "class"
    edges: tuple[float, ...] = ()

    def groups_of(self, eligible: Frequencies, keywords: Keywords) -> IntArray:
        """Group of each row within its class, -1 where the sample has no use for it."""
        if self.by == "frequency":
            return frequency_bins(eligible.selected, eligible.answers, self.edges)
        pairs = list(zip(eligible.item_ids.tolist(), eligible.class_keys.tolist(), strict=True))
        if self.by == "class":
            return np.array([0 if key in self.names else -1 for _, key in pairs], dtype=np.int64)
        place = {
            (key, word): number
            for key, words in self.names.items()
            for number, word in enumerate(words)
        }
        found = (place.get((key, keywords.get((item, key), "")), -1) for item, key in pairs)
        return np.fromiter(found, np.int64, len(pairs))

    def draw(
        self,
        eligible: Frequencies,
        seed: int,
        *,
        keywords: Keywords | None = None,
        previous: Collection[Pair] = (),
    ) -> Sample:
        """Draw a sample.

        Parameters
        ----------
        eligible
            What it may take; see `freshset.replication.sampling.eligibility.judge`.
        seed
            Of all draws.
        keywords
            Of the candidates, where groups are keywords.
        previous
            Image and class of the revision before.
        """
        groups = self.groups_of(eligible, keywords or {})
        stocks = stocks_of(eligible, groups.tolist(), previous)
        return draw_sample(self.strategy, stocks, self.targets, Random(seed))  # noqa: S311  # a draw, no secret


def limits_of(spec: Spec) -> Limits:
    """What a spec asks of a candidate."""
    rules, thresholds = spec.sampling, {}
    least = rules.min_answers
    if rules.strategy in {"matched-frequency", "threshold", "top"}:
        least = max(1, least)  # an unknown frequency is in no bin and at no rank
    if rules.strategy == "threshold":
        thresholds = {
            one.key: rules.threshold if one.threshold is None else one.threshold
            for one in spec.classes
        }
    return Limits(least, thresholds, dict(spec.duplicates.thresholds))


def plan_of(spec: Spec, originals: Frequencies, keywords: Keywords) -> Plan:
    """Make the plan of a spec.

    Parameters
    ----------
    originals
        The original test set's images with the class that each is of, answers or not.
    keywords
        Of the original images, for ``keyword-quota``.

    Raises
    ------
    DataError
        When the original test set does not show what the targets shall be.
    """
    rules = spec.sampling
    sizes = {one.key: spec.size_of(one.key) for one in spec.classes}
    if rules.strategy == "matched-frequency":
        targets = by_histogram(
            originals,
            sizes,
            rules.bins,
            min_answers=rules.min_answers,
            min_images=rules.min_original_images,
        )
        names = dict.fromkeys(sizes, bin_names(rules.bins))
        return Plan(Stratified(upward=rules.upward), names, targets, "frequency", rules.bins)
    if rules.strategy == "keyword-quota":
        names, targets = _quotas(keywords, sizes)
        return Plan(Stratified(surplus="go"), names, targets, "keyword")
    strategy = Top() if rules.strategy == "top" else Stratified()
    return Plan(strategy, dict.fromkeys(sizes, (WHOLE,)), one_group(sizes))


def _quotas(
    keywords: Keywords, sizes: Mapping[str, int]
) -> tuple[dict[str, tuple[str, ...]], Targets]:
    """Keywords of each class, the most frequent first, and the images of each."""
    counts: dict[str, Counter[str]] = {key: Counter() for key in sizes}
    for (_, key), word in sorted(keywords.items()):
        if word and key in counts:
            counts[key][word] += 1
    bare = [key for key, words in counts.items() if not words]
    if bare:
        raise DataError(
            f"No original image of {', '.join(bare[:8])} has a keyword, so that there is no quota.",
            "Add the original's images with their keywords: a folder each, or a column.",
        )
    quotas = {key: keyword_quotas(words, sizes[key]) for key, words in counts.items()}
    names = {key: tuple(shares) for key, shares in quotas.items()}
    return names, {key: tuple(shares.values()) for key, shares in quotas.items()}
