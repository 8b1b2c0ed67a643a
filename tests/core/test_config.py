from __future__ import annotations

from typing import Any

import pytest

from freshset.core.config import CompareSettings, RunSettings
from freshset.core.errors import UsageError


@pytest.mark.parametrize(
    "wrong",
    [
        {"metric": "top3"},
        {"resample": "classes"},
        {"bootstrap": 10},
        {"item_bootstrap": 0},
        {"level": 1.0},
        {"level": 95},
        {"power": 0.0},
        {"margin": 0.0},
        {"margin": 60.0},
        {"margin": float("inf")},
        {"bootstrap": 10**12},
        {"item_bootstrap": 2_000, "level": 0.9999},
        {"margin": -1.0},
        {"seed": -1},
    ],
)
def test_settings_that_cannot_be_meant(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=next(iter(wrong))):
        CompareSettings(**wrong)


def test_settings_survive_a_round_trip() -> None:
    settings = CompareSettings(exclude=("fv_*",), resample="items", seed=3)
    assert CompareSettings.from_dict(settings.to_dict()) == settings


@pytest.mark.parametrize(
    "wrong",
    [
        {"actors": -1},
        {"actor_cpus": 0},
        {"actor_cpus": 1.5},
        {"actor_cpus": float("inf")},
        {"actor_cpus": float("nan")},
        {"actor_gpus": -2},
        {"actor_gpus": 2.5},
    ],
)
def test_what_no_ray_actor_can_have(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=next(iter(wrong))):
        RunSettings(**wrong)


def test_what_ray_actors_can_have() -> None:
    for given in ({"actor_cpus": 0.1}, {"actor_cpus": 8}, {"actor_gpus": 0}, {"actor_gpus": 0.25}):
        assert RunSettings(**given).to_dict().items() >= given.items()
