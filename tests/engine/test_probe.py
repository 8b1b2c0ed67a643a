from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from fakes import testbed

from freshset.core.errors import DataError
from freshset.engine.plan import describe_models
from freshset.engine.probe import Probe, probe, sample_rows
from freshset.engine.wanted import Wanted

Make = Callable[..., Wanted]
Run = Callable[..., Probe]


@pytest.fixture
def says(wanted: Make, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Probe with a model that says ``order[label]``, or something else for a share of the items."""

    def call(order: str = "abcde", wrong: float = 0.0, n: int = 400, items: int = 200) -> Probe:
        study = wanted("a", testsets={"mine/old": {"n": n}})
        reader = testbed.TESTSETS.open(study.testsets[0])
        labels = reader.testset.known_labels
        index = np.array(["abcde".index(letter) for letter in order])
        noise = np.random.default_rng(1)
        slips = np.where(noise.random(n) < wrong, noise.integers(0, 5, n), index[labels])

        def predict(self: testbed.FakeModel, batch: npt.NDArray[Any]) -> npt.NDArray[Any]:
            return np.eye(5, dtype=np.float32)[slips[batch[:, 0].astype(int)]]

        monkeypatch.setattr(testbed.FakeModel, "predict", predict)
        infos, _ = describe_models(study)
        return probe("m", infos["fake:a"], reader, study.testsets[0], study, items)

    return call


def test_a_model_that_is_right(says: Run) -> None:
    made = says(wrong=0.2)
    assert made.n == 200
    assert 0.7 < made.correct / made.n < 0.95
    assert made.chance == 0.2
    assert made.issues() == []


def test_a_model_that_guesses(says: Run) -> None:
    (issue,) = says(wrong=1.0).issues()
    assert (issue.check, issue.severity) == ("probe", "warning")
    assert "class order?" in issue.message
    assert "not clearly above chance (20.0 %)" in issue.message


def test_a_model_that_says_one_class_only(says: Run) -> None:
    (issue,) = says(order="aaaaa").issues()
    assert issue.severity == "warning"


def test_another_class_order_is_found(says: Run) -> None:
    made = says(order="bcdea", wrong=0.1)
    assert made.as_they_are < 0.2 * made.held_out < made.renamed
    (issue,) = made.issues()
    assert (issue.severity, issue.models) == ("fault", ("m",))
    assert "class order?" in issue.message
    assert "'b' for 'a'" in issue.message


def test_two_classes_that_are_swapped_are_found(says: Run) -> None:
    made = says(order="abced")
    assert set(made.pairs) == {("d", "e"), ("e", "d")}
    (issue,) = made.issues()
    assert issue.severity == "fault"


def test_few_items_of_a_good_model_are_enough(says: Run) -> None:
    made = says(n=25, items=25)
    assert 20 <= made.n <= 25
    assert made.issues() == []


def test_renaming_is_tried_on_other_items_than_it_was_found_on(says: Run) -> None:
    # With one item a class any prediction can be renamed to be right.
    made = says(order="bcdea", n=5, items=5)
    assert made.held_out < 5
    assert all(issue.severity != "fault" for issue in made.issues())


def test_a_model_that_breaks(wanted: Make) -> None:
    study = wanted("a?raise_at=3", testsets={"mine/old": {}})
    reader = testbed.TESTSETS.open(study.testsets[0])
    info = describe_models(study)[0]["fake:a?raise_at=3"]
    with pytest.raises(DataError, match="the model broke"):
        probe("m", info, reader, study.testsets[0], study, 40)


def test_the_sample() -> None:
    labels = np.repeat(np.arange(100, dtype=np.int32), 30)
    rows = sample_rows(labels, 200)
    assert len(rows) == 200
    counts = np.unique(labels[rows], return_counts=True)
    assert counts[0].tolist() == [0, 11, 22, 33, 44, 55, 66, 77, 88, 99]
    assert set(counts[1]) == {20}
    assert rows == sorted(rows)
    assert len(sample_rows(labels[:60], 100)) == 60
    assert len(sample_rows(labels[:300], 200)) == 200
    few = np.arange(50, dtype=np.int32)
    assert len(sample_rows(few, 1000)) == 50
