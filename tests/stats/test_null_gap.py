"""The null test on simulated annotators, and on the human answers of ReaL and CIFAR-10H."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from conftest import SHARED
from fakes.annotators import answered

from freshset.replication.labelling.answers.cifar10h import read_counts
from freshset.stats.corrections import BiasOptions
from freshset.stats.matching import Judged
from freshset.stats.null_gap import NullTest, null_test, tilt_towards


def test_simulated_answers(rng: np.random.Generator) -> None:
    items = answered(rng, 6_000, 15, hard=0.4)
    null = null_test(items, rng=rng, repetitions=5, resample=False)
    assert (null.votes, null.answers) == (6, 9)
    assert null.gaps.shape == (5, 4, 4)
    raw, naive, jackknife, beta = np.abs(null.mean)
    assert raw > naive > jackknife > beta
    assert beta < 0.006


def test_no_tilt_is_no_gap(rng: np.random.Generator) -> None:
    items = answered(rng, 2_000, 6, hard=0.4)
    null = null_test(items, rng=rng, tilt=np.ones(3), repetitions=3, resample=False)
    np.testing.assert_allclose(null.mean[:3], 0, atol=1e-12)
    assert null.votes == 2


def test_resampled_images_make_the_noise_of_two_sets(rng: np.random.Generator) -> None:
    items = answered(rng, 1_500, 6, hard=0.4)
    still, drawn = (
        null_test(items, rng=rng, repetitions=12, resample=resample) for resample in (False, True)
    )
    accuracy = items.correct.mean()
    noise = np.sqrt(2 * accuracy * (1 - accuracy) / 1_500 / 4)
    assert drawn.sd[0] > max(2 * still.sd[0], noise / 2)


def test_share_of_nulls_counts_the_gap_itself() -> None:
    gaps = np.zeros((4, 4, 1))
    gaps[:, 1, 0] = (0.01, -0.03, 0.02, 0.0)
    null = NullTest(2, 3, gaps)
    assert null.at_least(0.02) == pytest.approx(3 / 5)
    assert null.at_least(-0.05) == pytest.approx(1 / 5)
    assert null.at_least(0.001, "raw") == pytest.approx(1 / 5)


def test_tilt_moves_a_set_towards_the_other(rng: np.random.Generator) -> None:
    old, new = answered(rng, 8_000, 10, hard=0.1), answered(rng, 8_000, 10, hard=0.6)
    tilt = tilt_towards(old, new, 4)
    assert tilt.shape == (5,)
    assert tilt.max() == 1
    assert tilt[0] > tilt[-1]
    np.testing.assert_allclose(tilt_towards(old, old, 4), 1)
    pool = Judged(old.selected, old.answers, old.correct, pool=(new.selected, new.answers))
    np.testing.assert_allclose(tilt_towards(old, pool, 4), tilt)


def test_bad_input(rng: np.random.Generator) -> None:
    items = answered(rng, 50, 3, hard=0.4)
    with pytest.raises(ValueError, match="2 must be left"):
        null_test(items, rng=rng, tilt=np.ones(3))
    for tilt in ([1.0], [0.0, 0.0], [1.0, -1.0]):
        with pytest.raises(ValueError, match="tilt needs"):
            null_test(items, rng=rng, tilt=np.array(tilt))
    never, always = (
        Judged(np.full(5, k), np.full(5, 4.0), np.ones((1, 5), bool)) for k in (0.0, 4.0)
    )
    with pytest.raises(ValueError, match="in common"):
        tilt_towards(never, always, 2)
    nothing = Judged(np.zeros(4), np.zeros(4), np.ones((1, 4), bool))
    with pytest.raises(ValueError, match="too few"):
        null_test(nothing, rng=rng)


@pytest.fixture(scope="module")
def real(shared_data: Path) -> Judged:
    """Own-label questions of ReaL: 5 answers an image, yes taken as selected; 67 models."""
    rows = json.loads(
        (shared_data / "imagenetv2/datasets/imagenet-validation-original.json").read_text()
    )["image_filenames"]
    classes = {wnid: i for i, wnid in enumerate(sorted({wnid for _, wnid in rows}))}
    place = {file: i for i, (file, _) in enumerate(rows)}
    labels = np.array([classes[wnid] for _, wnid in rows])
    raters = np.load(shared_data / "real" / "raters.npz")
    image = np.array([place[name] for name in raters["info"][:, 0]])
    own = labels[image] == raters["info"][:, 1].astype(int)
    no, maybe, yes = raters["tensor"][:, own].sum(axis=0).T
    image = image[own]
    folder = shared_data / "imagenetv2" / "predictions" / "imagenet-validation-original"
    correct = [
        # fv_16k alone is stored as it should be in this folder.
        np.load(file)[image, 0] == labels[image]
        for file in sorted(folder.glob("*.npy"))
    ]
    return Judged(yes, no + maybe + yes, np.stack(correct))


@pytest.mark.shared_data
@pytest.mark.parametrize("tilt", [(1, 0.5, 0), (0.1, 0.5, 1), (0, 0.5, 1)])
def test_real_answers(real: Judged, tilt: tuple[float, ...]) -> None:
    """Two votes tilt, three are matched on: debiased is closer to 0 than raw, Beta-Binomial best."""
    assert real.correct.shape == (67, 24_889)
    null = null_test(
        real, rng=np.random.default_rng(4), tilt=np.array(tilt), repetitions=4, resample=False
    )
    assert null.answers == 3
    raw, naive, jackknife, beta = 100 * np.abs(null.mean)
    assert raw > 1.3 * naive
    assert naive > 1.2 * jackknife
    assert jackknife > 1.5 * beta
    assert beta < raw / 3


@pytest.mark.shared_data
def test_real_answers_of_resnet50(real: Judged, shared_data: Path) -> None:
    """A pool with the raw gap of the published null test, -6.2 points: there naive -3.0, jackknife -1.8."""
    folder = shared_data / "imagenetv2" / "predictions" / "imagenet-validation-original"
    row = sorted(file.stem for file in folder.glob("*.npy")).index("resnet50")
    items = Judged(real.selected, real.answers, real.correct[[row]])
    null = null_test(
        items,
        rng=np.random.default_rng(4),
        tilt=np.array([0.1, 0.5, 1]),
        repetitions=8,
        resample=False,
    )
    raw, naive, jackknife, beta = 100 * null.mean
    assert raw == pytest.approx(-6.2, abs=0.3)
    assert naive == pytest.approx(-3.0, abs=0.4)
    assert jackknife == pytest.approx(-1.8, abs=0.5)
    assert abs(beta) < 1


def _cifar10h() -> Path | None:
    places = [os.environ.get("FRESHSET_CIFAR10H", ""), str(SHARED / "cifar10h")]
    for place in filter(None, places):
        path = Path(place)
        found = [path] if path.is_file() else sorted(path.glob("*counts*.npy"))
        if found:
            return found[0]
    return None


@pytest.mark.shared_data
def test_cifar10h_answers(shared_data: Path) -> None:
    """511,400 human answers: five votes tilt, ten are matched on; four models of the archive."""
    path = _cifar10h()
    if path is None:
        # Its licence forbids to bundle it; the same estimators are tested on simulated counts.
        pytest.skip(
            "CIFAR-10H's counts are not here (licence CC BY-NC-SA): name the .npy file or its "
            "folder in FRESHSET_CIFAR10H"
        )
    counts = read_counts(path)
    labels = np.load(shared_data / "cifar10" / "cifar10_test_set_original_labels.npy").astype(int)
    folder = shared_data / "cifar10.1" / "model_predictions" / "original_predictions"
    models = ("resnet_basic_32", "vgg16_keras", "random_features_32k_aug", "alexnet_tf_ben")
    correct = np.stack(
        [
            np.array(json.loads((folder / f"{name}_predictions.json").read_text())) == labels
            for name in models
        ]
    )
    own = counts[10 * np.arange(len(labels)) + labels]
    items = Judged(own.selected, own.answers, correct)
    null = null_test(
        items,
        rng=np.random.default_rng(4),
        tilt=np.linspace(1, 0.2, 6),
        repetitions=5,
        resample=False,
        options=BiasOptions(answers=10),
    )
    raw, naive, jackknife, beta = 100 * np.abs(null.gaps.mean(axis=0))
    assert (raw > naive).all()
    assert (naive > jackknife).all()
    assert (naive > beta).all()
    assert (beta < 2).all()
