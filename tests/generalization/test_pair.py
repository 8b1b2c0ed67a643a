from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from statsmodels.stats.contingency_tables import mcnemar

from freshset.core.config import CompareSettings
from freshset.core.errors import StoreError
from freshset.generalization.pair import all_pairs, pair
from freshset.store.importers import import_results
from freshset.store.parquet import ParquetStore

OLD, NEW = "imagenet/val", "imagenetv2/matched-frequency"


@pytest.fixture
def store(archive: Path, tmp_path: Path) -> ParquetStore:
    import_results("imagenetv2", archive, tmp_path / "s")
    return ParquetStore(tmp_path / "s")


def test_against_statsmodels(store: ParquetStore) -> None:
    result = pair(store, "m0", "m3")
    assert [row.testset for row in result.testsets] == [OLD, NEW]
    for row in result.testsets:
        a, b = store.matrix(row.testset, ["m0", "m3"]).correct("top1")
        table = [[(a & b).sum(), (a & ~b).sum()], [(b & ~a).sum(), (~a & ~b).sum()]]
        assert row.p_exact == pytest.approx(mcnemar(np.array(table), exact=True).pvalue, rel=1e-12)
        assert (row.only_a, row.only_b) == (table[0][1], table[1][0])
        assert row.difference.value == pytest.approx(100 * (a.mean() - b.mean()))
        assert row.difference.low <= row.difference.value <= row.difference.high
        assert row.similarity == pytest.approx((a == b).mean())
        assert row.p_exact <= row.p_adjusted <= 1


def test_a_model_against_itself_is_tied(store: ParquetStore) -> None:
    for row in pair(store, "m1", "m1").testsets:
        assert (row.p_exact, row.difference.value, row.only_a) == (1.0, 0.0, 0)
        assert row.items_needed == np.inf
    json.dumps(pair(store, "m1", "m1").to_dict(), allow_nan=False)


def test_swapping_the_models_flips_the_sign(store: ParquetStore) -> None:
    one, two = (
        pair(store, "m0", "m2", [OLD]).testsets[0],
        pair(store, "m2", "m0", [OLD]).testsets[0],
    )
    assert one.difference.value == pytest.approx(-two.difference.value)
    assert one.p_exact == two.p_exact


def test_unknown_names(store: ParquetStore) -> None:
    with pytest.raises(StoreError, match="no per-example top1 of 'm9'"):
        pair(store, "m0", "m9")
    with pytest.raises(StoreError, match="have no predictions on 'imagenet/vla' in common"):
        pair(store, "m0", "m1", ["imagenet/vla"])


def test_models_without_a_common_set(archive: Path, tmp_path: Path) -> None:
    (archive / "predictions" / "imagenetv2-b-33" / "m1.npy").unlink()
    (archive / "predictions" / "imagenet-validation-original" / "m2.npy").unlink()
    import_results("imagenetv2", archive, tmp_path / "s")
    with pytest.raises(StoreError, match="share no test set"):
        pair(ParquetStore(tmp_path / "s"), "m1", "m2")


def test_matrix_of_all_pairs(store: ParquetStore) -> None:
    matrix = all_pairs(store, OLD, ["m3", "m0", "m2", "m1"], CompareSettings())
    cells = {cell.spec.model: cell.correct["top1"] for cell in store.cells(OLD)}
    assert list(matrix.models) == sorted(cells, key=cells.__getitem__, reverse=True)
    assert (matrix.p == matrix.p.T).all()
    assert (np.diag(matrix.p) == 1).all()
    apart = matrix.distinguishable
    assert not apart.diagonal().any()
    best = matrix.models[0]
    expected = tuple(
        m for m, far in zip(matrix.models, apart[0], strict=True) if not far and m != best
    )
    assert matrix.tied_with_best == expected
    assert apart[0, -1]  # 90 % against 60 % on 80 items


def test_models_of_which_only_counts_are_known(store: ParquetStore, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("model,testset,n,correct\nt,imagenet/val,80,40\n")
    import_results("table", tmp_path / "t.csv", tmp_path / "s")
    with pytest.raises(
        StoreError, match="no per-example top1 of 't'.*needs the predictions themselves"
    ):
        pair(store, "m0", "t")


def test_a_repeated_test_set_counts_once(store: ParquetStore) -> None:
    once, twice = pair(store, "m0", "m3", [OLD]), pair(store, "m0", "m3", [OLD, "imagenet"])
    assert once == twice


def test_top5_takes_five_predictions(tmp_path: Path) -> None:
    for name, k in (("a", 3), ("b", 5)):
        np.save(tmp_path / f"{name}.npy", np.tile(np.arange(k), (30, 1)))
    np.save(tmp_path / "l.npy", np.arange(30) % 6)
    files = [tmp_path / "a.npy", tmp_path / "b.npy"]
    import_results("predictions", files, tmp_path / "t", testset="t", labels=tmp_path / "l.npy")
    with pytest.raises(StoreError, match="no per-example top5 of 'a'"):
        pair(tmp_path / "t", "a", "b", settings=CompareSettings(metric="top5"))
