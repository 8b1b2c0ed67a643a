"""Small test sets of images in the real formats, one function an adapter, all of the same 12 images."""

from __future__ import annotations

import gzip
import io
import json
import struct
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from freshset.datasets.base import TestSetRef

CLASSES = ("n01440764", "n01443537", "n01484850")
N = 12
LABELS = [row % 3 for row in range(N)]


def picture(row: int, size: tuple[int, int] = (80, 64)) -> Image.Image:
    """A smooth picture, so that JPEG changes little, and another one for every row."""
    grid = np.random.default_rng(row).integers(0, 256, (4, 5, 3), dtype=np.uint8)
    return Image.fromarray(grid).resize(size, Image.Resampling.BICUBIC)


def encoded(image: Image.Image, format: str = "JPEG", **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, format, **options)
    return stream.getvalue()


def files() -> list[tuple[str, bytes]]:
    """Names as an image folder has them, and content."""
    return [
        (f"{CLASSES[label]}/img_{row:02}.jpg", encoded(picture(row)))
        for row, label in enumerate(LABELS)
    ]


def write(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def ref(
    adapter: str, path: Path | str, /, root: Path | None = None, **options: object
) -> TestSetRef:
    return TestSetRef(
        f"sample/{adapter}", adapter, str(path), options, root=root or Path(path).parent
    )


def make_image_folder(folder: Path) -> TestSetRef:
    for name, data in files():
        write(folder / "images", name, data)
    return ref("image-folder", folder / "images")


def make_arrays(folder: Path) -> TestSetRef:
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "images.npy", np.stack([np.asarray(picture(row)) for row in range(N)]))
    np.save(folder / "labels.npy", np.array(LABELS))
    return ref("arrays", folder / "images.npy", labels="labels.npy", classes=list(CLASSES))


def make_npz(folder: Path) -> TestSetRef:
    folder.mkdir(parents=True, exist_ok=True)
    images = np.stack([np.asarray(picture(row).convert("L")) for row in range(N)])
    ids = np.array([f"item-{row}" for row in range(N)])
    np.savez(folder / "set.npz", images=images, labels=np.array(LABELS), ids=ids)
    return ref("arrays", folder / "set.npz")


def make_vectors(folder: Path) -> TestSetRef:
    folder.mkdir(parents=True, exist_ok=True)
    vectors = np.random.default_rng(5).normal(size=(N, 64)).astype(np.float32)
    np.savez(folder / "vectors.npz", x=vectors, y=np.array(LABELS))
    return ref("arrays", folder / "vectors.npz")


def make_manifest(folder: Path) -> TestSetRef:
    lines = ["path,label,keyword"]
    for row, (name, data) in enumerate(files()):
        write(folder, name, data)
        lines.append(f"{name},{CLASSES[LABELS[row]]},word {row % 2}")
    (folder / "manifest.csv").write_text("\n".join(lines), encoding="utf-8")
    return ref("manifest", folder / "manifest.csv")


def make_parquet(folder: Path, **options: object) -> TestSetRef:
    """Bytes and paths in one struct, as Hugging Face writes it, in row groups of five."""
    folder.mkdir(parents=True, exist_ok=True)
    images = [{"bytes": data, "path": name.rpartition("/")[2]} for name, data in files()]
    table = pa.table({"image": images, "label": LABELS, "score": [row / N for row in range(N)]})
    pq.write_table(table, folder / "set.parquet", row_group_size=5)
    return ref("manifest", folder / "set.parquet", classes=list(CLASSES), **options)


def shard(members: list[tuple[str, bytes]]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return stream.getvalue()


def shards() -> list[bytes]:
    """Three tar files of four samples each; every sample is an image, a class and a json."""
    out = []
    for start in range(0, N, 4):
        members: list[tuple[str, bytes]] = []
        for row in range(start, start + 4):
            more = json.dumps({"label": CLASSES[LABELS[row]], "keyword": f"word {row % 2}"})
            members += [
                (f"{row:06}.cls", str(LABELS[row]).encode()),
                (f"{row:06}.jpg", encoded(picture(row))),
                (f"{row:06}.json", more.encode()),
            ]
        out.append(shard(members))
    return out


def make_webdataset(folder: Path) -> TestSetRef:
    for number, data in enumerate(shards()):
        write(folder, f"val-{number:03}.tar", data)
    return ref("webdataset", folder / "val-{000..002}.tar", classes=list(CLASSES))


def make_hf_datasets(folder: Path) -> TestSetRef:
    import datasets

    features = datasets.Features(
        {"image": datasets.Image(), "label": datasets.ClassLabel(names=list(CLASSES))}
    )
    images = [{"bytes": data, "path": name.rpartition("/")[2]} for name, data in files()]
    columns = {"image": images, "label": LABELS}
    bars = datasets.are_progress_bars_disabled()
    datasets.disable_progress_bars()
    datasets.Dataset.from_dict(columns, features=features).save_to_disk(str(folder / "saved"))
    if not bars:
        datasets.enable_progress_bars()
    return ref("hf-datasets", folder / "saved")


def idx(values: np.ndarray) -> bytes:
    """The format of MNIST."""
    kind = {"uint8": 0x08, ">i4": 0x0C}[values.dtype.str if values.dtype.str == ">i4" else "uint8"]
    head = struct.pack(f">HBB{values.ndim}I", 0, kind, values.ndim, *values.shape)
    return head + values.tobytes()


def make_torchvision(folder: Path) -> TestSetRef:
    images = np.stack([np.asarray(picture(row, (28, 28)).convert("L")) for row in range(N)])
    for part in ("train", "t10k"):
        raw = folder / "MNIST" / "raw"
        write(raw, f"{part}-images-idx3-ubyte", idx(images))
        write(raw, f"{part}-labels-idx1-ubyte", idx(np.array(LABELS, dtype=np.uint8)))
    return ref("torchvision", folder, name="MNIST")


def make_qmnist(folder: Path) -> TestSetRef:
    """60,010 digits would be the real thing; here are 12, the first 10 of them 'MNIST test'."""
    images = np.stack([np.asarray(picture(row, (28, 28)).convert("L")) for row in range(N)])
    labels = np.zeros((N, 8), dtype=">i4")
    labels[:, 0] = LABELS
    raw = folder / "QMNIST" / "raw"
    for name, data in {"images-idx3-ubyte": idx(images), "labels-idx2-int": idx(labels)}.items():
        write(raw, f"qmnist-test-{name}", data)
        write(raw, f"qmnist-test-{name}.gz", gzip.compress(data))
    return ref("torchvision", folder, name="QMNIST")


MAKERS: dict[str, Callable[[Path], TestSetRef]] = {
    "image-folder": make_image_folder,
    "arrays": make_arrays,
    "npz": make_npz,
    "vectors": make_vectors,
    "manifest": make_manifest,
    "parquet": make_parquet,
    "webdataset": make_webdataset,
    "hf-datasets": make_hf_datasets,
    "torchvision": make_torchvision,
    "qmnist": make_qmnist,
}
