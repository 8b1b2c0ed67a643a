"""Draw a revision: from a project's answers, duplicates and spec to a document in its chain."""

from __future__ import annotations

import gc
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import sqlalchemy as sa

from freshset.core.errors import UsageError
from freshset.core.files import canonical_json, sha256_bytes
from freshset.core.frequencies import Frequencies
from freshset.replication.duplicates.completeness import Searches, read_searches
from freshset.replication.duplicates.components import resolve
from freshset.replication.duplicates.state import State, read_state
from freshset.replication.membership import read_membership
from freshset.replication.project import Change, Project
from freshset.replication.revisions.chain import Head, head, heads, load, put
from freshset.replication.revisions.document import Item, Removed, Revision
from freshset.replication.revisions.review import carry_over, spec_in_force
from freshset.replication.sampling.eligibility import REASONS, Barred, Eligibility, judge
from freshset.replication.sampling.plan import Pair, Plan, limits_of, plan_of
from freshset.replication.sampling.pools import Pools, pools_digest, read_pools
from freshset.replication.sampling.sample import Sample
from freshset.replication.spec import Spec, Strategy

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}")


@dataclass(frozen=True, slots=True)
class Choice:
    """All that a draw depends on but its seed and the revision before.

    Attributes
    ----------
    spec
        In force.
    pools
        Images of the spec's classes, with their answers.
    eligibility
        Which candidates may be taken, and why not the others.
    plan
        Strategy, groups and targets.
    """

    spec: Spec
    pools: Pools
    eligibility: Eligibility
    plan: Plan

    def draw(self, seed: int, previous: Collection[Pair] = ()) -> Sample:
        """Draw one sample."""
        words = self.pools.candidate_keywords
        return self.plan.draw(self.eligibility.eligible, seed, keywords=words, previous=previous)


def choice_of(
    connection: sa.Connection,
    frequencies: Frequencies,
    *,
    strategy: Strategy | None = None,
) -> Choice:
    """Read what a draw depends on.

    Parameters
    ----------
    strategy
        In place of the spec's, for studies of strategies; the rest of its rules stays.

    Raises
    ------
    DataError
        When frequencies are of images that are not in the project, or the original test set does not
        show what the targets shall be.
    """
    ground = read_ground(connection, frequencies, strategy=strategy)
    return ground.choice(ground.state)


@dataclass(frozen=True, slots=True)
class Ground:
    """What eligibility depends on.

    Attributes
    ----------
    spec
        In force.
    frequencies
        Pooled answers.
    pools
        Images with their answers.
    state, searches
        What is known of duplicates.
    """

    spec: Spec
    frequencies: Frequencies
    pools: Pools
    state: State
    searches: Searches

    def judged(self, state: State) -> Eligibility:
        """Say which candidates may be taken, after what reviewers have said by now."""
        known = resolve(state, self.frequencies, good=self.spec.duplicates.good)
        barred = Barred(state.excluded, known.out, self.searches.bounds(state))
        mine = [key in self.spec.by_key for key in self.pools.candidates.class_keys.tolist()]
        candidates = self.pools.candidates[np.array(mine, dtype=bool)]
        return judge(candidates, barred, limits_of(self.spec))

    def choice(self, state: State) -> Choice:
        """All that a draw depends on, after what reviewers have said by now.

        Raises
        ------
        DataError
            When the original test set does not show what the targets shall be.
        """
        pools = self.pools
        plan = plan_of(self.spec, pools.originals, pools.original_keywords)
        return Choice(self.spec, pools, self.judged(state), plan)


def read_ground(
    connection: sa.Connection, frequencies: Frequencies, *, strategy: Strategy | None = None
) -> Ground:
    """Read what eligibility depends on.

    Raises
    ------
    DataError
        When frequencies are of images that are not in the project.
    """
    spec = spec_in_force(connection)
    if strategy is not None:
        rules = spec.sampling.model_copy(update={"strategy": strategy})
        spec = spec.model_copy(update={"sampling": rules})
    membership = read_membership(connection)
    pools = read_pools(connection, frequencies, membership)
    state = read_state(connection, membership)
    searches = read_searches(connection, spec.duplicates.thresholds, state)
    return Ground(spec, frequencies, pools, state, searches)


def draw_revision(
    project: Project,
    frequencies: Frequencies,
    *,
    name: str = "",
    parent: str = "",
    who: str,
    why: str,
) -> Head:
    """Draw the next revision and store it as a draft.

    Images of the parent that are still eligible stay as far as the strategy allows; what was
    blacklisted or found to be a duplicate is replaced by the same strategy.  Classes whose images are
    the same keep their good reviews.

    Parameters
    ----------
    frequencies
        Pooled answers under the spec's policy on workers.
    name
        By default the strategy with the next free number.
    parent
        Revision to begin from; none for a first one.

    Returns
    -------
    Head
        Of a valid or incomplete revision; its document says which images lack.

    Raises
    ------
    UsageError
        When the parent is unknown, the name is taken, or nothing would be different.
    DataError
        As for `choice_of`.
    """
    if name and not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} does not do as the name of a revision.",
            "Use letters, digits, '.', '_', '-'.",
        )
    if not name:
        with project.read() as connection:
            name = free_name(connection)
    with project.change("revision.sample", who=who, why=why, subject=name) as change:
        return draw_within(change, frequencies, name, parent)


def draw_within(change: Change, frequencies: Frequencies, name: str, parent: str) -> Head:
    """Draw a revision within a change that is under way, a ``revision.sample``; see `draw_revision`."""
    with _without_cycles():
        before = head(change.connection, parent) if parent else None
        choice = choice_of(change.connection, frequencies)
        previous = None if before is None else load(change.connection, parent)
        revision = next_revision(choice, choice.spec.seeds.sample, previous)
        new = put(change, name, revision, before)
        change.detail |= {"digest": new.digest, "parent": parent} | revision.summary()
        if before is not None:
            change.detail["reviews_kept"] = carry_over(change, before, name, revision)
    return new


@contextmanager
def _without_cycles() -> Iterator[None]:
    """Let Python not look for cycles, of which there are none among rows: an eighth of the time."""
    looks = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if looks:
            gc.enable()


def free_name(connection: sa.Connection) -> str:
    """The strategy with the next free number."""
    taken = {one.name for one in heads(connection)}
    strategy = spec_in_force(connection).sampling.strategy
    number = 0
    while f"{strategy}-{number}" in taken:
        number += 1
    return f"{strategy}-{number}"


def next_revision(choice: Choice, seed: int, parent: Revision | None = None) -> Revision:
    """Draw a revision, from a parent or as a first one, with all that it depends on."""
    items = () if parent is None else parent.items
    previous = [(item.item_id, item.class_key) for item in items]
    sample = choice.draw(seed, previous)
    spec, names = choice.spec, choice.plan.names
    body = spec.model_dump(mode="json")
    policy = {part: body[part] for part in ("workers", "sampling", "duplicates")}
    counts = choice.eligibility.counts()

    def named(counts: Mapping[str, tuple[int, ...]]) -> dict[str, dict[str, int]]:
        return {key: dict(zip(names[key], row, strict=True)) for key, row in counts.items()}

    taken = tuple(
        Item(
            pick.item_id, pick.class_key, pick.selected, pick.answers,
            names[pick.class_key][max(pick.group, 0)], names[pick.class_key][pick.slot], pick.how,
        )
        for pick in sample.picks
    )  # fmt: skip
    rules: dict[str, Any] = body["sampling"] | {"reviewed_to": body["duplicates"]["thresholds"]}
    rules["thresholds"] = {
        one.key: one.threshold for one in spec.classes if one.threshold is not None
    }
    return Revision(
        strategy=spec.sampling.strategy,
        seed=seed,
        rules=rules,
        spec=spec.digest,
        policy=sha256_bytes(canonical_json(policy)),
        pools=pools_digest(choice.eligibility),
        parent="" if parent is None else parent.digest,
        targets=named(choice.plan.targets),
        missing={key: _some(row) for key, row in named(sample.missing).items()},
        upward={key: _some(row) for key, row in named(sample.upward).items()},
        eligibility={key: counts.get(key, {}) for key in choice.plan.targets},
        items=taken,
        removed=_removed(previous, taken, choice.eligibility),
    )


def _removed(
    previous: Sequence[Pair], taken: Collection[Item], eligibility: Eligibility
) -> tuple[Removed, ...]:
    """What was there before and is no longer, each with its reason."""
    left = {(item.item_id, item.class_key) for item in taken}
    gone = dict.fromkeys(pair for pair in previous if pair not in left)
    if not gone:
        return ()
    rows = eligibility.candidates
    pairs = zip(rows.item_ids.tolist(), rows.class_keys.tolist(), strict=True)
    reasons = eligibility.reason.tolist()
    code = {pair: reasons[row] for row, pair in enumerate(pairs) if pair in gone}
    names = (*REASONS, "no-candidate", "surplus")  # the last is that of -1, eligible
    return tuple(Removed(*pair, names[code.get(pair, len(REASONS))]) for pair in gone)


def _some(counts: Mapping[str, int]) -> dict[str, int]:
    return {name: n for name, n in counts.items() if n}
