"""CIFAR-10.1 v6: 30 public models.

Source: Recht, Roelofs, Schmidt and Shankar (2018), "Do CIFAR-10 classifiers generalize to
CIFAR-10?", whose released predictions these are.  The paper's own table is about version 4.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import freshset
from freshset.generalization.comparison import Comparison
from freshset.generalization.lint import lint
from freshset.store.parquet import ParquetStore

pytestmark = pytest.mark.shared_data


@pytest.fixture(scope="module")
def result(cifar_store: Path) -> Comparison:
    settings = freshset.CompareSettings(resample="models")
    return freshset.compare(ParquetStore(cifar_store), "cifar10/test", "cifar10.1/v6", settings)


def test_drops(result: Comparison) -> None:
    assert len(result.models) == 30
    assert (result.drop.min, result.drop.max) == pytest.approx((4.01, 14.61), abs=0.005)


def test_line(result: Comparison) -> None:
    linear = result.fits["linear"]
    assert linear.slope.value == pytest.approx(1.595, abs=0.0005)
    assert linear.intercept.value == pytest.approx(-63.18, abs=0.005)


@pytest.mark.parametrize(
    ("model", "old", "new"),
    [
        ("shake_shake_26_2x64d_SSI_cutout16", 97.11, 93.10),
        ("wrn_28_10", 95.93, 90.15),
        ("resnet_basic_110", 93.46, 85.40),
        ("vgg_15_BN_64", 92.99, 85.05),
        ("vgg16_keras", 93.59, 85.60),
        ("cudaconvnet", 88.54, 78.20),
        ("random_features_256k_aug", 85.63, 73.60),
    ],
)
def test_rows(result: Comparison, model: str, old: float, new: float) -> None:
    row = next(row for row in result.models if row.model == model)
    assert 100 * row.old.accuracy == pytest.approx(old, abs=0.005)
    assert 100 * row.new.accuracy == pytest.approx(new, abs=0.005)


def test_lint_finds_nothing(cifar_store: Path) -> None:
    assert lint(ParquetStore(cifar_store)).issues == ()
