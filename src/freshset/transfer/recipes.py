"""The training runs of a protocol."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from freshset.core.errors import UsageError
from freshset.models.base import Start
from freshset.models.training.recipe import Recipe, norm_momentum
from freshset.transfer.probe.path import ProbeOptions
from freshset.transfer.protocol import Protocol, Training

STARTS: dict[str, Start] = {"finetune": "pretrained", "scratch": "random"}


def trial_recipes(
    training: Training, start: Start, n: int, seed: int, steps: int
) -> tuple[Recipe, ...]:
    """Return one recipe for each rate and decay of the grid.

    Parameters
    ----------
    n
        Training images.
    steps
        Of each run.
    """
    norm = norm_momentum(n / training.batch) if training.norm == "paper" else None
    return tuple(
        Recipe(
            start,
            steps,
            training.batch,
            rate,
            decay,
            training.momentum,
            training.nesterov,
            training.schedule,
            training.warmup,
            norm,
            training.augmentation,
            training.view,
            training.precision,
            training.compile,
            0 if training.stopping == "none" else training.measure_every,
            seed,
        )
        for rate, decay in training.grid
    )


def final_recipe(training: Training, trial: Recipe, n: int) -> Recipe:
    """Return the recipe of a trial as it is used once more, on n images."""
    norm = norm_momentum(n / training.batch) if training.norm == "paper" else None
    return replace(trial, norm_momentum=norm, measure_every=training.measure_every)


def check_protocol(protocol: Protocol) -> dict[str, UsageError]:
    """Say what is wrong with the parts of a protocol, by part, before any data are read."""
    found: dict[str, UsageError] = {}
    for part, start in STARTS.items():
        training: Training = getattr(protocol, part)
        try:
            _check(training)
            for trial in trial_recipes(training, start, 1000, 0, training.steps_for(1000)):
                final_recipe(training, trial, 1000)
        except UsageError as error:
            found[part] = error
    try:
        ProbeOptions(np.array(protocol.probe.penalties), protocol.probe.tolerance)
        ProbeOptions(np.array(protocol.probe.penalties), protocol.probe.refit_tolerance)
    except UsageError as error:
        found["probe"] = error
    if not 0 < protocol.splitting.share < 1:
        text = f"The share of the validation set is {protocol.splitting.share}."
        found["splitting"] = UsageError(text, "Give a share between 0 and 1.")
    subsets = protocol.subsets
    if min(subsets.steps, subsets.epochs, subsets.batch) < 1 or not subsets.rate_share > 0:
        text = "Steps, epochs and batch are at least 1, and the share of rates is above 0."
        found["subsets"] = UsageError(text)
    return found


def _check(training: Training) -> None:
    if not training.rates or not training.decays:
        raise UsageError("A grid has at least one rate and one decay.", "Use decays: [0] for none.")
    if training.stopping != "none" and not training.measure_every:
        raise UsageError("Trials that are never measured are never stopped.", "Set measure_every.")
    if training.measure_every < 0 or training.batch < 1:
        raise UsageError("measure_every is at least 0, batch at least 1.")
    if min(training.rates) <= 0:
        raise UsageError(f"A rate is {min(training.rates)}.", "Rates are above 0.")
