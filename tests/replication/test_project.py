from __future__ import annotations

import multiprocessing
import os
import sqlite3
import stat
import threading
from pathlib import Path

import pytest
import sqlalchemy as sa
from fakes.writers import add_settings, fill_the_disk

from freshset.core.errors import FreshsetError, StoreError, UsageError
from freshset.replication import tables
from freshset.replication.project import DATABASE, SALT, Project, now

SPAWN = multiprocessing.get_context("spawn")


def setting(project: Project, key: str) -> object:
    query = sa.select(tables.settings.c.value).where(tables.settings.c.key == key)
    with project.read() as connection:
        return connection.execute(query).scalar_one_or_none()


def test_a_project_is_created_and_opened(tmp_path: Path, database: str, spec_text: str) -> None:
    folder = tmp_path / "deep" / "project"
    with Project.create(folder, spec_text, who="ada", why="begin", database=database) as project:
        assert project.spec.name == "animals/fresh"
        salt = project.salt
    with Project.open(folder, database=database) as project:
        assert project.spec_text == spec_text
        assert project.salt == salt
        assert len(str(setting(project, "project"))) == 16
        (entry,) = project.entries()
        assert (entry.action, entry.who, entry.detail["version"]) == ("project.create", "ada", 1)
    assert (folder / DATABASE).exists() == (not database)
    assert stat.S_IMODE((folder / SALT).stat().st_mode) == 0o600
    with pytest.raises(UsageError, match="holds a project already"):
        Project.create(folder, spec_text, who="ada", why="again", database=database)


def test_a_change_happens_with_its_entry_or_not_at_all(any_project: Project) -> None:
    with any_project.change("x.add", who="bob", why="try") as change:
        change.connection.execute(sa.insert(tables.settings), [{"key": "a", "value": 1}])
    with pytest.raises(ZeroDivisionError), any_project.change("x", who="bob", why="y") as change:
        change.connection.execute(sa.insert(tables.settings), [{"key": "b", "value": 1}])
        raise ZeroDivisionError
    with (
        pytest.raises(StoreError, match="(?i)unique"),
        any_project.change("x", who="bob", why="y") as change,
    ):
        change.connection.execute(sa.insert(tables.settings), [{"key": "c", "value": 1}])
        change.connection.execute(sa.insert(tables.settings), [{"key": "a", "value": 2}])
    assert [setting(any_project, key) for key in "abc"] == [1, None, None]
    assert any_project.verify_log() == 2


@pytest.mark.parametrize(("who", "why"), [("", "why"), ("who", " ")])
def test_nobody_and_no_reason_are_refused(
    project: Project, tmp_path: Path, spec_text: str, who: str, why: str
) -> None:
    with (
        pytest.raises(UsageError, match="x.y needs a name and a reason"),
        project.change("x.y", who=who, why=why),
    ):
        pass
    with pytest.raises(UsageError, match="needs a name and a reason"):
        Project.create(tmp_path / "other", spec_text, who=who, why=why)
    assert not (tmp_path / "other").exists()


def test_a_changed_spec_is_logged_with_before_and_after(
    any_project: Project, spec_text: str
) -> None:
    changed = spec_text.replace("per_class: 4", "per_class: 5")
    assert any_project.change_spec(changed, who="bob", why="more") == 2
    assert any_project.spec.per_class == 5
    *_, entry = any_project.entries(action="spec")
    assert entry.detail["changes"] == {"per_class": [4, 5]}
    assert (entry.who, entry.why) == ("bob", "more")
    with any_project.read() as connection:
        rows = connection.execute(sa.select(tables.specs).order_by(tables.specs.c.version)).all()
    assert [row.text for row in rows] == [spec_text, changed]
    with pytest.raises(UsageError, match="says what the one in force says already"):
        any_project.change_spec("# again\n" + changed, who="bob", why="x")
    with pytest.raises(UsageError, match="No key 'original'"):
        any_project.change_spec("name: x/y", who="bob", why="x")
    assert any_project.verify_log() == 2


def test_a_wrong_spec_begins_nothing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No key"):
        Project.create(tmp_path / "p", "name: x/y", who="ada", why="z")
    assert not (tmp_path / "p").exists()


def test_two_processes_write_at_once(tmp_path: Path, database: str, spec_text: str) -> None:
    folder = tmp_path / "p"
    Project.create(folder, spec_text, who="ada", why="begin", database=database).close()
    processes = [
        SPAWN.Process(target=add_settings, args=(folder, database, name, 25)) for name in "ab"
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]
    with Project.open(folder, database=database) as project:
        assert project.verify_log() == 51
        assert [setting(project, f"{name}24") for name in "ab"] == [24, 24]
        for name in "ab":
            own = [e.detail["n"] for e in project.entries(action="x.add") if e.who == name]
            assert own == list(range(25))


def test_who_reads_first_may_still_write(any_project: Project) -> None:
    """Both read what is there and write what follows; none is refused, and none is lost."""
    failed = []

    def count_up() -> None:
        try:
            for _ in range(20):
                with any_project.change("x", who="a", why="b") as change:
                    query = sa.select(tables.settings.c.value).where(
                        tables.settings.c.key == "count"
                    )
                    before = change.connection.execute(query).scalar_one()
                    change.connection.execute(
                        sa.update(tables.settings)
                        .where(tables.settings.c.key == "count")
                        .values(value=before + 1)
                    )
        except (
            Exception
        ) as error:  # one raised in a thread is lost; the test wants none of any kind
            failed.append(error)

    with any_project.change("x", who="a", why="b") as change:
        change.connection.execute(sa.insert(tables.settings), [{"key": "count", "value": 0}])
    threads = [threading.Thread(target=count_up) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert setting(any_project, "count") == 60
    assert any_project.verify_log() == 62


def test_a_full_disk_is_said_and_loses_nothing(project: Project) -> None:
    queue = SPAWN.Queue()
    process = SPAWN.Process(target=fill_the_disk, args=(project.folder, queue))
    process.start()
    done, message, hint = queue.get(timeout=60)
    process.join()
    assert "project.db: " in message
    assert "room" in hint
    assert 0 < done < 100
    with project.read() as connection:
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar_one() == "ok"
    assert project.verify_log() == 1 + done
    assert setting(project, f"k{done - 1}") is not None
    assert setting(project, f"k{done}") is None
    with project.change("x.add", who="a", why="there is room again"):
        pass
    assert project.verify_log() == 2 + done


def test_what_is_no_project(tmp_path: Path, database: str) -> None:
    with pytest.raises(UsageError, match="holds no project") as caught:
        Project.open(tmp_path, database=database)
    assert "freshset testset new" in caught.value.hint


def test_a_file_that_is_no_database(tmp_path: Path, spec_text: str) -> None:
    path = tmp_path / DATABASE
    path.write_bytes(b"not a database at all, but long enough to be looked at" * 20)
    before = path.read_bytes()
    for act in (
        lambda: Project.open(tmp_path),
        lambda: Project.create(tmp_path, spec_text, who="a", why="b"),
    ):
        with pytest.raises(StoreError, match="file is not a database") as caught:
            act()
        assert "another folder" in caught.value.hint
    assert path.read_bytes() == before
    path.write_bytes(b"")
    with pytest.raises(UsageError, match="holds no project"):
        Project.open(tmp_path)


def test_a_database_of_something_else(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / DATABASE) as connection:
        connection.execute("CREATE TABLE t (x)")
    connection.close()
    with pytest.raises(UsageError, match="holds no project"):
        Project.open(tmp_path)


def test_a_newer_schema_is_left_alone(any_project: Project) -> None:
    database = any_project._engine.url.render_as_string(hide_password=False)
    with any_project.change("x", who="a", why="b") as change:
        change.connection.execute(sa.update(tables.versions).values(version_num="9999"))
    with pytest.raises(StoreError, match="revision 9999; this freshset reads") as caught:
        Project.open(any_project.folder, database=database)
    assert "pip install --upgrade" in caught.value.hint


def test_a_damaged_database_is_said(project: Project) -> None:
    project.close()
    path = project.folder / DATABASE
    size = path.stat().st_size
    with path.open("r+b") as stream:
        stream.seek(4096)
        stream.write(os.urandom(size - 4096))
    with (
        pytest.raises(StoreError, match="malformed") as caught,
        Project.open(project.folder) as opened,
    ):
        opened.verify_log()
    assert "Restore the database" in caught.value.hint


def test_a_lost_salt_is_not_made_anew(project: Project) -> None:
    (project.folder / SALT).unlink()
    with pytest.raises(StoreError, match="worker-salt is missing"):
        _ = project.salt


def test_of_many_who_begin_at_once_one_does(tmp_path: Path, database: str, spec_text: str) -> None:
    begun, refused = [], []

    def begin(name: str) -> None:
        try:
            project = Project.create(
                tmp_path / "p", spec_text, who=name, why="begin", database=database
            )
        except FreshsetError as error:
            refused.append(error)
        else:
            begun.append(project)

    threads = [threading.Thread(target=begin, args=(f"p{i}",)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(begun), len(refused)) == (1, 3)
    with begun[0] as project:
        assert project.verify_log() == 1


def test_a_lost_connection_is_said_and_made_again(any_project: Project) -> None:
    if any_project._engine.dialect.name == "sqlite":
        path = any_project.folder / DATABASE
        moved = path.rename(path.with_suffix(".moved"))
        any_project.close()
        path.mkdir()
        with pytest.raises(StoreError, match="unable to open"):
            any_project.verify_log()
        any_project.close()
        path.rmdir()
        moved.rename(path)
    else:
        with (
            pytest.raises(StoreError, match="terminating connection|closed"),
            any_project.change("x", who="a", why="b") as change,
        ):
            change.connection.exec_driver_sql("SELECT pg_terminate_backend(pg_backend_pid())")
    assert any_project.verify_log() == 1


def test_changes_together_fail_one_by_one(any_project: Project) -> None:
    image = {"path": "x", "pixels": "x", "width": 1, "height": 1, "format": "PNG", "bytes": 1}
    with any_project.together() as together:
        for name in ("one", "two", "one", "three"):
            try:
                with together.change("image.add", who="ada", why="test", subject=name) as change:
                    row = [image | {"item_id": name}]
                    change.connection.execute(sa.insert(tables.images), row)
            except sa.exc.IntegrityError:
                assert name == "one"
    added = [entry.subject for entry in any_project.entries(action="image.add")]
    assert added == ["one", "two", "three"]
    assert any_project.verify_log() == 4
    with any_project.read() as connection:
        known = set(connection.execute(sa.select(tables.images.c.item_id)).scalars())
    assert known == {"one", "two", "three"}


def test_an_older_project_is_upgraded(old_project: Path) -> None:
    with pytest.raises(StoreError, match="tables of revision 0001") as caught:
        Project.open(old_project)
    assert "testset upgrade" in caught.value.hint
    assert Project.upgrade(old_project, who="ada", why="newer")
    assert not Project.upgrade(old_project, who="ada", why="again")
    with Project.open(old_project) as project:
        assert project.verify_log() == 4
        *_, last = project.entries()
    assert (last.action, last.detail) == (
        "project.upgrade",
        {"before": "0001", "after": tables.SCHEMA},
    )


def test_changes_that_are_written_by_one_statement_are_logged_one_by_one(
    any_project: Project,
) -> None:
    at = now()
    detail = {"text": "it's \"ä😀\u2028\\", "list": [1, 2.5, None, {"deep": True}]}
    with any_project.together() as together:
        for who in ("ada", "bob"):
            together.note("x.add", who=who, why="a\n'b'", subject="s", at=at, detail=dict(detail))
        with pytest.raises(UsageError, match="needs a name"):
            together.note("x.add", who="", why="", subject="s", at=at, detail={})
    entries = list(any_project.entries(action="x.add"))
    assert [(one.who, one.at, one.why) for one in entries] == [
        ("ada", at, "a\n'b'"),
        ("bob", at, "a\n'b'"),
    ]
    assert all(one.detail == detail for one in entries)
    assert any_project.verify_log() == 3
