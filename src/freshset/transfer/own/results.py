"""A table of prediction files, with tables of data sets and models, as transfer results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np

from freshset.core.errors import DataError, did_you_mean
from freshset.store.importers.tables import need_columns, number, read_csv
from freshset.transfer.own.answers import Answered, Labelled, read_answers, read_labels
from freshset.transfer.probe.scores import Metric
from freshset.transfer.results import (
    UNNAMED,
    Regime,
    Result,
    SourceModel,
    TargetSet,
    TransferResults,
)


@dataclass(frozen=True, slots=True)
class About:
    """What no table says.

    Attributes
    ----------
    title, source
        Of the study, and name of the source benchmark.
    simulated
        Whether the predictions are generated.
    common_items
        Whether items that some prediction files lack are left out, and said, instead of refused.
    """

    title: str = "Transfer of my models"
    source: str = UNNAMED
    simulated: bool = False
    common_items: bool = False


def read_results(
    predictions: Path,
    *,
    datasets: Path | None = None,
    models: Path | None = None,
    about: About | None = None,
) -> TransferResults:
    """Read results of networks that were trained elsewhere.

    Parameters
    ----------
    predictions
        csv with columns ``model``, ``dataset``, ``regime`` (``features``, ``finetune`` or ``scratch``)
        and ``file``, and perhaps ``seed`` (0), ``steps``, ``seconds`` and ``images``.  Files are found
        from the table's folder.
    datasets
        csv with columns ``id`` and ``labels`` (a file), and perhaps ``title``, ``metric`` (``top1``),
        ``n_train`` and ``note``; by default ``datasets.csv`` in the same folder.
    models
        csv with a column ``name``, and perhaps ``family``, ``accuracy`` (a fraction), ``n`` and
        ``recipe``; by default ``models.csv`` in the same folder, and without it nothing is known of
        the models but their names.

    Raises
    ------
    DataError
        For tables and files that cannot be read or do not fit, and for items without a prediction,
        unless ``common_items``.
    """
    about = about or About()
    rows = _rows(predictions, ("model", "dataset", "regime", "file"))
    if not rows:
        raise DataError(f"{predictions}: no rows.")
    folder = predictions.parent
    declared = _datasets(datasets or folder / "datasets.csv")
    known = _models(models or folder / "models.csv", given=models is not None)
    found: list[Result] = []
    targets: list[TargetSet] = []
    unknown = [(i, r["dataset"]) for i, r in enumerate(rows) if r["dataset"] not in declared]
    if unknown:
        row, name = unknown[0]
        raise DataError(
            f"{predictions}: row {row}: no data set {name!r} is declared.",
            did_you_mean(name, declared),
        )
    for id, one in declared.items():
        mine = [(i, row) for i, row in enumerate(rows) if row["dataset"] == id]
        if mine:
            target, results = _dataset(one, mine, predictions, about)
            targets.append(target)
            found += results
    names = dict.fromkeys(r.model for r in found)
    listed = [known.pop(name, SourceModel(name)) for name in names]
    return TransferResults(
        about.title, about.source, tuple(listed), tuple(targets), tuple(found),
        simulated=about.simulated,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Declared:
    id: str
    title: str
    metric: Metric
    n_train: int
    note: str
    labels: Path


def _dataset(
    declared: _Declared,
    rows: Sequence[tuple[int, Mapping[str, Any]]],
    table: Path,
    about: About,
) -> tuple[TargetSet, list[Result]]:
    labelled = read_labels(declared.labels, declared.metric)
    answers = [
        read_answers(table.parent / str(row["file"]), labelled, declared.metric) for _, row in rows
    ]
    there = np.logical_and.reduce([one.there for one in answers])
    note = declared.note
    if not there.all():
        labelled, answers, said = _in_common(labelled, answers, rows, there, about)
        note = f"{note} {said}".strip()
    target = TargetSet(
        declared.id, declared.title, declared.metric, declared.n_train, labelled.labels,
        labelled.class_names, labelled.ignored, note,
    )  # fmt: skip
    results = [
        _result(row, f"{table}: row {i}", one, labelled, declared)
        for (i, row), one in zip(rows, answers, strict=True)
    ]
    return target, results


def _in_common(
    labelled: Labelled,
    answers: Sequence[Answered],
    rows: Sequence[tuple[int, Mapping[str, Any]]],
    there: np.ndarray[Any, np.dtype[np.bool_]],
    about: About,
) -> tuple[Labelled, list[Answered], str]:
    """Leave out the items that some file lacks, or refuse."""
    lacking = [
        row["file"] for (_, row), one in zip(rows, answers, strict=True) if not one.there.all()
    ]
    text = f"{int(there.sum()):,} of {len(there):,} test items have a prediction of every model"
    if not about.common_items or not there.any():
        raise DataError(
            f"{labelled.path}: {text}; {len(lacking):,} files lack some (first {lacking[0]}).",
            "Scores on different test sets are not compared: predict every item, or take those that "
            "all have with --common-items.",
        )
    return labelled.kept(there), [one.kept(there) for one in answers], f"{text}; only these count."


def _result(
    row: Mapping[str, Any], where: str, answered: Answered, labelled: Labelled, declared: _Declared
) -> Result:
    regime: Regime = row["regime"]
    if regime not in get_args(Regime):
        raise DataError(f"{where}: no regime {regime!r}.", did_you_mean(regime, get_args(Regime)))
    predictions, score = answered.judged(labelled, declared.metric)
    whole = {name: int(number(row.get(name, 0), where, name)) for name in ("seed", "steps")}
    cost = {name: number(row[name], where, name) for name in ("seconds", "images") if name in row}
    return Result(
        str(row["model"]), declared.id, regime, whole["seed"], score, predictions,
        steps=whole["steps"], cost=cost,
    )  # fmt: skip


def _datasets(path: Path) -> dict[str, _Declared]:
    declared: dict[str, _Declared] = {}
    for i, row in enumerate(_rows(path, ("id", "labels"))):
        where, metric = f"{path}: row {i}", row.get("metric", "top1")
        if metric not in get_args(Metric):
            raise DataError(
                f"{where}: no metric {metric!r}.", did_you_mean(metric, get_args(Metric))
            )
        if row["id"] in declared:
            raise DataError(f"{where}: the data set {row['id']!r} occurs twice.")
        declared[row["id"]] = _Declared(
            row["id"], row.get("title", row["id"]), metric,
            int(number(row.get("n_train", 0), where, "n_train")), row.get("note", ""),
            path.parent / row["labels"],
        )  # fmt: skip
    return declared


def _models(path: Path, *, given: bool) -> dict[str, SourceModel]:
    if not given and not path.exists():
        return {}
    known = {}
    for i, row in enumerate(_rows(path, ("name",))):
        where = f"{path}: row {i}"
        accuracy = number(row["accuracy"], where, "accuracy") if "accuracy" in row else None
        if accuracy is not None and not 0 <= accuracy <= 1:
            raise DataError(f"{where}: accuracy is {accuracy:g}.", "Write 0.761, not 76.1.")
        if row["name"] in known:
            raise DataError(f"{where}: the model {row['name']!r} occurs twice.")
        known[row["name"]] = SourceModel(
            row["name"], row.get("family", ""), accuracy,
            int(number(row.get("n", 0), where, "n")), row.get("recipe", ""),
        )  # fmt: skip
    return known


def _rows(path: Path, needed: tuple[str, ...]) -> list[dict[str, Any]]:
    """Rows of a csv file as texts, without cells that are empty."""
    frame = read_csv(path, text=True)
    need_columns(frame, needed, path)
    rows = [
        {str(k): v.strip() for k, v in row.items() if v.strip()} for row in frame.to_dict("records")
    ]
    for i, name in _empty(rows, needed):
        raise DataError(f"{path}: row {i}: {name} is empty.")
    return rows


def _empty(rows: Sequence[Mapping[str, Any]], needed: Sequence[str]) -> Iterator[tuple[int, str]]:
    return ((i, name) for i, row in enumerate(rows) for name in needed if name not in row)
