from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from freshset.store import stage as module
from freshset.store.stage import (
    Stage,
    is_locked,
    remove_if_empty,
    sweep_stages,
    try_lock,
    unlock,
    write_staged,
)


def test_a_live_folder_is_left_alone_and_a_dead_one_is_swept(tmp_path: Path) -> None:
    alive = Stage(tmp_path)
    code = (
        "import sys, time; from pathlib import Path; from freshset.store.stage import Stage\n"
        "stage = Stage(Path(sys.argv[1])); (stage.path / 'half').write_text('x')\n"
        "print(stage.path, flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        dead = Path(process.stdout.readline().strip())
        sweep_stages(tmp_path)
        assert (dead / "half").exists()
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    sweep_stages(tmp_path)
    assert not dead.exists()
    assert alive.path.exists()
    alive.remove()
    assert list(tmp_path.iterdir()) == []


def test_one_lock_at_a_time(tmp_path: Path) -> None:
    lock = try_lock(tmp_path / "cell")
    assert lock is not None
    assert try_lock(tmp_path / "cell") is None
    assert is_locked(tmp_path / "cell")
    unlock(lock)
    assert not is_locked(tmp_path / "cell")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "cell.lock").touch()  # as a process that died leaves it
    assert not is_locked(tmp_path / "cell")
    again = try_lock(tmp_path / "cell")
    assert again is not None
    unlock(again)
    assert list(tmp_path.iterdir()) == []


def test_another_name_is_taken_when_a_sweep_holds_the_new_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, tried = try_lock, []

    def taken_once(path: Path) -> object:
        tried.append(path)
        return None if len(tried) == 1 else real(path)

    monkeypatch.setattr(module, "try_lock", taken_once)
    stage = Stage(tmp_path)
    assert stage.path == tried[1] != tried[0]
    stage.remove()


def test_a_file_is_written_whole_and_what_a_crash_leaves_is_swept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "store" / "failures" / "t" / "m.json"
    write_staged(tmp_path / "store", target, "{}")
    assert target.read_text() == "{}"
    with monkeypatch.context() as patch:
        # As if the process were killed before the last step.
        patch.setattr(Stage, "remove", lambda stage: stage._lock.release())
        patch.setattr(Path, "replace", lambda path, other: (_ for _ in ()).throw(OSError(28, "x")))
        with pytest.raises(OSError, match="x"):
            write_staged(tmp_path / "store", target, "changed")
    assert target.read_text() == "{}"
    assert len(list((tmp_path / "store").glob(".*"))) > 1
    sweep_stages(tmp_path / "store")
    assert list((tmp_path / "store").glob(".*")) == []


def test_a_folder_goes_only_when_it_is_empty(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    remove_if_empty(tmp_path / "a")
    assert (tmp_path / "a" / "b").exists()
    remove_if_empty(tmp_path / "a" / "b")
    remove_if_empty(tmp_path / "a")
    remove_if_empty(tmp_path / "a")
    assert list(tmp_path.iterdir()) == []
