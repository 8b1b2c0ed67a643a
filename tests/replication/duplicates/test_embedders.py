from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fakes.pictures import discs
from PIL import Image

from freshset.core.errors import DataError, UsageError
from freshset.replication.duplicates.embedders import (
    PerceptualHash,
    Pixels,
    embedder,
    read_features,
)


@pytest.mark.parametrize(
    ("metric", "side", "copy"),
    [("pixels", 256, True), ("pixels32", 32, False), ("ssim", 256, True)],
)
def test_pixels_are_as_they_are(
    metric: str, side: int, copy: bool, rng: np.random.Generator
) -> None:
    one = embedder(metric)
    pixels = discs(rng, side)
    vectors = one.embed(one.prepare(Image.fromarray(pixels))[None])
    assert np.array_equal(vectors[0], pixels.reshape(-1))
    assert (one.name, one.dimension, one.dtype, one.from_copy) == (
        metric,
        side * side * 3,
        np.uint8,
        copy,
    )
    tall = Image.fromarray(discs(rng, 300)).crop((0, 0, 100, 300))
    assert one.prepare(tall).shape == (side, side, 3)


def test_hashes() -> None:
    one = embedder("phash")
    assert isinstance(one, PerceptualHash)
    assert one.embed(np.stack([one.prepare(Image.new("RGB", (9, 9)))])).shape == (1, 8)


@pytest.mark.parametrize("metric", ["pixels", "pixels32", "ssim", "phash"])
def test_the_record_says_what_can_change_a_number(metric: str) -> None:
    text = str(embedder(metric).record)
    for word in ("Pillow", "decoder", "resizer", "interpolation"):
        assert word in text
    assert Pixels("pixels32", 32).record != Pixels("pixels33", 33).record


def test_vgg_16(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from freshset.models import vgg_features

    class Fake:
        def __init__(self, weights: Path) -> None:
            self.versions = {"torch": "9"}

        def __call__(self, images: np.ndarray) -> np.ndarray:
            return np.full((len(images), 4096), images.mean(), np.float32)

    monkeypatch.setattr(vgg_features, "VggFeatures", Fake)
    (tmp_path / "vgg.pt").write_bytes(b"weights")
    one = embedder("fc7", tmp_path / "vgg.pt")
    prepared = one.prepare(Image.new("RGB", (300, 200), (7, 7, 7)))
    assert prepared.shape == (224, 224, 3)
    assert (one.embed(prepared[None]) == 7).all()
    assert {"weights", "torch", "interpolation"} <= one.record.keys()
    with pytest.raises(UsageError, match="--weights FILE"):
        embedder("fc7")


@pytest.mark.parametrize("metric", ["pixel", "pixels0", "pixels012", "clip", ""])
def test_other_metrics_come_from_files(metric: str) -> None:
    with pytest.raises(UsageError, match=r"--features .*=FILE\.npz"):
        embedder(metric)


def test_features_from_files(tmp_path: Path, rng: np.random.Generator) -> None:
    features = rng.normal(size=(3, 4)).astype(np.float32)
    np.savez(tmp_path / "a.npz", ids=np.array(["c", "a", "b"]), features=features)
    np.save(tmp_path / "b.npy", features)
    (tmp_path / "b.ids.txt").write_text("c\na\nb\n", encoding="utf-8")
    for name in ("a.npz", "b.npy"):
        ids, rows = read_features(tmp_path / name)
        assert ids == ["a", "b", "c"]
        assert np.array_equal(rows, features[[1, 2, 0]])


def test_bad_feature_files(tmp_path: Path) -> None:
    np.savez(tmp_path / "twice.npz", ids=np.array(["a", "a"]), features=np.zeros((2, 3)))
    with pytest.raises(DataError, match=r"2 ids \(1 different\)"):
        read_features(tmp_path / "twice.npz")
    np.savez(tmp_path / "short.npz", ids=np.array(["a"]), features=np.zeros((2, 3)))
    with pytest.raises(DataError, match=r"1 ids .* shape \(2, 3\)"):
        read_features(tmp_path / "short.npz")
    np.savez(tmp_path / "names.npz", names=np.array(["a"]))
    (tmp_path / "text.npz").write_text("hello", encoding="utf-8")
    np.save(tmp_path / "alone.npy", np.zeros((2, 3)))
    for name in ("names.npz", "text.npz", "alone.npy", "none.npz"):
        with pytest.raises(DataError, match="no features can be read"):
            read_features(tmp_path / name)
