from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from fakes.class_folders import make_folder, picture_bytes
from fakes.image_samples import write

from freshset.core.errors import UsageError
from freshset.core.files import sha256_bytes
from freshset.replication.collecting.candidates import collect
from freshset.replication.collecting.excluding import blacklist, find_images, release, take_down
from freshset.replication.collecting.sources.folder import Folder
from freshset.replication.project import Project
from freshset.replication.tables import exclusions, images, members

WHO = {"who": "bob", "why": "a drawing"}


def item(number: int) -> str:
    return sha256_bytes(picture_bytes(number))


@pytest.fixture
def there(any_project: Project, tmp_path: Path) -> Project:
    root = make_folder(tmp_path / "in", {"cat": [1, 2], "dog": [2, 3]})
    collect(any_project, Folder(path=root), who="ada", why="begin")
    return any_project


def excluded(project: Project) -> dict[str, tuple[str, str, str]]:
    with project.read() as connection:
        rows = connection.execute(sa.select(exclusions)).all()
    return {row.item_id: (row.kind, row.who, row.reason) for row in rows}


def files(project: Project, number: int) -> list[Path]:
    return list(project.folder.rglob(f"{item(number)}.*"))


def test_a_blacklist_keeps_files_and_reasons(there: Project) -> None:
    done = blacklist(there, [item(1), item(2)[:8], item(1)], **WHO)
    assert done.to_dict() == {
        "schema": "freshset.exclusion/1",
        "kind": "blacklist",
        "changed": [item(1), item(2)],
        "unchanged": [],
        "files": 0,
    }
    assert excluded(there) == {item(n): ("blacklist", "bob", "a drawing") for n in (1, 2)}
    assert len(files(there, 1)) == 3
    again = blacklist(there, [item(1), item(3)], who="eve", why="blurred")
    assert (again.changed, again.unchanged) == ((item(3),), (item(1),))
    assert excluded(there)[item(1)][1] == "bob"
    *_, entry = there.entries()
    assert (entry.action, entry.detail) == ("image.blacklist", {"images": [item(3)]})


def test_images_come_off_the_blacklist(there: Project) -> None:
    blacklist(there, [item(1), item(2)], **WHO)
    done = release(there, [item(1), item(3)], who="ada", why="it is fine")
    assert (done.kind, done.changed, done.unchanged) == ("", (item(1),), (item(3),))
    assert set(excluded(there)) == {item(2)}


def test_a_takedown_leaves_a_tombstone_and_no_file(there: Project) -> None:
    blacklist(there, [item(2)], **WHO)
    vectors = write(there.folder, "duplicates/pixels/rows.npy", b"pixels of all")
    done = take_down(there, [item(1), item(2)], who="ada", why="its author asked")
    assert not vectors.exists()
    assert (done.changed, done.files) == ((item(1), item(2)), 6)
    assert excluded(there) == {item(n): ("takedown", "ada", "its author asked") for n in (1, 2)}
    assert not files(there, 1)
    assert len(files(there, 3)) == 3
    with there.read() as connection:
        assert len(connection.execute(sa.select(images)).all()) == 3
        assert len(connection.execute(sa.select(members)).all()) == 4
    entries = [entry for entry in there.entries() if "takedown" in entry.action]
    assert [entry.subject for entry in entries] == [item(1), item(2)]
    again = take_down(there, [item(1)], who="ada", why="again")
    assert (again.changed, again.unchanged, again.files) == ((), (item(1),), 0)
    with pytest.raises(UsageError, match="was taken down"):
        release(there, [item(1)], **WHO)
    assert there.verify_log() == 5


def test_an_interrupted_takedown_is_finished(
    there: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("freshset.replication.collecting.excluding.remove_image", stop)
    with pytest.raises(KeyboardInterrupt):
        take_down(there, [item(1)], **WHO)
    assert excluded(there)[item(1)][0] == "takedown"
    assert files(there, 1)
    monkeypatch.undo()
    assert take_down(there, [item(1)], **WHO).files == 3


def test_images_are_named_by_id_beginning_or_origin(there: Project) -> None:
    with there.read() as connection:
        assert find_images(connection, [item(1)[:6], "dog/003.png"]) == [item(1), item(3)]
        for name in ("none", item(1)[:5], "%" * 8):
            with pytest.raises(UsageError, match="No image"):
                find_images(connection, [name])


def test_a_beginning_of_several_is_refused(there: Project) -> None:
    with there.change("x", who="a", why="b") as change:
        for suffix in ("a", "b"):
            row = {"item_id": f"abcdef{suffix}", "path": "", "pixels": "", "format": "PNG"}
            row |= {"width": 1, "height": 1, "bytes": 1}
            change.connection.execute(sa.insert(images), [row])
    with there.read() as connection, pytest.raises(UsageError, match="Several images begin"):
        find_images(connection, ["abcdef"])


def test_an_unknown_image_excludes_nothing(there: Project) -> None:
    for act in (blacklist, take_down, release):
        with pytest.raises(UsageError, match="No image 'nonsense'"):
            act(there, [item(1), "nonsense"], **WHO)
    assert not excluded(there)
    assert there.verify_log() == 2
