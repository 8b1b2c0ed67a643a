from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from fakes.probe_problems import clusters, multilabel

from freshset.core.errors import DataError
from freshset.transfer.probe.classifier import Classifier
from freshset.transfer.probe.examples import Examples
from freshset.transfer.probe.fit import fit_probe, with_classes
from freshset.transfer.probe.path import ProbeOptions, logreg_path

NUMPY = ProbeOptions(backend="numpy")


def test_it_learns_again_from_both_sets_at_the_penalty_chosen() -> None:
    train, valid = clusters(0, 150, spread=2.0), clusters(0, 80, spread=2.0)
    probe = fit_probe(train, valid, NUMPY)
    path = logreg_path(train, valid, NUMPY)
    assert probe.penalty == path.points[path.chosen].penalty
    both = Examples(
        np.concatenate([train.features, valid.features]),
        np.concatenate([train.labels, valid.labels]),
    )
    only = replace(NUMPY, penalties=np.array([probe.penalty]), tolerance=1e-12)
    exact = logreg_path(both, None, only)
    assert probe.refit.objective == pytest.approx(exact.points[0].objective, rel=1e-7)
    assert np.allclose(probe.classifier.weights, exact.weights[0], atol=1e-3)
    assert json.loads(json.dumps(probe.to_dict()))["schema"] == "freshset.probe/1"


def test_several_classes_an_example() -> None:
    probe = fit_probe(multilabel(1), multilabel(2), replace(NUMPY, metric="map11"))
    assert probe.classifier.weights.shape == (4, 5)
    assert probe.refit.converged


def test_a_class_that_only_the_validation_set_shows_is_learned_in_the_end() -> None:
    train, valid = clusters(0, 150, k=4), clusters(0, 80, k=4)
    kept = train.labels != 1
    probe = fit_probe(Examples(train.features[kept], train.labels[kept]), valid, NUMPY)
    assert probe.path.classes.tolist() == [0, 2, 3]
    assert probe.classifier.classes.tolist() == [0, 1, 2, 3]
    assert (probe.classifier.predict(valid.features) == 1).any()


def test_rows_for_new_classes_start_at_nothing() -> None:
    old = Classifier(np.ones((2, 3)), np.array([-4.0, 1.0]), np.array([1, 3]))
    new = with_classes(old, np.array([3, 2, 1, 1]))
    assert new.classes.tolist() == [1, 2, 3]
    assert new.weights.sum(axis=1).tolist() == [3, 0, 3]
    assert new.intercepts.tolist() == [-4, -4, 1]


def test_what_is_not_reached_is_said() -> None:
    train = clusters(0, 150, spread=2.0)
    probe = fit_probe(train, train, replace(NUMPY, iterations=1, precision="float64"))
    assert any("final fit" in w for w in probe.warnings) != probe.refit.converged


def test_sets_must_fit() -> None:
    with pytest.raises(DataError, match="validation features have 4 columns"):
        fit_probe(clusters(0), clusters(0, d=4), NUMPY)
