"""Pick a backbone: a linear probe of each model's features, judged on images that nothing learned from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from freshset.core.errors import FreshsetError, UsageError
from freshset.engine.progress import WorkProgress
from freshset.engine.wanted import WantedModel
from freshset.stats.intervals import wilson
from freshset.stats.tie_groups import groups_of_answers
from freshset.stats.types import BoolArray
from freshset.store.works import Work, Works, WorkSpec
from freshset.transfer.cells.cell import Cell
from freshset.transfer.cells.listing import list_work
from freshset.transfer.datasets.base import Division, TransferDataset
from freshset.transfer.features.wanted import fetched
from freshset.transfer.picking.clock import Clock, seconds_for
from freshset.transfer.picking.picked import Candidate, Picked, Untried
from freshset.transfer.protocol import Budget, Protocol
from freshset.transfer.results import SourceModel
from freshset.transfer.running import TransferPlan, make_transfer_plan, run_transfer
from freshset.transfer.study import Source, TransferStudy

# Budgets whose price is told.
_BUDGETS: tuple[Budget, ...] = ("hyperrule", "lite")
# A step forward and back takes about three passes forward.
_PASSES = 3


@dataclass(frozen=True, slots=True)
class PickSettings:
    """How the answer is found.

    Attributes
    ----------
    seconds
        Time that may be spent; a model is only begun when it fits into what is left.
    top
        Models whose fine-tuning is priced.
    share
        Of the training images that models are judged by, where the folder has no validation images.
    seed
        Of what is held out.
    level
        Of intervals and groups.
    """

    seconds: float = float("inf")
    top: int = 3
    share: float = 0.2
    seed: int = 0
    level: float = 0.95

    def __post_init__(self) -> None:
        if not self.seconds > 0:
            raise UsageError("The budget must be more than no time.", "Give for example 2h.")
        if self.top < 0 or not 0 < self.share < 1 or not 0 < self.level < 1:
            raise UsageError("top is at least 0; share and level lie between 0 and 1.")


def pick(
    dataset: TransferDataset,
    models: Sequence[WantedModel],
    store: Path,
    settings: PickSettings | None = None,
    *,
    run: Mapping[str, object] | None = None,
    progress: WorkProgress | None = None,
    clock: Clock | None = None,
) -> Picked:
    """Rank models by how well a linear probe of their features does.

    The test set of the data is not opened: whoever chooses by it has nothing left to check the choice.
    Models are judged by the validation set, or by images that are held out of the training set; what
    probes learn from, and choose their penalty by, are other images.

    Parameters
    ----------
    dataset
        Images of one class each.
    models
        In the order in which they are tried.
    store
        Folder that keeps features and probes; what is there already takes no time.
    run
        Settings of the run; see `freshset.core.config.RunSettings`.
    clock
        Counts the time; by default that of the settings from now on.

    Raises
    ------
    UsageError
        For no models, data of several classes an image, or settings that cannot be.
    DataError
        For data that cannot be used.
    """
    settings = settings or PickSettings()
    if not models:
        raise UsageError("No models to pick from.", "Name some with --models.")
    if dataset.metric == "map11":
        raise UsageError(
            f"{dataset.title}: images of several classes.", "Run a transfer study on them instead."
        )
    clock = clock or Clock(settings.seconds)
    plan = make_transfer_plan(_study(dataset, models, store, settings), run)
    picker = _Picker(plan, settings, clock, progress)
    for model in models:
        picker.take(model)
    return picker.picked()


def _study(
    dataset: TransferDataset, models: Sequence[WantedModel], store: Path, settings: PickSettings
) -> TransferStudy:
    """The study that a pick is: fixed features, with what models are judged by as test set."""
    judged = dataset.validation
    held_out = Division(share=settings.share, seed=settings.seed) if judged is None else None
    declared = replace(
        dataset,
        metric="top1",
        test=judged or dataset.train,
        validation=None,
        division=held_out,
        expected={},
    )
    # The weights' own view is what the model will be used with.
    protocol = Protocol.of("lite", {"features": {"view": "weights"}})
    return TransferStudy(
        path=Path.cwd() / "pick",  # relative paths in references start here
        title=dataset.title,
        store=store,
        source=Source(),
        models=tuple(models),
        known=tuple(SourceModel(model.title) for model in models),
        datasets=(declared,),
        regimes=("features",),
        seeds=(settings.seed,),
        protocol=protocol,
        scores=("logme", "nleep", "h-score"),  # LEEP would take one more pass over the images
    )


@dataclass(frozen=True, slots=True)
class _Tried:
    """A model with what the store has of it now."""

    model: str
    right: BoolArray
    probe: Work
    seconds: float  # an image
    scores: Mapping[str, float]


class _Picker:
    """Tries one model after the other."""

    def __init__(
        self,
        plan: TransferPlan,
        settings: PickSettings,
        clock: Clock,
        progress: WorkProgress | None,
    ) -> None:
        self._plan = plan
        self._settings = settings
        self._clock = clock
        self._progress = progress
        self._works = Works(plan.store)
        (self._opened,) = plan.datasets.values()
        self._tried: list[_Tried] = []
        self._untried: list[Untried] = []

    def take(self, model: WantedModel) -> None:
        """Try a model, if there is time for it."""
        try:
            plan = self._only(model)
            reason = self._no_time(plan) or self._run(plan, model.title)
        except FreshsetError as error:
            reason = str(error)
        except Exception as error:  # a model that breaks must not stop the others
            reason = f"{type(error).__name__}: {error}".rstrip(": ")
        if reason:
            self._untried.append(Untried(model.title, reason))

    def _only(self, model: WantedModel) -> TransferPlan:
        """The plan of one model, whose weights are fetched where they are not here."""
        plan, name = self._plan, model.title
        study = replace(plan.study, models=(model,), known=(SourceModel(name),))
        wanted = replace(plan.wanted, models=(model,))
        if name in plan.errors:
            raise plan.errors[name]
        infos = {name: fetched(plan.infos[name], wanted.runtime)}
        listed = list_work(study, infos, {}, plan.datasets, wanted.runtime)
        return replace(plan, study=study, wanted=wanted, infos=infos, errors={}, listed=listed)

    def _no_time(self, plan: TransferPlan) -> str:
        """Why a model is not begun; empty when it is."""
        todo = [one for one in plan.features("features") if not self._works.has(one.spec)]
        if not todo:
            return ""
        left = self._clock.left
        if left <= 0:
            return "No time was left."
        if left == float("inf"):
            return ""
        takes = seconds_for(todo[0], plan.settings, sum(one.images for one in todo))
        left = self._clock.left
        return "" if takes <= left else f"Would take about {takes:,.0f} s; {left:,.0f} s were left."

    def _run(self, plan: TransferPlan, model: str) -> str:
        """Take features and fit the probe; returns why that failed."""
        result = run_transfer(plan, stage="features", progress=self._progress)
        for error in result.impossible.values():
            return str(error)
        for failure in result.failures:
            return f"{failure.error} {failure.hint}".strip()
        if not result.complete:
            return "Another process is at it."
        cell = Cell(model, self._opened.declared.id, "features", self._settings.seed)
        probe = self._stored(result.plan.listed.cells[cell].spec)
        scores = self._stored(result.plan.listed.scores[model, cell.dataset].spec)
        taken = [self._stored(one.spec) for one in result.plan.features("features")]
        rows = sum(work.document["rows"] for work in taken)
        right = np.asarray(probe.array("predictions") == self._opened.test.targets)
        seconds = sum(work.document["seconds"] for work in taken) / rows
        self._tried.append(_Tried(model, right, probe, seconds, scores.document["scores"]))
        return ""

    def _stored(self, spec: WorkSpec) -> Work:
        work = self._works.get(spec)
        if work is None:
            raise RuntimeError(f"{spec.kind} of a complete run are not stored")
        return work

    def picked(self) -> Picked:
        """The answer so far."""
        opened = self._opened
        return Picked(
            dataset=opened.declared.title,
            n_train=len(opened.train) + len(opened.validation),
            n_judged=len(opened.test),
            n_classes=opened.n_classes,
            candidates=self._ranked(),
            untried=tuple(self._untried),
            seconds=self._clock.spent,
            notes=self._notes(),
            level=self._settings.level,
        )

    def _notes(self) -> tuple[str, ...]:
        """What differs from what is expected, and what models were judged by."""
        division = self._opened.declared.division
        if division is None:
            return (
                *self._opened.notes,
                "Judged by the validation images; no test image was opened.",
            )
        kept = tuple(note for note in self._opened.notes if note != division.text)
        share = f"{division.share:.0%} of the training images, drawn with seed {division.seed}"
        return (*kept, f"Judged by {share}; no test image was opened.")

    def _ranked(self) -> tuple[Candidate, ...]:
        if not self._tried:
            return ()
        right = np.stack([one.right for one in self._tried])
        groups = groups_of_answers(right, level=self._settings.level)
        counts = right.sum(axis=1)
        bounds = wilson(counts, right.shape[1], level=self._settings.level)
        order = np.lexsort((-counts, groups))
        return tuple(
            Candidate(
                model=self._tried[i].model,
                accuracy=float(counts[i] / right.shape[1]),
                low=float(bounds.low[i]),
                high=float(bounds.high[i]),
                group=int(groups[i]),
                milliseconds=1000 * self._tried[i].seconds,
                scores=self._tried[i].scores,
                penalty=float(self._tried[i].probe.document["chosen"]["penalty"]),
                finetuning=self._price(self._tried[i]) if place < self._settings.top else {},
                warnings=tuple(self._tried[i].probe.document["warnings"]),
            )
            for place, i in enumerate(order.tolist())
        )

    def _price(self, tried: _Tried) -> dict[str, float]:
        """Seconds that fine-tuning takes, trials included, by budget."""
        n = len(self._opened.train) + len(self._opened.validation)
        found: dict[str, float] = {}
        for budget in _BUDGETS:
            training = Protocol.of(budget).finetune
            runs = len(training.grid) + (len(training.grid) > 1)
            images = runs * training.steps_for(n) * training.batch
            found[budget] = images * tried.seconds * _PASSES
        return found
