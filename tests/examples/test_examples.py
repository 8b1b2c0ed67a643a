"""Every example runs and prints what its readers look for."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
VAL, MF = "imagenet/val", "imagenetv2/matched-frequency"


def run(name: str, *arguments: object) -> str:
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / name), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def test_every_example_has_its_test() -> None:
    text = Path(__file__).read_text(encoding="utf-8")
    for file in EXAMPLES.glob("*.py"):
        assert f'run("{file.name}"' in text, file.name


def test_compare_two_sets() -> None:
    out = run("compare_two_sets.py")
    assert "lint: 0 issues" in out
    assert "- All 8 models lose accuracy on simulated/new" in out
    assert "probit slope" in out


def test_published_tables() -> None:
    out = run("published_tables.py")
    assert "new = 1.595 * old -63.18 points, R2 0.9897" in out
    assert "mean drop  11.97 points" in out
    assert "slope      1.077 to 1.191" in out
    assert "plain    1.078 to 1.188" in out


def test_writers_of_the_digits() -> None:
    out = run("writers_of_the_digits.py")
    assert "labels repeat on the next sheet" in out
    assert out.count("without it:") == 5


def test_effective_robustness() -> None:
    table = ROOT / "tests" / "golden" / "data" / "testbed_imagenetv2.csv"
    out = run("effective_robustness.py", table, "val", "imagenetv2_mf")
    assert "335 models, of which 85 define the baseline" in out
    assert "logit   slope 0.9232, intercept -0.4977, R2 0.9960" in out
    assert "+5.794  resnet50_clip_zeroshot" in out
    assert "-1.341  BiT-M-R101x3-ILSVRC2012" in out


@pytest.mark.shared_data
def test_agreement_on_the_line(imagenet_store: Path) -> None:
    out = run("agreement_on_the_line.py", imagenet_store, VAL, MF, "--exclude", "fv_*")
    assert "models 64, pairs in the line 2016" in out
    assert "ALine-S    mean absolute error 2.04 points" in out
    assert "ALine-D    mean absolute error 2.05 points" in out


@pytest.mark.shared_data
def test_model_similarity(imagenet_store: Path) -> None:
    out = run("model_similarity.py", imagenet_store, VAL, "--exclude", "fv_*")
    assert "similarity, mean over pairs   0.8555" in out
    assert "if they erred independently   0.6306" in out
    assert "mid-p, p < .05" in run("model_similarity.py", imagenet_store, MF)


@pytest.mark.shared_data
def test_real_pipeline(imagenet_store: Path, shared_data: Path) -> None:
    """Measured elsewhere, 20 repetitions: random -0.3, matched -1.1, threshold -10.6, top -11.8."""
    out = run("real_pipeline.py", imagenet_store, shared_data / "real", "--repetitions", "4")
    assert "67 models, 24,889 images with 5 answers" in out
    found = re.findall(r"^  (random|matched|threshold|top) +([+-][\d.]+) ", out, re.MULTILINE)
    gaps = {name: float(value) for name, value in found}
    expected = {"random": -0.3, "matched": -1.1, "threshold": -10.6, "top": -11.8}
    assert gaps == pytest.approx(expected, abs=1.2)
    for row in re.findall(r"^  [\d.]+, .*$", out, re.MULTILINE):
        raw, naive, jackknife, beta = (abs(float(x)) for x in row.split()[-4:])
        assert raw > naive > jackknife > beta
    assert out.count(", 0.5, ") == 3
