"""Dawid-Skene against crowd-kit, on simulated answers and on ReaL's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from crowdkit.aggregation import DawidSkene, OneCoinDawidSkene

from freshset.stats.annotators import dawid_skene

Answers = tuple[np.ndarray, np.ndarray, np.ndarray]


def simulated(
    rng: np.random.Generator, *, questions: int = 300, workers: int = 12, values: int = 3
) -> tuple[Answers, np.ndarray, np.ndarray]:
    truth = rng.choice(values, size=questions, p=np.arange(1, values + 1) / sum(range(values + 1)))
    skill = rng.uniform(0.45, 0.95, size=workers)
    question = np.repeat(np.arange(questions), 5)
    worker = np.concatenate([rng.permutation(workers)[:5] for _ in range(questions)])
    wrong = (truth[question] + rng.integers(1, values, size=question.size)) % values
    value = np.where(rng.random(question.size) < skill[worker], truth[question], wrong)
    return (question, worker, value), truth, skill


def frame(answers: Answers) -> pd.DataFrame:
    return pd.DataFrame(dict(zip(("task", "worker", "label"), answers, strict=True)))


# crowd-kit uses keywords that pandas is about to drop.
@pytest.mark.filterwarnings("ignore:The (inplace|copy) keyword")
@pytest.mark.parametrize(("one_coin", "peer"), [(False, DawidSkene), (True, OneCoinDawidSkene)])
@pytest.mark.parametrize("values", [2, 3])
def test_equals_crowdkit(one_coin: bool, peer: type, values: int, rng: np.random.Generator) -> None:
    answers, _, _ = simulated(rng, questions=120, workers=8, values=values)
    # Both start from the shares of the answers, so that even the rounds are alike.
    model = peer(n_iter=20, tol=-1).fit(frame(answers))
    got = dawid_skene(answers, one_coin=one_coin, rounds=20, tolerance=0)
    expected = model.probas_.sort_index().sort_index(axis=1).to_numpy()
    np.testing.assert_allclose(got.probability, expected, atol=1e-7)
    np.testing.assert_allclose(got.probability.mean(axis=0), model.priors_.sort_index(), atol=1e-7)


def test_finds_truth_and_skill_better_than_counting(rng: np.random.Generator) -> None:
    answers, truth, skill = simulated(rng, questions=3_000, workers=30)
    got = dawid_skene(answers)
    right = (got.probability.argmax(axis=1) == truth).mean()
    counts = np.zeros((3_000, 3))
    np.add.at(counts, answers[::2], 1)
    assert right > (counts.argmax(axis=1) == truth).mean() + 0.02
    np.testing.assert_allclose(got.accuracy, skill, atol=0.08)
    assert got.converged


@pytest.mark.parametrize("one_coin", [False, True])
def test_likelihood_never_falls(one_coin: bool, rng: np.random.Generator) -> None:
    answers, _, _ = simulated(rng)
    path = [
        dawid_skene(answers, one_coin=one_coin, rounds=n, tolerance=0).log_likelihood
        for n in range(1, 15)
    ]
    assert np.all(np.diff(path) >= -1e-9)


def test_a_weight_of_two_is_two_answers(rng: np.random.Generator) -> None:
    (question, worker, value), _, _ = simulated(rng, questions=60)
    twice = tuple(np.tile(part, 2) for part in (question, worker, value))
    weighted = dawid_skene((question, worker, value), weight=np.full(len(value), 2.0))
    np.testing.assert_allclose(dawid_skene(twice).probability, weighted.probability, atol=1e-9)


def test_rows_are_distributions(rng: np.random.Generator) -> None:
    answers, _, _ = simulated(rng)
    got = dawid_skene(answers)
    for table in (got.probability, got.confusion):
        np.testing.assert_allclose(table.sum(axis=-1), 1)
    assert got.prior.sum() == pytest.approx(1)


def test_a_question_without_answers_has_the_prior() -> None:
    got = dawid_skene(([0, 0, 2, 2], [0, 1, 0, 1], [1, 1, 0, 0]), tolerance=1e-14)
    np.testing.assert_allclose(got.probability[1], got.prior, atol=1e-3)


@pytest.mark.parametrize(
    ("answers", "weight", "message"),
    [
        (([], [], []), None, "no answers"),
        (([0], [0, 1], [1]), None, "equally many"),
        (([0], [0], [1]), [1.0, 2.0], "equally many"),
        (([0], [-1], [1]), None, "negative"),
        (([0], [0], [1]), [-1.0], "negative"),
        (([0], [0], [1]), [float("nan")], "negative"),
        (([0, 1], [0, 0], [0, 0]), None, "one value"),
    ],
)
def test_impossible_answers_are_refused(answers: Answers, weight: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        dawid_skene(answers, weight=weight)


@pytest.mark.shared_data
def test_consensus_of_real_is_near_the_published_one(shared_data: Path) -> None:
    with np.load(shared_data / "real" / "raters.npz") as archive:
        worker, question, value = np.nonzero(archive["tensor"])
    with np.load(shared_data / "real" / "scores.npz") as archive:
        published = archive["tensor"]
    maybe = value == 1  # half a yes and half a no
    answers = (
        np.concatenate([question, question[maybe]]),
        np.concatenate([worker, worker[maybe]]),
        np.concatenate([value == 2, np.ones(maybe.sum(), bool)]),
    )
    weight = np.concatenate([np.where(maybe, 0.5, 1.0), np.full(maybe.sum(), 0.5)])
    got = dawid_skene(answers, weight=weight).probability[:, 1]
    assert np.corrcoef(got, published)[0, 1] >= 0.96
    assert ((got > 0.5) == (published > 0.5)).mean() == pytest.approx(0.972, abs=0.001)


def test_no_rounds_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one round"):
        dawid_skene(([0, 1], [0, 0], [0, 1]), rounds=0)
