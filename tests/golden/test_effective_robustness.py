"""Effective robustness on ImageNetV2 as published by Taori et al. (2020).

The accuracies are those of the authors' test bed (see the head of the data file); the lines and the
distances from them are recomputed here.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from freshset.stats.fits import Scale
from freshset.stats.robustness import effective_robustness, relative_robustness

_DATA = Path(__file__).parent / "data" / "testbed_imagenetv2.csv"


@dataclass(frozen=True, slots=True)
class Accuracies:
    """Accuracies (fractions) of the models that were evaluated on both sets."""

    model: list[str]
    standard: npt.NDArray[np.bool_]
    val: npt.NDArray[np.float64]
    imagenetv2: npt.NDArray[np.float64]

    def __getitem__(self, model: str) -> int:
        return self.model.index(model)


@pytest.fixture(scope="module")
def testbed() -> Accuracies:
    lines = [line for line in _DATA.read_text().splitlines() if not line.startswith("#")]
    rows = list(csv.DictReader(lines))
    return Accuracies(
        [row["model"] for row in rows],
        np.array([row["standard"] == "1" for row in rows]),
        np.array([float(row["val"]) / 100 for row in rows]),
        np.array([float(row["imagenetv2_mf"]) / 100 for row in rows]),
    )


def test_85_of_335_models_define_the_baseline(testbed: Accuracies) -> None:
    assert (len(testbed.model), np.count_nonzero(testbed.standard)) == (335, 85)


@pytest.mark.parametrize(
    ("scale", "slope", "intercept", "r2"),
    [
        ("logit", 0.9232, -0.4977, 0.9960),
        ("probit", 0.9617, -0.3247, 0.9956),
        ("linear", 1.1120, -20.43, 0.9915),
    ],
)
def test_baseline(
    testbed: Accuracies, scale: Scale, slope: float, intercept: float, r2: float
) -> None:
    line = effective_robustness(
        testbed.val, testbed.imagenetv2, standard=testbed.standard, scale=scale
    ).baseline
    assert line.slope == pytest.approx(slope, abs=5e-5)
    assert line.intercept == pytest.approx(intercept, abs=5e-3 if scale == "linear" else 5e-5)
    assert line.r2 == pytest.approx(r2, abs=5e-5)


@pytest.mark.parametrize(
    ("model", "rho"),
    [
        ("resnet50", -0.738),
        ("resnet152", 0.295),
        ("resnet50_swsl", 1.365),
        ("efficientnet-l2-noisystudent", 1.108),
        ("resnet50_clip_zeroshot", 5.794),
        ("BiT-M-R101x3-ILSVRC2012", -1.341),
    ],
)
def test_effective_robustness(testbed: Accuracies, model: str, rho: float) -> None:
    result = effective_robustness(testbed.val, testbed.imagenetv2, standard=testbed.standard)
    assert result.scale == "logit"
    assert result.rho[testbed[model]] == pytest.approx(rho, abs=5e-4)


def test_most_and_least_robust_models(testbed: Accuracies) -> None:
    rho = effective_robustness(testbed.val, testbed.imagenetv2, standard=testbed.standard).rho
    assert testbed.model[int(np.argmax(rho))] == "resnet50_clip_zeroshot"
    assert testbed.model[int(np.argmin(rho))] == "BiT-M-R101x3-ILSVRC2012"


@pytest.mark.parametrize(
    ("model", "base", "tau"),
    [("resnet50_swsl", "resnet50", 8.25), ("resnet50_linf_eps4_robust", "resnet50", -13.35)],
)
def test_relative_robustness(testbed: Accuracies, model: str, base: str, tau: float) -> None:
    got = relative_robustness(testbed.imagenetv2[testbed[model]], testbed.imagenetv2[testbed[base]])
    assert float(got) == pytest.approx(tau, abs=5e-3)
