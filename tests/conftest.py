from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The studies' public data files, which are not part of this repository."""
    if not SHARED.is_dir():
        # A user's checkout has no such folder beside it; CI links it in.
        pytest.skip(f"the studies' public data are not at {SHARED}")
    return SHARED


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20_181_213)


@pytest.fixture(scope="session")
def imagenet_store(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """67 models on ImageNet validation and MatchedFrequency, the broken file repaired."""
    from freshset.store.importers import import_results

    path = tmp_path_factory.mktemp("imagenet") / "store"
    import_results(
        "imagenetv2",
        shared_data / "imagenetv2",
        path,
        testset=("imagenet/val", "imagenetv2/matched-frequency"),
        repair="worst-first",
    )
    return path


@pytest.fixture(scope="session")
def cifar_store(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """30 models on CIFAR-10 test and CIFAR-10.1 v6."""
    from freshset.store.importers import import_results

    path = tmp_path_factory.mktemp("cifar") / "store"
    labels = shared_data / "cifar10" / "cifar10_test_set_original_labels.npy"
    import_results("cifar10.1", shared_data / "cifar10.1", path, labels={"cifar10/test": labels})
    return path


def make_archive(root: Path, *, n: int = 40, worst_first: bool = False) -> Path:
    """A small archive in the layout of the ImageNetV2 repository: 3 classes, 4 models, 2 sets."""
    import json

    rng = np.random.default_rng(7)
    wnids = ["n01", "n02", "n03", "n04", "n05", "n06"]
    for folder, size in (("imagenet-validation-original", 2 * n), ("imagenetv2-b-33", n)):
        labels = np.sort(rng.integers(0, 6, size=size))
        rows = [[f"{folder}-{i}", wnids[label]] for i, label in enumerate(labels)]
        (root / "datasets").mkdir(parents=True, exist_ok=True)
        text = json.dumps({"image_filenames": rows})
        (root / "datasets" / f"{folder}.json").write_text(text, encoding="utf-8")
        (root / "predictions" / folder).mkdir(parents=True)
        for number, accuracy in enumerate((0.9, 0.8, 0.7, 0.6)):
            ranks = np.stack([rng.permutation(6) for _ in range(size)])[:, :5]
            for row, label in enumerate(labels):
                if rng.random() < accuracy:
                    rest = [c for c in range(6) if c != label]
                    ranks[row] = [label, *rng.permutation(rest)[:4]]
            if worst_first and number == 0 and folder.endswith("b-33"):
                ranks = ranks[:, ::-1]
            name = f"m{number}_model" if number == 3 and folder.endswith("b-33") else f"m{number}"
            np.save(root / "predictions" / folder / f"{name}.npy", ranks.astype(np.int16))
    return root


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return make_archive(tmp_path / "archive")


def snapshot(folder: Path) -> dict[str, bytes]:
    """Every file of a folder with its bytes, to show that nothing changed."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
