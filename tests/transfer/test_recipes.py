from __future__ import annotations

from dataclasses import fields

import pytest

from freshset.models.training.recipe import Recipe
from freshset.transfer.protocol import BUDGETS, Budget, Protocol, Training
from freshset.transfer.recipes import STARTS, check_protocol, final_recipe, trial_recipes

# Of a part of the protocol: what each field becomes, and what becomes no field of a recipe.
BECOMES = {
    "steps": "steps", "batch": "batch", "momentum": "momentum", "nesterov": "nesterov",
    "schedule": "schedule", "warmup": "warmup", "norm": "norm_momentum", "view": "view",
    "augmentation": "augmentation", "precision": "precision", "compile": "compile",
    "measure_every": "measure_every", "rates": "rate", "decays": "decay",
}  # fmt: skip
# The rule gives the steps; the refit says what the final run learns from.
NO_FIELD = {"rule", "refit", "stopping"}


def test_every_field_of_the_protocol_reaches_the_recipe() -> None:
    assert {field.name for field in fields(Training)} == BECOMES.keys() | NO_FIELD
    assert {field.name for field in fields(Recipe)} == {*BECOMES.values(), "start", "seed"}
    plain = Training(rates=(0.1,), decays=(0.0,))
    changes = {
        "batch": 3, "momentum": 0.5, "nesterov": False, "schedule": "constant", "warmup": 9,
        "norm": "own", "view": "centre", "precision": "bf16", "compile": True, "measure_every": 4,
    }  # fmt: skip
    (trial,) = trial_recipes(plain, "random", 100, 7, 50)
    before = final_recipe(plain, trial, 100)
    for name, value in changes.items():
        changed = Training(**{"rates": (0.1,), "decays": (0.0,), name: value})
        (trial,) = trial_recipes(changed, "random", 100, 7, 50)
        after = final_recipe(changed, trial, 100)
        assert getattr(after, BECOMES[name]) != getattr(before, BECOMES[name]), name
    assert (before.start, before.seed, before.steps) == ("random", 7, 50)


def test_the_grid_and_the_momentum_of_norms() -> None:
    training = Training(rates=(0.1, 0.01), decays=(0.0, 1e-4), batch=10, measure_every=3)
    found = trial_recipes(training, "pretrained", 1000, 0, 8)
    assert [(r.rate, round(r.decay, 9)) for r in found] == [
        (0.1, 0.0), (0.1, 0.001), (0.01, 0.0), (0.01, 0.01),
    ]  # fmt: skip
    assert {r.norm_momentum for r in found} == {0.1}  # 100 steps an epoch
    assert {r.measure_every for r in found} == {0}  # a trial is judged at its end only
    final = final_recipe(training, found[1], 4000)
    assert final.norm_momentum == pytest.approx(10 / 400)
    assert (final.measure_every, final.rate, final.decay) == (3, 0.1, found[1].decay)


@pytest.mark.parametrize("budget", BUDGETS)
def test_the_budgets_are_right(budget: Budget) -> None:
    assert check_protocol(Protocol.of(budget)) == {}
    assert set(STARTS) == {"finetune", "scratch"}


def test_trials_are_measured_where_they_can_be_given_up() -> None:
    training = Training(rates=(0.1,), decays=(0.0,), stopping="median", measure_every=5)
    (trial,) = trial_recipes(training, "random", 100, 0, 20)
    assert trial.measure_every == 5
    never = Protocol.of("lite", {"finetune": {"stopping": "median"}})
    assert "never measured" in check_protocol(never)["finetune"].message


def test_wrong_values_are_said_before_anything_runs() -> None:
    made = Protocol.of(
        "lite", {"finetune": {"momentum": 1.5}, "scratch": {"measure_every": -1}, "probe": {"tolerance": 2}}
    )  # fmt: skip
    assert set(check_protocol(made)) == {"finetune", "scratch", "probe"}
