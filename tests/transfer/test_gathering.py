from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fakes.small_transfer import make_study

from freshset.core.errors import DataError
from freshset.store.importers import import_results
from freshset.store.parquet import ParquetStore
from freshset.transfer.gathering import results_of, source_models
from freshset.transfer.results import SourceModel
from freshset.transfer.running import TransferPlan, make_transfer_plan, run_transfer
from freshset.transfer.study import Source, load_transfer

pytestmark = pytest.mark.xdist_group("transfer")  # one process makes the finished study


def test_everything_that_was_done_is_there(done: TransferPlan) -> None:
    found = results_of(done)
    assert (found.title, found.source, found.simulated) == ("Small", "Nothing", True)
    assert found.missing == ()
    assert len(found.results) == 2 * 2 * 3
    assert [(m.name, m.family, m.accuracy, m.n) for m in found.models] == [
        ("narrow", "n", 0.6, 0), ("wide", "", 0.7, 100),
    ]  # fmt: skip
    for target in found.datasets:
        assert (target.n_train, target.n_test) == (24, 30)
        for one in found.results:
            if one.dataset == target.id:
                # Classes of equal size: the mean over classes is the share.
                assert one.score == pytest.approx((one.predictions == target.labels).mean())
    assert json.loads(json.dumps(found.protocol)) == json.loads(
        json.dumps(done.study.protocol.to_dict())
    )


def test_results_say_what_was_chosen_and_what_it_cost(done: TransferPlan) -> None:
    for one in results_of(done).results:
        assert one.validation is not None
        assert one.cost["seconds"] > 0
        if one.regime == "features":
            assert set(one.chosen) == {"penalty"}
            assert one.cost["images"] == 24 + 30
            assert (one.steps, one.curve) == (0, ())
        else:
            assert one.chosen["rate"] in {0.05, 0.2}
            assert one.cost["images"] == 3 * 6 * 8
            assert one.curve == ((6, one.score),)
    scores = results_of(done).scores
    assert set(scores) == {(m, d) for m in ("narrow", "wide") for d in ("bright", "dim")}
    assert all(set(one) == {"logme", "leep", "h-score", "nleep"} for one in scores.values())


def test_the_extra_figures(done: TransferPlan) -> None:
    found = results_of(done)
    assert {(one.regime, one.steps) for one in found.lengths} == {
        (regime, steps) for regime in ("finetune", "scratch") for steps in (2, 4)
    }
    assert {(one.regime, one.n, one.draw) for one in found.subsets} == {
        (regime, n, draw)
        for regime in ("features", "finetune", "scratch")
        for n in (9,)
        for draw in (0, 1)
    }
    before, after = found.embeddings
    assert (before.stage, after.stage) == ("before", "after")
    assert before.features.shape == after.features.shape == (20, 48)
    assert not np.allclose(before.features, after.features)
    np.testing.assert_array_equal(before.labels, found.datasets[0].labels[:20])


def test_what_is_not_there_is_listed_with_the_reason(study_file: Path) -> None:
    models = [
        {"model": "py:nets.py:wide", "name": "wide"},
        {"model": "py:nets.py:nothing", "name": "no"},
    ]
    plan = make_transfer_plan(load_transfer(make_study(study_file.parent, models=models)))
    found = results_of(plan)
    assert found.results == ()
    reasons = {(one.model, one.regime): one.reason for one in found.missing}
    assert len(found.missing) == 2 * 2 * 3
    assert "no callable 'nothing'" in reasons["no", "scratch"]
    assert reasons["wide", "finetune"].startswith("Needs wide on ")
    run_transfer(plan, stage="features")
    found = results_of(plan)
    assert {(one.model, one.regime) for one in found.results} == {("wide", "features")}


def test_accuracies_of_the_source_may_be_those_of_the_store(
    done: TransferPlan, archive: Path, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    import_results("imagenetv2", archive, store)
    (cell,) = ParquetStore(store).cells("imagenet/val", "m0")
    study = replace(
        done.study,
        source=Source("ImageNet", "imagenet/val"),
        known=(SourceModel("m0", "f"), SourceModel("other", accuracy=0.5)),
    )
    first, second = source_models(study, store)
    assert first == SourceModel("m0", "f", cell.correct["top1"] / cell.n, cell.n)
    assert second.accuracy == 0.5
    with pytest.raises(DataError, match="no results on 'mine/old'"):
        source_models(replace(study, source=Source("Old", "mine/old")), store)
    # A store that has never seen an evaluation has none either.
    with pytest.raises(DataError, match="no results on 'imagenet/val'"):
        source_models(study, done.store)
