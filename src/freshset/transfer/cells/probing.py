"""Probes of fixed features as work, and the scores of transferability that need no training."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special

from freshset.core.errors import StoreError
from freshset.engine.works import Made
from freshset.stats.h_score import regularised_h_score
from freshset.stats.leep import leep, nleep
from freshset.stats.logme import logme
from freshset.store.works import Claim, Works, WorkSpec
from freshset.transfer.cells.cell import Cell, Context, learned_from
from freshset.transfer.cells.judging import answers, judge, spread
from freshset.transfer.datasets.base import Part
from freshset.transfer.features.wanted import feature_rows
from freshset.transfer.probe.classifier import Classifier
from freshset.transfer.probe.examples import Examples
from freshset.transfer.probe.fit import fit_probe
from freshset.transfer.probe.path import ProbeOptions, logreg_path
from freshset.transfer.protocol import ProbeProtocol

PROBE, SCORES = "probe", "transferability"
_MOST_SCORED = 10_000
_SEED = 20_220_401


@dataclass(frozen=True, slots=True)
class Features:
    """Features of the parts of a data set, as stored: one entry for each set of items.

    Attributes
    ----------
    train, validation, test
        The same where parts are of one set of items.
    """

    train: WorkSpec
    validation: WorkSpec
    test: WorkSpec

    @property
    def all(self) -> tuple[WorkSpec, ...]:
        """Each once."""
        return tuple(dict.fromkeys((self.train, self.validation, self.test)))


@dataclass(frozen=True, slots=True)
class ProbeItem:
    """A logistic regression on features: the penalty chosen on the validation part, then the test.

    Attributes
    ----------
    protocol
        Part of the study's.
    """

    cell: Cell
    features: Features
    protocol: ProbeProtocol
    spec: WorkSpec

    @property
    def title(self) -> str:
        """In words."""
        return self.cell.title

    @property
    def needs(self) -> tuple[WorkSpec, ...]:
        """The features."""
        return self.features.all

    @property
    def shard(self) -> str:
        """That of its cell."""
        return self.cell.shard

    @property
    def images(self) -> int:
        """None goes through a network."""
        return 0

    def perform(self, claim: Claim, works: Works, context: Context) -> Made:
        """Fit and judge."""
        del claim
        opened = context.dataset(self.cell)
        metric = opened.declared.metric
        train = _examples(learned_from(opened, self.cell, final=False), self.features.train, works)
        validation = _examples(opened.validation, self.features.validation, works)
        start = time.perf_counter()
        classifier, document = self._fit(
            train, validation, ProbeOptions(
                np.array(self.protocol.penalties), self.protocol.tolerance, metric=metric
            )
        )  # fmt: skip
        seconds = time.perf_counter() - start
        features = feature_rows(_stored(works, self.features.test), opened.test.rows)
        logits = spread(classifier.scores(features), classifier.classes, opened.n_classes)
        document |= {"score": judge(opened.test, metric, logits), "seconds": seconds}
        if opened.train.ignored is not None:
            text = "Decisions that do not count were learned from as classes that are not shown."
            document["warnings"].append(text)
        return Made(document, {"predictions": answers(opened.test, logits)})

    def _fit(
        self, train: Examples, validation: Examples, options: ProbeOptions
    ) -> tuple[Classifier, dict[str, Any]]:
        if self.protocol.refit and not self.cell.subset[0]:
            probe = fit_probe(
                train, validation, options, refit_tolerance=self.protocol.refit_tolerance
            )
            path, classifier, warnings = probe.path, probe.classifier, probe.warnings
        else:
            path = logreg_path(train, validation, options)
            classifier, warnings = path.classifier(path.chosen), path.warnings
        point = path.points[path.chosen]
        return classifier, {
            "validation": point.score,
            "chosen": {"penalty": point.penalty},
            "path": path.to_dict(),
            "warnings": list(warnings),
        }


@dataclass(frozen=True, slots=True)
class ScoresItem:
    """How transferable features look without training, on at most 10,000 training images.

    Attributes
    ----------
    names
        Of the scores.
    answers
        What the model says of its own classes, stored as features; ``None`` without LEEP.
    logits
        Whether these are logits, and not probabilities.
    """

    cell: Cell
    features: Features
    names: tuple[str, ...]
    answers: WorkSpec | None
    logits: bool
    spec: WorkSpec

    @property
    def title(self) -> str:
        """In words."""
        return f"transferability of {self.cell.model} to {self.cell.dataset}"

    @property
    def needs(self) -> tuple[WorkSpec, ...]:
        """The features of the training part, and the answers."""
        return tuple(spec for spec in (self.features.train, self.answers) if spec is not None)

    @property
    def shard(self) -> str:
        """That of its cell."""
        return self.cell.shard

    @property
    def images(self) -> int:
        """None goes through a network."""
        return 0

    def perform(self, claim: Claim, works: Works, context: Context) -> Made:
        """Compute the scores that the labels allow."""
        del claim
        part = context.dataset(self.cell).train
        rng = np.random.default_rng(_SEED)
        if len(part) > _MOST_SCORED:
            part = part.take(np.sort(rng.choice(len(part), _MOST_SCORED, replace=False)))
        features = feature_rows(_stored(works, self.features.train), part.rows)
        start = time.perf_counter()
        found = {
            name: self._score(name, features, part, works, rng)
            for name in self.names
            if name == "logme" or part.targets.ndim == 1  # the only one for several labels an image
        }
        return Made({"scores": found, "n": len(part), "seconds": time.perf_counter() - start})

    def _score(
        self,
        name: str,
        features: npt.NDArray[Any],
        part: Part,
        works: Works,
        rng: np.random.Generator,
    ) -> float:
        if name == "leep" and self.answers is not None:
            values = feature_rows(_stored(works, self.answers), part.rows).astype(np.float64)
            values = special.softmax(values, axis=1) if self.logits else values
            return leep(values / values.sum(axis=1, keepdims=True), part.targets)
        if name == "h-score":
            return regularised_h_score(features, part.targets)
        if name == "nleep":
            return nleep(features, part.targets, rng=rng)
        return logme(features, part.targets)


def _examples(part: Part, spec: WorkSpec, works: Works) -> Examples:
    return Examples(feature_rows(_stored(works, spec), part.rows), part.targets)


def _stored(works: Works, spec: WorkSpec) -> Any:
    work = works.get(spec)
    if work is None:
        raise StoreError("Features are not in the store.", "Run the study again.")
    return work
