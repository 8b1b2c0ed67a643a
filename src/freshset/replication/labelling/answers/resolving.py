"""From the names in a file of answers to a project's images, tasks and classes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import numpy.typing as npt
import pandas as pd
import sqlalchemy as sa

from freshset.core.errors import DataError, did_you_mean
from freshset.replication import tables
from freshset.replication.labelling.answers.base import Records
from freshset.replication.spec import Spec


@dataclass(frozen=True, slots=True)
class Known:
    """What a project knows of its tasks and images.

    Attributes
    ----------
    tasks
        Indexed by ``task_id``: ``class_key``, ``external_id`` and ``created_at``.
    shown
        One row an image of a task: ``task_id``, ``item_id``, ``token``.
    members
        One row an image and class: ``item_id``, ``class_key``.
    names
        Item id by what a file may call it: its id, or the name of the file it came from where only
        one image has it.
    classes
        Class key by key and by name.
    """

    tasks: pd.DataFrame
    shown: pd.DataFrame
    members: pd.DataFrame
    names: dict[str, str]
    classes: dict[str, str]


def read_known(connection: sa.Connection, spec: Spec) -> Known:
    """Read what answers may be about."""
    of = tables
    tasks = _frame(connection, of.tasks, ("task_id", "class_key", "external_id", "created_at"))
    shown = _frame(connection, of.task_items, ("task_id", "item_id", "token"))
    members = _frame(connection, of.members, ("item_id", "class_key")).drop_duplicates()
    images = _frame(connection, of.images, ("item_id", "path"))
    origins = _frame(connection, of.origins, ("item_id", "key"))
    origins = origins[origins["item_id"].notna()].rename(columns={"key": "path"})
    named = pd.concat([images, origins], ignore_index=True)
    named["path"] = [PurePosixPath(path).name for path in named["path"]]
    named = named.drop_duplicates()
    # A name that two images have names neither.
    named = named[~named["path"].duplicated(keep=False)]
    names = _pairs(named, "path", "item_id") | {item: item for item in images["item_id"]}
    classes = {one.title: one.key for one in spec.classes} | {k: k for k in spec.by_key}
    return Known(tasks.set_index("task_id"), shown, members, names, classes)


def grid_rows(records: Records, known: Known) -> pd.DataFrame:
    """Turn submitted grids into one row an image of the task.

    Returns
    -------
    DataFrame
        As `Records.rows`, with ``source_row``, the place in the file.

    Raises
    ------
    DataError
        For a task that the project does not have, or a selected image that its task does not show.
    """
    grids = records.grids.assign(source_row=np.arange(len(records.grids)))
    by_crowd = {
        str(crowd): str(task) for task, crowd in known.tasks["external_id"].items() if crowd
    }
    (of_crowd,) = looked_up(grids["external_id"], by_crowd)
    grids["task_id"] = grids["task_id"].where(grids["task_id"] != "", of_crowd)
    unknown = ~grids["task_id"].isin(known.tasks.index).to_numpy()
    if unknown.any():
        row = int(unknown.argmax())
        given = records.grids.iloc[row]
        raise unknown_task(records.path, row, given["task_id"] or given["external_id"])
    chosen = grids[["source_row", "task_id", "tokens"]].assign(token=grids["tokens"].str.split("|"))
    chosen = chosen.explode("token")
    chosen["token"] = chosen["token"].str.strip()
    chosen = chosen[chosen["token"] != ""].drop_duplicates(["source_row", "token"])
    rows = grids.drop(columns="tokens").merge(known.shown, on="task_id")
    rows = rows.merge(
        chosen[["source_row", "token"]].assign(selected=1.0),
        on=["source_row", "token"],
        how="outer",
    )
    strange = rows["task_id"].isna().to_numpy()
    if strange.any():
        first = rows.iloc[int(strange.argmax())]
        raise DataError(
            f"{records.path}: row {first['source_row']}: {first['token']!r} is no image of its task.",
            "Was the file made for another project?",
        )
    rows["selected"] = rows["selected"].fillna(0.0)
    return rows.rename(columns={"token": "item"}).assign(class_key="", chosen="")


def resolve(rows: pd.DataFrame, known: Known, path: Path) -> pd.DataFrame:
    """Find image, task and class of every row.

    Parameters
    ----------
    rows
        As `Records.rows`, with ``source_row``.

    Returns
    -------
    DataFrame
        With ``item_id``, ``class_key`` and ``task_id``, and ``selected`` filled in.  An answer that
        names the class it chose becomes one for each class of its image.

    Raises
    ------
    DataError
        For an unknown image, task or class, an image that its task does not show, a class that
        cannot be told, or an answer that is none; names the row of the file, from 0.
    """
    rows = _images(rows, known, path)
    rows = _classes(rows, known, path)
    chosen = (rows["chosen"] != "").to_numpy()
    if chosen.any():
        (keys,) = looked_up(rows.loc[chosen, "chosen"], known.classes)
        _refuse(
            keys == "",
            rows[chosen],
            path,
            lambda row: (
                f"no class {row['chosen']!r} here.",
                did_you_mean(row["chosen"], known.classes),
            ),
        )
        rows.loc[chosen, "selected"] = (keys == rows.loc[chosen, "class_key"]).astype(float)
    _refuse(
        ~rows["selected"].isin([0.0, 0.5, 1.0]).to_numpy(),
        rows,
        path,
        lambda row: (f"selected is {row['selected']!r}.", "An answer is 1, 0 or 0.5 (maybe)."),
    )
    return rows


def looked_up(column: pd.Series, *tables: Mapping[str, str]) -> list[npt.NDArray[np.object_]]:
    """What each table has for each value, shape (rows,); empty where it has nothing."""
    codes, unique = pd.factorize(column)
    found = (
        np.array([*(table.get(one, "") for one in unique), ""], dtype=object) for table in tables
    )
    return [np.asarray(values[codes]) for values in found]


def unknown_task(path: Path, row: int, task: str) -> DataError:
    """The error for an answer to a task that the project does not have."""
    return DataError(
        f"{path}: row {row}: no task {task!r} in this project.",
        "Was the file made for another project? Nothing was imported.",
    )


def _images(rows: pd.DataFrame, known: Known, path: Path) -> pd.DataFrame:
    shown = known.shown
    by_token, told, by_name = looked_up(
        rows["item"],
        _pairs(shown, "token", "item_id"),
        _pairs(shown, "token", "task_id"),
        known.names,
    )
    item_ids = np.where(by_token == "", by_name, by_token)
    _refuse(
        item_ids == "",
        rows,
        path,
        lambda row: (
            f"no image {row['item']!r} in this project.",
            "Images are known by token, by SHA-256, or by a file name that one image has.",
        ),
    )
    given = rows["task_id"].to_numpy(dtype=object)
    task_ids = np.where(given == "", told, given)
    rows = rows.assign(item_id=item_ids, task_id=task_ids)
    with_task = task_ids != ""
    if not with_task.any():
        return rows
    for row, task in _first(rows, with_task & ~rows["task_id"].isin(known.tasks.index).to_numpy()):
        raise unknown_task(path, row, task["task_id"])
    elsewhere = with_task & (told != task_ids)
    # A token is of one task; what was found by another name may be in any.
    named = elsewhere & (told == "")
    if named.any():
        elsewhere[named] = ~_together(rows[named], shown)
    _refuse(
        elsewhere,
        rows,
        path,
        lambda row: (
            f"task {row['task_id']!r} does not show image {row['item']!r}.",
            "Was the file changed after it was exported? Nothing was imported.",
        ),
    )
    return rows


def _pairs(frame: pd.DataFrame, key: str, value: str) -> dict[str, str]:
    return dict(zip(frame[key].tolist(), frame[value].tolist(), strict=True))


def _together(rows: pd.DataFrame, shown: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Whether each row's task shows its image."""
    task_codes, _ = pd.factorize(pd.concat([shown["task_id"], rows["task_id"]]))
    item_codes, items = pd.factorize(pd.concat([shown["item_id"], rows["item_id"]]))
    both = task_codes.astype(np.int64) * len(items) + item_codes
    return np.isin(both[len(shown) :], both[: len(shown)])


def _classes(rows: pd.DataFrame, known: Known, path: Path) -> pd.DataFrame:
    (keys,) = looked_up(rows["class_key"], known.classes)
    _refuse(
        (keys == "") & (rows["class_key"] != "").to_numpy(),
        rows,
        path,
        lambda row: (
            f"no class {row['class_key']!r} here.",
            did_you_mean(row["class_key"], known.classes),
        ),
    )
    (of_task,) = looked_up(rows["task_id"], dict(known.tasks["class_key"]))
    _refuse(
        (keys != "") & (of_task != "") & (keys != of_task),
        rows,
        path,
        lambda row: (f"task {row['task_id']!r} does not ask for {row['class_key']!r}.", ""),
    )
    rows = rows.assign(class_key=np.where(keys == "", of_task, keys))
    open_ = rows["class_key"] == ""
    if not open_.any():
        return rows
    several = known.members["item_id"][known.members["item_id"].duplicated()]
    _refuse(
        (open_ & (rows["chosen"] == "") & rows["item_id"].isin(several)).to_numpy(),
        rows,
        path,
        lambda row: (f"image {row['item']!r} is of several classes.", "Add a column 'class'."),
    )
    found = rows[open_].drop(columns="class_key").merge(known.members, on="item_id", how="left")
    _refuse(
        found["class_key"].isna().to_numpy(),
        found,
        path,
        lambda row: (f"image {row['item']!r} is of no class.", "Add a column 'class'."),
    )
    return pd.concat([rows[~open_], found], ignore_index=True)


def _refuse(
    bad: npt.NDArray[np.bool_],
    rows: pd.DataFrame,
    path: Path,
    why: Callable[[pd.Series], tuple[str, str]],
) -> None:
    for row, values in _first(rows, bad):
        message, hint = why(values)
        raise DataError(f"{path}: row {row}: {message}", hint)


def _first(
    rows: pd.DataFrame, bad: pd.Series | npt.NDArray[np.bool_]
) -> Iterable[tuple[int, pd.Series]]:
    flags = np.asarray(bad, dtype=bool)
    if flags.any():
        values = rows.iloc[int(flags.argmax())]
        yield int(values["source_row"]), values


def _frame(connection: sa.Connection, table: sa.Table, names: tuple[str, ...]) -> pd.DataFrame:
    query = sa.select(*(table.c[name] for name in names))
    columns = zip(*connection.execute(query).all(), strict=True)
    rows = list(columns) or [() for _ in names]
    return pd.DataFrame(dict(zip(names, map(list, rows), strict=True)), dtype=object)
