"""Plan and run a transfer study: features first, then probes, trials and final runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from freshset.core.config import RunSettings
from freshset.core.errors import FreshsetError, UsageError
from freshset.engine.execute import backend_for
from freshset.engine.plan import describe_models
from freshset.engine.progress import WorkProgress
from freshset.engine.wanted import Wanted
from freshset.engine.works import Place, PlannedWork, WorkReport, in_shard, plan_works, run_works
from freshset.engine.writing import writing
from freshset.models.base import ModelInfo
from freshset.store.parquet import make_store
from freshset.store.works import WorkFailure, Works
from freshset.transfer.cells.cell import Cell, Context
from freshset.transfer.cells.listing import Item, Listed, list_work
from freshset.transfer.datasets.base import OpenDataset, TransferDataset
from freshset.transfer.datasets.opening import open_dataset, with_seed
from freshset.transfer.features.extract import FeatureReport, extract
from freshset.transfer.features.own import OwnFeatures
from freshset.transfer.features.wanted import WantedFeatures, fetched
from freshset.transfer.results import Regime
from freshset.transfer.study import TransferStudy

Stage = Regime | None
"""A regime, or all of them."""


@dataclass(frozen=True, slots=True)
class TransferPlan:
    """A study whose data sets are open and whose models are described.

    Attributes
    ----------
    study, store
        What is planned, and the folder of the store.
    wanted
        Models and settings.
    infos, errors
        What is known of each model, or why nothing is, by name.
    datasets
        By id and seed.
    listed
        All work.
    """

    study: TransferStudy
    store: Path
    wanted: Wanted
    infos: Mapping[str, ModelInfo]
    errors: Mapping[str, Exception]
    datasets: Mapping[tuple[str, int], OpenDataset]
    listed: Listed

    @property
    def settings(self) -> RunSettings:
        """How it is run."""
        return self.wanted.settings

    @property
    def works(self) -> Works:
        """The work that the store holds."""
        return Works(self.store)

    def features(self, stage: Stage = None) -> list[WantedFeatures]:
        """Features that a stage needs in the wanted shard."""
        if stage not in {None, "features"}:
            return []
        found = self.listed.features
        return [one.wanted for one in found if in_shard(one, self.settings.shard)]

    def items(self, stage: Stage = None) -> list[Item]:
        """Return the other work of a stage, in all shards."""
        return [item for item in self.listed.items if stage in {None, regime_of(item)}]

    def planned(self, stage: Stage = None) -> tuple[PlannedWork[Context], ...]:
        """The other work of a stage with its state in the store."""
        return plan_works(self.items(stage), self.works)


def regime_of(item: Item) -> Regime:
    """The regime that work is for."""
    return "features" if isinstance(item, OwnFeatures) else item.cell.regime


def make_transfer_plan(
    study: TransferStudy,
    overrides: Mapping[str, object] | None = None,
    *,
    store: Path | None = None,
    looking: Callable[[str], None] = lambda _: None,
) -> TransferPlan:
    """Open the data sets of a study, describe its models, and list the work.

    Parameters
    ----------
    overrides
        Settings that win over those of the file.
    store
        In place of the store that the study names.
    looking
        Is told the id of each data set before it is opened.

    Raises
    ------
    UsageError, DataError
        When data sets cannot be opened or are not what they should be; one message for all of them.
    """
    wanted = study.wanted(overrides)
    if wanted.settings.limit:
        raise UsageError(
            "A transfer study has no limit of items.", "Use a folder with fewer images as a trial."
        )
    datasets = _opened(study, wanted.settings, looking)
    infos, errors = describe_models(wanted)
    listed = list_work(study, infos, errors, datasets, wanted.runtime)
    return TransferPlan(study, store or study.store, wanted, infos, errors, datasets, listed)


def _opened(
    study: TransferStudy, settings: RunSettings, looking: Callable[[str], None]
) -> dict[tuple[str, int], OpenDataset]:
    """Open all data sets, with all seeds."""
    found: dict[tuple[str, int], OpenDataset] = {}
    errors: list[FreshsetError] = []
    for declared in study.datasets:
        looking(declared.id)
        there = _online(declared, offline=settings.offline)
        try:
            opened = open_dataset(there, study.protocol.splitting, study.seeds[0])
            found[declared.id, study.seeds[0]] = opened
            for seed in study.seeds[1:]:
                found[declared.id, seed] = with_seed(opened, study.protocol.splitting, seed)
        except FreshsetError as error:
            errors.append(error)
    if len(errors) == 1:
        raise errors[0]
    if errors:
        lines = "".join(f"\n  - {error}" for error in errors)
        raise UsageError(f"{len(errors)} data sets cannot be used:{lines}")
    return found


def _online(declared: TransferDataset, *, offline: bool) -> TransferDataset:
    validation = declared.validation
    return replace(
        declared,
        train=replace(declared.train, offline=offline),
        test=replace(declared.test, offline=offline),
        validation=None if validation is None else replace(validation, offline=offline),
    )


@dataclass(slots=True)
class TransferRun:
    """What a run did.

    Attributes
    ----------
    plan
        What was wanted, with models as they turned out to be when they were fetched.
    features, works
        What became of features, and of all other work.
    impossible
        Cells of the wanted stage that can never be made, with the reason.
    """

    plan: TransferPlan
    features: FeatureReport
    works: WorkReport[Context]
    impossible: Mapping[Cell, FreshsetError] = field(default_factory=dict)

    @property
    def failures(self) -> list[WorkFailure]:
        """All that failed."""
        return [*self.features.failures, *self.works.failures]

    @property
    def complete(self) -> bool:
        """Whether everything that was wanted is in the store now."""
        return self.features.complete and self.works.complete and not self.impossible


def run_transfer(
    plan: TransferPlan,
    *,
    stage: Stage = None,
    features_only: bool = False,
    progress: WorkProgress | None = None,
) -> TransferRun:
    """Do what the store lacks, where the settings say.

    Running again resumes: features go on at the last recorded rows, training runs at their last
    checkpoints.

    Parameters
    ----------
    stage
        One regime; all by default.
    features_only
        Whether only features are taken.

    Raises
    ------
    StoreError
        When the store cannot be written to; what was stored before stays as it is.
    UsageError
        For a backend that is not there.
    """
    with writing(plan.store):
        make_store(plan.store)
    plan = _fetched(plan)
    settings = plan.settings
    backend = backend_for(settings)
    try:
        report = extract(plan.features(stage), plan.store, backend, settings, progress)
        works: WorkReport[Context] = WorkReport()
        if not features_only:
            place = Place(plan.store, backend, context_of(plan), settings.shard)
            works = run_works(plan.items(stage), place, progress)
    finally:
        backend.close()
    impossible = {
        cell: error
        for cell, error in plan.listed.impossible.items()
        if stage in {None, cell.regime} and in_shard(cell, settings.shard)
    }
    return TransferRun(plan, report, works, impossible)


def context_of(plan: TransferPlan) -> Context:
    """What the work of a plan shares."""
    settings = plan.settings
    workers = settings.workers
    # On Ray each process has its own cores, and reads in them.
    alone = settings.backend == "ray" and workers < 0
    execution = replace(
        plan.study.training, workers=0 if alone else workers, memory=settings.memory
    )
    models = {model.title: model.ref for model in plan.wanted.models}
    return Context(plan.datasets, models, plan.wanted.runtime, execution)


def _fetched(plan: TransferPlan) -> TransferPlan:
    """Fetch the weights that are not here, and list again: only the weights say what the work is."""
    absent = [name for name, info in plan.infos.items() if info.download]
    if not absent:
        return plan
    infos, errors = dict(plan.infos), dict(plan.errors)
    for name in _needed(absent, plan.listed.impossible):
        try:
            infos[name] = fetched(infos[name], plan.wanted.runtime)
        except Exception as error:  # one model that cannot be fetched must not stop the others
            infos.pop(name)
            errors[name] = error
    listed = list_work(plan.study, infos, errors, plan.datasets, plan.wanted.runtime)
    return replace(plan, infos=infos, errors=errors, listed=listed)


def _needed(absent: Sequence[str], cells: Iterable[Cell]) -> list[str]:
    """Models of which some cell waits for the weights."""
    waiting = {cell.model for cell in cells}
    return [name for name in absent if name in waiting]
