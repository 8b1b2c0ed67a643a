from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
import sqlalchemy as sa

from freshset.core.errors import DataError, UsageError
from freshset.replication import journal
from freshset.replication.journal import Filter, log_lines, search
from freshset.replication.project import Project
from freshset.replication.tables import log, settings


def write(project: Project, n: int = 3) -> None:
    for i in range(n):
        with project.change("answers.import", who="bob", why="x", subject=f"s{i}", n=i):
            pass


@contextmanager
def unprotected(project: Project) -> Iterator[sa.Connection]:
    """Whoever owns the database can take the triggers away."""
    with project._engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            for name in ("update", "delete", "replace"):
                connection.exec_driver_sql(f"DROP TRIGGER log_refuses_{name}")
        else:
            connection.exec_driver_sql("ALTER TABLE log DISABLE TRIGGER ALL")
        yield connection
        connection.commit()


def test_entries_say_who_did_what_when_and_why(any_project: Project) -> None:
    with any_project.change("answers.import", who="bob", why="batch 1", rows=3) as change:
        change.detail["kept"] = 2
    first, second = any_project.entries()
    assert (first.seq, first.action, first.who, first.why) == (1, "project.create", "ada", "begin")
    assert second.to_dict() == {
        "seq": 2,
        "at": change.at,
        "who": "bob",
        "action": "answers.import",
        "subject": "",
        "why": "batch 1",
        "detail": {"rows": 3, "kept": 2},
        "previous": first.digest,
        "digest": second.digest,
    }
    assert any_project.verify_log() == 2
    assert any_project.verify_log(known=first.digest) == 2


def test_entries_can_be_chosen(any_project: Project) -> None:
    write(any_project)
    assert [e.subject for e in any_project.entries(action="answers")] == ["s0", "s1", "s2"]
    assert [e.seq for e in any_project.entries(subject="s1")] == [3]
    assert not list(any_project.entries(action="answers_import"))  # no pattern
    assert not list(any_project.entries(action="%"))


def test_details_are_what_json_can_hold(any_project: Project) -> None:
    with any_project.change("x", who="a", why="b", pair=(1, 2)) as change:
        change.detail["bins"] = {10: "ten", 9: "nine", 0.5: "half"}
        change.detail["word"] = "naïve ☃"
    *_, entry = any_project.entries()
    assert entry.detail == {
        "pair": [1, 2],
        "bins": {"10": "ten", "9": "nine", "0.5": "half"},
        "word": "naïve ☃",
    }
    assert any_project.verify_log() == 2
    for bad in (np.int64(3), float("nan"), object()):
        with (
            pytest.raises((TypeError, ValueError)),
            any_project.change("x", who="a", why="b", bad=bad),
        ):
            pass
    assert any_project.verify_log() == 2


@pytest.mark.parametrize("column", ["at", "who", "action", "subject", "why", "detail", "previous"])
def test_every_changed_column_is_found(any_project: Project, column: str) -> None:
    write(any_project)
    value = {"n": 7} if column == "detail" else "changed"
    with unprotected(any_project) as connection:
        connection.execute(sa.update(log).where(log.c.seq == 3).values({column: value}))
    with pytest.raises(DataError, match="entry 3 of the log is missing or not as it was written"):
        any_project.verify_log()


@pytest.mark.parametrize(("removed", "message"), [(1, "entry 1"), (3, "entry 3"), (4, "entry 3")])
def test_every_removed_entry_is_found(any_project: Project, removed: int, message: str) -> None:
    write(any_project)
    with unprotected(any_project) as connection:
        connection.execute(sa.delete(log).where(log.c.seq == removed))
    with pytest.raises(DataError, match=message):
        any_project.verify_log()


def test_an_added_entry_is_found(any_project: Project) -> None:
    write(any_project)
    last = list(any_project.entries())[-1]
    body = (5, last.at, "eve", "x", "", "", {}, last.digest)
    forged = journal.Entry(*body, digest=journal._digest(*body))
    with unprotected(any_project) as connection:
        connection.execute(sa.insert(log), [forged.to_dict()])
    with pytest.raises(DataError, match="does not end with entry 5"):
        any_project.verify_log()


def test_a_whole_new_log_lacks_the_digest_that_was_noted(any_project: Project) -> None:
    write(any_project)
    noted = list(any_project.entries())[-1].digest
    assert any_project.verify_log(known=noted) == 4
    with unprotected(any_project) as connection:
        entries = [entry.to_dict() for entry in any_project.entries()]
        connection.execute(sa.delete(log))
        previous = ""
        for row in entries:
            body = [row[key] for key in journal.Entry.__slots__[:-2]]
            body[2] = "eve"
            digest = journal._digest(*body, previous)
            row |= {"who": "eve", "previous": previous, "digest": digest}
            connection.execute(sa.insert(log), [row])
            previous = digest
        head = {"seq": len(entries), "digest": previous}
        connection.execute(sa.update(settings).where(settings.c.key == "log").values(value=head))
    assert any_project.verify_log() == 4  # nothing in the database can tell
    with pytest.raises(DataError, match=f"no entry of the log has the digest {noted}"):
        any_project.verify_log(known=noted)


def test_a_clock_that_goes_back_is_told_and_breaks_nothing(
    any_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    (first,) = any_project.entries()
    monkeypatch.setattr(journal, "now", lambda: "2001-01-01T00:00:00.000000+00:00")
    write(any_project, 1)
    monkeypatch.undo()
    write(any_project, 1)
    entries = list(any_project.entries())
    assert [entry.seq for entry in entries] == [1, 2, 3]
    assert entries[1].at < entries[0].at < entries[2].at
    assert entries[1].detail == {"n": 0, "clock": {"before": first.at}}
    assert "clock" not in entries[2].detail
    assert any_project.verify_log() == 3


def test_times_have_one_length_and_sort_as_texts() -> None:
    times = [journal.now() for _ in range(100)]
    assert times == sorted(times)
    assert {len(one) for one in times} == {32}
    assert all(one.endswith("+00:00") for one in times)


def found(project: Project, before: int = 0, limit: int = 50, **asked: str) -> list[int]:
    with project.read() as connection:
        entries = search(connection, Filter.of(**asked), before=before, limit=limit)
    return [entry.seq for entry in entries]


def test_entries_are_found_newest_first(any_project: Project) -> None:
    write(any_project, 3)
    for who, why in (("Cy", "50% of it is BLURRED"), ("Cy", "a_b"), ("Di", "505 blurred")):
        with any_project.change("exclude.blacklist", who=who, why=why, subject="s1"):
            pass
    assert found(any_project) == [7, 6, 5, 4, 3, 2, 1]
    # Page by page.
    assert found(any_project, limit=3) == [7, 6, 5]
    assert found(any_project, before=5, limit=3) == [4, 3, 2]
    assert found(any_project, action="answers.") == [4, 3, 2]
    assert found(any_project, who="Cy", text="blurred") == [5]
    assert found(any_project, subject="s1", action="exclude") == [7, 6, 5]
    # What means something in a pattern means nothing here.
    assert found(any_project, text="0% ") == [5]
    assert found(any_project, text="A_B") == [6]
    assert found(any_project, action="%") == []
    assert found(any_project, text="' OR 1=1 --") == []


def test_times_bound_a_search(any_project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    for day in ("2030-01-01T23:59:59.999999", "2030-01-02T00:00:00.000000"):
        monkeypatch.setattr(journal, "now", lambda day=day: f"{day}+00:00")
        write(any_project, 1)
    assert found(any_project, since="2030-01-02") == [3]
    assert found(any_project, since="2030-01-01", until="2030-01-01") == [2]
    assert found(any_project, since="2030-01-01", until="2030-01-02") == [3, 2]
    assert found(any_project, since="2030-01-02T01:00+01:00") == [3]
    assert found(any_project, since="2030-01-01T12:00", until="2030-01-02T00:00") == [2]
    assert found(any_project, since=" ", until="") == [3, 2, 1]


def test_a_log_is_written_line_by_line(
    any_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "_PIECE", 2)
    write(any_project, 5)
    with any_project.read() as connection:
        pieces = list(log_lines(connection, Filter()))
        some = list(log_lines(connection, Filter(action="answers.", text="x")))
    header, *rows = [json.loads(line) for line in "".join(pieces).splitlines()]
    assert rows == [entry.to_dict() for entry in any_project.entries()]
    head = {"seq": 6, "digest": rows[-1]["digest"]}
    assert (header["schema"], header["rows"], header["head"]) == ("freshset.log/1", 6, head)
    assert len(pieces) == 4
    header, *rows = [json.loads(line) for line in "".join(some).splitlines()]
    assert [row["subject"] for row in rows] == ["s0", "s1", "s2", "s3", "s4"]
    assert (header["rows"], header["filter"]["action"]) == (5, "answers.")


@pytest.mark.parametrize("asked", [{"since": "soon"}, {"until": "9999-12-31"}, {"text": "a\0"}])
def test_what_cannot_be_looked_for_is_refused(asked: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        Filter.of(**asked)
