from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from fakes.class_folders import make_folder

from freshset.replication.collecting.candidates import Collecting, collect
from freshset.replication.collecting.excluding import blacklist
from freshset.replication.collecting.sources.folder import Folder
from freshset.replication.project import Project
from freshset.replication.status import Failure, read_failures, read_status, unguarded
from freshset.replication.tables import answers, pairs, tasks


def test_an_empty_project(any_project: Project) -> None:
    found = read_status(any_project)
    assert (found.name, found.original) == ("animals/fresh", "animals/test")
    assert [(one.key, one.wanted, one.candidates) for one in found.classes] == [
        ("cat", 4, 0),
        ("dog", 4, 0),
        ("lynx", 4, 0),
    ]
    assert all(one.short for one in found.classes)
    assert (found.images, found.entries, found.tasks, found.revisions) == (0, 1, {}, {})


def test_all_that_is_there_is_counted(any_project: Project, tmp_path: Path) -> None:
    root = make_folder(tmp_path / "in", {"cat": range(6), "dog": [5]})
    (root / "dog" / "broken.png").write_bytes(b"")
    collect(any_project, Folder(path=root), who="a", why="b")
    test = make_folder(tmp_path / "test", {"cat/tabby": [20, 21], "dog": [22]})
    collect(any_project, Folder(path=test), who="a", why="b", how=Collecting(pool="test"))
    train = make_folder(tmp_path / "train", {"dog": [30]})
    collect(any_project, Folder(path=train), who="a", why="b", how=Collecting(pool="train"))
    blacklist(any_project, ["cat/000.png"], who="a", why="b")
    with any_project.change("x", who="a", why="b") as change:
        row = {"task_id": "t", "batch": "b", "class_key": "cat", "created_at": "", "status": "open"}
        change.connection.execute(sa.insert(tasks), [row])
        row = {"worker": "w", "item_id": "i", "class_key": "cat", "selected": 1.0}
        change.connection.execute(sa.insert(answers), [row])
        row = {"a": "1", "b": "2", "verdict": "duplicate", "who": "a", "at": ""}
        change.connection.execute(sa.insert(pairs), [row])
    found = read_status(any_project)
    cat, dog, _ = found.classes
    assert (cat.candidates, cat.excluded, cat.failures, cat.test, cat.answers) == (5, 1, 0, 2, 1)
    assert (dog.candidates, dog.failures, dog.test, dog.train, dog.short) == (1, 1, 1, 1, True)
    reason = "Image: the file is empty."
    source = Folder(path=root).name
    assert read_failures(any_project) == (Failure(source, "dog/broken.png", "dog", reason),)
    assert (found.images, found.several_classes) == (10, 1)
    assert [(q.keyword, q.wanted, q.missing) for q in found.quotas] == [("tabby", 4, 4)]
    assert (found.tasks, found.verdicts) == ({"open": 1}, {"duplicate": 1})
    document = found.to_dict()
    assert document["schema"] == "freshset.testset-status/1"
    assert document["classes"][1]["short"] is True


def test_what_keeps_no_duplicates_out(project: Project, spec_text: str, tmp_path: Path) -> None:
    rules, originals = unguarded(project)
    assert "no thresholds of duplicates" in rules
    assert "of the original's test set and training set" in originals
    guarded = spec_text + "duplicates: {thresholds: {phash: 4}}\n"
    project.change_spec(guarded, who="a", why="b")
    test = make_folder(tmp_path / "test", {"cat": [20]})
    collect(project, Folder(path=test), who="a", why="b", how=Collecting(pool="test"))
    (originals,) = unguarded(project)
    assert "of the original's training set, so that" in originals
    train = make_folder(tmp_path / "train", {"cat": [30]})
    collect(project, Folder(path=train), who="a", why="b", how=Collecting(pool="train"))
    assert unguarded(project) == ()
