from __future__ import annotations

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from freshset.replication.labelling.activity import activity, count_slots
from freshset.replication.project import Project
from freshset.replication.tables import slots, tasks


def test_places_and_workers_are_counted(any_project: Project) -> None:
    with any_project.read() as connection:
        assert count_slots(connection).to_dict() == {"free": 0, "live": 0, "done": 0}
        assert activity(connection) == {}
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat(timespec="microseconds")
    made = {"batch": "b", "class_key": "cat", "created_at": "", "status": "open"}
    rows = [
        ("t1", 0, "done", "bo", "", "2030-01-01"), ("t1", 1, "leased", "cy", later, ""),
        ("t2", 0, "done", "bo", "", "2030-01-03"), ("t2", 1, "leased", "cy", "2020", ""),
        ("t3", 0, "free", None, "", ""),
    ]  # fmt: skip
    names = ("task_id", "slot", "state", "worker", "expires_at", "submitted_at")
    with any_project.change("fake", who="test", why="test") as change:
        for task in ("t1", "t2", "t3"):
            change.connection.execute(sa.insert(tasks), [made | {"task_id": task}])
        change.connection.execute(
            sa.insert(slots), [dict(zip(names, r, strict=True)) for r in rows]
        )
    with any_project.read() as connection:
        assert count_slots(connection).to_dict() == {"free": 2, "live": 1, "done": 2}
        found = activity(connection)
    assert {who: one.to_dict() for who, one in found.items()} == {
        "bo": {"tasks": 2, "last_at": "2030-01-03"}
    }
