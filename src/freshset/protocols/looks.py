"""How often a test set has been looked at, and how much of the best score that could explain."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from freshset.core.errors import DataError, UsageError
from freshset.protocols.folds.making import OPENING
from freshset.protocols.policies import PolicySpec
from freshset.protocols.sealed.holdout import Holdout
from freshset.stats.reuse import (
    CoverBound,
    cover_bound,
    log_transcripts,
    resampled_bound,
    transcript_bound,
    union_bound,
)
from freshset.stats.types import BoolArray, none_if_nan
from freshset.store.parquet import ParquetStore
from freshset.store.works import Work, Works

SCHEMA = "freshset.looks/1"


@dataclass(frozen=True, slots=True)
class SeenAt:
    """One look: when, who and which model; the accuracy seen (fraction), and the best so far."""

    at: str
    who: str
    model: str
    accuracy: float | None
    best: float | None


@dataclass(frozen=True, slots=True)
class Looks:
    """All looks at a test set.

    Attributes
    ----------
    source
        ``store`` or ``ledger``.
    looks
        In the order of time.
    counted
        Looks that the bounds count: those that are known and those that were not recorded.
    union
        Bound if all models were fixed beforehand, percentage points.
    cover
        The similarity-aware bound; ``None`` where predictions are not known (a ledger).
    resampled
        Quantile over resamples of the items, percentage points; nan where predictions are not known.
    worst
        Bound if every look was used in the worst way to choose the next, percentage points.
    level
        Of all bounds.
    """

    testset: str
    n: int
    source: str
    looks: tuple[SeenAt, ...]
    counted: int
    union: float
    cover: CoverBound | None
    resampled: float
    worst: float
    level: float

    @property
    def best(self) -> float | None:
        """Best accuracy seen, a fraction."""
        return self.looks[-1].best

    @property
    def findings(self) -> tuple[str, ...]:
        """The numbers in sentences, and what they do not cover."""
        return (_count(self), _bounds(self), *_caveats(self))

    def to_dict(self) -> dict[str, Any]:
        """Return the document; bounds are percentage points."""
        cover = None
        if self.cover is not None:
            cover = asdict(self.cover) | {"bound": 100 * self.cover.bound}
        return {
            "schema": SCHEMA,
            "testset": self.testset,
            "n": self.n,
            "source": self.source,
            "looks": [asdict(one) for one in self.looks],
            "counted": self.counted,
            "best": self.best,
            "bounds": {
                "union": self.union,
                "cover": cover,
                "resampled": none_if_nan(self.resampled),
                "worst": self.worst,
                "level": self.level,
            },
            "findings": list(self.findings),
        }


def looks_of_store(
    store: ParquetStore,
    testset: str,
    *,
    rng: np.random.Generator,
    level: float = 0.95,
    unrecorded: int = 0,
) -> Looks:
    """Count the models that a store has on a test set as looks.

    Parameters
    ----------
    testset
        Id of a test set; or name or digest of an official set that validations by folds opened.
    unrecorded
        Looks that are known to have happened elsewhere; they widen the bounds that count.

    Raises
    ------
    DataError
        When there is no cell on the test set.
    StoreError
        When there is no such test set.
    """
    openings = _openings(store, testset)
    if openings:
        return _looks_of_openings(openings, rng=rng, level=level, unrecorded=unrecorded)
    n = store.testset(testset).n
    cells = [cell for cell in store.cells(testset) if _top1(cell.correct) is not None]
    if not cells:
        raise DataError(f"{store.location}: no model was scored on {testset}.")
    seen = []
    for cell in cells:
        at = _written(store.data_file(cell).parent / "cell.json")
        right = _top1(cell.correct)
        seen.append((at, "", cell.spec.model, None if right is None else right / cell.n))
    whole = [cell.spec.model for cell in cells if cell.kind == "examples"]
    correct = store.matrix(testset, whole).correct("top1") if len(whole) == len(cells) else None
    return _looks(
        (testset, n, "store"), seen, unrecorded, level, correct=correct, rng=rng,
        policy=PolicySpec("exact"),
    )  # fmt: skip


def _written(path: Path) -> str:
    # The store writes no times, so that it can be compared; the file system knows them.
    return datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat(timespec="seconds")


def _openings(store: ParquetStore, testset: str) -> list[Work]:
    """Openings of one official set, unless the name is that of a test set of the store."""
    if testset in store.testsets():
        return []
    found = [
        work
        for work in Works(Path(store.location)).all(OPENING)
        if testset in (work.document["official"], work.spec.inputs["official"])
    ]
    digests = sorted({work.spec.inputs["official"] for work in found})
    if len(digests) > 1:
        raise UsageError(
            f"{store.location}: {len(digests):,} official sets are called {testset}.",
            f"Name one by its digest: {', '.join(digests)}.",
        )
    return found


def _looks_of_openings(
    openings: Sequence[Work], *, rng: np.random.Generator, level: float, unrecorded: int
) -> Looks:
    seen, rows = [], []
    for work in openings:
        accuracy = None
        if work.document["classes"]:
            right = np.asarray(work.array("correct"), dtype=bool)
            accuracy = float(right.mean())
            rows.append(right)
        model = f"{work.document['learner']} trained on {work.document['data']}"
        seen.append((_written(work.folder / "work.json"), "", model, accuracy))
    first = openings[0].document
    return _looks(
        (first["official"], first["n"], "store"), seen, unrecorded, level,
        correct=np.stack(rows) if len(rows) == len(seen) else None, rng=rng,
        policy=PolicySpec("exact"),
    )  # fmt: skip


def looks_of_holdout(holdout: Holdout, *, level: float = 0.95, unrecorded: int = 0) -> Looks:
    """Count the evaluations in a ledger; no key is needed.

    Raises
    ------
    DataError
        When the ledger is not whole, or nothing was evaluated yet.
    """
    read = holdout.verify()
    seen = [
        (entry.at, entry.who, entry.model, entry.revealed.get("accuracy"))
        for entry in read.entries
        if entry.action == "evaluate"
    ]
    if not seen:
        raise DataError(f"{holdout.folder}: nothing was evaluated yet.")
    about = (holdout.public.name, holdout.public.n, "ledger")
    return _looks(about, seen, unrecorded, level, policy=holdout.rules.policy)


def _top1(correct: Any) -> float | None:
    value = correct.get("top1", correct.get("exact-match"))
    return None if value is None else float(value)


def _looks(
    about: tuple[str, int, str],
    seen: Iterable[tuple[str, str, str, float | None]],
    unrecorded: int,
    level: float,
    *,
    policy: PolicySpec,
    correct: BoolArray | None = None,
    rng: np.random.Generator | None = None,
) -> Looks:
    if unrecorded < 0:
        raise UsageError("Looks that were not recorded are no negative number.")
    testset, n, source = about
    looks: list[SeenAt] = []
    best: float | None = None
    changes = 0
    ordered = sorted(seen, key=lambda one: one[0]) if source == "store" else list(seen)
    for at, who, model, accuracy in ordered:
        if accuracy is not None and (best is None or accuracy > best):
            best, changes = accuracy, changes + 1
        looks.append(SeenAt(at, who, model, accuracy, best))
    counted = len(looks) + unrecorded
    worst = transcript_bound(_transcripts(policy, counted, n, changes), n, level=level)
    resampled, cover = float("nan"), None
    if correct is not None and rng is not None:
        cover = cover_bound(correct, level=level)
        resampled = 100 * resampled_bound(correct, rng=rng, level=level)
    return Looks(
        testset, n, source, tuple(looks), counted, 100 * union_bound(counted, n, level=level), cover,
        resampled, 100 * worst, level,
    )  # fmt: skip


def _transcripts(policy: PolicySpec, looks: int, n: int, changes: int) -> float:
    if policy.kind == "rounded":
        return log_transcripts(looks, int(1 / float(policy.step)) + 2)
    if policy.kind in {"ladder", "ladder-step"}:
        answers = n + 1 if policy.kind == "ladder" else int(1 / float(policy.step)) + 2
        # As if the number of changes had been fixed beforehand at each of its possible values.
        return log_transcripts(looks, answers, changes=changes) + float(np.log(looks + 1))
    if policy.kind == "thresholdout" and policy.budget is not None:
        # Given the noise, only answers from the hidden part depend on it, and they are budgeted.
        return log_transcripts(looks, n + 1, changes=policy.budget)
    return log_transcripts(looks, n + 1)


def _count(r: Looks) -> str:
    first, last = r.looks[0].at[:10], r.looks[-1].at[:10]
    days = f"on {first}" if first == last else f"between {first} and {last}"
    models = len({one.model for one in r.looks})
    text = f"{r.testset} ({r.n:,} examples) was looked at {_times(len(r.looks))} {days}"
    text += f", with {models:,} different models" if models != len(r.looks) else ""
    if r.counted > len(r.looks):
        text += f", and {_times(r.counted - len(r.looks))} without a record"
    return (
        f"{text}." if r.best is None else f"{text}; the best score shown is {100 * r.best:.1f} %."
    )


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"


def _bounds(r: Looks) -> str:
    text = (
        f"If all of these models had been fixed before anybody looked, the best score would be at most "
        f"{r.union:.1f} points above its truth ({100 * r.level:g} %, union bound)"
    )
    if r.cover is not None:
        if r.cover.size < r.cover.models:
            text += (
                f"; counting similar models less ({r.cover.size:,} centres cover {r.cover.models:,} "
                f"models), at most {100 * r.cover.bound:.1f}"
            )
        else:
            text += "; counting similar models less does not improve on it here"
        text += f"; from resampled items, about {r.resampled:.1f}"
    return (
        f"{text}. If every look had been used in the worst way to choose the next model, it could be "
        f"{r.worst:.1f} points."
    )


def _caveats(r: Looks) -> tuple[str, ...]:
    out = [
        (
            "These are upper bounds, not estimates: they say how much adaptivity could explain, not "
            "how much it does. Real developers rarely use a look in the worst way."
        ),
        "Only looks that were recorded count. Models that were tried and thrown away are looks, too.",
    ]
    if r.source == "store":
        out.append(
            "Times are those of the store's files; a copy or an import has the time of copying."
        )
    if r.cover is not None:
        out.append("Similarities are measured on the same test set and taken as known.")
    return tuple(out)
