"""Test sets in a store: ``testset.json`` beside ``items.parquet``."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from freshset.core.errors import StoreError
from freshset.core.files import pretty_json
from freshset.core.records import AcceptSets, TestSet
from freshset.store.columns import from_table

FIELDS = ("id", "n", "n_classes", "items", "ids_given", "class_names", "fingerprint")
_OWN = ("item_id", "label", "accepted")


def write_testset(testset: TestSet, folder: Path) -> None:
    """Write a test set into an empty folder; what a set does not have is left out of its files."""
    if testset.has_items:
        pq.write_table(_items(testset), folder / "items.parquet", compression="zstd")
    head: dict[str, Any] = {
        "schema": "freshset.testset/1",
        "id": testset.id,
        "n": testset.n,
        "n_classes": testset.n_classes,
        "items": testset.has_items,
        "ids_given": testset.ids_given,
        "class_names": list(testset.class_names),
        "fingerprint": testset.fingerprint,
    }
    if testset.class_keys:
        head["class_keys"] = list(testset.class_keys)
    if testset.task != "classification":
        head["task"] = testset.task
    if testset.gold:
        head["gold"] = testset.gold
    if testset.touched:
        head["touched"] = testset.touched
    (folder / "testset.json").write_text(pretty_json(head), encoding="utf-8")


def read_testset(head: dict[str, Any], table: pa.Table | None, where: Path) -> TestSet:
    """Make a test set of its head and its items; raises `StoreError` when they disagree."""
    common = (head["id"], head["n"], head["n_classes"])
    if table is None:
        return TestSet(*common, touched=head.get("touched", ""))
    columns = from_table(table.drop_columns(["accepted"]) if "accepted" in _names(table) else table)
    labels = columns.get("label")
    result = TestSet(
        *common,
        item_ids=columns["item_id"],
        labels=None if labels is None else labels.astype(np.int32),
        ids_given=head["ids_given"],
        class_names=tuple(head["class_names"]),
        class_keys=tuple(head.get("class_keys", ())),
        task=head.get("task", "classification"),
        accepted=_accepted(table),
        gold=head.get("gold", ""),
        strata={name: values for name, values in columns.items() if name not in _OWN},
        touched=head.get("touched", ""),
    )
    if result.n != len(table) or result.fingerprint != head["fingerprint"]:
        raise StoreError(
            f"{where}: does not match its testset.json.",
            "Restore the folder from a copy, or delete it and import again.",
        )
    return result


def check_same(stored: TestSet, new: TestSet) -> None:
    """Raise `StoreError` unless two test sets of one id are the same wherever both know it."""
    if stored.n != new.n:
        raise StoreError(
            f"{new.id!r} has {stored.n:,} items in the store, not {new.n:,}.",
            "Use another test-set id or another store.",
        )
    if stored.fingerprint == new.fingerprint or stored.item_ids is None or new.item_ids is None:
        return
    raise StoreError(
        f"{new.id!r} is in the store already, with {_difference(stored, new)}.",
        "Use another test-set id, for example with a version in it, or another store.",
    )


def _difference(stored: TestSet, new: TestSet) -> str:
    other = np.flatnonzero(stored.ids != new.ids)
    if other.size:
        return f"other items (row {other[0]}: {new.ids[other[0]]!r})"
    if stored.n_classes != new.n_classes:
        return f"{new.n_classes} classes instead of {stored.n_classes}"
    if stored.labels is not None and new.labels is not None:
        labels = np.flatnonzero(stored.labels != new.labels)
        if labels.size:
            return f"other labels ({labels.size} differ, first at row {labels[0]})"
    return "other accepted answers"


def _items(testset: TestSet) -> pa.Table:
    columns: dict[str, Any] = {"item_id": pa.array(testset.ids, pa.string())}
    if testset.labels is not None:
        columns["label"] = pa.array(testset.labels, pa.int32())
    if testset.accepted is not None:
        offsets = pa.array(testset.accepted.offsets, pa.int32())
        classes = pa.array(testset.accepted.classes, pa.int32())
        columns["accepted"] = pa.ListArray.from_arrays(offsets, classes)
    for name, values in testset.strata.items():
        if name in _OWN:
            raise StoreError(f"{testset.id}: a stratum cannot be called {name!r}.")
        columns[name] = pa.array(values.tolist() if values.dtype.kind in "OU" else values)
    return pa.table(columns)


def _accepted(table: pa.Table) -> AcceptSets | None:
    if "accepted" not in _names(table):
        return None
    column = cast("pa.ListArray[Any]", table.column("accepted").combine_chunks())
    return AcceptSets(
        column.flatten().to_numpy().astype(np.int32), column.offsets.to_numpy().astype(np.int64)
    )


def _names(table: pa.Table) -> list[str]:
    return list(table.column_names)
