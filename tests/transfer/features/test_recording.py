from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from freshset.core.errors import StoreError
from freshset.core.files import read_json
from freshset.store.array_file import ArrayFile
from freshset.store.works import Works, WorkSpec
from freshset.transfer.features import recording as module
from freshset.transfer.features.recording import FeatureRecording, start_recording

SPEC = WorkSpec.of("features", of="m")
VALUES = np.random.default_rng(0).normal(size=(50, 6)).astype(np.float32)


def started(store: Path) -> FeatureRecording:
    recording = start_recording(Works(store), SPEC, 50, "float32")
    assert recording is not None
    return recording


def test_rows_become_features(tmp_path: Path) -> None:
    recording = started(tmp_path)
    recording.append(VALUES[:20], {"lib": "1"}, 1.0)
    recording.append(VALUES[20:], {"lib": "2"}, 1.5)
    work = recording.finish({"model": "m"})
    recording.close()
    np.testing.assert_array_equal(work.array("features"), VALUES)
    assert work.document == {
        "model": "m",
        "rows": 50,
        "width": 6,
        "seconds": 2.5,
        "images_per_second": 20.0,
        "runtime": {"lib": "2"},
    }
    assert Works(tmp_path).get(SPEC) == work
    assert Works(tmp_path).damaged() == ()
    assert not Works(tmp_path).is_begun(SPEC)


def test_what_is_recorded_is_taken_up(tmp_path: Path) -> None:
    first = started(tmp_path)
    first.append(VALUES[:20], {"lib": "1"}, 1.0)
    first.close()
    second = started(tmp_path)
    assert second.done == 20
    second.append(VALUES[20:], {"lib": "1"}, 1.5)
    work = second.finish({})
    second.close()
    np.testing.assert_array_equal(work.array("features"), VALUES)
    assert work.document["seconds"] == 2.5
    assert Works(tmp_path).damaged() == ()


def test_only_rows_that_are_on_the_disk_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, marks = threading.Event(), []
    sync = ArrayFile.sync

    def waits(file: ArrayFile) -> None:
        slow.wait(10)
        sync(file)

    def marked(path: Path, text: str) -> None:
        marks.append(text)
        write(path, text)

    write = module.write_atomic
    monkeypatch.setattr(ArrayFile, "sync", waits)
    monkeypatch.setattr(module, "write_atomic", marked)
    recording = started(tmp_path)
    for start in (0, 10, 20):
        recording.append(VALUES[start : start + 10], {}, 0.5)
    # The rows are in the file while the disk is still at the first of them.
    assert (recording.done, marks) == (30, [])
    slow.set()
    recording.close()
    rows = [read_json(path)["rows"] for path in tmp_path.rglob("rows.json")]
    assert rows == [30]
    assert len(marks) == 2  # the first, and what was there when it was let go of


def test_a_process_that_died_while_it_stored_the_result(tmp_path: Path) -> None:
    recording = started(tmp_path)
    recording.append(VALUES[:20], {}, 1.0)
    recording.close()
    (path,) = tmp_path.rglob("features.npy")
    path.unlink()  # it was moved, and is gone with the result that was not finished
    again = started(tmp_path)
    assert again.done == 0
    again.close()


def test_rows_that_are_lost_are_told(tmp_path: Path) -> None:
    recording = started(tmp_path)
    recording.append(VALUES[:20], {}, 1.0)
    recording.close()
    (path,) = tmp_path.rglob("features.npy")
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(StoreError, match="does not have the 20 rows"):
        started(tmp_path)
    assert not Works(tmp_path).is_live(SPEC)


def test_rows_are_missing_until_all_are_there(tmp_path: Path) -> None:
    recording = started(tmp_path)
    recording.append(VALUES[:49], {}, 1.0)
    with pytest.raises(StoreError, match="49 rows of 50"):
        recording.finish({})
    recording.close()


def test_a_disk_that_fails_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(file: ArrayFile) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ArrayFile, "sync", full)
    recording = started(tmp_path)
    recording.append(VALUES[:20], {}, 1.0)
    with pytest.raises(OSError, match="No space left"):
        recording.close()
    assert not Works(tmp_path).is_live(SPEC)
    assert started(tmp_path).done == 0


def test_one_process_at_a_time(tmp_path: Path) -> None:
    recording = started(tmp_path)
    assert start_recording(Works(tmp_path), SPEC, 50, "float32") is None
    recording.append(VALUES, {}, 1.0)
    recording.finish({})
    recording.close()
    assert start_recording(Works(tmp_path), SPEC, 50, "float32") is None
    assert not Works(tmp_path).is_live(SPEC)
