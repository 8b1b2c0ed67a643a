"""timm's result tables: 1,556 models on ImageNet validation and ImageNetV2 MatchedFrequency.

Source: github.com/huggingface/pytorch-image-models (Apache-2.0), results/results-imagenet.csv and
results-imagenetv2-matched-frequency.csv.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import freshset
from freshset.generalization.comparison import Comparison
from freshset.store.importers import import_results
from freshset.store.parquet import ParquetStore

pytestmark = pytest.mark.shared_data

VAL, MF = "imagenet/val", "imagenetv2/matched-frequency"


@pytest.fixture(scope="module")
def result(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    store = tmp_path_factory.mktemp("timm") / "s"
    for testset, file in (
        (VAL, "results-imagenet.csv"),
        (MF, "results-imagenetv2-matched-frequency.csv"),
    ):
        import_results("timm", shared_data / "timm" / file, store, testset=testset)
    settings = freshset.CompareSettings(bootstrap=1_000, item_bootstrap=200)
    return freshset.compare(ParquetStore(store), VAL, MF, settings)


def test_line_and_drop(result: Comparison) -> None:
    assert len(result.models) == 1_556
    assert result.fits["linear"].slope.value == pytest.approx(1.144, abs=0.0005)
    assert result.fits["probit"].slope.value == pytest.approx(0.963, abs=0.0005)
    assert result.drop.mean.value == pytest.approx(10.85, abs=0.005)
    assert (result.drop.min, result.drop.max) == pytest.approx((7.15, 15.87), abs=0.005)
    assert (result.ranks.spearman, result.ranks.kendall) == pytest.approx(
        (0.9950, 0.942), abs=0.0005
    )


def test_intervals_are_marked_approximate(result: Comparison) -> None:
    assert result.approximate
    assert result.to_dict()["settings"]["accuracy_interval"] == "clopper-pearson (approximate)"
