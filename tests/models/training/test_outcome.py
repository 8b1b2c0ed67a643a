from __future__ import annotations

import json

import numpy as np

from freshset.models.training.outcome import Measurement, Trained


def test_all_but_the_arrays_is_plain() -> None:
    curve = (Measurement(5, 0.5, {"test": 0.75}),)
    logits = {"test": np.zeros((1, 2), dtype=np.float32)}
    found = Trained(logits, curve, None, 5, "ab", 1.5, 40, 8, None, {"torch": "2"}).to_dict()
    assert json.loads(json.dumps(found)) == {
        "curve": [{"step": 5, "loss": 0.5, "scores": {"test": 0.75}}],
        "diverged": None,
        "stopped": 5,
        "digest": "ab",
        "seconds": 1.5,
        "images": 40,
        "micro_batch": 8,
        "versions": {"torch": "2"},
    }
