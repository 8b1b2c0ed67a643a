"""What is known of a model's answers on a test set, column by column, as metrics need it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

Column = npt.NDArray[Any]

# Half precision rounds a probability of 1, or its logarithm, a little past the end.
_SLACK = 1e-3
_INF = float("inf")


@dataclass(frozen=True, slots=True)
class _Rule:
    """What a column must look like: dimensions, kinds of dtype, and the range of its values."""

    ndim: int
    kinds: str
    low: float = -_INF
    high: float = _INF


_RULES = {
    "label": _Rule(1, "iu", 0),
    "rank": _Rule(1, "iu", 0),
    "topk": _Rule(2, "iu", 0),
    "topk_prob": _Rule(2, "f", 0, 1 + _SLACK),
    "label_logprob": _Rule(1, "f", high=_SLACK),
    "scores": _Rule(2, "f"),
    "relevant": _Rule(2, "b"),
    "exact_match": _Rule(1, "b"),
    "f1": _Rule(1, "f", 0, 1),
    "nll": _Rule(1, "f", -_SLACK),
    "tokens": _Rule(1, "iu", 0),
    "bytes": _Rule(1, "iu", 0),
}
# One column a class: too large to look at unless a metric does.
_WIDE = ("scores", "relevant")
_KINDS = {"iu": "whole numbers", "f": "floating-point numbers", "b": "booleans"}

# What a column is, and how to come by it.
_ORIGINS = {
    "label": ("class labels", "give a test set whose items have them"),
    "truth": ("class labels", "give a test set whose items have them"),
    "rank": ("the rank of the right class", "run or import a classifier"),
    "n_classes": ("the number of classes", "give it with the test set"),
    "topk_prob": ("probabilities", "run a model whose outputs are logits or probabilities"),
    "label_logprob": (
        "the probability given to the label",
        "run a model whose outputs are logits or probabilities",
    ),
    "scores": ("full scores", "run again with --save scores"),
    "exact_match": ("scored answers", "run a question-answering model"),
    "f1": ("scored answers", "run a question-answering model"),
    "nll": ("the likelihood of every document", "run a language model"),
    "tokens": ("the number of tokens scored", "run a language model"),
    "bytes": ("the length of every document in bytes", "run a language model"),
}


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """The columns of one model on one test set, row by row the same items; any may be absent.

    Attributes
    ----------
    label
        Class id of each item, shape (n,).
    rank
        Position, from 1, of the first right answer among the ordered predictions, 0 where none is
        right, shape (n,).  Where several classes count as right, that is settled here.
    topk
        Ordered predictions, best first, shape (n, k).
    topk_prob
        Their probabilities, shape (n, k).
    label_logprob
        Natural logarithm of the probability given to the label, shape (n,); ``-inf`` where that is 0.
    scores
        A score for every class, shape (n, n_classes); may be mapped from a file.  Its values are
        looked at only by the metrics that need them.
    relevant
        Where an item may show several classes: which, shape (n, n_classes), bool.
    exact_match, f1
        Score of each answer, shape (n,): bool, and between 0 and 1.
    nll, tokens, bytes
        Negative log-likelihood of each document in nats, tokens scored and UTF-8 bytes, shape (n,).
    n_classes
        Size of the class space.
    k
        Ordered predictions that `rank` looked at; by default the width of `topk` or `topk_prob`,
        else 1.

    Raises
    ------
    ValueError
        For columns of other shape or dtype, a nan, or a value out of range; names column and row.
    """

    label: Column | None = None
    rank: Column | None = None
    topk: Column | None = None
    topk_prob: Column | None = None
    label_logprob: Column | None = None
    scores: Column | None = None
    relevant: Column | None = None
    exact_match: Column | None = None
    f1: Column | None = None
    nll: Column | None = None
    tokens: Column | None = None
    bytes: Column | None = None
    n_classes: int | None = None
    k: int | None = None

    def __post_init__(self) -> None:
        for name, column in self._columns().items():
            rule = _RULES[name]
            fits = column.ndim == rule.ndim and column.dtype.kind in rule.kinds
            if not fits or 0 in column.shape[1:]:
                raise ValueError(
                    f"{name} must be {_KINDS[rule.kinds]} in {rule.ndim} dimension(s), "
                    f"not {column.dtype} of shape {column.shape}"
                )
            if len(column) != self.n:
                first = next(iter(self._columns()))
                raise ValueError(f"{name} has {len(column)} rows but {first} has {self.n}")
            self._check_width(name, column)
            if name not in _WIDE:
                _check_values(name, column, rule.low, min(rule.high, self._highest(name)))
        if self.n == 0:
            raise ValueError("there are no items")

    @property
    def n(self) -> int:
        """Number of items."""
        return next((len(column) for column in self._columns().values()), 0)

    @property
    def truth(self) -> Column | None:
        """The classes that each item shows: `relevant`, or else the label."""
        return self.label if self.relevant is None else self.relevant

    @property
    def depth(self) -> int:
        """Ordered predictions an item that are known."""
        if self.k is not None:
            return self.k
        for column in (self.topk, self.topk_prob):
            if column is not None:
                return int(column.shape[1])
        return 1

    def column(self, name: str) -> Column:
        """Return a column; raises `ValueError` when it is absent."""
        column: Column | None = getattr(self, name)
        if column is None:
            raise ValueError(self.lacks((name,)))
        return column

    def lacks(self, names: Sequence[str]) -> str:
        """Say which of the columns is absent and how to come by it; empty when all are there."""
        for name in names:
            if getattr(self, name) is None:
                what, how = _ORIGINS[name]
                return f"needs {what} ({name}); {how}"
        return ""

    def take(self, rows: npt.NDArray[Any], *, scores: bool) -> Predictions:
        """Return some rows, by index or mask; ``scores`` (and ``relevant``) only where asked for."""
        kept = {name: column[rows] for name, column in self._columns(scores=scores).items()}
        return replace(self, **(dict.fromkeys(_WIDE) | kept))

    def _check_width(self, name: str, column: Column) -> None:
        if name in _WIDE and column.shape[1] != (self.n_classes or column.shape[1]):
            raise ValueError(f"{name} has {column.shape[1]} columns for {self.n_classes} classes")
        if name == "topk_prob" and self.topk is not None and column.shape != self.topk.shape:
            raise ValueError(f"topk has shape {self.topk.shape} but topk_prob {column.shape}")

    def _columns(self, *, scores: bool = True) -> dict[str, Column]:
        found = {name: getattr(self, name) for name in _RULES if scores or name not in _WIDE}
        return {name: column for name, column in found.items() if column is not None}

    def _highest(self, name: str) -> float:
        if name == "rank":
            return self.depth
        if name in {"label", "topk"} and self.n_classes is not None:
            return self.n_classes - 1
        return _INF


def _check_values(name: str, column: Column, low: float, high: float) -> None:
    # One comparison finds nan too: it is neither above nor below anything.
    if column.dtype.kind == "b" or column.size == 0:
        return
    if column.min() >= low and column.max() <= high:
        return
    bad = ~((column >= low) & (column <= high))
    row = int(np.argwhere(bad)[0][0])
    value = column[row][bad[row]][0] if column.ndim == 2 else column[row]
    if np.isnan(value):
        raise ValueError(f"row {row} of {name} is nan")
    raise ValueError(f"row {row} of {name}: {value} is not between {low:g} and {high:g}")
