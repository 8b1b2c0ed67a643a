"""Why a revision is adaptively touched, in words that go with the test set."""

from __future__ import annotations

from freshset.replication.project import Project
from freshset.replication.revisions.chain import head, verify


def why_touched(project: Project, name: str) -> str:
    """Say when and why a revision, or one that it comes from, was un-frozen last; else nothing.

    Raises
    ------
    UsageError
        When there is no revision of that name.
    DataError
        When its chain does not hold.
    """
    with project.read() as connection:
        if not head(connection, name).touched:
            return ""
    chain = verify(project, name).names
    unfrozen = [e for e in project.entries(action="revision.unfreeze") if e.subject in chain]
    if not unfrozen:
        return f"revision {name}, or one that it comes from, was un-frozen"
    last = unfrozen[-1]
    return f"revision {last.subject} was un-frozen on {last.at[:10]}: {last.why}"
