"""The training loop: updates, measurements and checkpoints in their order."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from freshset.core.files import canonical_json, sha256_bytes
from freshset.models.base import ModelInfo, Runtime, Trainable
from freshset.models.torch_runtime import device_of, device_versions
from freshset.models.training.checkpoint import Checkpoint, load, save
from freshset.models.training.data import FloatArray, TrainingData
from freshset.models.training.draws import Order
from freshset.models.training.learner import Learner
from freshset.models.training.outcome import Measurement, Trained
from freshset.models.training.preparation import Preparation
from freshset.models.training.recipe import Execution, Recipe
from freshset.models.training.settings import training_settings
from freshset.models.training.supply import Supply

Stop = Callable[[int, float], bool]

# Losses that may wait on a GPU before they are looked at: each look waits for the GPU.
_WAITING = 32


def train(
    trainable: Trainable,
    recipe: Recipe,
    execution: Execution,
    data: TrainingData,
    folder: Path,
    runtime: Runtime,
    stop: Stop | None = None,
) -> Trained:
    """Train a network, from the start or from the last checkpoint.

    On a CPU the same recipe, data, torch and number of threads give the same weights bit for bit,
    whether the process was killed meanwhile or not; on a GPU as far as torch has deterministic
    algorithms.  Generators and settings of torch are left as they were found.

    Parameters
    ----------
    trainable
        Its network is trained in place.
    folder
        For checkpoints; what lies there of the same run is taken up.
    runtime
        Device and threads; the precision is the recipe's.
    stop
        Asked after each measurement, with the number of updates and the score on the first judged
        set, whether to give up.

    Raises
    ------
    UsageError
        For a device that there is not, or a network that cannot be trained.
    DataError
        For items that cannot be read, or a checkpoint of another run.
    """
    device = device_of(runtime)
    preparation = Preparation.of(trainable.info.preprocessing, recipe)
    sets = [data.train, *data.judged.values()]
    with training_settings(device, replace(runtime, precision=recipe.precision)):
        learner = Learner(trainable, recipe, execution, device)
        with Supply(sets, preparation, execution) as supply:
            run = _Run(learner, supply, recipe, data, stop)
            kept = _Kept(
                folder, _identity(trainable.info, recipe, data), execution.checkpoint_every
            )
            run.go(kept)
            versions = {**trainable.info.versions, **device_versions(device)}
            return run.outcome({**versions, "threads": str(torch.get_num_threads())})


class _Kept:
    """The checkpoints of one run."""

    def __init__(self, folder: Path, identity: str, every: int) -> None:
        self._folder = folder
        self._identity = identity
        self.every = every

    def load(self) -> Checkpoint | None:
        return load(self._folder, self._identity)

    def save(self, tensors: Mapping[str, torch.Tensor], values: Mapping[str, Any]) -> None:
        save(self._folder, Checkpoint(self._identity, tensors, values))


class _Run:
    """Where a run stands."""

    def __init__(
        self,
        learner: Learner,
        supply: Supply,
        recipe: Recipe,
        data: TrainingData,
        stop: Stop | None,
    ) -> None:
        self._learner = learner
        self._supply = supply
        self._recipe = recipe
        self._data = data
        self._stop = stop
        self._begun = time.monotonic()
        self._before = 0.0
        self._step = 0
        self._waiting: list[torch.Tensor] = []
        self._losses: list[float] = []
        self._curve: list[Measurement] = []
        self._logits: dict[str, FloatArray] = {}
        self._diverged: int | None = None
        self._stopped: int | None = None

    def go(self, kept: _Kept) -> None:
        """Run to the end, or until it is clear that there is nothing to be had."""
        self._restore(kept.load())
        recipe, items = self._recipe, self._data.train
        order = Order(len(items.rows), recipe.batch, recipe.seed)
        steps = range(self._step, recipe.steps)
        for places, batch in self._supply.training(order, steps):
            ignored = None if items.ignored is None else items.ignored[places]
            loss = self._learner.update(self._step, batch, items.targets[places], ignored)
            self._waiting.append(loss)
            self._step += 1
            if self._over(kept):
                return
        self._measure()

    def outcome(self, versions: Mapping[str, str]) -> Trained:
        """Say what came of it."""
        failed = self._diverged is not None
        return Trained(
            {} if failed else self._logits,
            tuple(self._curve),
            self._diverged,
            self._stopped,
            "" if failed else self._learner.digest(),
            self._seconds,
            self._step * self._recipe.batch,
            self._learner.micro_batch,
            None if failed else self._features(),
            versions,
        )

    @property
    def _seconds(self) -> float:
        return self._before + time.monotonic() - self._begun

    def _over(self, kept: _Kept) -> bool:
        """Do what is due after an update; whether the run ends here."""
        last = self._step == self._recipe.steps
        measured = bool(_due(self._step, self._recipe.measure_every)) and not last
        saved = bool(kept.every) and (_due(self._step, kept.every) or last)
        if (measured or saved or last or len(self._waiting) >= _WAITING) and self._went_wrong():
            return True
        if measured and self._measure():
            return True
        if saved:
            tensors, values = self._learner.state()
            kept.save(tensors, {**values, **self._values()})
        return False

    def _went_wrong(self) -> bool:
        """Look at the losses that wait; whether one of them is not finite."""
        first = self._step - len(self._waiting) + 1
        losses = torch.stack(self._waiting).tolist() if self._waiting else []
        self._waiting.clear()
        for k, loss in enumerate(losses):
            if not math.isfinite(loss):
                self._diverged = first + k
                return True
            self._losses.append(loss)
        return False

    def _measure(self) -> bool:
        """Judge the network as it is; whether the run ends here."""
        scores: dict[str, float] = {}
        for number, name in enumerate(self._data.judged, start=1):
            logits = self._learner.logits(self._supply.judged(number, self._recipe.batch))
            if not np.isfinite(logits).all():
                self._diverged = self._step
                return True
            self._logits[name] = logits
            scores[name] = float(self._data.judge(name, logits))
        mean = math.fsum(self._losses) / len(self._losses)
        self._losses.clear()
        self._curve.append(Measurement(self._step, mean, scores))
        if self._stop is None or not scores or self._step == self._recipe.steps:
            return False
        if self._stop(self._step, next(iter(scores.values()))):
            self._stopped = self._step
        return self._stopped is not None

    def _features(self) -> FloatArray | None:
        if self._data.embedded is None:
            return None
        name, m = self._data.embedded
        number = 1 + list(self._data.judged).index(name)
        return self._learner.features(self._supply.judged(number, self._recipe.batch, most=m))

    def _values(self) -> dict[str, Any]:
        return {
            "step": self._step,
            "losses": self._losses,
            "curve": [one.to_dict() for one in self._curve],
            "seconds": self._seconds,
        }

    def _restore(self, found: Checkpoint | None) -> None:
        if found is None:
            return
        values = found.values
        self._learner.restore(found.tensors, values)
        self._step, self._before = values["step"], values["seconds"]
        self._losses = list(values["losses"])
        self._curve = [Measurement(**one) for one in values["curve"]]


def _due(step: int, every: int) -> bool:
    return every > 0 and step % every == 0


def _identity(info: ModelInfo, recipe: Recipe, data: TrainingData) -> str:
    """What tells the checkpoints of this run from those of others."""
    parts: list[Any] = [str(info.reference), info.adapter, info.weights, info.preprocessing.key]
    parts += [recipe.to_dict(), data.n_outputs]
    for name, items in (("", data.train), *data.judged.items()):
        ignored = b"" if items.ignored is None else items.ignored.tobytes()
        held = items.rows.tobytes() + items.targets.tobytes() + ignored
        parts.append([name, items.reader.item, len(items.rows), sha256_bytes(held)])
    return sha256_bytes(canonical_json(parts))
