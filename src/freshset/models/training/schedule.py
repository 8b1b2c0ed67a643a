"""The learning rate of each step."""

from __future__ import annotations

import math

from freshset.models.training.recipe import Recipe

# Kolesnikov and others (2020), "Big Transfer", arXiv 1912.11370: a tenth at each of these shares.
_STAIRS = (0.3, 0.6, 0.9)


def rate_at(recipe: Recipe, step: int) -> float:
    """Learning rate of an update.

    The rate rises linearly over the warm-up and reaches its largest value with its last step.  The
    cosine (Loshchilov and Hutter (2017), arXiv 1608.03983, without restarts) then covers the steps
    that are left; stairs are at shares of all steps.

    Parameters
    ----------
    step
        From 0 to ``recipe.steps - 1``.
    """
    if step < recipe.warmup:
        return recipe.rate * (step + 1) / recipe.warmup
    if recipe.schedule == "cosine":
        done = (step - recipe.warmup) / (recipe.steps - recipe.warmup)
        return recipe.rate * 0.5 * (1 + math.cos(math.pi * done))
    if recipe.schedule == "staircase":
        return recipe.rate * 0.1 ** sum(step >= share * recipe.steps for share in _STAIRS)
    return recipe.rate
