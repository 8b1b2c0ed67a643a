from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from freshset.core.errors import DataError
from freshset.replication.labelling.answer_table import record_answers
from freshset.replication.labelling.answers.real import read
from freshset.replication.labelling.crowd import agreement_of, consensus_of
from freshset.replication.labelling.frequencies import labels_at, pool
from freshset.replication.labelling.quality import worker_quality
from freshset.replication.spec_sections import WorkersSpec


def archive(path: Path, **arrays: np.ndarray) -> Path:
    tensor = np.zeros((2, 3, 3))
    tensor[0, 0, 2] = tensor[0, 1, 1] = tensor[1, 0, 0] = 1
    info = np.array([["a.JPEG", "5"], ["a.JPEG", "7"], ["b.JPEG", "5"]])
    whole = {"tensor": tensor, "info": info, "ids": np.array([189, 111])}
    np.savez(path, **whole | arrays)
    return path


def test_answers_by_rater_image_and_class(tmp_path: Path) -> None:
    rows = read(archive(tmp_path / "r.npz")).rows
    assert rows[["worker", "item", "class_key", "selected"]].to_numpy().tolist() == [
        ["189", "a.JPEG", "5", 1.0],
        ["189", "a.JPEG", "7", 0.5],
        ["111", "a.JPEG", "5", 0.0],
    ]


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"tensor": np.ones((2, 3, 3))}, "two answers to one question"),
        ({"tensor": np.zeros((2, 3, 3)) + 0.5}, "two answers to one question"),
        ({"tensor": np.zeros((2, 4, 3))}, "do not fit"),
        ({"tensor": np.zeros((2, 3, 3))}, "no answers"),
    ],
)
def test_bad_archives(tmp_path: Path, arrays: dict[str, np.ndarray], message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(archive(tmp_path / "r.npz", **arrays))


def test_a_file_cut_short_is_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "r.npz")
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(DataError, match="not an archive of answers"):
        read(path)


@pytest.mark.shared_data
def test_the_published_labels_are_those_at_four_fifths(shared_data: Path) -> None:
    with np.load(shared_data / "real" / "scores.npz") as scores:
        share, info = scores["tensor"], scores["info"].astype(object)
    published = json.loads((shared_data / "real" / "real.json").read_text())
    ours = labels_at(info[:, 0], info[:, 1], share, 0.8)
    # The published list is in order of the number in the image's name.
    theirs = [set(map(str, published[int(item[-13:-5]) - 1])) for item in info[:, 0]]
    agree = [
        (key in ours[item]) == (key in here) for (item, key), here in zip(info, theirs, strict=True)
    ]
    assert sum(agree) == len(agree) == 184_962


@pytest.mark.shared_data
def test_agreement_and_consensus_from_the_raw_answers(shared_data: Path) -> None:
    answers = record_answers(read(shared_data / "real" / "raters.npz"))
    assert (len(answers), len(answers.workers), len(answers.item_ids)) == (924_810, 85, 184_962)
    agreement = agreement_of(answers)
    assert agreement.alpha == pytest.approx(0.412, abs=5e-4)
    assert agreement.alpha_yes == pytest.approx(0.493, abs=5e-4)
    assert set(pool(answers).answers) == {5}
    with np.load(shared_data / "real" / "scores.npz") as scores:
        pairs = [tuple(pair) for pair in scores["info"].tolist()]
        published = dict(zip(pairs, scores["tensor"], strict=True))
    asked = zip(answers.item_ids.tolist(), answers.class_keys.tolist(), strict=True)
    expected = np.array([published[pair] for pair in asked])
    consensus = consensus_of(answers)
    assert consensus is not None
    assert np.corrcoef(consensus.probability[:, 1], expected)[0, 1] >= 0.96


@pytest.mark.shared_data
def test_raters_differ_on_questions_that_experts_agree_on(shared_data: Path) -> None:
    answers = record_answers(read(shared_data / "real" / "raters_golden.npz"))
    with np.load(shared_data / "real" / "golden.npz") as gold:
        counts, info = gold["tensor"].sum(axis=0), gold["info"].tolist()
    clear = {  # at least four of the five experts say no, or yes
        tuple(pair): float(row.argmax() == 2)
        for pair, row in zip(info, counts, strict=True)
        if max(row[0], row[2]) >= 4
    }
    assert len(clear) == 1_033
    asked = zip(answers.item_ids.tolist(), answers.class_keys.tolist(), strict=True)
    expected = np.array([clear.get(pair, np.nan) for pair in asked])[answers.question]
    # The published check counts "maybe" as wrong, where ours has it half right.
    strict = np.where(answers.selected == 0.5, 1 - expected, answers.selected)
    quality = worker_quality(
        replace(answers, expected=expected, selected=strict), WorkersSpec(policy="drop")
    )
    assert len(quality.workers) == 78
    accuracy = quality.accuracy
    got = [accuracy.min(), np.median(accuracy), accuracy.max()]
    np.testing.assert_allclose(got, [0.195, 0.882, 0.926], atol=5e-4)
    assert 1 <= quality.failed.sum() == (quality.weight == 0).sum() <= 20
