from __future__ import annotations

from pathlib import Path

import pytest
from fakes.small_transfer import make_study

from freshset.transfer.running import TransferPlan, make_transfer_plan, run_transfer
from freshset.transfer.study import load_transfer


@pytest.fixture(scope="session")
def done(tmp_path_factory: pytest.TempPathFactory) -> TransferPlan:
    """A small study with all its extra figures, run in one go; only to be read."""
    pytest.importorskip("torch")
    pytest.importorskip("safetensors")
    path = make_study(
        tmp_path_factory.mktemp("transfer"),
        convergence={"models": ["wide"], "datasets": ["bright"], "lengths": [2, 4]},
        subsets={"models": ["wide"], "datasets": ["bright"], "sizes": [9], "draws": 2},
        embeddings={"models": ["wide"], "datasets": ["bright"], "images": 20},
    )
    plan = make_transfer_plan(load_transfer(path))
    assert run_transfer(plan).complete
    return plan


@pytest.fixture
def study_file(tmp_path: Path) -> Path:
    """One network on one data set."""
    return make_study(
        tmp_path,
        models=[{"model": "py:nets.py:wide", "name": "wide"}],
        datasets=[{"path": "bright"}],
    )
