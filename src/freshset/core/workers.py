"""Processes that prepare items for the one that started them."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")


def worker_pool(workers: int, begin: Callable[..., None], *arguments: Any) -> ProcessPoolExecutor:
    """Start processes that give way to this one, are deaf to Control-C, and leave with it.

    Parameters
    ----------
    begin, arguments
        What each process calls when it starts.
    """
    # Fresh processes: forking one that runs threads of a numeric library can hang.
    pool = ProcessPoolExecutor(
        workers,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_start,
        initargs=(os.getpid(), begin, arguments),
    )
    for _ in range(workers):
        # Starting takes as long as loading a small net; both can happen at once.
        submit(pool, os.getpid)
    return pool


def submit(pool: ProcessPoolExecutor, task: Callable[..., T], *arguments: Any) -> Future[T]:
    """Have a task done; a process that is started for it is deaf to Control-C from its birth on."""
    if not hasattr(signal, "pthread_sigmask"):
        return pool.submit(task, *arguments)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        return pool.submit(task, *arguments)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start(parent: int, begin: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    # Control-C reaches every process of a terminal; the one that started this one sees to it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "nice"):
        # A forward pass waits for its slowest thread, so reading takes what time the models leave.
        os.nice(10)
    begin(*arguments)
    threading.Thread(target=_leave_with, args=(parent,), daemon=True).start()


def _leave_with(parent: int) -> None:
    """End this process when the one that started it is gone, however it went."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)
