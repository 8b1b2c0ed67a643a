from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from freshset.protocols.policies import PolicySpec
from freshset.protocols.sealed.cipher import Key, new_key
from freshset.protocols.sealed.holdout import Holdout
from freshset.protocols.sealed.rules import Rules
from freshset.protocols.sealed.submission import Labels

LABELS = np.random.default_rng(0).integers(0, 3, 40)

Make = Callable[..., Holdout]


@pytest.fixture
def key() -> Key:
    return Key(new_key())


@pytest.fixture
def make(tmp_path: Path, key: Key) -> Make:
    def seal(
        policy: PolicySpec | None = None, looks: int = 20, each: int = 0, **options: object
    ) -> Holdout:
        rules = Rules(policy or PolicySpec("exact"), looks, each)
        labels = options.pop("labels", LABELS)
        place = tmp_path / str(options.pop("place", "sealed"))
        checked = Labels.of(labels, name="digits", **options)
        return Holdout.seal(place, key, checked, rules, who="ann")

    return seal


def guess(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.where(rng.random(len(LABELS)) < 0.7, LABELS, rng.integers(0, 3, len(LABELS)))
