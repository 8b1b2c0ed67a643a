"""The archive of the CIFAR-10.1 repository: plain lists of class ids, one JSON file a model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from freshset.core.errors import DataError, did_you_mean
from freshset.core.files import read_json, sha256_file
from freshset.core.identifiers import canonical_testset, resolve_suffix_aliases
from freshset.core.records import Source, TestSet
from freshset.store.base import Examples, Store
from freshset.store.importers.checks import check_topk, class_ids, load_npy
from freshset.store.importers.report import ImportReport

_CLASSES = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip
_SUFFIX = "_predictions"


def read(
    path: Path,
    store: Store,
    *,
    labels: Mapping[str, Path] | None = None,
    testset: tuple[str, ...] = (),
    replace: bool = False,
) -> ImportReport:
    """Import the repository's folder.

    Parameters
    ----------
    path
        Folder that holds ``model_predictions/`` and ``datasets/``.
    labels
        Labels files by test-set id, for sets whose labels the archive lacks (``cifar10/test``).
    testset
        Ids of the sets to import; all by default.
    replace
        Overwrite cells that came from other files.
    """
    given = {canonical_testset(name): Path(file) for name, file in (labels or {}).items()}
    folders = _folders(path, testset)
    for name in given:
        if name not in folders:
            raise DataError(f"{path}: no predictions on {name!r}.", did_you_mean(name, folders))
    names = {
        folder.name: {_model(file) for file in folder.glob("*.json")} for folder in folders.values()
    }
    aliases = resolve_suffix_aliases(names)
    report = ImportReport()
    with store.batch(replace=replace) as batch:
        for name, folder in folders.items():
            items = _testset(path, name, given.get(name))
            batch.put_testset(items)
            report.testsets.append(items.id)
            for file in sorted(folder.glob("*.json")):
                stem = _model(file)
                model = aliases.get(stem, stem)
                if model != stem:
                    report.aliases.append(f"{folder.name}/{stem} -> {model}")
                topk = check_topk(class_ids(_list(file), str(file)), items, str(file))
                source = Source(
                    "cifar10.1",
                    f"model_predictions/{folder.name}/{file.name}",
                    sha256_file(file),
                    "" if model == stem else stem,
                )
                report.put(batch, Examples(model, items.id, topk, source))
    return report


def _folders(path: Path, wanted: tuple[str, ...]) -> dict[str, Path]:
    root = path / "model_predictions"
    found = {
        _testset_id(p.name.removesuffix(_SUFFIX)): p
        for p in sorted(root.glob(f"*{_SUFFIX}"))
        if p.is_dir()
    }
    if not found:
        raise DataError(
            f"{path}: no model_predictions/<set>{_SUFFIX}/ folders.",
            "Give the folder of the CIFAR-10.1 repository.",
        )
    ids = [canonical_testset(name) for name in wanted] or list(found)
    for name in ids:
        if name not in found:
            raise DataError(f"{path}: no predictions on {name!r}.", did_you_mean(name, found))
        if not any(found[name].glob("*.json")):
            raise DataError(f"{found[name]}: no .json files.", "Remove the empty folder.")
    return {name: found[name] for name in ids}


def _testset_id(folder: str) -> str:
    return "cifar10/test" if folder == "original" else f"cifar10.1/{folder}"


def _model(file: Path) -> str:
    return file.stem.removesuffix(_SUFFIX)


def _list(file: Path) -> np.ndarray:
    data = read_json(file)
    if not isinstance(data, list):
        raise DataError(f"{file}: not a list of class ids.")
    for row, value in enumerate(data):
        if type(value) is not int:
            raise DataError(
                f"{file}: row {row}: {value!r} is not a class id.",
                "Class ids are whole numbers; write the file again.",
            )
    return np.array(data, dtype=np.int64)


def _testset(path: Path, name: str, given: Path | None) -> TestSet:
    version = name.rpartition("/")[2]
    file = given or path / "datasets" / f"cifar10.1_{version}_labels.npy"
    if not file.exists():
        raise DataError(
            f"{file}: no labels for {name!r}.",
            f"Give them with --labels {name}=FILE, or leave the set out with --testset.",
        )
    labels = class_ids(load_npy(file), str(file))[:, 0]
    testset = TestSet(
        name,
        len(labels),
        len(_CLASSES),
        item_ids=np.array([str(i) for i in range(len(labels))], dtype=object),
        labels=labels.astype(np.int32),
        class_names=_CLASSES,
    )
    testset.check(str(file))
    return testset
