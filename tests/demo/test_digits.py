from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from freshset.core.config import CompareSettings
from freshset.demo import digits as demo
from freshset.generalization.compare import compare
from freshset.generalization.lint import lint
from freshset.store.parquet import ParquetStore


@pytest.fixture(scope="module")
def digits() -> demo.Digits:
    return demo.load_digits()


def test_the_order_is_by_writer(digits: demo.Digits) -> None:
    evidence = demo.sheet_evidence(digits)
    # Labels of a sheet repeat those of the sheet before it; at random a tenth would.
    assert evidence.label_repeat > 0.6
    # Every sheet is more like itself than like any other.
    assert (evidence.within < evidence.between).all()
    for start in demo.SHEET_STARTS:
        first = 1 if start == 906 else 0
        assert digits.labels[start : start + 10 - first].tolist() == list(range(first, 10))


def test_parts_are_disjoint_and_no_fresh_writer_was_trained_on(digits: demo.Digits) -> None:
    parts = [set(p.tolist()) for p in (digits.train, digits.old, digits.new)]
    assert sum(map(len, parts)) == len(set().union(*parts)) == 1_797
    known = set(digits.sheet[digits.train])
    assert known == set(digits.sheet[digits.old]) == set(range(9))
    assert not known & set(digits.sheet[digits.new])


def test_the_drop_is_real(tmp_path: Path) -> None:
    store = ParquetStore(tmp_path / "s", create=True)
    done: list[str] = []
    demo.measure(store, step=done.append)
    assert len(done) == len(demo.classifiers()) == 25
    result = compare(store, demo.OLD, demo.NEW, CompareSettings(bootstrap=500))
    assert result.drop.mean.low > 0
    assert result.verdict.outcome == "dropped"
    accuracy = np.array([row.old.accuracy for row in result.models])
    assert accuracy.max() > 0.97
    assert accuracy.min() < 0.65
    assert lint(store).at_least("fault") == ()
