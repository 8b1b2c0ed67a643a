"""What a store holds of a transfer study, as the input of its statistics, tables and figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from freshset.core.errors import DataError
from freshset.store.parquet import ParquetStore
from freshset.store.works import Work
from freshset.transfer.cells.cell import Cell
from freshset.transfer.cells.listing import cells_of
from freshset.transfer.cells.probing import ProbeItem
from freshset.transfer.cells.training import Final
from freshset.transfer.datasets.base import OpenDataset
from freshset.transfer.features.wanted import feature_rows
from freshset.transfer.results import (
    UNNAMED,
    Embedding,
    LengthResult,
    Missing,
    Result,
    SourceModel,
    SubsetResult,
    TargetSet,
    TransferResults,
)
from freshset.transfer.running import TransferPlan
from freshset.transfer.study import TransferStudy


def results_of(plan: TransferPlan) -> TransferResults:
    """Read what the store holds; cells that are not there are listed with the reason.

    Raises
    ------
    StoreError
        For results that are damaged.
    DataError
        When the store has nothing of a model on the source benchmark's test set.
    """
    return _Gatherer(plan).results()


class _Gatherer:
    def __init__(self, plan: TransferPlan) -> None:
        self._plan = plan
        self._study = plan.study
        self._works = plan.works
        self._states = {one.item.spec.identity: one for one in plan.planned()}
        self._results: list[Result] = []
        self._missing: list[Missing] = []
        self._lengths: list[LengthResult] = []
        self._subsets: list[SubsetResult] = []
        self._embeddings: list[Embedding] = []

    def results(self) -> TransferResults:
        study = self._study
        for cell in cells_of(study):
            self._add(cell)
        return TransferResults(
            title=study.title,
            source=study.source.name or UNNAMED,
            models=source_models(study, self._plan.store),
            datasets=tuple(self._target(id) for id in dict.fromkeys(d.id for d in study.datasets)),
            results=tuple(self._results),
            missing=tuple(self._missing),
            scores=self._scores(),
            lengths=tuple(self._lengths),
            subsets=tuple(self._subsets),
            embeddings=tuple(self._embeddings),
            protocol=study.protocol.to_dict(),
            simulated=study.simulated,
        )

    def _add(self, cell: Cell) -> None:
        item = self._plan.listed.cells.get(cell)
        work = None if item is None else self._works.get(item.spec)
        main = not cell.steps and not cell.subset[0]
        if item is None or work is None:
            if main:
                reason = self._reason(cell, item)
                self._missing.append(
                    Missing(cell.model, cell.dataset, cell.regime, cell.seed, reason)
                )
            return
        score = work.document["score"]
        key = (cell.model, cell.dataset, cell.regime)
        if cell.steps:
            self._lengths.append(LengthResult(*key, cell.steps, cell.seed, score))
        elif cell.subset[0]:
            self._subsets.append(SubsetResult(*key, *cell.subset, score))
        else:
            self._results.append(self._result(cell, item, work))
            self._embeddings.extend(self._embedded(cell, item, work))

    def _reason(self, cell: Cell, item: ProbeItem | Final | None) -> str:
        if item is None:
            error = self._plan.listed.impossible[cell]
            return f"{error.message} {error.hint}".strip()
        planned = self._states[item.spec.identity]
        for need in item.needs:
            failure = self._works.failure(need)
            if failure is not None:
                return f"Needs {failure.title}, which failed: {failure.error}"
        return planned.reason or "It was not run."

    def _result(self, cell: Cell, item: ProbeItem | Final, work: Work) -> Result:
        document = work.document
        trained = document.get("trained")
        return Result(
            model=cell.model,
            dataset=cell.dataset,
            regime=cell.regime,
            seed=cell.seed,
            score=document["score"],
            predictions=np.array(work.array("predictions")),
            chosen=document["chosen"],
            validation=document["validation"],
            curve=() if trained is None else _curve(trained),
            steps=item.only.steps if isinstance(item, Final) else 0,
            cost=self._cost(item, document),
            warnings=tuple(document["warnings"]),
        )

    def _cost(self, item: ProbeItem | Final, document: Mapping[str, Any]) -> dict[str, float]:
        """Of the work itself and of all that it needs."""
        needed = (self._works.get(need) for need in item.needs)
        spent = [_spent(document), *(_spent(work.document) for work in needed if work is not None)]
        seconds, images = (float(sum(column)) for column in zip(*spent, strict=True))
        return {"seconds": seconds, "images": images}

    def _embedded(self, cell: Cell, item: ProbeItem | Final, work: Work) -> Iterator[Embedding]:
        if not isinstance(item, Final) or not item.embedded:
            return
        test = self._opened(cell.dataset).test
        n = min(item.embedded, len(test))
        if test.targets.ndim > 1:
            return  # an image of several classes has no one colour
        labels = test.targets[:n].astype(np.int64)
        before = self._plan.listed.cells.get(replace(cell, regime="features"))
        stored = self._works.get(before.features.test) if isinstance(before, ProbeItem) else None
        if stored is not None:
            features = feature_rows(stored, test.rows[:n])
            yield Embedding(cell.model, cell.dataset, "before", features, labels)
        after = np.array(work.array("embedding"))
        yield Embedding(cell.model, cell.dataset, "after", after, labels)

    def _scores(self) -> dict[tuple[str, str], dict[str, float]]:
        found: dict[tuple[str, str], dict[str, float]] = {}
        for pair, item in self._plan.listed.scores.items():
            work = self._works.get(item.spec)
            if work is not None:
                found[pair] = dict(work.document["scores"])
        return found

    def _opened(self, id: str) -> OpenDataset:
        return self._plan.datasets[id, self._study.seeds[0]]

    def _target(self, id: str) -> TargetSet:
        opened = self._opened(id)
        declared, test = opened.declared, opened.test
        return TargetSet(
            id,
            declared.title,
            declared.metric,
            len(opened.train) + len(opened.validation),
            test.targets,
            opened.class_names,
            test.ignored,
            "; ".join(filter(None, (declared.note, *opened.notes))),
        )


def _spent(document: Mapping[str, Any]) -> tuple[float, float]:
    """Seconds, and images that went through a network, of a training run, features, or a probe."""
    found = document.get("trained", document)
    return found["seconds"], found.get("images", found.get("rows", 0))


def _curve(trained: Mapping[str, Any]) -> tuple[tuple[int, float], ...]:
    return tuple((one["step"], next(iter(one["scores"].values()))) for one in trained["curve"])


def source_models(study: TransferStudy, store: Any) -> tuple[SourceModel, ...]:
    """The models of a study with their accuracies on the source benchmark.

    Raises
    ------
    DataError
        When the study names a test set of which the store has nothing.
    """
    testset = study.source.testset
    if not testset:
        return study.known
    found = {cell.spec.model: cell for cell in ParquetStore(store).cells(testset)}
    if not found:
        raise DataError(
            f"The store has no results on {testset!r}, the source benchmark.",
            "Run the models on it with 'freshset run', or give each model's accuracy.",
        )
    return tuple(
        replace(known, accuracy=cell.correct["top1"] / cell.n, n=cell.n)
        if (cell := found.get(known.name)) is not None and "top1" in cell.correct
        else known
        for known in study.known
    )
