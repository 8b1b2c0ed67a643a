"""What the answers so far say: of the people who gave them, of what is in stock, and of what is missing.

All that takes seconds where there are a million answers, and so is not counted at every look.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from freshset.core.errors import DataError
from freshset.core.frequencies import Frequencies
from freshset.replication.labelling.crowd import Agreement, agreement_of, describe, policy_effect
from freshset.replication.labelling.frequencies import pooled_frequencies
from freshset.replication.labelling.workers import WorkerRecord, worker_records
from freshset.replication.project import Project, now
from freshset.replication.sampling.choose import Choice, choice_of
from freshset.replication.sampling.forecast import ClassForecast, Range, forecast
from freshset.replication.sampling.plan import limits_of

SCHEMA = "freshset.outlook/1"
_SIMULATIONS = 400
_LEVEL = 0.9


@dataclass(frozen=True, slots=True)
class ClassOutlook:
    """One class.

    Attributes
    ----------
    key, title
        Of the class.
    candidates
        All of them, blacklisted ones too.
    labelled
        Those with as many answers as the spec wants before they count.
    eligible
        Those that a sample may take.
    lacking
        Targets and forecast; ``None`` where there are no targets yet.
    """

    key: str
    title: str
    candidates: int
    labelled: int
    eligible: int
    lacking: ClassForecast | None

    @property
    def missing(self) -> int:
        """Images that are missing, over all groups."""
        return 0 if self.lacking is None else sum(self.lacking.missing.values())

    @property
    def groups(self) -> dict[str, tuple[int, int]]:
        """Target and stock by group; empty where there are no targets yet."""
        one = self.lacking
        return {} if one is None else {name: (n, one.stock[name]) for name, n in one.target.items()}


@dataclass(frozen=True, slots=True)
class Outlook:
    """A whole project.

    Attributes
    ----------
    at
        When it was so, UTC.
    answers
        How many there are.
    agreement
        Of the workers.
    workers
        One by one.
    policy
        See `freshset.replication.labelling.crowd.policy_effect`.
    frequencies
        Under the policy; see `freshset.replication.labelling.crowd.describe`.
    strategy
        Of the spec.
    classes
        In the order of the spec.
    level
        Of the intervals of `tasks` and `cost`.
    tasks, cost
        Still to be posted, and what they would cost with fees on MTurk, in dollars; ``None`` without
        targets.
    trouble
        Why there are no targets yet; empty where there are.
    took
        Seconds that it took to compute.
    """

    at: str
    answers: int
    agreement: Agreement
    workers: tuple[WorkerRecord, ...]
    policy: Mapping[str, Any]
    frequencies: Mapping[str, Any]
    strategy: str
    classes: tuple[ClassOutlook, ...]
    level: float
    tasks: Range | None
    cost: Range | None
    trouble: str
    took: float

    @property
    def bins(self) -> dict[str, tuple[int, int]]:
        """Target and stock by group, over all classes whose groups are called so."""
        out: dict[str, tuple[int, int]] = {}
        for one in self.classes:
            for name, (target, stock) in one.groups.items():
                before = out.get(name, (0, 0))
                out[name] = (before[0] + target, before[1] + stock)
        return out

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values, schema `SCHEMA`."""
        return {"schema": SCHEMA} | asdict(self)


def read_outlook(project: Project) -> Outlook:
    """Compute it; forecasts draw from one seed, so that the same answers give the same numbers.

    Raises
    ------
    StoreError
        When the database cannot be read.
    """
    at, begun = now(), time.monotonic()
    pooled = pooled_frequencies(project)
    with project.read() as connection:
        workers = worker_records(connection, pooled.quality, project.salt)
    choice, trouble = _choice(project, pooled.frequencies)
    lacking: dict[str, ClassForecast] = {}
    tasks = cost = None
    if not trouble:
        rng = np.random.default_rng(0)
        told = forecast(choice, level=_LEVEL, simulations=_SIMULATIONS, rng=rng)
        lacking = {one.class_key: one for one in told.classes}
        tasks, cost = told.tasks, told.cost
    return Outlook(
        at,
        len(pooled.answers),
        agreement_of(pooled.answers),
        workers,
        policy_effect(pooled),
        describe(pooled.frequencies),
        project.spec.sampling.strategy,
        _classes(choice, lacking),
        _LEVEL,
        tasks,
        cost,
        trouble,
        time.monotonic() - begun,
    )


def _choice(project: Project, frequencies: Frequencies) -> tuple[Choice, str]:
    """What a draw depends on, and why it has no targets, where it has none."""
    with project.read() as connection:
        try:
            return choice_of(connection, frequencies), ""
        except DataError as error:
            # This strategy asks the same of a candidate, and has a target for every project.
            return choice_of(connection, frequencies, strategy="top"), str(error)


def _classes(choice: Choice, lacking: Mapping[str, ClassForecast]) -> tuple[ClassOutlook, ...]:
    rows = choice.eligibility.candidates
    enough = rows.answers >= max(1, limits_of(choice.spec).min_answers)
    every, labelled, eligible = (
        Counter(rows.class_keys[which].tolist())
        for which in (slice(None), enough, choice.eligibility.reason < 0)
    )
    return tuple(
        ClassOutlook(
            one.key, one.title, every[one.key], labelled[one.key], eligible[one.key],
            lacking.get(one.key),
        )
        for one in choice.spec.classes
    )  # fmt: skip
