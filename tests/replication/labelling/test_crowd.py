from __future__ import annotations

import json

import numpy as np
import pytest

from freshset.replication.labelling.answer_table import AnswerTable
from freshset.replication.labelling.crowd import (
    agreement_of,
    consensus_of,
    describe,
    image_table,
    summary,
)
from freshset.replication.labelling.frequencies import Pooled, pool
from freshset.replication.labelling.quality import worker_quality
from freshset.replication.spec_sections import WorkersSpec


def simulated(
    rng: np.random.Generator, *, spammers: int = 2, questions: int = 400
) -> tuple[AnswerTable, np.ndarray]:
    """Ten workers, some of whom guess; a tenth of the questions are controls."""
    truth = rng.random(questions) < 0.4
    worker = np.tile(np.arange(10), questions)
    question = np.repeat(np.arange(questions), 10)
    skill = np.where(np.arange(10) < spammers, 0.5, 0.9)[worker]
    said = np.where(rng.random(worker.size) < skill, truth[question], ~truth[question])
    expected = np.where(question < questions // 10, truth[question].astype(float), np.nan)
    ids = np.array([f"i{i:04d}" for i in range(questions)], dtype=object)
    names = np.array([f"w{i}" for i in range(10)], dtype=object)
    return AnswerTable(worker, question, said.astype(float), expected, names, ids, ids), truth


def test_agreement(rng: np.random.Generator) -> None:
    answers, _ = simulated(rng)
    got = agreement_of(answers)
    assert got.questions == got.paired == 400
    assert got.alpha == pytest.approx(got.kappa, abs=1e-3)
    assert got.alpha == got.alpha_yes
    uneven = AnswerTable(
        answers.worker[1:], answers.question[1:], answers.selected[1:], answers.expected[1:],
        answers.workers, answers.item_ids, answers.class_keys,
    )  # fmt: skip
    assert agreement_of(uneven).kappa is None


def test_single_answers_have_no_agreement() -> None:
    ids = np.array(["a", "b"], dtype=object)
    one = AnswerTable(
        np.array([0, 0]), np.array([0, 1]), np.ones(2), np.full(2, np.nan), ids[:1], ids, ids
    )
    got = agreement_of(one)
    assert (got.questions, got.paired, got.percent, got.alpha) == (2, 0, None, None)
    assert consensus_of(one) is None
    assert summary(one, pool(one))["dawid_skene"] is None


def test_consensus_beats_the_frequency_when_some_guess(rng: np.random.Generator) -> None:
    answers, truth = simulated(rng, spammers=6, questions=2_000)
    consensus = consensus_of(answers)
    assert consensus is not None
    ours = ((consensus.probability[:, 1] > 0.5) == truth).mean()
    plain = ((pool(answers).value > 0.5) == truth).mean()
    assert ours > plain + 0.03


def test_a_maybe_is_half_a_yes(rng: np.random.Generator) -> None:
    answers, _ = simulated(rng)
    unsure = answers.selected.copy()
    unsure[::7] = 0.5
    with_maybe = AnswerTable(
        answers.worker, answers.question, unsure, answers.expected, answers.workers,
        answers.item_ids, answers.class_keys,
    )  # fmt: skip
    first, second = consensus_of(answers), consensus_of(with_maybe)
    assert first is not None
    assert second is not None
    assert np.corrcoef(first.probability[:, 1], second.probability[:, 1])[0, 1] > 0.95


def test_the_summary_tells_both_versions_and_every_worker(rng: np.random.Generator) -> None:
    answers, _ = simulated(rng)
    quality = worker_quality(answers, WorkersSpec(policy="drop"))
    pooled = Pooled(answers, "drop", pool(answers), pool(answers, weight=quality.weight), quality)
    got = summary(answers, pooled.frequencies, pooled)
    assert json.loads(json.dumps(got, allow_nan=False)) == got
    assert got["schema"] == "freshset.frequencies-summary/1"
    assert got["policy"]["name"] == "drop"
    assert set(got["policy"]["failed"]) == {"w0", "w1"}
    assert got["policy"]["raw"]["answers_per_image"] == [10, 10]
    assert got["frequencies"]["answers_per_image"] == [8, 8]
    assert got["policy"]["changed"] > 100
    assert len(got["by_worker"]) == 10
    skills = [one["dawid_skene_accuracy"] for one in got["by_worker"]]
    assert max(skills[:2]) < 0.65 < 0.8 < min(skills[2:])
    assert got["dawid_skene"]["correlation"] > 0.9


def test_a_row_an_image_with_posterior_and_consensus(rng: np.random.Generator) -> None:
    answers, truth = simulated(rng)
    quality = worker_quality(answers, WorkersSpec(policy="drop"))
    raw, kept = pool(answers), pool(answers, weight=quality.weight)
    got = image_table(answers, kept, raw)
    assert got["item_id"].tolist() == answers.item_ids.tolist()
    assert set(got["answers"]) == {8}
    assert set(got["raw_answers"]) == {10}
    np.testing.assert_allclose(got["mean"], (kept.selected + 1) / 10)
    assert ((got["low"] < got["mean"]) & (got["mean"] < got["high"])).all()
    assert ((got["dawid_skene"] > 0.5) == truth).mean() > 0.97


def test_bins_and_unknown_images() -> None:
    ids = np.array([f"i{i}" for i in range(3)], dtype=object)
    table = AnswerTable(
        np.array([0, 0]),
        np.array([0, 1]),
        np.array([1.0, 0.0]),
        np.full(2, np.nan),
        ids[:1],
        ids,
        ids,
    )
    got = describe(pool(table))
    assert (got["images"], got["unknown"], got["mean"]) == (3, 1, 0.5)
    assert list(got["histogram"].values()) == [1, 0, 0, 0, 1]
    assert describe(pool(table)[2:])["mean"] is None
