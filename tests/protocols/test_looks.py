from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from fakes import judged_store
from sklearn.linear_model import Ridge
from sklearn.svm import SVC

from freshset.core.errors import DataError, StoreError, UsageError
from freshset.protocols.folds.data import Data
from freshset.protocols.folds.learners import as_learner
from freshset.protocols.folds.making import open_official
from freshset.protocols.looks import SCHEMA, looks_of_holdout, looks_of_store
from freshset.protocols.policies import PolicySpec
from freshset.protocols.sealed.cipher import Key, new_key
from freshset.protocols.sealed.holdout import Holdout
from freshset.protocols.sealed.rules import Rules
from freshset.protocols.sealed.submission import Labels
from freshset.stats.reuse import union_bound
from freshset.store.parquet import ParquetStore

LABELS = np.random.default_rng(0).integers(0, 3, 400)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> ParquetStore:
    return ParquetStore(judged_store.make(tmp_path_factory.mktemp("looks"), items=300))


def test_a_store_in_the_order_of_its_files(store: ParquetStore) -> None:
    cells = store.cells(judged_store.OLD)
    for days, cell in enumerate(reversed(cells)):
        marker = store.data_file(cell).parent / "cell.json"
        os.utime(marker, (86_400 * (20_000 + days),) * 2)
    got = looks_of_store(store, judged_store.OLD, rng=np.random.default_rng(0))
    assert [one.model for one in got.looks] == [c.spec.model for c in reversed(cells)]
    best = [one.best for one in got.looks]
    assert best == [max(one.accuracy for one in got.looks[: k + 1]) for k in range(len(cells))]
    assert got.union == pytest.approx(100 * union_bound(4, 300))
    assert got.cover is not None
    assert 0 < got.resampled < got.union < got.worst
    text = " ".join(got.findings)
    assert "looked at 4 times between 2024-10-04 and 2024-10-07" in text
    assert "upper bounds, not estimates" in text
    assert "time of copying" in text
    assert json.loads(json.dumps(got.to_dict()))["schema"] == SCHEMA


def test_looks_that_were_not_recorded_count(store: ParquetStore) -> None:
    rng = np.random.default_rng(0)
    got = looks_of_store(store, judged_store.OLD, rng=rng, unrecorded=96)
    assert (got.counted, got.union) == (100, pytest.approx(100 * union_bound(100, 300)))
    assert "96 times without a record" in got.findings[0]
    with pytest.raises(UsageError, match="no negative"):
        looks_of_store(store, judged_store.OLD, rng=rng, unrecorded=-1)
    with pytest.raises(StoreError, match="no test set"):
        looks_of_store(store, "none", rng=rng)


def evaluated(folder: Path, policy: PolicySpec, times: int = 12) -> Holdout:
    key = Key(new_key())
    labels = Labels.of(LABELS, name="d")
    holdout = Holdout.seal(folder, key, labels, Rules(policy, 50), who="ann")
    rng = np.random.default_rng(1)
    for number in range(times):
        guess = np.where(rng.random(400) < 0.5 + number / 40, LABELS, 0)
        claimed = 0.5 if policy.kind == "thresholdout" else None
        checked = holdout.check(guess)
        holdout.evaluate(key, checked, who="bob", model=f"m{number % 5}", claimed=claimed)
    return holdout


def test_a_ledger_needs_no_key_and_a_ladder_leaves_less(tmp_path: Path) -> None:
    plain = looks_of_holdout(evaluated(tmp_path / "a", PolicySpec("exact")))
    ladder = looks_of_holdout(evaluated(tmp_path / "b", PolicySpec("ladder-step", step="0.1")))
    rounded = looks_of_holdout(evaluated(tmp_path / "c", PolicySpec("rounded", step="0.1")))
    budgeted = PolicySpec("thresholdout", threshold=0.1, sigma=0.01, budget=2)
    limited = looks_of_holdout(evaluated(tmp_path / "d", budgeted))
    assert limited.worst < plain.worst
    assert ladder.worst < plain.worst
    assert rounded.worst < plain.worst
    assert plain.cover is None
    assert np.isnan(plain.resampled)
    assert "12 times" in plain.findings[0]
    assert "with 5 different models" in plain.findings[0]
    data = json.loads(json.dumps(plain.to_dict()))
    assert data["bounds"]["resampled"] is None
    assert data["looks"][0]["who"] == "bob"


def test_a_holdout_nobody_looked_at(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nothing was evaluated"):
        looks_of_holdout(evaluated(tmp_path, PolicySpec("ladder"), 0))


def test_openings_of_an_official_set_are_looks(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(200, 3)), rng.integers(0, 2, 200)
    known, official = Data(x[:100], y[:100], name="k"), Data(x[100:], y[100:], name="o.npz")
    for c in (0.1, 1, 10):
        open_official(as_learner(SVC(C=c)), known, official, seed=0, store=tmp_path)
    opened = ParquetStore(tmp_path)
    got = looks_of_store(opened, "o.npz", rng=rng)
    assert (got.testset, got.n, len(got.looks)) == ("o.npz", 100, 3)
    right = SVC(C=1).fit(x[:100], y[:100]).score(x[100:], y[100:])
    accuracy = {one.model: one.accuracy for one in got.looks}
    assert accuracy["SVC(C=1) trained on k"] == right
    assert got.best == max(accuracy.values())
    assert got.cover is not None
    assert looks_of_store(opened, official.digest, rng=rng).union == got.union
    other = Data(x[50:150], y[50:150], name="o.npz")
    open_official(as_learner(SVC()), known, other, seed=0, store=tmp_path)
    with pytest.raises(UsageError, match=r"2 official sets are called o\.npz"):
        looks_of_store(opened, "o.npz", rng=rng)
    assert len(looks_of_store(opened, other.digest, rng=rng).looks) == 1


def test_numbers_have_no_accuracy(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(60, 2))
    known, official = Data(x[:30], x[:30, 0], name="k"), Data(x[30:], x[30:, 0], name="o")
    open_official(as_learner(Ridge()), known, official, seed=0, store=tmp_path)
    got = looks_of_store(ParquetStore(tmp_path), "o", rng=np.random.default_rng(0))
    assert got.best is None
    assert got.cover is None
