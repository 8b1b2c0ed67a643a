"""Finished folds in a folder, so that an interrupted validation goes on where it was."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from freshset.core.errors import ConflictError, StoreError
from freshset.core.files import pretty_json, read_json, write_atomic

SCHEMA = "freshset.kfold-folder/1"


class FoldFolder:
    """Predictions of finished folds, one file a fold, each written whole or not at all.

    Parameters
    ----------
    place
        The folder; made when it is not there.
    identity
        What the predictions depend on; a folder belongs to one.

    Raises
    ------
    ConflictError
        When the folder belongs to other data, another scheme or another learner.
    """

    def __init__(self, place: Path, identity: Mapping[str, Any]) -> None:
        self.place = place
        head = place / "kfold.json"
        wanted = {"schema": SCHEMA, **identity}
        if not head.exists():
            write_atomic(head, pretty_json(wanted))
            return
        there = read_json(head)
        other = [name for name in wanted if there.get(name) != wanted[name]]
        if other:
            raise ConflictError(
                f"{place} holds folds of another {' and another '.join(other)}.",
                "Give another folder, or remove this one.",
            )

    def get(self, name: str) -> npt.NDArray[Any] | None:
        """Predictions of a finished fold, in the order of its test rows; ``None`` if there are none.

        Raises
        ------
        StoreError
            When the file is damaged.
        """
        path = self._path(name)
        if not path.exists():
            return None
        try:
            with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as archive:
                return np.asarray(archive["predictions"])
        except Exception as error:  # zipfile and numpy raise many kinds for a damaged archive
            raise StoreError(f"{path} is damaged.", "Remove it; the fold is made again.") from error

    def put(self, name: str, predictions: npt.NDArray[Any]) -> None:
        """Keep the predictions of a fold."""
        out = io.BytesIO()
        np.savez_compressed(out, predictions=predictions)
        write_atomic(self._path(name), out.getvalue())

    def opened(self, digest: str) -> npt.NDArray[Any] | None:
        """Predictions on the official set, if it was opened here before.

        Raises
        ------
        ConflictError
            When it was another official set.
        """
        head = self.place / "official.json"
        if not head.exists():
            return None
        if read_json(head).get("data") != digest:
            raise ConflictError(
                f"{self.place}: another official test set was opened already.",
                "It is opened once; validate in a new folder for another one.",
            )
        return self.get("official")

    def put_opened(self, digest: str, predictions: npt.NDArray[Any]) -> None:
        """Keep the predictions on the official set, and that it was opened."""
        self.put("official", predictions)
        write_atomic(self.place / "official.json", pretty_json({"data": digest}))

    def _path(self, name: str) -> Path:
        return self.place / f"{name}.npz"
