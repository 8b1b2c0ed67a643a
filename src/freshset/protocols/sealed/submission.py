"""What a submission must look like; only public facts are looked at, so no error can tell a label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from freshset.core.errors import DataError
from freshset.core.files import canonical_json, sha256_bytes

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Public:
    """What everybody may know of a holdout.

    Attributes
    ----------
    name
        What to call it.
    n
        Number of examples.
    classes
        Names of the classes, as predictions must give them.
    ids
        Ids of the examples in their order; empty when it has none.
    """

    name: str
    n: int
    classes: tuple[str, ...]
    ids: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return {
            "name": self.name, "n": self.n, "classes": list(self.classes), "ids": list(self.ids),
        }  # fmt: skip

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Public:
        """Read what `to_dict` wrote."""
        return cls(data["name"], int(data["n"]), tuple(data["classes"]), tuple(data["ids"]))


@dataclass(frozen=True, slots=True)
class Labels:
    """The labels of a holdout: secret, but for what is public of them.

    Attributes
    ----------
    public
        Ids, classes, size.
    names
        Class of each example, by name.
    """

    public: Public
    names: tuple[str, ...]

    @classmethod
    def of(
        cls,
        labels: npt.ArrayLike,
        *,
        name: str,
        ids: Sequence[str] | None = None,
        classes: Sequence[str] = (),
    ) -> Labels:
        """Check labels.

        Parameters
        ----------
        labels
            Shape (examples,), one class an example.
        ids
            Ids of the examples in their order, if they have any.
        classes
            Names that predictions may give, where some of them have no example; by default those of
            the labels.

        Raises
        ------
        DataError
            For labels or ids that are not one an example, or a label that is none of the classes.
        """
        given = np.asarray(labels)
        if given.ndim == 2 and given.shape[1] == 1:
            given = given[:, 0]
        if given.ndim != 1 or not given.size:
            raise DataError(f"{name}: labels are not one class an example.", "Give a vector.")
        names = as_names(given)
        if ids is not None and (len(ids) != len(names) or len(set(ids)) != len(ids)):
            raise DataError(
                f"{name}: ids are not one for each example, each once.",
                "An example may count only once.",
            )
        there = set(names)
        if classes and not there <= set(classes):
            # Whoever seals them knows the labels.
            stranger = min(there - set(classes), key=_class_order)
            raise DataError(
                f"{name}: the label {stranger!r} is none of the {len(classes):,} classes.",
                "Name classes as the labels do.",
            )
        every = tuple(sorted(there | set(classes), key=_class_order))
        return cls(Public(name, len(names), every, tuple(ids or ())), tuple(names))

    @property
    def codes(self) -> IntArray:
        """Shape (examples,), places in the list of classes."""
        place = {one: k for k, one in enumerate(self.public.classes)}
        return np.array([place[one] for one in self.names], dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Submission:
    """Checked predictions.

    Attributes
    ----------
    classes
        Shape (examples,), places in the list of classes.
    digest
        SHA-256 of the predictions, the identity of what was submitted.
    """

    classes: IntArray
    digest: str


def check_submission(
    public: Public, values: npt.ArrayLike, ids: npt.ArrayLike | None = None
) -> Submission:
    """Check predictions against what is public.

    Parameters
    ----------
    values
        Shape (examples,), one class an example, by its name.
    ids
        Shape (examples,); needed where the holdout has ids, and in its order.

    Raises
    ------
    DataError
        For a wrong number, order or class.  A message names a row and what was submitted there.
    """
    given = np.asarray(values)
    if given.ndim == 2 and given.shape[1] == 1:
        given = given[:, 0]
    if given.ndim != 1:
        raise DataError(
            f"Predictions of shape {given.shape} are not one class an example.",
            "Submit first choices only.",
        )
    if len(given) != public.n:
        raise DataError(
            f"{len(given):,} predictions, where {public.name} has {public.n:,} examples.",
            "Submit one prediction for each, in their order. No look was used.",
        )
    _check_order(public, ids)
    names = as_names(given)
    place = {name: k for k, name in enumerate(public.classes)}
    codes = np.array([place.get(name, -1) for name in names], dtype=np.int64)
    if (codes < 0).any():
        row = int((codes < 0).argmax())
        raise DataError(
            f"Row {row}: {names[row]!r} is no class of {public.name}.",
            f"Classes: {', '.join(public.classes[:10])}"
            f"{', ...' if len(public.classes) > 10 else ''}. No look was used.",
        )
    return Submission(codes, sha256_bytes(canonical_json(codes.tolist())))


def as_names(values: npt.NDArray[Any]) -> list[str]:
    """Class names as text: 3, 3.0 and '3' are one class."""
    if values.dtype.kind != "f":
        return [str(value) for value in values.tolist()]
    return [str(int(one) if one.is_integer() else one) for one in values.tolist()]


def _class_order(name: str) -> tuple[int, int, str]:
    """Whole numbers by size, before other names."""
    return (0, int(name), name) if name.isdecimal() else (1, 0, name)


def _check_order(public: Public, ids: npt.ArrayLike | None) -> None:
    if not public.ids:
        return
    if ids is None:
        raise DataError(
            f"{public.name} has ids, and the predictions have none.",
            "Add a column item_id, in the order of the holdout. No look was used.",
        )
    got = [str(one) for one in np.asarray(ids).tolist()]
    if len(got) != public.n:
        raise DataError(f"{len(got):,} ids for {public.n:,} examples.", "No look was used.")
    wrong = next(
        (k for k, pair in enumerate(zip(got, public.ids, strict=True)) if pair[0] != pair[1]), -1
    )
    if wrong < 0:
        return
    same = sorted(got) == sorted(public.ids)
    what = "The ids are those of the holdout in another order" if same else "An id is wrong"
    raise DataError(
        f"{what}: row {wrong} has {got[wrong]!r}, not {public.ids[wrong]!r}.",
        "Put the rows into the order of the holdout. No look was used.",
    )
