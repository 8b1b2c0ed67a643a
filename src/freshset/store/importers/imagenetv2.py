"""The archive of the ImageNetV2 repository: ``predictions/<set>/<model>.npy`` and its datasets.

Rows of a predictions file are the rows of ``image_filenames`` in ``datasets/<set>.json``; the class
id of a wnid is its rank in sorted order.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from freshset.core.errors import DataError, did_you_mean
from freshset.core.files import read_json, sha256_file
from freshset.core.identifiers import canonical_testset, resolve_suffix_aliases
from freshset.core.records import Source, TestSet
from freshset.store.base import Examples, Store
from freshset.store.importers.checks import (
    check_repair,
    check_topk,
    class_ids,
    load_npy,
    repaired,
)
from freshset.store.importers.report import ImportReport


def read(
    path: Path,
    store: Store,
    *,
    testset: tuple[str, ...] = (),
    repair: str = "none",
    replace: bool = False,
) -> ImportReport:
    """Import the archive's ``data`` folder.

    Parameters
    ----------
    path
        Folder that holds ``predictions/`` and ``datasets/``.
    testset
        Ids of the sets to import; all by default.
    repair
        ``worst-first`` reorders cells whose last prediction is the best one.
    replace
        Overwrite cells that came from other files.
    """
    check_repair(repair)
    folders = _folders(path, testset)
    aliases = resolve_suffix_aliases(
        {folder.name: {file.stem for file in folder.glob("*.npy")} for folder in _all(path)}
    )
    wnids = _wnids(path)
    report = ImportReport()
    with store.batch(replace=replace) as batch:
        for folder in folders:
            items = _testset(path, folder.name, wnids)
            batch.put_testset(items)
            report.testsets.append(items.id)
            for file in sorted(folder.glob("*.npy")):
                model = aliases.get(file.stem, file.stem)
                if model != file.stem:
                    report.aliases.append(f"{folder.name}/{file.stem} -> {model}")
                topk = check_topk(class_ids(load_npy(file), str(file)), items, str(file))
                topk, done = repaired(topk, items, repair)
                source = Source(
                    "imagenetv2",
                    f"predictions/{folder.name}/{file.name}",
                    sha256_file(file),
                    "" if model == file.stem else file.stem,
                )
                report.put(batch, Examples(model, items.id, topk, source, done))
    return report


def _all(path: Path) -> list[Path]:
    root = path / "predictions"
    found = sorted(p for p in root.iterdir() if p.is_dir()) if root.is_dir() else []
    if not found:
        raise DataError(
            f"{path}: no predictions/<set>/ folders.",
            "Give the 'data' folder of the ImageNetV2 repository.",
        )
    return found


def _folders(path: Path, wanted: tuple[str, ...]) -> list[Path]:
    folders = _all(path)
    if wanted:
        by_id = {canonical_testset(folder.name): folder for folder in folders}
        ids = [canonical_testset(name) for name in wanted]
        for name in ids:
            if name not in by_id:
                raise DataError(f"{path}: no predictions on {name!r}.", did_you_mean(name, by_id))
        folders = [by_id[name] for name in ids]
    for folder in folders:
        if not any(folder.glob("*.npy")):
            raise DataError(f"{folder}: no .npy files.", "Remove the empty folder or fill it.")
    return folders


def _wnids(path: Path) -> dict[str, int]:
    info = path / "metadata" / "class_info.json"
    if info.exists():
        return {entry["wnid"]: int(entry["cid"]) for entry in read_json(info)}
    # Without the class list, the sets' own wnids define it; together they name every class.
    wnids: set[str] = set()
    for file in sorted((path / "datasets").glob("*.json")):
        wnids.update(wnid for _, wnid in _rows(file))
    return {wnid: index for index, wnid in enumerate(sorted(wnids))}


def _rows(file: Path) -> list[tuple[str, str]]:
    data: Any = read_json(file)
    try:
        return [(str(name), str(wnid)) for name, wnid in data["image_filenames"]]
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{file}: no list of [file name, wnid] under 'image_filenames'.",
            "Copy the file again from the ImageNetV2 repository.",
        ) from error


def _testset(path: Path, name: str, wnids: dict[str, int]) -> TestSet:
    file = path / "datasets" / f"{name}.json"
    if not file.exists():
        raise DataError(
            f"{file}: missing, so the rows of predictions/{name} have no labels.",
            "Copy it from the ImageNetV2 repository.",
        )
    rows = _rows(file)
    for index, (_, wnid) in enumerate(rows):
        if wnid not in wnids:
            raise DataError(f"{file}: row {index}: unknown class {wnid!r}.")
    testset = TestSet(
        canonical_testset(name),
        len(rows),
        len(wnids),
        item_ids=np.array([name for name, _ in rows], dtype=object),
        labels=np.array([wnids[wnid] for _, wnid in rows], dtype=np.int32),
        ids_given=True,
        class_names=tuple(sorted(wnids, key=wnids.__getitem__)),
    )
    testset.check(str(file))
    return testset
