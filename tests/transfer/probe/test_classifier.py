from __future__ import annotations

import numpy as np

from freshset.transfer.probe.classifier import Classifier


def test_scores_and_predictions() -> None:
    one = Classifier(
        np.array([[1.0, 0], [0, 2], [1, 0]]), np.array([0, 0.5, 0]), np.array([3, 5, 9])
    )
    features = np.array([[4, 1], [0, 0], [-1, 3]], dtype=np.float16)
    assert np.allclose(one.scores(features), [[4, 2.5, 4], [0, 0.5, 0], [-1, 6.5, -1]])
    assert one.predict(features).tolist() == [3, 5, 5]
    assert repr(one) == "Classifier(3 classes, 2 features)"
