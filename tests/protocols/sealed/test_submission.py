from __future__ import annotations

import numpy as np
import pytest

from freshset.core.errors import DataError
from freshset.protocols.sealed.submission import Labels, Public, as_names, check_submission

PUBLIC = Public("digits", 3, ("0", "1", "2"))
NAMED = Public("pets", 2, ("cat", "dog"), ("a", "b"))


def test_good_submissions() -> None:
    got = check_submission(PUBLIC, [2, 0, 1])
    assert got.classes.tolist() == [2, 0, 1]
    for same in ([2.0, 0.0, 1.0], ["2", "0", "1"], [[2], [0], [1]]):
        assert check_submission(PUBLIC, same).digest == got.digest
    assert check_submission(PUBLIC, [2, 0, 2]).digest != got.digest
    assert check_submission(NAMED, ["dog", "cat"], ["a", "b"]).classes.tolist() == [1, 0]
    assert Public.from_dict(NAMED.to_dict()) == NAMED


@pytest.mark.parametrize(
    ("public", "values", "ids", "said"),
    [
        (PUBLIC, [1, 2], None, "2 predictions, where digits has 3 examples"),
        (PUBLIC, [1, 2, 0, 1], None, "4 predictions"),
        (PUBLIC, [[1, 2], [1, 2], [1, 2]], None, "shape"),
        (PUBLIC, 1, None, "shape"),
        (PUBLIC, [1, 2, 3], None, "Row 2: '3' is no class of digits"),
        (PUBLIC, [1, 0.5, 2], None, "Row 1: '0.5' is no class"),
        (PUBLIC, [1, np.nan, 2], None, "is no class"),
        (NAMED, ["cat", "bird"], ["a", "b"], "Row 1: 'bird'"),
        (NAMED, ["cat", "dog"], None, "has ids, and the predictions have none"),
        (NAMED, ["cat", "dog"], ["a"], "1 ids for 2"),
        (NAMED, ["cat", "dog"], ["b", "a"], "in another order: row 0 has 'b', not 'a'"),
        (NAMED, ["cat", "dog"], ["a", "c"], "An id is wrong: row 1 has 'c'"),
    ],
)
def test_bad_submissions(public: Public, values: object, ids: object, said: str) -> None:
    with pytest.raises(DataError, match=said):
        check_submission(public, values, ids)


def test_names() -> None:
    assert as_names(np.array([3.0, 1.0])) == ["3", "1"]
    assert as_names(np.array([True])) == ["True"]


def test_labels() -> None:
    got = Labels.of(["10", "9", "x"], name="d", ids=["a", "b", "c"])
    assert got.public == Public("d", 3, ("9", "10", "x"), ("a", "b", "c"))
    assert got.codes.tolist() == [1, 0, 2]
    assert Labels.of(np.array([[2], [1]]), name="d").names == ("2", "1")
    for labels, ids in (([], None), ([[1, 2]], None), ([1, 2], ["a"]), ([1, 2], ["a", "a"])):
        with pytest.raises(DataError):
            Labels.of(labels, name="d", ids=ids)


def test_classes_without_an_example_may_be_predicted() -> None:
    labels = Labels.of([2, 0, 2], name="d", classes=["0", "1", "2", "10"])
    assert labels.public.classes == ("0", "1", "2", "10")
    assert labels.codes.tolist() == [2, 0, 2]
    assert check_submission(labels.public, [10, 1, 2]).classes.tolist() == [3, 1, 2]
    with pytest.raises(DataError, match="the label '2' is none of the 2 classes"):
        Labels.of([2, 0], name="d", classes=["0", "1"])


def test_the_row_without_a_class_is_named() -> None:
    with pytest.raises(DataError, match="Row 1: 'nan' is no class"):
        check_submission(PUBLIC, [1, np.nan, 2])
