"""Results that contradict themselves are refused, with all faults at once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fakes.transfer_results import simulated

from freshset.core.errors import DataError
from freshset.transfer.analysis.checks import check_results
from freshset.transfer.results import Missing


def test_simulated_results_are_sound(results) -> None:
    check_results(results)


def test_all_faults_are_said_at_once() -> None:
    results = simulated(3, 4, 1, extras=False)
    first, second, third, *others = results.results
    shorter = replace(first, predictions=first.predictions[:-5])
    better = replace(second, score=second.score + 0.01)
    beyond = replace(third, score=1.5)
    multilabel = next(r for r in others if r.dataset == "set-2")
    others[others.index(multilabel)] = replace(
        multilabel, predictions=multilabel.predictions[:, :2]
    )
    model = replace(results.models[0], accuracy=76.1)
    wrong = replace(
        results,
        results=(shorter, better, beyond, *others, others[0]),
        models=(model, *results.models[1:], results.models[2]),
        missing=(Missing("gone", "nowhere", "features", 0, "x"),),
    )
    with pytest.raises(DataError) as caught:
        check_results(wrong)
    text = str(caught.value)
    for part in (
        "295 answers, but the test set has 300 items: scores on different test sets are not compared",
        "but its answers score",
        "score 1.5 is no fraction",
        "answers of shape (300, 2), labels of (300, 5)",
        "net 0: source accuracy 76.1 is no fraction",
        "the model 'net 2' occurs twice",
        "no model 'gone' is declared",
        "no data set 'nowhere' is declared",
        f"{others[0].model} / {others[0].dataset} / {others[0].regime} / 0 occurs twice",
    ):
        assert part in text


def test_a_long_list_is_cut() -> None:
    results = simulated(8, 2, 2, extras=False)
    wrong = replace(
        results, results=tuple(replace(r, predictions=np.zeros(3)) for r in results.results)
    )
    with pytest.raises(DataError, match="and 76 more"):
        check_results(wrong)
