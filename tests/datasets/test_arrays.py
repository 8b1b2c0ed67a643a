from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fakes.image_samples import N, make_arrays, make_npz, make_vectors, picture, ref

from freshset.core.errors import DataError, UsageError
from freshset.datasets.arrays import ADAPTER
from freshset.datasets.base import TestSetRef

BYTES = np.arange(2 * 6 * 5 * 3, dtype=np.uint8).reshape(2, 6, 5, 3)


def saved(folder: Path, images: np.ndarray, **options: object) -> TestSetRef:
    np.save(folder / "x.npy", images)
    np.save(folder / "y.npy", np.arange(len(images)) % 2)
    return ref("arrays", folder / "x.npy", **({"labels": "y.npy"} | options))


def zipped(folder: Path, options: dict[str, object] | None = None, **arrays: object) -> TestSetRef:
    np.savez(folder / "set.npz", **{"images": BYTES, "labels": [0, 1]} | arrays)
    return ref("arrays", folder / "set.npz", **options or {})


@pytest.mark.parametrize(
    ("images", "layout"),
    [
        (BYTES, "NHWC"),
        (BYTES.transpose(0, 3, 1, 2), "NCHW"),
        (np.asfortranarray(BYTES), "NHWC"),
        (BYTES[..., :1], "NHWC"),
        (BYTES.transpose(0, 3, 1, 2)[:, :1], "NCHW"),
        (BYTES[..., 0], "NHW"),
    ],
)
def test_layouts_are_seen_by_the_shape(images: np.ndarray, layout: str, tmp_path: Path) -> None:
    reader = ADAPTER.open(saved(tmp_path, images))
    assert f"layout={layout}" in reader.reading
    assert reader.item == "image"
    grey = images.size < BYTES.size
    for row in range(2):
        image = reader.read(row)
        assert (image.mode, image.size) == ("RGB", (5, 6))
        expected = np.repeat(BYTES[row, ..., :1], 3, axis=2) if grey else BYTES[row]
        assert np.array_equal(np.asarray(image), expected)


def test_a_shape_that_fits_two_layouts_needs_a_word(tmp_path: Path) -> None:
    both = np.arange(2 * 3 * 4 * 3, dtype=np.uint8).reshape(2, 3, 4, 3)
    with pytest.raises(DataError, match=r"shape \(2, 3, 4, 3\) can be read in two ways") as caught:
        ADAPTER.open(saved(tmp_path, both))
    assert "layout" in caught.value.hint
    rows = ADAPTER.open(saved(tmp_path, both, layout="NHWC")).read(0)
    assert np.array_equal(np.asarray(rows), both[0])
    channels = ADAPTER.open(saved(tmp_path, both, layout="NCHW")).read(0)
    assert np.array_equal(np.asarray(channels), both[0].transpose(1, 2, 0))
    with pytest.raises(DataError, match="is not NHW"):
        ADAPTER.open(saved(tmp_path, both, layout="NHW"))
    with pytest.raises(UsageError, match="layout is 'HWC'"):
        ADAPTER.open(saved(tmp_path, both, layout="HWC"))


def test_what_is_no_image_is_an_array(tmp_path: Path) -> None:
    floats = BYTES.astype(np.float32) / 255
    reader = ADAPTER.open(saved(tmp_path, floats))
    assert reader.item == "array"
    assert np.array_equal(reader.read(1), floats[1])
    reader = ADAPTER.open(saved(tmp_path, BYTES.reshape(2, -1)))
    assert (reader.item, reader.read(0).shape, reader.read(0).dtype) == ("array", (90,), np.uint8)
    reader = ADAPTER.open(saved(tmp_path, BYTES, item="array"))
    assert (reader.item, reader.read(0).shape) == ("array", (6, 5, 3))
    with pytest.raises(DataError, match="is not images"):
        ADAPTER.open(saved(tmp_path, floats, item="image"))


@pytest.mark.parametrize(
    "images", [np.zeros(4), np.zeros((2, 3), dtype=complex), np.array([["a", "b"]] * 2)]
)
def test_what_is_neither_is_refused(images: np.ndarray, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="are no images or vectors"):
        ADAPTER.open(saved(tmp_path, images))


def test_images_of_four_channels_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is not images") as caught:
        ADAPTER.open(saved(tmp_path, np.zeros((2, 8, 8, 4), dtype=np.uint8)))
    assert "1 or 3 channels" in caught.value.hint


def test_ids_and_strata_come_along(tmp_path: Path) -> None:
    given = zipped(tmp_path, {"strata": ["writer"]}, ids=["a", "b"], writer=[7, 8])
    testset = ADAPTER.open(given).testset
    assert testset.ids.tolist() == ["a", "b"]
    assert testset.ids_given
    assert testset.strata["writer"].tolist() == [7, 8]
    assert not ADAPTER.open(make_vectors(tmp_path)).testset.ids_given
    np.save(tmp_path / "i.npy", np.array([b"p", b"q"]))
    assert ADAPTER.open(saved(tmp_path, BYTES, ids="i.npy")).testset.ids.tolist() == ["p", "q"]


def test_arrays_are_found_by_usual_names_or_by_option(tmp_path: Path) -> None:
    np.savez(tmp_path / "keras.npz", x_train=BYTES[:1], x_test=BYTES, y_test=[1, 0])
    assert ADAPTER.open(ref("arrays", tmp_path / "keras.npz")).testset.n == 2
    np.savez(tmp_path / "odd.npz", p=BYTES, q=[1, 0])
    with pytest.raises(UsageError, match="no array 'images'") as caught:
        ADAPTER.open(ref("arrays", tmp_path / "odd.npz"))
    assert "option 'images'" in caught.value.hint
    reader = ADAPTER.open(ref("arrays", tmp_path / "odd.npz", images="p", labels="q"))
    assert reader.testset.known_labels.tolist() == [1, 0]
    with pytest.raises(UsageError, match="no array 'r'"):
        ADAPTER.open(ref("arrays", tmp_path / "odd.npz", images="p", labels="r"))


def test_labels_may_be_names(tmp_path: Path) -> None:
    reader = ADAPTER.open(zipped(tmp_path, {"classes": ["dog", "cat"]}, labels=["cat", "dog"]))
    assert reader.testset.known_labels.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("arrays", "why"),
    [
        ({"labels": [0, 1, 0]}, "2 items, but 3 labels"),
        ({"labels": [0.0, np.nan]}, "row 1: the label is nan"),
        ({"labels": [[0, 1]]}, r"labels of shape \(1, 2\)"),
        ({"ids": ["a"]}, "2 items, but 1 ids"),
        ({"ids": ["a", "a"]}, "rows 0 and 1 have one id, 'a'"),
        ({"labels": np.array([0, "x"], dtype=object)}, "'labels' holds pickled objects"),
        ({"images": np.array([{}, {}])}, "'images' holds pickled objects"),
    ],
)
def test_arrays_that_do_not_belong_together_are_refused(
    arrays: dict[str, object], why: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=why):
        ADAPTER.open(zipped(tmp_path, **arrays))


def test_pickles_are_never_opened(tmp_path: Path) -> None:
    """Unpickling runs code: here it would leave a file behind."""

    class Trap:
        def __reduce__(self) -> tuple[object, ...]:
            return (os.mkdir, (str(tmp_path / "trapped"),))

    np.save(tmp_path / "x.npy", np.array([Trap(), Trap()]), allow_pickle=True)
    np.save(tmp_path / "y.npy", np.array([0, 1]))
    given = ref("arrays", tmp_path / "x.npy", labels="y.npy")
    with pytest.raises(DataError, match=r"x\.npy: the file holds pickled objects"):
        ADAPTER.open(given)
    assert not (tmp_path / "trapped").exists()


@pytest.mark.parametrize("make", [make_arrays, make_npz])
def test_damaged_files_are_refused(make: object, tmp_path: Path) -> None:
    given = make(tmp_path)
    path = Path(given.path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(DataError, match=rf"{path.name}: "):
        ADAPTER.open(given)


def test_files_that_are_missing_are_named(tmp_path: Path) -> None:
    given = make_arrays(tmp_path)
    with pytest.raises(UsageError, match="no labels") as caught:
        ADAPTER.open(replace(given, options={}))
    assert "labels: FILE.npy" in caught.value.hint
    with pytest.raises(UsageError, match=r"labels: there is no file .*other\.npy"):
        ADAPTER.open(replace(given, options={"labels": "other.npy"}))
    with pytest.raises(UsageError, match=r"there is no file or folder .*gone\.npy"):
        ADAPTER.open(replace(given, path=str(tmp_path / "gone.npy")))
    make_npz(tmp_path)
    with pytest.raises(DataError, match=r"set\.npz: "):
        ADAPTER.open(replace(given, options={"labels": "set.npz"}))


def test_a_wrong_checksum_is_refused(tmp_path: Path) -> None:
    given = make_npz(tmp_path)
    digest = ADAPTER.open(given).reading.rpartition("sha256:")[2]
    assert ADAPTER.open(replace(given, options={"sha256": digest})).testset.n == N
    with pytest.raises(DataError, match="the SHA-256 is"):
        ADAPTER.open(replace(given, options={"sha256": "0" * 64}))


def test_a_file_that_changes_underneath_is_noticed(tmp_path: Path) -> None:
    given = make_arrays(tmp_path)
    old = ADAPTER.open(given)
    assert np.array_equal(np.asarray(old.read(0)), np.asarray(picture(0)))
    np.save(given.path, np.stack([np.asarray(picture(row + 50)) for row in range(N)]))
    os.utime(given.path, ns=(1, 1))
    new = ADAPTER.open(given)
    assert new.reading != old.reading
    assert np.array_equal(np.asarray(new.read(0)), np.asarray(picture(50)))
    from freshset.datasets.arrays import _array

    _array.cache_clear()
    with pytest.raises(DataError, match="the file changed since it was opened"):
        old.read(0)


def test_npy_files_stay_on_disk(tmp_path: Path) -> None:
    from freshset.datasets.arrays import _array

    reader = ADAPTER.open(make_arrays(tmp_path))
    assert isinstance(_array(reader.path, "", reader.modified), np.memmap)
