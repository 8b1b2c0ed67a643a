"""The columns of a cell's Parquet file, made from what a model gave for its items."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from freshset.core.files import canonical_json
from freshset.core.identity import CellSpec
from freshset.core.records import TestSet, label_ranks

Columns = Mapping[str, npt.NDArray[Any]]


def with_truth(columns: Columns, testset: TestSet, rows: slice) -> dict[str, npt.NDArray[Any]]:
    """Add ids, labels and correctness to what a model gave for some rows of a test set.

    Parameters
    ----------
    columns
        ``topk_id`` of shape (items, k) for classification, ``exact_match`` for question answering;
        every other column is kept as it is.
    rows
        The rows, in the test set's order.
    """
    out: dict[str, npt.NDArray[Any]] = {"item_id": testset.ids[rows]}
    if testset.task == "classification":
        topk = np.ascontiguousarray(columns["topk_id"], dtype=np.int32)
        labels = testset.known_labels[rows]
        accepted = None if testset.accepted is None else testset.accepted[rows]
        rank = label_ranks(topk, labels, accepted)
        out |= {"label": labels, "pred": topk[:, 0], "correct": rank == 1, "label_rank": rank}
        if topk.shape[1] > 1:
            out["topk_id"] = topk
    elif testset.task == "question-answering":
        right = columns["exact_match"].astype(bool)
        out |= {"correct": right, "label_rank": right.astype(np.int16)}
    return out | {name: values for name, values in columns.items() if name != "topk_id"}


def to_table(columns: Columns, spec: CellSpec) -> pa.Table:
    """Return columns as an Arrow table; matrices become lists of fixed size."""
    arrays = {name: _array(values) for name, values in columns.items()}
    # A file that is found alone still says what it is.
    meta = {b"freshset": canonical_json({"schema": "freshset.cell/1", "spec": spec.to_dict()})}
    return pa.table(arrays).replace_schema_metadata(meta)


def from_table(table: pa.Table) -> dict[str, npt.NDArray[Any]]:
    """Inverse of `to_table`, without the truth taken away again."""
    out: dict[str, npt.NDArray[Any]] = {}
    for name in table.column_names:
        column = table.column(name).combine_chunks()
        if pa.types.is_fixed_size_list(column.type):
            lists = cast("pa.FixedSizeListArray[Any, Any]", column)
            out[name] = lists.flatten().to_numpy(zero_copy_only=False).reshape(len(lists), -1)
        elif pa.types.is_string(column.type):
            out[name] = np.array(column.to_pylist(), dtype=object)
        else:
            out[name] = column.to_numpy(zero_copy_only=False)
    return out


def _array(values: npt.NDArray[Any]) -> pa.Array[Any]:
    if values.dtype.kind in "OU":
        return pa.array(values.tolist(), pa.string())
    array: pa.Array[Any] = pa.array(values.ravel())
    return pa.FixedSizeListArray.from_arrays(array, values.shape[1]) if values.ndim == 2 else array


class Totals:
    """Sums over the rows of a cell: what is right, and the metrics that are no counts."""

    def __init__(self) -> None:
        self._sums: dict[str, float] = {}
        self.n = 0
        self.k = 0

    def add(self, columns: Columns) -> None:
        """Add some rows, as `with_truth` gives them."""
        self.n += len(columns["item_id"])
        if "label_rank" in columns:
            rank = columns["label_rank"]
            self._add("first", int(np.count_nonzero(rank == 1)))
            self._add("five", int(np.count_nonzero((rank >= 1) & (rank <= 5))))
        if "pred" in columns:
            self.k = columns["topk_id"].shape[1] if "topk_id" in columns else 1
        for name in ("f1", "nll", "tokens", "bytes"):
            if name in columns:
                self._add(name, columns[name].astype(np.float64).sum())

    def _add(self, name: str, value: float) -> None:
        self._sums[name] = self._sums.get(name, 0.0) + float(value)

    @property
    def correct(self) -> dict[str, float]:
        """Number right by metric."""
        if "first" not in self._sums:
            return {}
        if not self.k:
            return {"exact-match": self._sums["first"]}
        top5 = {"top5": self._sums["five"]} if self.k >= 5 else {}
        return {"top1": self._sums["first"]} | top5

    @property
    def values(self) -> dict[str, float]:
        """Metrics that are no counts, by name."""
        out: dict[str, float] = {}
        if "f1" in self._sums:
            out["f1"] = self._sums["f1"] / self.n
        if self._sums.get("tokens"):
            out["perplexity"] = float(np.exp(self._sums["nll"] / self._sums["tokens"]))
        if self._sums.get("bytes"):
            out["bits-per-byte"] = self._sums["nll"] / self._sums["bytes"] / float(np.log(2))
        return out
