"""All work that a transfer study asks for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import Any

from freshset.core.errors import FreshsetError, UsageError
from freshset.datasets.base import Reader
from freshset.engine.pairing import suitable, unsuitable
from freshset.models.base import OUTPUTS, ModelInfo, Runtime
from freshset.models.training.recipe import Recipe
from freshset.store.works import WorkSpec
from freshset.transfer.cells.cell import Cell, learned_from
from freshset.transfer.cells.probing import (
    PROBE,
    SCORES,
    Features,
    ProbeItem,
    ScoresItem,
)
from freshset.transfer.cells.training import FINAL, TRIAL, Final, Trial, network
from freshset.transfer.datasets.base import OpenDataset, Part
from freshset.transfer.features.own import OwnFeatures
from freshset.transfer.features.wanted import WantedFeatures
from freshset.transfer.protocol import Features as FeatureProtocol
from freshset.transfer.protocol import Training
from freshset.transfer.recipes import STARTS, final_recipe, trial_recipes
from freshset.transfer.stopping import rule
from freshset.transfer.study import OwnFiles, TransferStudy

Item = OwnFeatures | ProbeItem | ScoresItem | Trial | Final


@dataclass(frozen=True, slots=True)
class Needed:
    """Features, and the shard that they belong to."""

    wanted: WantedFeatures
    shard: str


@dataclass(frozen=True, slots=True)
class Listed:
    """What a study asks for.

    Attributes
    ----------
    features
        Features that probes need, each once.
    items
        All other work.  The last item of each cell, in `cells`, holds its result.
    cells
        From each cell to the item that holds its result.
    scores
        From model and data set to the item with the scores of transferability.
    impossible
        Why cells can never be made, such as those of a model that does not exist.
    """

    features: tuple[Needed, ...]
    items: tuple[Item, ...]
    cells: Mapping[Cell, ProbeItem | Final]
    scores: Mapping[tuple[str, str], ScoresItem]
    impossible: Mapping[Cell, FreshsetError]


def cells_of(study: TransferStudy) -> Iterator[Cell]:
    """All cells of a study, those of its extra figures after the others."""
    pairs = [(model.title, dataset.id) for dataset in study.datasets for model in study.models]
    for model, dataset in pairs:
        for regime in study.regimes:
            for seed in study.seeds:
                yield Cell(model, dataset, regime, seed)
    if "features" in study.regimes:
        for (model, dataset), seed in product(study.own, study.seeds):
            yield Cell(model, dataset, "features", seed)
    for model, dataset in pairs:
        yield from _lengths(study, model, dataset)
        yield from _subsets(study, model, dataset)


def _lengths(study: TransferStudy, model: str, dataset: str) -> Iterator[Cell]:
    if not study.convergence.has(model, dataset):
        return
    for regime in study.regimes:
        for steps in study.convergence.values if regime != "features" else ():
            yield Cell(model, dataset, regime, study.seeds[0], steps)


def _subsets(study: TransferStudy, model: str, dataset: str) -> Iterator[Cell]:
    extra = study.subsets
    if not extra.has(model, dataset):
        return
    for regime, n, draw in product(study.regimes, extra.values, range(extra.draws)):
        yield Cell(model, dataset, regime, study.seeds[0], 0, (n, draw))


def list_work(
    study: TransferStudy,
    infos: Mapping[str, ModelInfo],
    errors: Mapping[str, Exception],
    datasets: Mapping[tuple[str, int], OpenDataset],
    runtime: Runtime,
) -> Listed:
    """List the work of a study whose data sets are open and whose models are described.

    Parameters
    ----------
    infos, errors
        What is known of each model, or why nothing is, by name.
    datasets
        By id and seed.
    """
    lister = _Lister(study, infos, errors, datasets, runtime)
    for cell in cells_of(study):
        lister.add(cell)
    return lister.listed()


@dataclass(slots=True)
class _Lister:
    study: TransferStudy
    infos: Mapping[str, ModelInfo]
    errors: Mapping[str, Exception]
    datasets: Mapping[tuple[str, int], OpenDataset]
    runtime: Runtime
    _features: dict[str, Needed] = field(default_factory=dict)
    _items: list[Item] = field(default_factory=list)
    _cells: dict[Cell, ProbeItem | Final] = field(default_factory=dict)
    _scores: dict[tuple[str, str], ScoresItem] = field(default_factory=dict)
    _impossible: dict[Cell, FreshsetError] = field(default_factory=dict)
    _prints: dict[tuple[Any, ...], tuple[str, int]] = field(default_factory=dict)
    _files: dict[tuple[str, str, Path], OwnFeatures] = field(default_factory=dict)

    def listed(self) -> Listed:
        return Listed(
            tuple(self._features.values()),
            tuple(self._items),
            self._cells,
            self._scores,
            self._impossible,
        )

    def add(self, cell: Cell) -> None:
        """Add the work of one cell, or why there can be none."""
        try:
            self._check(cell)
            if cell.regime == "features":
                self._cells[cell] = self._probe(cell)
            else:
                self._cells[cell] = self._trained(cell)
        except FreshsetError as error:
            self._impossible[cell] = error

    def _check(self, cell: Cell) -> None:
        error = self.errors.get(cell.model)
        if isinstance(error, FreshsetError):
            raise error
        if error is not None:
            raise UsageError(f"{type(error).__name__}: {error}".rstrip(": "))
        opened = self._opened(cell)
        info = None if self._own(cell) else self.infos[cell.model]
        if info is not None and not suitable(info, opened.test.reader):
            raise unsuitable(cell.model, info, opened.test.reader)
        n = len(opened.train)
        if cell.subset[0] > n:
            raise UsageError(f"{cell.dataset} has only {n:,} training images.", "Name fewer.")

    def _opened(self, cell: Cell) -> OpenDataset:
        return self.datasets[cell.dataset, cell.seed]

    def _own(self, cell: Cell) -> OwnFiles | None:
        """Files of features that the user brings, where it is they that count."""
        return self.study.own.get((cell.model, cell.dataset))

    def _probe(self, cell: Cell) -> ProbeItem:
        features, protocol = self._features_of(cell), self.study.protocol.probe
        parts = (features.train, features.validation, features.test)
        inputs = {
            "features": [spec.identity for spec in parts],
            "data": self._data(cell, final=False),
            "protocol": _plain(protocol),
            "refit": protocol.refit and not cell.subset[0],
        }
        item = ProbeItem(cell, features, protocol, WorkSpec.of(PROBE, **inputs))
        self._items.append(item)
        pair = (cell.model, cell.dataset)
        if pair not in self._scores and not cell.subset[0] and self.study.scores:
            self._scores[pair] = self._scored(cell, features)
            self._items.append(self._scores[pair])
        return item

    def _features_of(self, cell: Cell) -> Features:
        """Name the features of a cell's parts, and have them taken or read."""
        opened, own = self._opened(cell), self._own(cell)
        readers = {n: getattr(opened, n).reader for n in ("train", "validation", "test")}
        if own is None:
            asked = self.study.protocol.features
            return Features(**{n: self._wanted(cell, r, asked) for n, r in readers.items()})
        return Features(**{n: self._read(cell, r, getattr(own, n)) for n, r in readers.items()})

    def _wanted(self, cell: Cell, reader: Reader, asked: FeatureProtocol) -> WorkSpec:
        info = self.infos[cell.model]
        found = WantedFeatures.of(cell.model, info, reader, asked, self.runtime)
        self._features.setdefault(found.spec.identity, Needed(found, cell.shard))
        return found.spec

    def _read(self, cell: Cell, reader: Reader, path: Path) -> WorkSpec:
        testset = reader.testset
        key = (cell.model, testset.id, path)
        if key not in self._files:
            self._files[key] = OwnFeatures.of(cell.model, testset, path, cell.shard)
            self._items.append(self._files[key])
        return self._files[key].spec

    def _scored(self, cell: Cell, features: Features) -> ScoresItem:
        """The scores of a model; LEEP is one of models that say how likely their own classes are."""
        info = None if self._own(cell) else self.infos[cell.model]
        leep = info is not None and info.outputs in {"logits", "probabilities"}
        names = tuple(name for name in self.study.scores if name != "leep" or leep)
        answers = None
        if "leep" in names:
            asked = replace(self.study.protocol.features, layer=OUTPUTS, storage="float32")
            answers = self._wanted(cell, self._opened(cell).train.reader, asked)
        inputs = {
            "features": features.train.identity,
            "train": self._print(cell, "train")[0],
            "scores": names,
            "answers": None if answers is None else answers.identity,
        }
        logits = info is not None and info.outputs == "logits"
        return ScoresItem(cell, features, names, answers, logits, WorkSpec.of(SCORES, **inputs))

    def _trained(self, cell: Cell) -> Final:
        info, start = self.infos[cell.model], STARTS[cell.regime]
        learned, n = self._print(cell, "learned")
        training = self._training(cell, n)
        refit, n_final = self._print(cell, "final") if training.refit else (learned, n)
        steps = cell.steps or training.steps_for(n_final)
        recipes = trial_recipes(training, start, n, cell.seed, steps)
        if info.download:
            raise UsageError(f"{cell.model}: its weights are not here.", "Fetch them first.")
        shared: dict[str, Any] = {
            "network": network(info),
            "metric": self._opened(cell).declared.metric,
            "classes": self._opened(cell).n_classes,
        }
        if training.stopping != "none":
            shared |= {"stopping": training.stopping}
            rule(training.stopping)  # is it installed?
        trials = self._trials(cell, recipes, shared, training.stopping)
        embedded = self._embedded(cell)
        inputs = {
            **shared,
            "train": refit,
            "test": self._print(cell, "test")[0],
            "trials": [trial.spec.identity for trial in trials],
            # Rate and decay are those of a trial; all else of the final run is here.
            "recipe": final_recipe(training, recipes[0], n_final).to_dict(),
            "embedded": embedded,
        }
        final = Final(cell, trials, training, recipes[0], WorkSpec.of(FINAL, **inputs), embedded)
        self._items.extend((*trials, final))
        return final

    def _trials(
        self, cell: Cell, recipes: Sequence[Recipe], shared: Mapping[str, Any], stopping: str
    ) -> tuple[Trial, ...]:
        """One trial for each recipe; none where there is nothing to choose."""
        if len(recipes) == 1:
            return ()
        parts = {
            "train": self._print(cell, "learned")[0],
            "validation": self._print(cell, "validation")[0],
        }
        specs = [
            WorkSpec.of(TRIAL, **shared, **parts, recipe=recipe.to_dict()) for recipe in recipes
        ]
        return tuple(
            Trial(cell, recipe, spec, stopping, tuple(specs[:i]) if stopping != "none" else ())
            for i, (recipe, spec) in enumerate(zip(recipes, specs, strict=True))
        )

    def _training(self, cell: Cell, n: int) -> Training:
        protocol = self.study.protocol
        whole = protocol.finetune if cell.regime == "finetune" else protocol.scratch
        if cell.subset[0]:
            return protocol.subsets.training(whole, n)
        # A length of its own is measured at its end.
        return replace(whole, measure_every=0) if cell.steps else whole

    def _embedded(self, cell: Cell) -> int:
        main = cell.seed == self.study.seeds[0] and not cell.steps and not cell.subset[0]
        wanted = main and cell.regime == "finetune"
        extra = self.study.embeddings
        return extra.values[0] if wanted and extra.has(cell.model, cell.dataset) else 0

    def _data(self, cell: Cell, *, final: bool) -> dict[str, str]:
        names = {"train": "final" if final else "learned", "validation": "validation"}
        return {n: self._print(cell, key)[0] for n, key in {**names, "test": "test"}.items()}

    def _print(self, cell: Cell, which: str) -> tuple[str, int]:
        """Fingerprint and size of a part; made once for all models and regimes."""
        key = (cell.dataset, cell.seed, cell.subset, which)
        if key not in self._prints:
            part = self._part(cell, which)
            self._prints[key] = part.fingerprint, len(part)
        return self._prints[key]

    def _part(self, cell: Cell, which: str) -> Part:
        opened = self._opened(cell)
        if which in {"learned", "final"}:
            return learned_from(opened, cell, final=which == "final")
        parts = {"train": opened.train, "validation": opened.validation, "test": opened.test}
        return parts[which]


def _plain(protocol: Any) -> dict[str, Any]:
    """The fields of a part of the protocol that are inputs of a probe."""
    return {
        "penalties": list(protocol.penalties),
        "tolerance": protocol.tolerance,
        "refit_tolerance": protocol.refit_tolerance,
    }
