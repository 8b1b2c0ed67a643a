"""Predictions of folds and of the official set: made in parallel, kept in a store, shared by processes.

In a store, every fold is work of the kind ``fold``, known by data, learner, seed and rows; every
opening of an official set is work of the kind ``opening``.  So a run that was stopped goes on, two
runs share the folds, more repeats add to those that are there, and whoever counts looks finds them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from freshset.core.errors import DataError, FreshsetError, UsageError
from freshset.core.files import sha256_bytes
from freshset.engine.writing import writing
from freshset.protocols.folds.data import Data
from freshset.protocols.folds.learners import Learner
from freshset.protocols.folds.scores import as_labels
from freshset.protocols.folds.splits import Split
from freshset.store.parquet import make_store
from freshset.store.works import Claim, Work, Works, WorkSpec

FOLD = "fold"
OPENING = "opening"

Array = npt.NDArray[Any]

# Backends that joblib does not know of by itself, and the call that tells it.
_REGISTERED_BY = {"ray": ("ray.util.joblib", "register_ray")}
# Seconds between two looks at what another process is at.
_WAIT = 0.2
# Letters of what a learner says when it fails; some print all of their data.
_LONGEST = 300


@dataclass(frozen=True, slots=True)
class Running:
    """How to run; changes no number but the interval's level.

    Attributes
    ----------
    metric
        One of `freshset.protocols.folds.scores.METRICS`.
    level
        Of the intervals.
    jobs
        Folds at the same time; -1 for as many as there are processors.
    backend
        Of joblib: ``loky``, ``threading``, ``ray``, ``dask`` or any that is registered; empty for
        joblib's own choice, or what `joblib.parallel_config` says around the call.
    store
        Folder of the store that keeps what is done, so that running again goes on; made when it is
        not there.  ``None`` keeps nothing.
    """

    metric: str = "accuracy"
    level: float = 0.95
    jobs: int = 1
    backend: str = ""
    store: Path | None = None

    def __post_init__(self) -> None:
        if self.jobs == 0:
            raise UsageError("No folds at the same time make none.", "Use 1, or -1 for all.")
        if not 0 < self.level < 1:
            raise UsageError(f"level is {self.level}, not between 0 and 1.", "Use 0.95 for 95 %.")


def make_folds(
    learner: Learner,
    data: Data,
    cut: Sequence[Split],
    running: Running,
    step: Callable[[str], object] = str,
) -> list[Array]:
    """Return the predictions of every fold, in order; each in the order of its test rows.

    Parameters
    ----------
    step
        Called with a short text after every fold that is made here.

    Raises
    ------
    UsageError
        For an unknown backend, or a learner that cannot be told from others and a store.
    StoreError
        When the store cannot be written to, or something in it is damaged.
    """
    keeper = _Keeper(running.store, learner, data)
    out: dict[int, Array] = {}
    while True:
        left = [place for place in range(len(cut)) if place not in out]
        there = keeper.there({place: cut[place] for place in left})
        out |= there
        todo = [(place, cut[place]) for place in left if place not in there]
        for place, predictions in _made(keeper, learner, data, todo, running):
            out[place] = predictions
            step(f"repeat {cut[place].repeat + 1}, fold {cut[place].fold + 1}")
        if len(out) == len(cut):
            return [out[place] for place in range(len(cut))]
        time.sleep(_WAIT)  # the others are made by another process, which may yet die


@dataclass(frozen=True, slots=True)
class Opened:
    """Predictions on an official set.

    Attributes
    ----------
    before
        Whether an earlier run of the same validation made them.
    openings
        How often the store knows this set to have been opened, this time included.
    """

    predictions: Array
    before: bool
    openings: int


def open_official(
    learner: Learner, data: Data, official: Data, *, seed: int, store: Path | None
) -> Opened:
    """Train on all data and predict the official set; with a store, once for all runs."""
    keeper = _Keeper(store, learner, data)
    works = keeper.works
    if works is None:
        return Opened(_official(learner, data, official, seed), before=False, openings=1)
    digest = official.digest
    spec = keeper.opening(digest, seed)
    while True:
        if work := works.get(spec):
            return Opened(_predictions(work), before=True, openings=_openings(works, digest))
        with keeper.claimed({0: spec}) as claims:
            if 0 not in claims:
                time.sleep(_WAIT)
                continue
            predictions = _official(learner, data, official, seed)
            arrays = {"predictions": predictions}
            classes = official.has_classes
            if classes:
                arrays["correct"] = official.y == as_labels(official.y, predictions)
            about = {"official": official.name, "n": len(official), "classes": classes}
            keeper.finish(claims[0], about, arrays)
        return Opened(predictions, before=False, openings=_openings(works, digest))


def _official(learner: Learner, data: Data, official: Data, seed: int) -> Array:
    with _named(learner, f"the official set {official.name}"):
        return learner.predict(data.x, data.y, official.x, seed)


def _openings(works: Works, official: str) -> int:
    return sum(work.spec.inputs["official"] == official for work in works.all(OPENING))


class _Keeper:
    """What a store keeps of a validation; nothing without one."""

    def __init__(self, store: Path | None, learner: Learner, data: Data) -> None:
        self.works: Works | None = None
        self._learner, self._data = learner, data
        if store is None:
            return
        if not learner.identity:
            raise UsageError(
                f"{learner.name} cannot be told from other learners, so a store cannot keep its folds.",
                "Give a function from a file, an estimator, or no store.",
            )
        self._store, self._digest = store, data.digest
        with writing(store):
            make_store(store)
            self.works = Works(store)
            self.works.sweep()

    def specs(self, cut: Mapping[int, Split]) -> dict[int, WorkSpec]:
        if self.works is None:
            return {}
        return {place: self._fold(place, split) for place, split in cut.items()}

    def _fold(self, place: int, split: Split) -> WorkSpec:
        rows = sha256_bytes(np.ascontiguousarray(split.test, dtype="<i8").tobytes())
        return WorkSpec.of(FOLD, **self._inputs(place), rows=rows)

    def opening(self, official: str, seed: int) -> WorkSpec:
        return WorkSpec.of(OPENING, **self._inputs(seed), official=official)

    def _inputs(self, seed: int) -> dict[str, Any]:
        return {"data": self._digest, "learner": self._learner.identity, "seed": seed}

    def there(self, cut: Mapping[int, Split]) -> dict[int, Array]:
        """Return the predictions that are stored."""
        if self.works is None:
            return {}
        found = {place: self.works.get(spec) for place, spec in self.specs(cut).items()}
        return {place: _predictions(work) for place, work in found.items() if work is not None}

    @contextmanager
    def claimed(self, specs: Mapping[int, WorkSpec]) -> Iterator[dict[int, Claim]]:
        """Claim what no live process is at and none has done meanwhile."""
        with ExitStack() as stack:
            claims: dict[int, Claim] = {}
            for place, spec in specs.items():
                if self.works is None:
                    continue
                with writing(self._store):
                    claim = self.works.claim(spec)
                if claim is None:
                    continue
                stack.enter_context(claim)
                if not self.works.has(spec):
                    claims[place] = claim
            yield claims

    def finish(
        self, claim: Claim, document: Mapping[str, Any], arrays: Mapping[str, Array]
    ) -> None:
        names = {"learner": self._learner.name, "data": self._data.name}
        with writing(self._store):
            claim.finish({**names, **document}, arrays)


def _predictions(work: Work) -> Array:
    return np.array(work.array("predictions"))


def _made(
    keeper: _Keeper,
    learner: Learner,
    data: Data,
    todo: Sequence[tuple[int, Split]],
    running: Running,
) -> Iterator[tuple[int, Array]]:
    """Make the folds that no other process is at, few at a time, so that others find some, too."""
    import joblib

    with _backend(running.backend) if running.backend else nullcontext():
        jobs = joblib.effective_n_jobs(running.jobs)
        size = jobs if jobs == 1 else 2 * jobs
        for start in range(0, len(todo), size):
            some = dict(todo[start : start + size])
            with keeper.claimed(keeper.specs(some)) as claims:
                mine = some if keeper.works is None else {p: some[p] for p in claims}
                for place, predictions in _parallel(learner, data, mine, running.jobs):
                    if place in claims:
                        where = {"repeat": some[place].repeat, "fold": some[place].fold}
                        keeper.finish(claims[place], where, {"predictions": predictions})
                    yield place, predictions


def _fold(learner: Learner, data: Data, place: int, split: Split) -> tuple[int, Array]:
    # The same in whatever process and order a fold is made.
    with _named(learner, f"repeat {split.repeat + 1}, fold {split.fold + 1}"):
        predictions = learner.predict(
            data.rows(split.train), data.y[split.train], data.rows(split.test), seed=place
        )
    return place, predictions


@contextmanager
def _named(learner: Learner, where: str) -> Iterator[None]:
    """Say where a learner failed; whatever it raises ends the validation."""
    try:
        yield
    except FreshsetError:
        raise
    except Exception as error:
        text = " ".join(str(error).split())
        if len(text) > _LONGEST:
            text = f"{text[:_LONGEST]} ..."
        what = f"{type(error).__name__}: {text}".rstrip(": .")
        raise DataError(
            f"{learner.name} failed on {where}: {what}.", "Mend the learner, or its settings."
        ) from error


def _parallel(
    learner: Learner, data: Data, todo: Mapping[int, Split], jobs: int
) -> Iterator[tuple[int, Array]]:
    """Make folds, each handed on as soon as it is done where the backend can do that."""
    import joblib
    from joblib.parallel import get_active_backend

    if not todo:
        return
    streams = get_active_backend()[0].supports_return_generator
    pool = joblib.Parallel(n_jobs=jobs, return_as="generator_unordered" if streams else "list")
    yield from pool(joblib.delayed(_fold)(learner, data, p, split) for p, split in todo.items())


def _backend(name: str) -> Any:
    import joblib

    try:
        if name in _REGISTERED_BY:
            module, register = _REGISTERED_BY[name]
            getattr(import_module(module), register)()
        return joblib.parallel_config(backend=name)
    except (ImportError, ValueError) as error:
        why = " ".join(str(error).split())
        raise UsageError(
            f"joblib has no backend {name!r} here.", f"Give it what it needs: {why}"
        ) from error
