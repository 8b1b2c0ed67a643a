"""Find the neighbours of a project's candidates, and change how components are resolved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa

from freshset.core.errors import ConflictError, DataError, UsageError
from freshset.replication.duplicates.finder import Finder, Options, load_vectors
from freshset.replication.duplicates.graph import component_numbers
from freshset.replication.duplicates.pairs import Said, record_verdicts
from freshset.replication.duplicates.searches import (
    MARK,
    make_plan,
    put_neighbours,
    read_neighbours,
    remember,
)
from freshset.replication.duplicates.state import ASKED, ordered, read_state
from freshset.replication.project import Project
from freshset.replication.tables import neighbours, settings


@dataclass(frozen=True, slots=True)
class Report:
    """What a search has done.

    Attributes
    ----------
    metric
        Which.
    images
        How many were gone through.
    whole, added, kept
        Candidates that were compared with all images, with new ones only, and with none, as their
        neighbours were known.
    within
        Pairs within the threshold of the spec; none where it has none.
    recall
        Share of neighbours that an approximate search found, where one was made.
    """

    metric: str
    images: int
    whole: int
    added: int
    kept: int
    within: int | None
    recall: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values, schema ``freshset.dedupe/1``."""
        return {"schema": "freshset.dedupe/1", **asdict(self)}


def find_neighbours(
    project: Project,
    metrics: Sequence[str],
    *,
    options: Options | None = None,
    who: str,
    why: str,
) -> list[Report]:
    """Find the nearest images of every candidate among all images in some metrics, and keep them.

    Each file is decoded once for all metrics.  Candidates whose neighbours are known are compared with
    images that came since, or not at all.  Shards of one project may run at the same time, on one
    machine or on several with a database that all reach.

    Returns
    -------
    What was done in each metric, in order.

    Raises
    ------
    DataError
        When images or features cannot be read, or there are no candidates.
    UsageError
        For an unknown metric, a shard that there is not, or ``ssim`` without a threshold.
    """
    options = options or Options()
    part, parts = options.shard
    if not 1 <= part <= parts:
        raise UsageError(
            f"No shard {part}/{parts}.", "Use 1/4 to 4/4 for the parts of four machines."
        )
    spec = project.spec.duplicates
    finders = [
        Finder(metric, spec.neighbours, spec.thresholds.get(metric), options)
        for metric in dict.fromkeys(metrics)
    ]
    with project.read() as connection:
        state = read_state(connection)
    everyone = sorted(state.candidates.keys() - state.excluded)
    if not everyone:
        raise DataError(
            f"{project.folder} has no candidates.", "Collect some: freshset testset collect"
        )
    candidates = everyone[part - 1 :: parts]
    load_vectors(finders, project, state)
    return [_search(project, finder, candidates, who=who, why=why) for finder in finders]


def _search(
    project: Project, finder: Finder, candidates: Sequence[str], *, who: str, why: str
) -> Report:
    spec, metric = project.spec.duplicates, finder.metric
    with project.read() as connection:
        plan = make_plan(connection, metric, candidates, finder.search, finder.ids)
        known = read_neighbours(connection, metric, plan.items)
    found = finder.run(plan, known)
    with project.change("duplicates.find", who=who, why=why, metric=metric) as change:
        change.detail |= {
            "record": dict(finder.record),
            "neighbours": spec.neighbours,
            "images": len(finder.ids),
            "candidates": len(found),
            "recall": finder.recall,
        }
        put_neighbours(change.connection, metric, found, finder.search)
        remember(change.connection, finder.search, finder.ids)
    with project.read() as connection:
        within = _within(connection, metric, spec.thresholds.get(metric))
    kept = len(candidates) - len(plan.whole) - len(plan.items)
    counts = (len(finder.ids), len(plan.whole), len(plan.items), kept)
    return Report(metric, *counts, within, finder.recall)


def _within(connection: sa.Connection, metric: str, most: float | None) -> int | None:
    if most is None:
        return None
    n = neighbours.c
    query = sa.select(sa.func.count()).select_from(neighbours)
    query = query.where(n.metric == metric, n.rank > MARK, n.distance <= most)
    return int(connection.execute(query).scalar_one())


def keep(project: Project, item: str, *, seen: str | None = None, who: str, why: str) -> None:
    """Let an image stay in its component, whatever the rule says; it takes the place of any other.

    Parameters
    ----------
    seen
        Id of the image that was asked for in the component when it was looked at, empty where none
        was; not checked by default.

    Raises
    ------
    DataError
        When it is no candidate.
    ConflictError
        When somebody else has asked for another image meanwhile.
    """
    with project.change("duplicates.keep", who=who, why=why, subject=item) as change:
        state = read_state(change.connection)
        if item not in state.candidates:
            raise DataError(f"{item!r} is no candidate.", "Name one of a component's candidates.")
        numbers = component_numbers(state.edges())
        here = {one for one in state.asked if item in numbers and numbers.get(one) == numbers[item]}
        # Of several the highest id counts, see `freshset.replication.duplicates.components`.
        before = max(here, default="")
        if seen is not None and seen != before:
            raise ConflictError(
                f"Meanwhile {before or 'no image'} was asked for in this component.",
                "Look at it again, then ask for yours.",
            )
        change.detail["before"] = before
        asked = sorted({*state.asked, item} - (here - {item}))
        change.connection.execute(sa.delete(settings).where(settings.c.key == ASKED))
        change.connection.execute(sa.insert(settings), [{"key": ASKED, "value": asked}])


def cut(
    project: Project, a: str, b: str, *, version: int | None = None, who: str, why: str
) -> None:
    """Undo the link between two images, so that their component may fall apart.

    Parameters
    ----------
    version
        Of the verdict on them that was seen, 0 where there was none; the present one by default.

    Raises
    ------
    DataError
        When they are not linked.
    ConflictError
        When somebody else has said something about them meanwhile.
    """
    with project.read() as connection:
        state = read_state(connection)
    pair = ordered(a, b)
    if pair not in state.edges():
        raise DataError(
            f"{a} and {b} are not linked.", "freshset testset components shows the links."
        )
    seen = state.version_of(pair) if version is None else version
    record_verdicts(project, [Said(*pair, "cut", seen)], who=who, why=why)
