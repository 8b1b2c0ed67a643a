from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import special

from freshset.core.records import Matrix
from freshset.generalization.scores import Scores

MakeScores = Callable[..., Scores]


def simulated_hits(rng: np.random.Generator, skill: np.ndarray, n: int, shift: float) -> np.ndarray:
    """Correctness under the scalar-difficulty model, with some idiosyncrasy of every model."""
    difficulty = rng.normal(shift, 1, size=n)
    own = rng.normal(0, 0.3, size=(skill.size, n))
    return rng.random((skill.size, n)) < special.ndtr(skill[:, None] - difficulty + own)


@pytest.fixture
def make_scores(rng: np.random.Generator) -> MakeScores:
    """Simulated models on two sets; ``shift`` makes the new one harder."""

    def make(
        models: int = 12,
        n_old: int = 2_000,
        n_new: int = 1_000,
        shift: float = 0.4,
        per_example: bool = True,
    ) -> Scores:
        skill = np.linspace(0.5, 2.5, models)[::-1]
        names = tuple(f"m{i}" for i in range(models))
        hits = (simulated_hits(rng, skill, n_old, 0.0), simulated_hits(rng, skill, n_new, shift))
        matrices = [
            Matrix(name, names, h.astype(np.int16), (1,) * models)
            for name, h in zip(("sim/old", "sim/new"), hits, strict=True)
        ]
        return Scores(
            old="sim/old",
            new="sim/new",
            models=names,
            n_old=n_old,
            n_new=n_new,
            k_old=hits[0].sum(axis=1).astype(float),
            k_new=hits[1].sum(axis=1).astype(float),
            metric="top1",
            matrix_old=matrices[0] if per_example else None,
            matrix_new=matrices[1] if per_example else None,
            approximate=False,
            excluded=(),
            warnings=(),
        )

    return make
