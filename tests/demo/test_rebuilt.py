from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from freshset.demo import rebuilt
from freshset.demo.digits import Digits, load_digits
from freshset.replication.project import Project
from freshset.replication.revisions.chain import verify


@pytest.fixture(scope="module")
def digits() -> Digits:
    return load_digits()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("rebuilt") / "demo"


@pytest.fixture(scope="module")
def built(digits: Digits, folder: Path) -> rebuilt.Rebuilt:
    steps: list[str] = []
    found = rebuilt.rebuild(digits, folder, step=steps.append)
    assert len(steps) == 2
    return found


def test_every_set_is_of_unseen_writers_and_balanced(
    built: rebuilt.Rebuilt, digits: Digits
) -> None:
    assert tuple(built.testsets) == rebuilt.STRATEGIES
    for strategy, testset in built.testsets.items():
        rows = built.rows[strategy]
        assert "simulated" in testset.id
        assert np.bincount(testset.known_labels).tolist() == [20] * 10
        assert set(rows) <= set(digits.new)
        assert testset.touched == ""
        # Annotators look at the picture, so nearly all of what they choose is what its writer meant.
        assert (digits.labels[rows] == testset.known_labels).mean() > 0.97


def test_the_strategies_differ_in_the_frequency_of_what_they_take(built: rebuilt.Rebuilt) -> None:
    value = dict(
        zip(
            zip(built.candidates.item_ids, built.candidates.class_keys, strict=True),
            built.candidates.value,
            strict=True,
        )
    )
    mean = {
        name: np.mean(
            [
                value[item, one.class_keys[label]]
                for item, label in zip(one.ids, one.known_labels, strict=True)
            ]
        )
        for name, one in built.testsets.items()
    }
    assert mean["matched-frequency"] < mean["threshold"] < mean["top"]
    assert mean["top"] > 0.99


def test_the_frequencies_of_the_old_set_have_its_names(
    built: rebuilt.Rebuilt, digits: Digits
) -> None:
    own = {f"digit-{row:04d}": str(digits.labels[row]) for row in digits.old}
    names = dict(zip(built.old.item_ids, built.old.class_keys, strict=True))
    assert len(names) == len(built.old) >= 200
    assert names.items() <= own.items()
    assert (built.old.answers >= 6).sum() >= 200
    assert len(built.candidates) == len(digits.new)


def test_careless_annotators_are_found_by_their_controls(
    built: rebuilt.Rebuilt, folder: Path
) -> None:
    from freshset.replication.labelling.frequencies import pooled_frequencies

    with Project.open(folder / "project") as project:
        quality = pooled_frequencies(project).quality
        assert verify(project, "top").names == ("top",)
    assert quality.failed.sum() == rebuilt.ANNOTATORS // 10


def test_the_same_seed_builds_the_same_sets(
    built: rebuilt.Rebuilt, digits: Digits, tmp_path: Path
) -> None:
    again = rebuilt.rebuild(digits, tmp_path / "again")
    for name, one in built.testsets.items():
        assert again.testsets[name].fingerprint == one.fingerprint


def test_a_clear_digit_is_likelier_than_any_other_class(digits: Digits) -> None:
    chance = rebuilt.chances(digits)
    own = chance[np.arange(len(digits.labels)), digits.labels]
    assert ((chance >= 0) & (chance <= 1)).all()
    assert (chance.argmax(axis=1) == digits.labels).mean() > 0.97
    assert np.median(own) > 0.9
    assert (own < 0.6).mean() > 0.02
