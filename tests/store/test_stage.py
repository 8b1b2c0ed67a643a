from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from freshset.store.stage import Stage, is_locked, sweep_stages, try_lock, unlock


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
