from __future__ import annotations

from dataclasses import replace

import pytest

from freshset.core.config import RunSettings
from freshset.core.errors import UsageError
from freshset.engine.backends.room import actors_that_fit, gpus_each

ONE = [{"CPU": 1.0, "GPU": 1.0}]


def test_gpus_are_shared_out() -> None:
    auto = RunSettings(device="auto")
    assert gpus_each(auto, ONE) == 1
    assert gpus_each(replace(auto, device="cpu"), ONE) == 0
    assert gpus_each(replace(auto, actor_gpus=0.25), ONE) == 0.25
    assert gpus_each(auto, [{"CPU": 4.0}]) == 0
    with pytest.raises(UsageError, match="the actors would have no GPU"):
        gpus_each(RunSettings(device="cuda", actor_gpus=0), ONE)
    with pytest.raises(UsageError, match="since the cluster has none now"):
        gpus_each(RunSettings(device="cuda"), [{"CPU": 4.0}])


def test_actors_fit_within_nodes_not_across_them() -> None:
    auto = RunSettings(device="auto")
    assert actors_that_fit(auto, 1, ONE) == 1
    assert actors_that_fit(replace(auto, actor_cpus=0.1), 0.1, ONE) == 10
    assert actors_that_fit(replace(auto, actor_cpus=0.25), 0.5, ONE) == 2
    assert actors_that_fit(replace(auto, actors=7), 1, ONE) == 7
    assert actors_that_fit(replace(auto, actor_cpus=2), 0, [{"CPU": 3.0}] * 2) == 2
    with pytest.raises(UsageError, match="No node of the Ray cluster has 64 CPUs"):
        actors_that_fit(replace(auto, actor_cpus=64), 0, ONE)
