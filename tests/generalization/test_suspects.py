from __future__ import annotations

from dataclasses import replace

import numpy as np

from freshset.generalization.suspects import off_the_line, suspicious, worst_first


def test_sound_scores_are_not_suspicious(make_scores) -> None:
    assert suspicious(make_scores(30)) == ()


def test_a_model_far_off_the_line_is_named(make_scores) -> None:
    scores = make_scores(30, per_example=False)
    k_new = scores.k_new.copy()
    k_new[12] = 30
    (text,) = suspicious(replace(scores, k_new=k_new))
    assert text.startswith("m12 is ")
    assert "below the robust line" in text


def test_few_models_have_no_outliers(make_scores) -> None:
    scores = make_scores(5)
    assert not off_the_line(scores.accuracy_old, 2000, np.zeros(5), 1000).any()


def test_one_prediction_has_no_order(make_scores) -> None:
    matrix = make_scores(3).matrix_old
    assert matrix is not None
    assert worst_first(matrix) == ()
