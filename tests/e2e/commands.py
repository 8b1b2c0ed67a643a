"""The command line as its users have it: processes, exit codes, Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

EXAMPLE = Path(__file__).parents[2] / "examples" / "testbed"

_ENVIRONMENT = os.environ | {
    "OMP_NUM_THREADS": "1",
    "COLUMNS": "100",
    "PYTHONUNBUFFERED": "1",
    # Which processes read is no part of a result; all but the run that is interrupted do without.
    "FRESHSET_WORKERS": "0",
}


@dataclass(frozen=True, slots=True)
class Done:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


def made_testbed(root: Path) -> Path:
    """Make the example's folder, once for all processes of a test session; change nothing there.

    Parameters
    ----------
    root
        ``tmp_path_factory.getbasetemp()`` of any of them.
    """
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent
    folder = root / "testbed"
    with FileLock(root / "testbed.lock"):
        if not (folder / "study.yaml").exists():  # it is written last
            command = [sys.executable, str(EXAMPLE / "make.py"), str(folder)]
            done = subprocess.run(
                command, env=_ENVIRONMENT, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stderr
            assert done.stdout == f"{folder}: 12 models, 3 test sets, study.yaml\n"
    return folder


def freshset(folder: Path, *arguments: object) -> Done:
    """Run one command in a folder."""
    return together(folder, arguments)[0]


def together(folder: Path, *commands: Sequence[object]) -> list[Done]:
    """Run commands at the same time."""
    started = [start(folder, *arguments) for arguments in commands]
    done = []
    for process in started:
        out, err = process.communicate(timeout=600)
        done.append(Done(process.returncode, out, err))
    return done


def interrupted(folder: Path, *arguments: object, workers: int = 2) -> Done:
    """Press Ctrl-C when the first cells are stored: everything in the terminal gets the signal."""
    process = start(folder, *arguments, workers=workers)
    assert process.stderr is not None
    lines = []
    for line in process.stderr:
        lines.append(line)
        if line.startswith("["):
            break
    time.sleep(1.5)  # until processes that read are being started for the next group
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=600)
    return Done(process.returncode, out, "".join(lines) + err)


def start(folder: Path, *arguments: object, workers: int = 0) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "freshset", *map(str, arguments)],
        cwd=folder,
        env=_ENVIRONMENT | {"FRESHSET_WORKERS": str(workers)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
