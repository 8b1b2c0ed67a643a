"""Training runs as work: trials of rate and decay, and the final run with the pair that was chosen."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy.typing as npt

from freshset.core.errors import DataError, StoreError
from freshset.engine.loader import workers_for
from freshset.engine.works import Made
from freshset.models.base import ModelInfo
from freshset.models.registry import train
from freshset.models.training.data import TrainingData
from freshset.models.training.outcome import Trained
from freshset.models.training.recipe import Recipe
from freshset.store.works import Claim, Works, WorkSpec
from freshset.transfer.cells.cell import Cell, Context, learned_from
from freshset.transfer.cells.judging import answers, judge
from freshset.transfer.datasets.base import OpenDataset, Part
from freshset.transfer.probe.scores import Metric
from freshset.transfer.protocol import Training
from freshset.transfer.recipes import final_recipe
from freshset.transfer.stopping import Stop, rule

TRIAL, FINAL = "trial", "final"


@dataclass(frozen=True, slots=True)
class Trial:
    """One rate and decay on the training part, judged on the validation part.

    A run that diverges or is given up has no score: that is a result too, and is never chosen.

    Attributes
    ----------
    stopping
        Rule by which it may be given up; see `freshset.transfer.stopping`.
    others
        Trials of the cell that come before it; what is stored of them is what the rule knows.
    """

    cell: Cell
    recipe: Recipe
    spec: WorkSpec
    stopping: str = "none"
    others: tuple[WorkSpec, ...] = ()

    @property
    def title(self) -> str:
        """In words."""
        return f"{self.cell.title}: rate {self.recipe.rate:.3g}, decay {self.recipe.decay:.3g}"

    @property
    def needs(self) -> tuple[WorkSpec, ...]:
        """No other work."""
        return ()

    @property
    def shard(self) -> str:
        """That of its cell."""
        return self.cell.shard

    @property
    def images(self) -> int:
        """Images that are trained on."""
        return self.recipe.steps * self.recipe.batch

    def perform(self, claim: Claim, works: Works, context: Context) -> Made:
        """Train and judge."""
        opened = context.dataset(self.cell)
        part = learned_from(opened, self.cell, final=False)
        data = _data(opened, part, {TRIAL: opened.validation})
        trained = _train(self.cell, self.recipe, claim, context, data, self._stop(works))
        document = {"score": _score(trained, TRIAL), "trained": _plain(trained)}
        return Made(document)

    def _stop(self, works: Works) -> Stop | None:
        if self.stopping == "none":
            return None
        done = (works.get(spec) for spec in self.others)
        curves = [_curve(work.document) for work in done if work is not None]
        return rule(self.stopping)([curve for curve in curves if curve])


@dataclass(frozen=True, slots=True)
class Final:
    """The pair that did best on the validation part, once more on all that is labelled; then the test.

    Attributes
    ----------
    trials
        In the order of the grid; empty where there is one pair, which needs no choice.
    training
        Part of the protocol.
    only
        The recipe where there is one pair.
    embedded
        Test images whose penultimate features are kept; 0 for none.
    """

    cell: Cell
    trials: tuple[Trial, ...]
    training: Training
    only: Recipe
    spec: WorkSpec
    embedded: int = 0

    @property
    def title(self) -> str:
        """In words."""
        return self.cell.title

    @property
    def needs(self) -> tuple[WorkSpec, ...]:
        """All trials."""
        return tuple(trial.spec for trial in self.trials)

    @property
    def shard(self) -> str:
        """That of its cell."""
        return self.cell.shard

    @property
    def images(self) -> int:
        """Images that are trained on."""
        return self.only.steps * self.only.batch

    def perform(self, claim: Claim, works: Works, context: Context) -> Made:
        """Choose, train and judge.

        Raises
        ------
        DataError
            When all trials diverged, or this run does.
        """
        opened = context.dataset(self.cell)
        chosen, tried = self.choice(works)
        part = learned_from(opened, self.cell, final=self.training.refit)
        recipe = final_recipe(self.training, chosen, len(part))
        data = _data(opened, part, {FINAL: opened.test}, self.embedded)
        trained = _train(self.cell, recipe, claim, context, data)
        if trained.diverged is not None:
            raise DataError(
                f"The final run diverged at step {trained.diverged:,} (rate {recipe.rate:.3g}).",
                "Use smaller rates, or a warm-up.",
            )
        logits = trained.logits[FINAL]
        document = {
            "score": judge(opened.test, opened.declared.metric, logits),
            "validation": tried.get("score"),
            "chosen": {"rate": recipe.rate, "decay": recipe.decay},
            "recipe": recipe.to_dict(),
            "trained": _plain(trained),
            "warnings": [*self._remarks(works, chosen), *_memory(trained, recipe, context)],
        }
        arrays = {"predictions": answers(opened.test, logits)}
        if trained.features is not None:
            arrays["embedding"] = trained.features
        return Made(document, arrays)

    def choice(self, works: Works) -> tuple[Recipe, Mapping[str, Any]]:
        """Return the recipe of the best trial and what is stored of it; of equal ones the first."""
        if not self.trials:
            return self.only, {}
        best: tuple[Recipe, Mapping[str, Any]] | None = None
        for trial in self.trials:
            work = works.get(trial.spec)
            if work is None:
                raise StoreError(f"{trial.title}: is not in the store.", "Run it again.")
            score = work.document["score"]
            if score is not None and (best is None or score > best[1]["score"]):
                best = trial.recipe, work.document
        if best is None:
            raise DataError(
                f"All {len(self.trials)} trials diverged.", "Use smaller rates, or a warm-up."
            )
        return best

    def _remarks(self, works: Works, chosen: Recipe) -> list[str]:
        """Say what a reader of the result should know of the choice."""
        found: list[str] = []
        rates = sorted({trial.recipe.rate for trial in self.trials})
        if len(rates) > 2 and chosen.rate in {rates[0], rates[-1]}:
            which = "smallest" if chosen.rate == rates[0] else "largest"
            found.append(f"The chosen rate is the {which} of the grid.")
        done = (works.get(trial.spec) for trial in self.trials)
        stopped = sum(
            work is not None and work.document["trained"]["stopped"] is not None for work in done
        )
        if stopped:
            text = f"{stopped} of {len(self.trials)} trials were given up early"
            found.append(f"{text} (rule {self.training.stopping!r}).")
        return found


def network(info: ModelInfo) -> dict[str, str]:
    """What of a model can change a training run.

    The weights count for random starts too, which read none: for some adapters only their digest says
    which network it is, as it covers configuration and code.
    """
    return {
        "adapter": info.adapter,
        "reference": str(info.reference),
        "weights": info.weights,
        "preprocessing": info.preprocessing.key,
    }


def _data(
    opened: OpenDataset, part: Part, judged: Mapping[str, Part], embedded: int = 0
) -> TrainingData:
    """What a run learns from, and the one part that it is judged on."""
    (name,) = judged
    count = min(embedded, len(judged[name]))
    return TrainingData(
        part,
        opened.n_classes,
        judged,
        partial(_judge, judged, opened.declared.metric),
        (name, count) if count else None,
    )


def _train(
    cell: Cell,
    recipe: Recipe,
    claim: Claim,
    context: Context,
    data: TrainingData,
    stop: Stop | None = None,
) -> Trained:
    execution, reader = context.execution, context.dataset(cell).train.reader
    workers = workers_for(reader, execution.workers, len(data.train.rows))
    return train(
        context.models[cell.model],
        context.runtime,
        recipe,
        replace(execution, workers=workers),
        data,
        claim.folder,
        stop,
    )


def _judge(parts: Mapping[str, Part], metric: Metric, name: str, logits: npt.NDArray[Any]) -> float:
    return judge(parts[name], metric, logits)


def _score(trained: Trained, name: str) -> float | None:
    done = trained.diverged is None and trained.stopped is None
    return trained.curve[-1].scores[name] if done else None


def _curve(document: Mapping[str, Any]) -> dict[int, float]:
    """Scores of a trial that was not given up and did not diverge, by step."""
    if document["score"] is None:
        return {}
    return {one["step"]: one["scores"][TRIAL] for one in document["trained"]["curve"]}


def _plain(trained: Trained) -> dict[str, Any]:
    """As JSON has it: a loss that is not finite is none."""
    found = trained.to_dict()
    for point in found["curve"]:
        point["loss"] = point["loss"] if math.isfinite(point["loss"]) else None
    return found


def _memory(trained: Trained, recipe: Recipe, context: Context) -> list[str]:
    """Say that memory ran out, and what was done about it."""
    asked = min(context.execution.micro_batch or recipe.batch, recipe.batch)
    if trained.micro_batch >= asked:
        return []
    return [
        f"Memory held {trained.micro_batch:,} images of a step at a time; gradients were added up."
    ]
