from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa
from fakes.crowd import add_images, answered, item, shown

from freshset.replication.labelling.answer_table import AnswerTable
from freshset.replication.labelling.answers.importing import hash_worker, import_answers
from freshset.replication.labelling.answers.tables import read
from freshset.replication.labelling.frequencies import (
    labels_at,
    pool,
    pooled_frequencies,
    under_original_names,
)
from freshset.replication.labelling.grids import make_tasks
from freshset.replication.project import Project
from freshset.replication.tables import origins

ME = {"who": "ada", "why": "test"}


def table(worker: list[int], question: list[int], selected: list[float]) -> AnswerTable:
    n = max(question) + 1
    ids = np.array([f"i{i}" for i in range(n)], dtype=object)
    names = np.array([f"w{i}" for i in range(max(worker) + 1)], dtype=object)
    expected = np.full(len(worker), np.nan)
    return AnswerTable(
        np.array(worker), np.array(question), np.array(selected, float), expected, names, ids, ids
    )


def test_pooling_keeps_the_number_of_answers() -> None:
    got = pool(table([0, 1, 2, 0], [0, 0, 0, 1], [1, 0, 0.5, 0]))
    assert got.selected.tolist() == [1.5, 0]
    assert got.answers.tolist() == [3, 1]


def test_weights_change_frequencies_and_not_numbers() -> None:
    answers = table([0, 1, 2, 0], [0, 0, 0, 1], [1, 0, 0, 0])
    got = pool(answers, weight=np.array([0.9, 0.3, 0.0]))
    np.testing.assert_allclose(got.value, [0.75, 0])
    assert got.answers.tolist() == [2, 1]
    # Without anybody to be believed nothing is known.
    got = pool(answers, weight=np.array([0.0, 0.3, 0.3]))
    assert got.answers.tolist() == [2, 0]
    assert np.isnan(got.value[1])


@pytest.mark.parametrize("policy", ["warn", "drop", "weight"])
def test_a_declared_policy_and_both_versions(tmp_path: Path, spec_text: str, policy: str) -> None:
    text = spec_text + f"workers: {{policy: {policy}, min_controls: 12}}\n"
    with Project.create(tmp_path / "p", text, **ME) as project:
        add_images(project, "candidate", {"cat": 168})
        add_images(project, "test", {"cat": 30, "lynx": 30})
        make_tasks(project, **ME)
        crowd = dict.fromkeys("abcdefgh", 0.98) | {"spammer": 0.0}
        rows = answered(project, crowd, rng=np.random.default_rng(1))
        rows.to_csv(tmp_path / "a.csv", index=False)
        import_answers(project, read(tmp_path / "a.csv"), source="table", **ME)
        got = pooled_frequencies(project)
        spammer = hash_worker("spammer", project.salt)
        truth = {
            one: one[0] in "02468ace"
            for one in shown(project).query("role == 'candidate'")["item_id"]
        }
    assert got.policy == policy
    failed = got.quality.workers[got.quality.failed]
    assert failed.tolist() == [spammer]
    own = [row for row, one in enumerate(got.raw.item_ids) if one in truth]
    right = np.array([truth[one] for one in got.raw.item_ids[own]], dtype=float)
    errors = [np.abs(some.value[own] - right).mean() for some in (got.raw, got.frequencies)]
    assert set(got.raw.answers) == {9}
    if policy == "warn":
        assert got.frequencies is got.raw
    else:
        assert errors[1] < 0.6 * errors[0]
    if policy == "drop":
        assert set(got.frequencies.answers) == {8}


def test_images_without_answers_do_not_occur(any_project: Project, tmp_path: Path) -> None:
    add_images(any_project, "candidate", {"cat": 2})
    (tmp_path / "a.csv").write_text(
        f"worker,item_id,selected\nw,{item('candidate-cat-0.jpg')},0\n", encoding="utf-8"
    )
    import_answers(any_project, read(tmp_path / "a.csv"), source="table", **ME)
    got = pooled_frequencies(any_project).raw
    assert got.item_ids.tolist() == [item("candidate-cat-0.jpg")]
    assert got.value.tolist() == [0]


def test_labels_at_a_threshold() -> None:
    items = np.array(["a", "a", "b", "c"], dtype=object)
    keys = np.array(["1", "2", "1", "1"], dtype=object)
    got = labels_at(items, keys, [0.8, 0.9, 0.79, np.nan], 0.8)
    assert got == {"a": ("1", "2"), "b": (), "c": ()}


def test_original_images_under_the_names_of_their_test_set(tmp_path: Path, spec_text: str) -> None:
    at = {"retrieved_at": "2026-01-01T00:00:00+00:00"}
    rows = [
        {"source": "original:test", "key": "cat/2.png", "class_key": "cat", "item_id": "i0", **at},
        {"source": "original:test", "key": "cat/1.png", "class_key": "cat", "item_id": "i0", **at},
        {"source": "original:test", "key": "cat/3.png", "class_key": "cat", "item_id": None, **at},
        {"source": "folder:found", "key": "cat/4.png", "class_key": "cat", "item_id": "i1", **at},
    ]
    with Project.create(tmp_path / "p", spec_text, **ME) as project:
        with project.change("fake.origins", **ME) as change:
            change.connection.execute(sa.insert(origins), rows)
        got = under_original_names(project, pool(table([0, 1, 0], [0, 0, 1], [1, 1, 0])))
    assert got.item_ids.tolist() == ["cat/1.png", "cat/2.png", "i1"]
    assert got.class_keys.tolist() == ["i0", "i0", "i1"]
    assert got.selected.tolist() == [2, 2, 0]
    assert got.answers.tolist() == [2, 2, 1]
