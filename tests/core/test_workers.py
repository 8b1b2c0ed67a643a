from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
from fakes.pool_tasks import begin, state

from freshset.core.workers import submit, worker_pool


@pytest.fixture
def pool() -> Iterator[ProcessPoolExecutor]:
    with worker_pool(1, begin, "word") as made:
        yield made


def test_processes_are_prepared_deaf_to_control_c_and_give_way(pool: ProcessPoolExecutor) -> None:
    process, begun, deaf, niceness = submit(pool, state).result()
    assert process != os.getpid()
    assert begun == ["word"]
    assert deaf
    assert niceness == min(os.nice(0) + 10, 19)


_SCRIPT = """
import os, time
from freshset.core.workers import submit, worker_pool

if __name__ == "__main__":
    pool = worker_pool(1, os.getpid)
    print(submit(pool, os.getpid).result(), flush=True)
    time.sleep(60)
"""


def test_processes_leave_with_the_one_that_started_them() -> None:
    command = [sys.executable, "-c", _SCRIPT]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        worker = int(parent.stdout.readline())
        parent.kill()
    for _ in range(100):
        if not is_alive(worker):
            return
        time.sleep(0.1)
    os.kill(worker, signal.SIGKILL)
    pytest.fail("the worker stayed")


def is_alive(process: int) -> bool:
    """Whether there is such a process, and not only its entry."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{process}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"
