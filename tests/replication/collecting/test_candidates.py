from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa
from fakes.class_folders import make_folder, picture_bytes
from fakes.image_samples import write
from fakes.writers import collect_folder

from freshset.core.errors import DataError, StoreError
from freshset.core.files import sha256_bytes
from freshset.replication.collecting import images as image_files
from freshset.replication.collecting.candidates import Collecting, Collection, collect
from freshset.replication.collecting.sources.base import Found, Source
from freshset.replication.collecting.sources.folder import Folder
from freshset.replication.collecting.sources.testset import TestSetSource
from freshset.replication.collecting.sources.web import Web
from freshset.replication.project import Project
from freshset.replication.tables import exclusions, images, members, origins

SPAWN = multiprocessing.get_context("spawn")


class Listed(Source):
    """A source that finds what a test says."""

    def __init__(self, *found: Found, error: Exception | None = None, label: str = "list") -> None:
        super().__init__()
        object.__setattr__(self, "_given", (found, error, label))

    @property
    def name(self) -> str:
        return self._given[2]

    def find(self, classes, web):
        found, error, _ = self._given
        yield from found
        if error is not None:
            raise error


def found(key: str, number: int, class_key: str = "cat", **more: object) -> Found:
    return Found(key, class_key, read=lambda: picture_bytes(number), **more)


def rows(project: Project, table: sa.Table) -> list[sa.Row]:
    with project.read() as connection:
        return list(connection.execute(sa.select(table).order_by(*table.primary_key.columns)))


def run(project: Project, source: Source, **more: object) -> Collection:
    return collect(project, source, who="bob", why="more images", **more)


def ids(*numbers: int) -> set[str]:
    return {sha256_bytes(picture_bytes(n)) for n in numbers}


def test_a_folder_is_collected_once(any_project: Project, tmp_path: Path) -> None:
    root = make_folder(tmp_path / "in", {"cat": [1, 2], "cat/tabby": [3], "dog": [4]})
    done = run(any_project, Folder(path=root, licence="CC0"))
    assert (done.found, done.known, done.new) == (4, 0, 4)
    assert done.to_dict()["by_class"] == {"cat": 3, "dog": 1}
    stored = rows(any_project, images)
    assert {row.item_id for row in stored} == ids(1, 2, 3, 4)
    assert all((any_project.folder / row.path).is_file() for row in stored)
    assert {(row.pool, row.class_key, row.keyword) for row in rows(any_project, members)} == {
        ("candidate", "cat", ""),
        ("candidate", "cat", "tabby"),
        ("candidate", "dog", ""),
    }
    origin = rows(any_project, origins)[0]
    assert (origin.key, origin.licence, origin.failure) == ("cat/001.png", "CC0", "")
    assert origin.retrieved_at <= list(any_project.entries())[-1].at
    (entry,) = any_project.entries(action="candidates.collect")
    assert entry.detail["new"] == 4
    assert entry.detail["options"]["path"] == str(root)
    assert entry.detail["copies"] == [kind.folder for kind in image_files.KINDS]

    again = run(any_project, Folder(path=root, licence="CC0"))
    assert (again.found, again.known, again.new) == (4, 4, 0)
    make_folder(root, {"dog": [5]})
    more = run(any_project, Folder(path=root))
    assert (more.known, more.new, more.to_dict()["by_class"]) == (4, 1, {"dog": 1})
    assert len(rows(any_project, origins)) == len(rows(any_project, images)) == 5
    assert any_project.verify_log() == 3


def test_two_places_of_one_picture_are_one_image(any_project: Project) -> None:
    done = run(any_project, Listed(found("a", 1, page="A"), found("b", 1, page="B"), found("c", 2)))
    assert (done.new, done.same_picture) == (2, 1)
    assert {row.item_id for row in rows(any_project, images)} == ids(1, 2)
    assert len(rows(any_project, members)) == 2
    assert [(row.key, row.page) for row in rows(any_project, origins)] == [
        ("a", "A"),
        ("b", "B"),
        ("c", ""),
    ]
    other = run(any_project, Listed(found("z", 2), label="other"))
    assert (other.new, other.same_picture) == (0, 1)


def test_one_picture_in_two_classes_is_two_members_and_is_told(any_project: Project) -> None:
    done = run(any_project, Listed(found("a", 1), found("a", 1, "dog"), found("b", 2)))
    assert done.several_classes == sorted(ids(1))
    assert {(row.item_id, row.class_key) for row in rows(any_project, members)} == {
        *((item, "cat") for item in ids(1, 2)),
        *((item, "dog") for item in ids(1)),
    }
    later = run(any_project, Listed(found("c", 2, "lynx"), label="later"))
    assert later.several_classes == sorted(ids(2))
    *_, entry = any_project.entries()
    assert entry.detail["several_classes"] == sorted(ids(2))


def test_failures_are_recorded_with_their_reason_and_not_tried_again(any_project: Project) -> None:
    def broken() -> bytes:
        return picture_bytes(1)[:-30]

    source = Listed(
        found("good", 1),
        Found("broken", "cat", read=broken),
        Found("empty", "cat", read=lambda: b""),
        Found("large", "cat", read=lambda: b"x" * 2_000),
        Found("nowhere", "dog"),
        Found("no file", "dog", path=Path("/nonexistent.jpg")),
    )
    how = Collecting(max_bytes=1_500)
    done = run(any_project, source, how=how)
    assert (done.new, done.failures.total()) == (1, 5)
    reasons = {row.key: row.failure for row in rows(any_project, origins)}
    assert reasons.pop("good") == ""
    assert "truncated or damaged" in reasons["broken"]
    assert reasons["empty"] == "Image: the file is empty."
    assert reasons["large"] == "The file has more than 1,500 bytes."
    assert reasons["nowhere"] == "The source says no place of it."
    assert "No such file" in reasons["no file"]
    assert all(row.item_id is None for row in rows(any_project, origins) if row.failure)
    assert (run(any_project, source, how=how).known, len(rows(any_project, origins))) == (6, 6)
    *_, entry = any_project.entries()
    assert sum(entry.detail["failures"].values()) == 5


def test_failures_can_be_tried_again(any_project: Project) -> None:
    run(any_project, Listed(Found("a", "cat", read=lambda: b""), found("b", 2)))
    mended = Listed(found("a", 1), found("b", 3))
    done = run(any_project, mended, how=Collecting(retry=True))
    assert (done.known, done.new, done.failures.total()) == (1, 1, 0)
    assert [(row.key, row.failure) for row in rows(any_project, origins)] == [("a", ""), ("b", "")]
    assert {row.item_id for row in rows(any_project, images)} == ids(1, 2)


def test_files_on_the_web(any_project: Project) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        name = request.url.path
        if name == "/gone.jpg":
            return httpx.Response(404)
        return httpx.Response(200, content=picture_bytes(int(name[1])))

    source = Listed(
        *(Found(str(n), "cat", url=f"https://x.org/{n}.png") for n in (1, 2)),
        Found("gone", "cat", url="https://x.org/gone.jpg", author="Ada"),
    )
    web = Web(httpx.MockTransport(answer), interval=0)
    done = run(any_project, source, web=web)
    assert (done.new, dict(done.failures)) == (2, {"x.org answered 404.": 1})
    gone = rows(any_project, origins)[-1]
    assert (gone.url, gone.author, gone.item_id) == ("https://x.org/gone.jpg", "Ada", None)


def test_what_was_found_before_a_source_fails_is_kept(any_project: Project) -> None:
    finds = [found(str(n), n) for n in range(7)]
    failing = Listed(*finds[:5], error=DataError("The API is down."))
    with pytest.raises(DataError, match="The API is down"):
        run(any_project, failing, how=Collecting(batch=3))
    assert len(rows(any_project, images)) == 5
    done = run(any_project, Listed(*finds), how=Collecting(batch=3))
    assert (done.known, done.new) == (5, 2)
    assert any_project.verify_log() == 4


def test_progress_is_told_after_every_batch(project: Project) -> None:
    told: list[int] = []
    source = Listed(*(found(str(n), n) for n in range(5)))
    run(project, source, how=Collecting(batch=2), progress=lambda done: told.append(done.new))
    assert told == [2, 4, 5]


def test_long_keys_fit_and_stay_apart(any_project: Project) -> None:
    keys = [f"https://x.org/{'a' * 5000}{n}" for n in range(2)]
    source = Listed(*(found(key, n) for n, key in enumerate(keys)))
    assert run(any_project, source).new == 2
    assert run(any_project, source).known == 2
    assert all(row.key.startswith("sha256:") for row in rows(any_project, origins))


def test_texts_that_are_none_are_kept_as_far_as_they_go(any_project: Project) -> None:
    given = found("caf\udce9.png", 1, author="a\0b", keyword="k" * 300, taken_at="t" * 50)
    assert run(any_project, Listed(given)).new == 1
    assert run(any_project, Listed(given)).known == 1
    (origin,) = rows(any_project, origins)
    assert (origin.key, origin.author) == ("caf\\udce9.png", "a\ufffdb")
    assert (len(origin.keyword), len(origin.taken_at)) == (255, 40)


def test_the_originals_pools_are_kept_apart(any_project: Project, tmp_path: Path) -> None:
    root = make_folder(tmp_path / "in", {"cat": [1, 2], "cow": [3]})
    source = TestSetSource(
        adapter="image-folder", path=str(root), label="original:test", every_class=True
    )
    run(any_project, source, how=Collecting(pool="test"))
    done = run(any_project, Listed(found("a", 1, "dog")))
    assert (done.new, done.same_picture, done.several_classes) == (0, 1, [])
    assert {(row.item_id, row.pool, row.class_key) for row in rows(any_project, members)} == {
        *((item, "test", "cat") for item in ids(1, 2)),
        *((item, "test", "cow") for item in ids(3)),
        *((item, "candidate", "dog") for item in ids(1)),
    }
    (entry,) = any_project.entries(action="original")
    assert (entry.action, entry.detail["pool"]) == ("original.add", "test")
    keys = [row.key for row in rows(any_project, origins) if row.source == "original:test"]
    assert keys == ["cat/001.png", "cat/002.png", "cow/003.png"]


def test_what_was_taken_down_does_not_come_back(any_project: Project) -> None:
    run(any_project, Listed(found("a", 1)))
    (stored,) = rows(any_project, images)
    with any_project.change("exclude.takedown", who="bob", why="asked to") as change:
        row = {"item_id": stored.item_id, "kind": "takedown", "reason": "x", "who": "bob"}
        change.connection.execute(sa.insert(exclusions), [{**row, "at": change.at}])
    image_files.remove_image(any_project.folder, stored.path)
    done = run(any_project, Listed(found("b", 1), label="other"))
    assert dict(done.failures) == {"It was taken down.": 1}
    assert not (any_project.folder / stored.path).exists()


def test_a_full_disk_stops_collecting_and_loses_nothing(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = Listed(*(found(str(n), n) for n in range(6)))
    write_atomic, written = image_files.write_atomic, []

    def full(path: Path, data: bytes) -> None:
        if len(written) >= 9:
            raise OSError(28, "No space left on device")
        written.append(path)
        write_atomic(path, data)

    monkeypatch.setattr(image_files, "write_atomic", full)
    with pytest.raises(StoreError, match="No space left on device") as caught:
        run(project, source, how=Collecting(batch=2, workers=1))
    assert "Make room" in caught.value.hint
    kept = len(rows(project, images))
    assert 0 < kept < 6
    monkeypatch.undo()
    done = run(project, source, how=Collecting(batch=2))
    assert (done.known, done.new) == (kept, 6 - kept)
    assert not any(row.failure for row in rows(project, origins))


def test_two_processes_collect_the_same(any_project: Project, tmp_path: Path) -> None:
    root = make_folder(tmp_path / "in", {"cat": range(40), "dog": range(30, 60)})
    database = any_project._engine.url.render_as_string(hide_password=False)
    given = (any_project.folder, database, root)
    processes = [SPAWN.Process(target=collect_folder, args=given) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]
    check_whole(any_project, images_there=60, members_there=70)


def check_whole(project: Project, *, images_there: int, members_there: int) -> None:
    stored = rows(project, images)
    assert len(stored) == images_there
    for row in stored:
        assert sha256_bytes((project.folder / row.path).read_bytes()) == row.item_id
        for kind in image_files.KINDS:
            assert image_files.working_copy(project.folder, row.path, kind).is_file()
    assert len(rows(project, members)) == len(rows(project, origins)) == members_there
    entries = list(project.entries(action="candidates.collect"))
    assert sum(entry.detail["new"] for entry in entries) == images_there
    assert sum(entry.detail["members"] for entry in entries) == members_there
    project.verify_log()


@pytest.mark.parametrize("seed", range(2))
def test_killed_at_any_moment_nothing_is_lost_or_doubled(
    any_project: Project, tmp_path: Path, seed: int
) -> None:
    root = make_folder(tmp_path / "in", {"cat": range(60), "dog": range(50, 100)})
    database = any_project._engine.url.render_as_string(hide_password=False)
    given = (any_project.folder, database, root)
    moments = random.Random(seed)
    killed = 0
    for _ in range(2):
        process = SPAWN.Process(target=collect_folder, args=given)
        process.start()
        begun = len(rows(any_project, images))
        limit = time.monotonic() + 30
        while len(rows(any_project, images)) == begun and process.is_alive():
            assert time.monotonic() < limit
            time.sleep(0.002)
        time.sleep(moments.uniform(0, 0.1))
        if process.is_alive():
            os.kill(process.pid, signal.SIGKILL)
            killed += 1
        process.join()
    assert killed
    collect_folder(*given)
    check_whole(any_project, images_there=100, members_there=110)


def test_interrupting_keeps_what_is_whole(project: Project) -> None:
    def stop() -> bytes:
        raise KeyboardInterrupt

    source = Listed(found("a", 1), found("b", 2), Found("c", "cat", read=stop), found("d", 4))
    with pytest.raises(KeyboardInterrupt):
        run(project, source, how=Collecting(batch=2))
    assert {row.item_id for row in rows(project, images)} == ids(1, 2)


def test_images_written_by_hand_are_not_touched(project: Project) -> None:
    write(project.folder, "images/notes.txt", b"mine")
    run(project, Listed(found("a", 1)))
    assert (project.folder / "images/notes.txt").read_bytes() == b"mine"
