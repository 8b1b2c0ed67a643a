"""ReaL's answers (``raters.npz``): who said no, maybe or yes to which label of which image."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from freshset.core.errors import DataError
from freshset.replication.labelling.answers.base import Records, answer_records

_VALUE = np.array([0.0, 0.5, 1.0])  # no, maybe, yes


def read(path: Path) -> Records:
    """Read answers as the authors of ReaL published them.

    Parameters
    ----------
    path
        An archive with ``tensor`` (raters, questions, 3: one for the answer given, or all 0), ``info``
        (image and class id of each question) and ``ids`` of the raters.

    Raises
    ------
    DataError
        When it is no such archive, or not whole.

    References
    ----------
    Beyer et al. (2020), "Are we done with ImageNet?", and its repository.
    """
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            tensor, info, ids = (archive[name] for name in ("tensor", "info", "ids"))
    except Exception as error:  # zipfile and numpy raise many kinds for a damaged archive
        raise DataError(
            f"{path}: not an archive of answers of ReaL ({error}).",
            "It has the arrays tensor, info and ids.",
        ) from error
    if tensor.shape != (len(ids), len(info), 3) or info.shape != (len(info), 2):
        raise DataError(f"{path}: tensor {tensor.shape}, info {info.shape} and ids do not fit.")
    if ((tensor != 0) & (tensor != 1)).any() or (tensor.sum(axis=2) > 1).any():
        raise DataError(f"{path}: a rater gave two answers to one question.", "Fetch it again.")
    rater, question, value = np.nonzero(tensor)
    images, classes = info[:, 0].astype(object), info[:, 1].astype(object)
    columns = {
        "worker": ids[rater],
        "item": images[question],
        "class_key": classes[question],
        "selected": _VALUE[value],
    }
    return answer_records(path, columns)
