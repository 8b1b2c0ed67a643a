"""What pages know of the whole project, read when it has changed and not for every page."""

from __future__ import annotations

from freshset.core.frequencies import Frequencies
from freshset.replication.duplicates.reviewing import ACTIONS, Desk, read_desk
from freshset.replication.labelling.frequencies import pooled_frequencies
from freshset.replication.sampling import browsing
from freshset.replication.sampling.browsing import Pool
from freshset.replication.sampling.choose import Ground, read_ground
from freshset.webapp.services import Services

_ANSWERED = ("answers.import", "answers.submit", "spec.change")
_POOLED = (
    *ACTIONS, *_ANSWERED, "image.blacklist", "image.release", "image.takedown", "pairs.verdict",
    "duplicates.keep",
)  # fmt: skip
_SECONDS = 20.0
"""So old is what many pages of others show at most; what somebody did shows to that person at once."""


def frequencies_of(services: Services) -> Frequencies:
    """Selection frequencies under the policy of the spec, at most some seconds old."""

    def compute() -> Frequencies:
        return pooled_frequencies(services.project).frequencies

    return services.memory.of("frequencies", compute, actions=_ANSWERED, seconds=_SECONDS)


def desk_of(services: Services) -> Desk:
    """What reviewing pairs needs, with verdicts of some time; `Desk.renewed` has those of now."""

    def compute() -> Desk:
        rules = services.project.spec.duplicates
        with services.project.read() as connection:
            return read_desk(connection, rules)

    return services.memory.of("desk", compute, actions=ACTIONS)


def ground_of(services: Services) -> Ground:
    """What eligibility depends on and only collections, searches and answers change."""

    def compute() -> Ground:
        frequencies = frequencies_of(services)
        with services.project.read() as connection:
            return read_ground(connection, frequencies)

    actions = (*ACTIONS, *_ANSWERED)
    return services.memory.of("ground", compute, actions=actions, seconds=_SECONDS)


def pool_of(services: Services, who: str) -> Pool:
    """All candidates, as of somebody's last change at least."""

    def compute() -> Pool:
        ground = ground_of(services)
        with services.project.read() as connection:
            return browsing.pool_of(connection, ground)

    return services.memory.of("pool", compute, actions=_POOLED, seconds=_SECONDS, who=who)
