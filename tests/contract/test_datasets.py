"""Every test-set adapter keeps the contract, with small data in their real formats."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from freshset.core.contract import Check
from freshset.datasets.base import TestSetRef
from freshset.datasets.contract import Subject, checks
from freshset.datasets.registry import ADAPTERS
from freshset.datasets.voc import CLASSES as VOC_CLASSES

Maker = Callable[[Path], TestSetRef]
N = 6
LABELS = ["cat", "dog", "cat", "emu", "dog", "emu"]
CLASSES = ["cat", "dog", "emu"]


def picture(row: int, kind: str = "JPEG") -> bytes:
    """A picture of 72 x 64 pixels with something in it."""
    rng = np.random.default_rng(row)
    pixels = np.kron(rng.integers(0, 256, (8, 9, 3), dtype=np.uint8), np.ones((8, 8, 1), np.uint8))
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, kind)
    return stream.getvalue()


def ref(adapter: str, path: Path, **options: Any) -> TestSetRef:
    return TestSetRef(f"mine/{adapter}", adapter, str(path), options, root=path.parent)


def image_folder(root: Path) -> TestSetRef:
    for row, label in enumerate(LABELS):
        (root / "data" / label).mkdir(parents=True, exist_ok=True)
        (root / "data" / label / f"{row}.jpg").write_bytes(picture(row))
    return ref("image-folder", root / "data")


def array_images(root: Path) -> TestSetRef:
    pixels = np.stack([np.asarray(Image.open(io.BytesIO(picture(row)))) for row in range(N)])
    np.savez(root / "data.npz", images=pixels, labels=np.arange(N) % 3)
    return ref("arrays", root / "data.npz", classes=3)


def array_vectors(root: Path) -> TestSetRef:
    vectors = np.random.default_rng(0).normal(size=(N, 4000))
    np.save(root / "data.npy", vectors)
    np.save(root / "labels.npy", np.arange(N) % 3)
    return ref("arrays", root / "data.npy", labels="labels.npy", classes=3)


def manifest_paths(root: Path) -> TestSetRef:
    for row in range(N):
        (root / f"{row}.png").write_bytes(picture(row, "PNG"))
    frame = pd.DataFrame({"path": [f"{row}.png" for row in range(N)], "label": LABELS})
    frame.assign(weather="sunny").to_csv(root / "data.csv", index=False)
    return ref("manifest", root / "data.csv", classes=CLASSES)


def manifest_bytes(root: Path) -> TestSetRef:
    frame = pd.DataFrame({"image": [picture(row) for row in range(N)], "label": LABELS})
    frame.to_parquet(root / "data.parquet")
    return ref("manifest", root / "data.parquet", classes=CLASSES)


def webdataset(root: Path) -> TestSetRef:
    for shard in range(2):
        with tarfile.open(root / f"data-{shard}.tar", "w") as tar:
            for row in range(shard, N, 2):
                for suffix, data in (("jpg", picture(row)), ("cls", str(row % 3).encode())):
                    member = tarfile.TarInfo(f"{row:04}.{suffix}")
                    member.size = len(data)
                    tar.addfile(member, io.BytesIO(data))
    return ref("webdataset", root / "data-{0..1}.tar", classes=3)


def huggingface(root: Path) -> TestSetRef:
    import datasets

    features = datasets.Features(
        {"image": datasets.Image(), "label": datasets.ClassLabel(names=CLASSES)}
    )
    rows = {
        "image": [{"bytes": picture(row), "path": None} for row in range(N)],
        "label": [CLASSES.index(label) for label in LABELS],
    }
    datasets.Dataset.from_dict(rows, features=features).save_to_disk(str(root / "data"))
    return ref("hf-datasets", root / "data")


def torchvision(root: Path) -> TestSetRef:
    for row, label in enumerate(LABELS):
        (root / "data" / "eurosat" / "2750" / label).mkdir(parents=True, exist_ok=True)
        (root / "data" / "eurosat" / "2750" / label / f"{row}.jpg").write_bytes(picture(row))
    return ref("torchvision", root / "data", name="EuroSAT")


def text(root: Path) -> TestSetRef:
    frame = pd.DataFrame({"text": [f"text {row} " * 9 for row in range(N)], "label": LABELS})
    frame.to_csv(root / "data.csv", index=False)
    return ref("text", root / "data.csv", classes=CLASSES)


def squad(root: Path) -> TestSetRef:
    context = "Answers are here and there. " * 9
    questions = [
        {
            "id": f"q{row}",
            "question": f"Where is {row}?",
            "answers": [{"text": "here", "answer_start": context.index("here")}],
        }
        for row in range(N)
    ]
    article = {"title": "Places", "paragraphs": [{"context": context, "qas": questions}]}
    content = json.dumps({"version": "1.1", "data": [article]})
    (root / "data.json").write_text(content, encoding="utf-8")
    return ref("squad", root / "data.json")


def voc(root: Path) -> TestSetRef:
    sets, images = root / "VOC2007" / "ImageSets" / "Main", root / "VOC2007" / "JPEGImages"
    sets.mkdir(parents=True)
    images.mkdir()
    for row in range(N):
        (images / f"{row:06}.jpg").write_bytes(picture(row))
    (sets / "test.txt").write_text("".join(f"{row:06}\n" for row in range(N)))
    for number, name in enumerate(VOC_CLASSES):
        says = [1 if row == number else 0 if row + 1 == number else -1 for row in range(N)]
        lines = [f"{row:06} {say:2}\n" for row, say in enumerate(says)]
        (sets / f"{name}_test.txt").write_text("".join(lines))
    return ref("voc", root / "VOC2007")


def documents(root: Path) -> TestSetRef:
    (root / "data").mkdir()
    for row in range(N):
        (root / "data" / f"{row}.txt").write_text(f"A document, {row}. " * 99, encoding="utf-8")
    return ref("documents", root / "data")


MAKERS: dict[str, Maker] = {
    "image-folder": image_folder,
    "arrays, images": array_images,
    "arrays, vectors": array_vectors,
    "manifest, paths": manifest_paths,
    "manifest, bytes": manifest_bytes,
    "webdataset": webdataset,
    "hf-datasets": huggingface,
    "torchvision": torchvision,
    "text": text,
    "squad": squad,
    "documents": documents,
    "voc": voc,
}


@pytest.fixture(scope="session")
def subjects(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Subject]:
    """Subjects by name, each made once."""
    made: dict[str, Subject] = {}

    def get(name: str) -> Subject:
        if name not in made:
            testset = MAKERS[name](tmp_path_factory.mktemp("testset"))
            made[name] = Subject(ADAPTERS.load(testset.adapter).open, testset)
        return made[name]

    return get


@pytest.mark.parametrize("check", checks(), ids=str)
@pytest.mark.parametrize("name", sorted(MAKERS))
def test_the_contract_is_kept(
    subjects: Callable[[str], Subject], name: str, check: Check[Subject]
) -> None:
    check(subjects(name))


def test_no_adapter_is_left_out() -> None:
    assert {name.partition(",")[0] for name in MAKERS} == set(ADAPTERS.builtin)
