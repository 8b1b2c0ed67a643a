"""Files of labels and predictions, and what is wrong with them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from freshset.core.errors import DataError
from freshset.transfer.own.answers import read_answers, read_labels


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_names_numbers_and_arrays(tmp_path) -> None:
    labels = read_labels(write(tmp_path / "l.csv", "item_id,label\n07,dog\n8,cat\n9,dog\n"), "top1")
    assert labels.class_names == ("cat", "dog")
    assert labels.labels.tolist() == [1, 0, 1]
    answers = read_answers(
        write(tmp_path / "p.csv", "item_id,prediction\n9,cat\n07,dog\n"), labels, "top1"
    )
    assert answers.values[answers.there].tolist() == [1, 0]
    assert answers.there.tolist() == [True, False, True]
    np.save(tmp_path / "l.npy", np.array([3, 1, 2]))
    np.save(tmp_path / "p.npy", np.array([[3, 2], [2, 1], [2, 3]]))
    numbers = read_labels(tmp_path / "l.npy", "mean-per-class")
    first = read_answers(tmp_path / "p.npy", numbers, "mean-per-class")
    predictions, score = first.judged(numbers, "mean-per-class")
    assert predictions.tolist() == [3, 2, 2]
    assert score == pytest.approx(2 / 3)


def test_several_classes_an_item(tmp_path) -> None:
    labels = read_labels(
        write(tmp_path / "l.csv", "item_id,cat,dog\na,1,0\nb,0,1\nc,-1,1\nd,0,1\n"), "map11"
    )
    assert labels.ignored is not None
    assert labels.ignored.sum() == 1
    answers = read_answers(
        write(tmp_path / "p.csv", "item_id,dog,cat\nd,0.9,0.1\na,0.2,0.8\nb,0.7,0.3\nc,0.1,0.99\n"),
        labels,
        "map11",
    )
    decisions, score = answers.judged(labels, "map11")
    assert decisions.tolist() == [[True, False], [False, True], [True, False], [False, True]]
    # Cats: c does not count, so a is first.  Dogs: d, b, a, c; recall 1 at the fourth.
    dogs = np.mean([1.0 if level <= 2 / 3 else 3 / 4 for level in np.linspace(0, 1, 11)])
    assert score == pytest.approx((1 + dogs) / 2)


@pytest.mark.parametrize(
    ("labels", "answers", "metric", "match"),
    [
        ("item_id,label\na,1\na,2\n", "", "top1", "occurs twice"),
        (
            "item_id,label\na,x\nb,y\n",
            "item_id,prediction\na,z\nb,y\n",
            "top1",
            "'z' is not a class",
        ),
        ("item_id,label\na,1\nb,2\n", "item_id,prediction\na,1\nc,2\n", "top1", "not in l.csv"),
        ("label\n1\n2\n", "prediction\n1\n", "top1", "1 rows, but l.csv has 2 items"),
        ("item_id,label\na,1\n", "model,item_id,prediction\nx,a,1\ny,a,1\n", "top1", "of 2 models"),
        ("item_id,cat\na,2\n", "", "map11", "1, 0 or -1"),
        ("item_id,cat\na,x\n", "", "map11", "not numbers"),
        ("item_id,cat\na,\n", "", "map11", "a value is missing"),
        ("item_id,cat\na,1\n", "item_id,dog\na,1\n", "map11", "its classes are not those"),
        ("item_id,cat\na,1\n", "item_id,cat\na,4.2\n", "map11", "not between 0 and 1"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, labels, answers, metric, match) -> None:
    with pytest.raises(DataError, match=match):
        read_answers(
            write(tmp_path / "p.csv", answers),
            read_labels(write(tmp_path / "l.csv", labels), metric),
            metric,
        )
