"""Mappings from the classes of a model to those of a test set.

Scores that are restricted or put together stay what they were as far as that is true of them:

========  ==========================  =========================  =============================
how       logits become               probabilities become       scores become
========  ==========================  =========================  =============================
permute   logits                      probabilities              scores
restrict  logits                      probabilities (divided by  scores
                                      their sum)
max       scores                      scores                     scores
mean      scores                      scores                     refused
sum       probabilities               probabilities              refused
========  ==========================  =========================  =============================

``mean`` and ``sum`` are of probabilities: logits go through a softmax over the classes that are mapped,
probabilities are divided by their sum over those; both are the model's belief given that the item is
of a mapped class.  A row that gives all mapped classes a probability of 0 says nothing, and becomes
uniform.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from freshset.core.classes import ClassSpace
from freshset.core.errors import DataError, UsageError, did_you_mean
from freshset.core.files import canonical_json, sha256_bytes
from freshset.datasets.mapping_tables import MappingTable, load_table, shipped_tables

How = Literal["permute", "restrict", "max", "mean", "sum"]
Outputs = Literal["logits", "probabilities", "scores", "classes", "answers", "likelihoods"]
Scores = npt.NDArray[np.float32]
ClassIds = npt.NDArray[np.int32]

RULES = ("permute", "restrict", "drop-background")
"""Mappings that follow from the class keys alone."""


@dataclass(frozen=True, slots=True)
class ClassMapping:
    """Which classes of a model stand for each class of a test set.

    Attributes
    ----------
    name
        As a study names it.
    source, target
        Classes of the model, and of the test set.
    how
        ``permute`` and ``restrict`` take one source class each; ``max``, ``mean`` and ``sum`` put
        several together, as the module says.
    members
        Source ids of target class t are ``members[t]``; a source class stands for one target class
        at most.

    Raises
    ------
    DataError
        When a target class has no source class, a source class has two target classes, or ``how``
        does not fit.
    """

    name: str
    source: ClassSpace
    target: ClassSpace
    how: How
    members: tuple[tuple[int, ...], ...]
    _flat: npt.NDArray[np.intp] = field(init=False, repr=False, compare=False)
    _starts: npt.NDArray[np.intp] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.how not in get_args(How):
            raise DataError(
                f"{self.name}: no way {self.how!r} to map classes.",
                f"Use one of: {', '.join(get_args(How))}.",
            )
        if len(self.members) != len(self.target):
            raise DataError(f"{self.name}: not one entry for each of {len(self.target)} classes.")
        sizes = np.array([len(ids) for ids in self.members], dtype=np.intp)
        for key in (self.target.keys[t] for t in np.flatnonzero(sizes == 0)):
            raise DataError(f"{self.name}: the class {key!r} has no source class.")
        flat = np.fromiter(chain.from_iterable(self.members), np.intp, int(sizes.sum()))
        if ((flat < 0) | (flat >= len(self.source))).any():
            raise DataError(f"{self.name}: a class outside the {len(self.source)} source classes.")
        counts = np.bincount(flat, minlength=len(self.source))
        if counts.max() > 1:
            key = self.source.keys[int(counts.argmax())]
            raise DataError(f"{self.name}: the class {key!r} stands for two classes at once.")
        if self.how in {"permute", "restrict"} and sizes.max() > 1:
            raise DataError(
                f"{self.name}: {self.how!r} with several source classes for one class.",
                "Say how they are put together: max, mean or sum.",
            )
        if self.how == "permute" and len(flat) != len(self.source):
            raise DataError(f"{self.name}: a permutation that leaves classes out.")
        object.__setattr__(self, "_flat", flat)
        object.__setattr__(self, "_starts", sizes.cumsum() - sizes)

    @property
    def digest(self) -> str:
        """Digest of what the mapping does; its name is no part of it."""
        content = [self.how, self.source.digest, self.target.digest, self.members]
        return sha256_bytes(canonical_json(content))

    @property
    def _sizes(self) -> npt.NDArray[np.intp]:
        return np.diff(self._starts, append=len(self._flat))

    @property
    def needs(self) -> Literal["classes", "scores"]:
        """``classes`` when the best classes of an item are enough, else ``scores`` of them all."""
        whole = len(self._flat) == len(self.source)
        return "classes" if whole and self.how not in {"mean", "sum"} else "scores"

    def check(self, outputs: Outputs) -> None:
        """Raise `DataError` when such outputs cannot be mapped, before a model is run."""
        if outputs == "classes" and self.needs == "scores":
            raise DataError(
                f"The mapping {self.name!r} needs full scores, not only the best classes.",
                "The best of some classes need not be among the best of all; keep scores with "
                "--save scores, or run the model again.",
            )
        if outputs == "scores" and self.how in {"mean", "sum"}:
            raise DataError(
                f"The mapping {self.name!r} takes the {self.how} of probabilities, "
                "and these outputs are none.",
                "Use a mapping with how = 'max', which needs only an order.",
            )

    def apply(self, scores: Scores, outputs: Outputs) -> tuple[Scores, Outputs]:
        """Map scores.

        Parameters
        ----------
        scores
            Shape (items, source classes), float32.
        outputs
            What they are: ``logits``, ``probabilities`` or ``scores``.

        Returns
        -------
        scores, outputs
            Shape (items, target classes), and what they now are, as the module says.

        Raises
        ------
        DataError
            When there are not as many scores as source classes, or see `check`.
        """
        self.check(outputs)
        if scores.ndim != 2 or scores.shape[1] != len(self.source):
            raise DataError(
                f"The mapping {self.name!r} takes {len(self.source)} scores an item, not an array "
                f"of shape {scores.shape}."
            )
        mapped = scores[:, self._flat]
        if self.how == "permute" or (self.how == "restrict" and outputs != "probabilities"):
            return mapped, outputs
        if self.how == "max":
            return np.maximum.reduceat(mapped, self._starts, axis=1), "scores"
        beliefs = _softmax(mapped) if outputs == "logits" else _to_one(mapped)
        if self.how == "restrict":
            return beliefs, "probabilities"
        sums = np.add.reduceat(beliefs, self._starts, axis=1)
        if self.how == "sum":
            return sums, "probabilities"
        sums /= self._sizes
        return sums, "scores"

    def apply_classes(self, topk: ClassIds) -> ClassIds:
        """Map ordered predictions.

        Parameters
        ----------
        topk
            Source class ids, best first, shape (items, k).

        Returns
        -------
        ndarray of int32, shape (items, k')
            Target class ids, best first and each once an item.  Of k predictions at least
            k' = ceil(k / m) are of different classes where a class has up to m source classes.

        Raises
        ------
        DataError
            When the mapping needs full scores, or an id is no source class.
        """
        self.check("classes")
        if topk.size and (topk.min() < 0 or topk.max() >= len(self.source)):
            raise DataError(f"{self.name}: a class outside the {len(self.source)} source classes.")
        sizes = self._sizes
        target_of = np.empty(len(self.source), dtype=np.int32)
        target_of[self._flat] = np.repeat(np.arange(len(self.target), dtype=np.int32), sizes)
        mapped = target_of[topk]
        if sizes.max() == 1:
            return mapped
        k = topk.shape[1]
        seen = np.zeros(mapped.shape, dtype=bool)
        for j in range(1, k):
            seen[:, j] = (mapped[:, :j] == mapped[:, j : j + 1]).any(axis=1)
        first = np.argsort(seen, axis=1, kind="stable")[:, : -(-k // int(sizes.max()))]
        return np.take_along_axis(mapped, first, axis=1)


def _softmax(logits: Scores) -> Scores:
    powers: Scores = np.exp(logits - logits.max(axis=1, keepdims=True))
    powers /= powers.sum(axis=1, keepdims=True)
    return powers


def _to_one(probabilities: Scores) -> Scores:
    shares = probabilities.copy()
    total = shares.sum(axis=1)
    nothing = total <= 0
    shares[nothing] = 1
    total[nothing] = shares.shape[1]
    shares /= total[:, None]
    return shares


def find_mapping(
    name: str, source: ClassSpace, target: ClassSpace, root: Path = Path()
) -> ClassMapping | None:
    """Find the mapping from one class space to another.

    Parameters
    ----------
    name
        ``permute``, ``restrict``, ``drop-background``, the name of a shipped mapping, or a table of
        one's own (toml, json or csv).  When empty, spaces that hold the same classes are brought
        into one order, and nothing else is guessed: whether scores on some of a model's classes
        are meant to compete with the others is for the test set to say.
    source, target
        Classes of the model, and of the test set.
    root
        Folder from which a table's path starts.

    Returns
    -------
    ClassMapping or None
        ``None`` when the two spaces are the same, class by class.

    Raises
    ------
    UsageError
        For an unknown name, or spaces between which there is no such mapping.
    DataError
        For a table that does not fit the classes.
    """
    table = None if name in {"", *RULES} else _table(name, root)
    if source.digest == target.digest:
        return None
    if table is not None:
        return _by_table(table, source, target)
    absent = [key for key in target.keys if key not in source]
    extra = [key for key in source.keys if key not in target]
    if not absent and not extra and name in {"", "permute"}:
        return _by_keys("permute", source, target)
    if absent or not name or name == "permute":
        raise _no_mapping(name, source, target, absent, extra)
    if name == "drop-background" and len(extra) != 1:
        raise UsageError(
            f"{_between(source, target)}: {len(extra):,} classes are left over, not just a "
            "background.",
            "Name the mapping 'restrict' to leave them all out.",
        )
    return _by_keys(name, source, target)


def _by_keys(name: str, source: ClassSpace, target: ClassSpace) -> ClassMapping:
    members = tuple((source.id_of(key),) for key in target.keys)
    return ClassMapping(
        name, source, target, "permute" if name == "permute" else "restrict", members
    )


def _table(name: str, root: Path) -> MappingTable:
    shipped = shipped_tables()
    if name in shipped:
        return shipped[name]
    path = root / name
    if path.is_file():
        return load_table(path)
    if path.suffix:
        raise UsageError(
            f"{path}: no such mapping file.", "Check the path; it starts at the study."
        )
    raise UsageError(f"No mapping {name!r}.", did_you_mean(name, (*RULES, *shipped)))


def _by_table(table: MappingTable, source: ClassSpace, target: ClassSpace) -> ClassMapping:
    for key in table.members:
        if key not in target:
            raise DataError(
                f"{table.where}: {key!r} is no class of the test set, {_said(target)}.",
                did_you_mean(key, target.keys),
            )
    for key in target.keys:
        if key not in table.members:
            raise DataError(
                f"{table.where}: no source class for {key!r} of the test set, {_said(target)}."
            )
    for key in chain.from_iterable(table.members.values()):
        if key not in source:
            raise DataError(
                f"{table.where}: {key!r} is no class of the model, {_said(source)}.",
                did_you_mean(key, source.keys),
            )
    members = tuple(tuple(sorted(map(source.id_of, table.members[k]))) for k in target.keys)
    return ClassMapping(table.name, source, target, table.how, members)


def _no_mapping(
    name: str, source: ClassSpace, target: ClassSpace, absent: list[str], extra: list[str]
) -> UsageError:
    between = _between(source, target)
    if not absent and name == "permute":
        return UsageError(f"{between}: {len(extra):,} classes more, so it is no permutation.")
    if not absent:
        rule = "drop-background" if len(extra) == 1 else "restrict"
        return UsageError(
            f"{between}: whether the other {len(extra):,} may be predicted is not said.",
            f"Write 'mapping: {rule}' to leave them out.",
        )
    tables = [table.name for table in shipped_tables().values() if table.fits(source, target)]
    if tables:
        return UsageError(
            f"{between}: the keys differ, but there is a mapping.",
            f"Write 'mapping: {tables[0]}'.",
        )
    theirs = extra[0] if extra else source.keys[0]
    return UsageError(
        f"{between}: {len(target) - len(absent):,} of {len(target):,} keys are shared (not "
        f"{absent[0]!r}, nor {theirs!r}), so equal ids may mean different classes.",
        "Give the classes of the model by the keys of the test set, or write 'mapping: FILE' with a "
        "table of which classes stand for which.",
    )


def _between(source: ClassSpace, target: ClassSpace) -> str:
    return f"From {_said(source)} to {_said(target)}"


def _said(space: ClassSpace) -> str:
    return f"{space.name} ({len(space):,} classes)" if space.name else f"{len(space):,} classes"
