"""The strategy lab: what the seed alone does to a sample, strategy by strategy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from freshset.core.errors import UsageError
from freshset.replication.sampling.choose import Choice
from freshset.replication.sampling.sample import Sample

SCHEMA = "freshset.strategy-lab/1"


@dataclass(frozen=True, slots=True)
class Spread:
    """How a number varies over seeds; ``sd`` is the sample standard deviation, 0 for one seed."""

    mean: float
    sd: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Spread of at least one value."""
        array = np.asarray(values, dtype=np.float64)
        sd = float(array.std(ddof=1)) if len(array) > 1 else 0.0
        return cls(float(array.mean()), sd, float(array.min()), float(array.max()))


@dataclass(frozen=True, slots=True)
class LabRow:
    """One strategy over all seeds.

    Attributes
    ----------
    images
        Images of a sample.
    missing, upward
        Images that could not be found, and those of upward draws.
    mean_frequency
        Mean selection frequency of a sample's images that have answers; ``None`` when none has.
    overlap
        Share of images that two samples have in common; ``None`` for one seed.
    accuracy
        Percent, by model, of a sample's images that the model gets right.
    """

    strategy: str
    images: Spread
    missing: Spread
    upward: Spread
    mean_frequency: Spread | None
    overlap: Spread | None
    accuracy: Mapping[str, Spread]


@dataclass(frozen=True, slots=True)
class Lab:
    """All strategies on the same candidates and seeds; see `LabRow`."""

    seeds: tuple[int, ...]
    rows: tuple[LabRow, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return {
            "schema": SCHEMA,
            "seeds": list(self.seeds),
            "rows": [asdict(row) for row in self.rows],
        }


@dataclass(frozen=True, slots=True)
class Correct:
    """Which models are right on which images.

    Attributes
    ----------
    models
        Names, shape (m,).
    item_ids
        Images, shape (n,).
    right
        Shape (m, n).
    """

    models: tuple[str, ...]
    item_ids: npt.NDArray[np.object_]
    right: npt.NDArray[np.bool_]


def run_lab(
    choices: Mapping[str, Choice], seeds: Sequence[int], *, correct: Correct | None = None
) -> Lab:
    """Draw first revisions with many seeds.

    Parameters
    ----------
    choices
        By strategy; see `freshset.replication.sampling.choose.choice_of`.
    seeds
        All different.
    correct
        Predictions on the candidates.  They exist in studies of strategies, and never before a test
        set of one's own is frozen: who looks at them while choosing fits the set to the models.

    Raises
    ------
    UsageError
        When there are no seeds, one occurs twice, or a drawn image has no predictions.
    """
    if not seeds or len(set(seeds)) != len(seeds):
        raise UsageError("The lab needs different seeds, at least one.", "Give --seeds 20.")
    place = {} if correct is None else {one: i for i, one in enumerate(correct.item_ids.tolist())}
    rows = []
    for strategy, choice in choices.items():
        samples = [choice.draw(seed) for seed in seeds]
        accuracy = {} if correct is None else _accuracy(samples, correct, place)
        rows.append(
            LabRow(
                strategy,
                images=Spread.of([len(one.picks) for one in samples]),
                missing=Spread.of([_total(one.missing) for one in samples]),
                upward=Spread.of([_total(one.upward) for one in samples]),
                mean_frequency=_mean_frequency(samples),
                overlap=_overlap(samples),
                accuracy=accuracy,
            )
        )
    return Lab(tuple(seeds), tuple(rows))


def _total(counts: Mapping[str, tuple[int, ...]]) -> int:
    return sum(map(sum, counts.values()))


def _mean_frequency(samples: Sequence[Sample]) -> Spread | None:
    means = []
    for sample in samples:
        values = [pick.selected / pick.answers for pick in sample.picks if pick.answers]
        if values:
            means.append(float(np.mean(values)))
    return Spread.of(means) if means else None


def _overlap(samples: Sequence[Sample]) -> Spread | None:
    sets = [{pick.item_id for pick in sample.picks} for sample in samples]
    shares = [len(a & b) / max(len(a), len(b), 1) for a, b in combinations(sets, 2)]
    return Spread.of(shares) if shares else None


def _accuracy(
    samples: Sequence[Sample], correct: Correct, place: Mapping[str, int]
) -> dict[str, Spread]:
    scores = []
    for sample in samples:
        if not sample.picks:
            raise UsageError("A sample is empty, so that no model has an accuracy on it.")
        unknown = [pick.item_id for pick in sample.picks if pick.item_id not in place]
        if unknown:
            raise UsageError(f"There are no predictions for image {unknown[0]!r}.")
        columns = [place[pick.item_id] for pick in sample.picks]
        scores.append(100 * correct.right[:, columns].mean(axis=1))
    table = np.array(scores)
    return {
        model: Spread.of(table[:, number].tolist()) for number, model in enumerate(correct.models)
    }
