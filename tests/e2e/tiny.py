"""Studies of fake models that run in a second or two, as processes that can be killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fakes.plugin import plugin_path

MODELS = ("a?delay=0.003", "b?seed=1", "c?seed=2&shared=other", "breaks?seed=3&raise_at=1500")
SIZES = (2100, 40, 30, 1100, 20, 50, 35, 25)


@dataclass(frozen=True, slots=True)
class Tiny:
    """A study file and the environment in which its adapter is found."""

    path: Path
    environment: dict[str, str]

    @property
    def store(self) -> Path:
        return self.path.parent / "store"

    def start(self, *options: str, **keywords: Any) -> subprocess.Popen[str]:
        """Start to run it."""
        return subprocess.Popen(
            [sys.executable, "-m", "freshset", "run", str(self.path), *options],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **keywords,
        )

    def run(self, *options: str, **keywords: Any) -> tuple[int, str]:
        """Run it; returns the exit code and what was said on stderr."""
        process = self.start(*options, **keywords)
        _, said = process.communicate(timeout=120)
        return process.returncode, said


def tiny(
    folder: Path,
    *,
    models: tuple[str, ...] = MODELS,
    sizes: tuple[int, ...] = SIZES,
    workers: int = 0,
) -> Tiny:
    """Write a study into a new folder.

    Parameters
    ----------
    workers
        Processes that read; they are started for items that are images only.
    """
    folder.mkdir(parents=True)
    item = "image" if workers else "array"
    settings = f"models_at_once: 2, batch_size: 64, save: scores, workers: {workers}"
    lines = [f"run: {{{settings}}}"]
    lines += ["models:", *(f'  - "fake:{model}"' for model in models)]
    lines += ["testsets:"]
    for i, n in enumerate(sizes):
        lines.append(f"  - {{id: set/{i}, adapter: fake, path: none, n: {n}, item: {item}}}")
    path = folder / "study.yaml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    environment = os.environ | {
        "PYTHONPATH": plugin_path(folder / "plugin"),
        "PYTHONUNBUFFERED": "1",
        "OMP_NUM_THREADS": "1",
    }
    return Tiny(path, environment)


def began(process: subprocess.Popen[str]) -> None:
    """Wait until a run has made its plan and goes to work."""
    assert process.stderr is not None
    for line in process.stderr:
        if "cells to run" in line:
            return
    raise AssertionError(f"it ended before it began, with {process.wait()}")


def killed(process: subprocess.Popen[str], after: float) -> bool:
    """Kill a run some seconds after it began; returns whether it was still at it."""
    began(process)
    try:
        process.wait(after)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
    process.communicate()
    return process.returncode == -signal.SIGKILL


def tree(folder: Path) -> dict[str, bytes | None]:
    """Everything in a folder by name: files with their bytes, and folders."""
    found = sorted(folder.rglob("*"))
    return {str(p.relative_to(folder)): None if p.is_dir() else p.read_bytes() for p in found}


def seconds(process: subprocess.Popen[str]) -> float:
    """Wait for a run; returns how long it was at work."""
    began(process)
    start = time.monotonic()
    process.communicate(timeout=120)
    return time.monotonic() - start
