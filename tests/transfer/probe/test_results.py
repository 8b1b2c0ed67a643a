from __future__ import annotations

import json

import numpy as np
import pytest

from freshset.core.errors import DataError
from freshset.transfer.probe.results import PathPoint, ProbePath


def path(scores, converged=True) -> ProbePath:
    points = tuple(
        PathPoint(10.0**i, 1.0, 1e-9, 3, converged, "float32", s) for i, s in enumerate(scores)
    )
    n = len(points)
    return ProbePath(
        points, np.zeros((n, 2, 3)), np.zeros((n, 2)), np.array([0, 1]), "numpy", 1e-6, 0.1, 5
    )


def test_of_equal_scores_the_largest_penalty_is_chosen() -> None:
    assert path([0.5, 0.9, 0.9, 0.7]).chosen == 2
    assert path([0.5, 0.9, 0.9, 0.7]).edge == ""
    assert path([0.5, 0.9, 0.9, 0.7]).warnings == ()


def test_a_choice_at_the_edge_is_warned_of() -> None:
    assert "10000, is the largest" in path([0.1, 0.2, 0.2, 0.2, 0.3]).edge
    assert "1, is the smallest" in path([0.9, 0.2]).warnings[0]
    assert path([0.9]).edge == ""


def test_without_a_validation_set_there_is_no_choice() -> None:
    with pytest.raises(DataError, match="No validation set"):
        _ = path([None, None]).chosen
    assert path([None, None]).warnings == ()
    assert path([None, None]).to_dict()["chosen"] is None


def test_what_was_not_reached_is_named() -> None:
    assert "was not reached at 1, 10;" in path([0.1, 0.2], converged=False).warnings[0]


def test_the_document_is_json_without_weights() -> None:
    document = json.loads(json.dumps(path([0.1, 0.3, 0.2]).to_dict()))
    assert document["schema"] == "freshset.probe-path/1"
    assert document["chosen"] == 1
    assert document["points"][1]["score"] == 0.3
    assert "weights" not in document
    assert path([0.1]).classifier(0).weights.shape == (2, 3)
