"""A run that is killed, or that has no room to write: nothing is lost, doubled or left behind."""

from __future__ import annotations

import os
import random
import re
import resource
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e.tiny import Tiny, killed, seconds, tiny, tree

from freshset.store.parquet import ParquetStore

KILLS = 20


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, bytes | None], float]:
    """The store of a run that nothing disturbs, and how long it takes."""
    study = tiny(tmp_path_factory.mktemp("whole") / "study")
    took = seconds(study.start())
    return tree(study.store), took


def test_killing_a_run_at_any_moment_changes_nothing(
    whole: tuple[dict[str, bytes | None], float], tmp_path: Path
) -> None:
    expected, took = whole
    study = tiny(tmp_path / "study")
    seed = random.randrange(2**32)
    moments = random.Random(seed)
    landed = 0
    for _ in range(KILLS):
        # Short of what the whole takes, so that there is something left to do for the last one.
        landed += killed(study.start(), moments.uniform(0, took / KILLS * 1.5))
        if study.store.exists():
            assert ParquetStore(study.store, create=True).damaged() == (), seed
    assert landed > KILLS / 2, seed
    code, said = study.run()
    assert code == 3, (seed, said)  # one model is broken
    found = tree(study.store)
    assert sorted(found) == sorted(expected), seed
    assert [name for name in found if found[name] != expected[name]] == [], seed


def test_what_a_killed_run_has_recorded_is_not_run_again(tmp_path: Path) -> None:
    study = tiny(tmp_path / "study", models=("a?delay=0.02",), sizes=(5000,))
    before = killed_after_chunks(study, 1)
    after = killed_after_chunks(study, len(before) + 1)
    assert before.items() < after.items()


def killed_after_chunks(study: Tiny, chunks: int) -> dict[Path, int]:
    """Kill a run once so many chunks are recorded; returns their files and when they were made."""
    process = study.start()
    while len(found := list(study.store.glob("partial/*/rows-*.npz"))) < chunks:
        assert process.poll() is None
        time.sleep(0.01)
    process.kill()
    process.communicate()
    return {path: path.stat().st_mtime_ns for path in found}


def test_workers_do_not_outlive_a_killed_run(tmp_path: Path) -> None:
    study = tiny(
        tmp_path / "study", models=("a?delay=0.05&input=image",), sizes=(20_000,), workers=2
    )
    process = study.start()
    while not list(study.store.glob("partial/*/rows-*.npz")):
        time.sleep(0.05)
    workers = running(tmp_path / "study")
    assert len(workers) >= 3
    process.kill()
    process.communicate()
    deadline = time.monotonic() + 10
    while running(tmp_path / "study") and time.monotonic() < deadline:
        time.sleep(0.1)
    assert running(tmp_path / "study") == []


def running(folder: Path) -> list[int]:
    """Processes whose environment names a folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if os.fsencode(folder) in path.read_bytes():
                found.append(int(path.parent.name))
        except OSError:  # it ended meanwhile, or belongs to somebody else
            continue
    return found


def check_full(study: Tiny, code: int, said: str, expected: dict[str, bytes | None]) -> None:
    """Check what a run said that had no room, and what it left behind."""
    assert code == 2, said
    assert "Traceback" not in said
    errors = [line for line in said.splitlines() if line.startswith("Error: ")]
    assert len(errors) == 1, said
    reason = r"cannot be written to \((No space left on device|File too large)\)\."
    assert re.fullmatch(rf"Error: {re.escape(str(study.store))}: {reason}", errors[0])
    assert "Next: Make room" in said
    assert ParquetStore(study.store, create=True).damaged() == ()
    for name, data in tree(study.store).items():
        if name.startswith(("cells", "testsets", "store.json")):
            assert expected[name] == data, name
        assert not name.startswith(".staging-"), name


def test_files_that_cannot_grow(
    whole: tuple[dict[str, bytes | None], float], tmp_path: Path
) -> None:
    expected, _ = whole
    study = tiny(tmp_path / "study")
    largest = max(len(data) for data in expected.values() if data)

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest - 1, largest - 1))

    code, said = study.run(preexec_fn=limited)
    check_full(study, code, said, expected)
    assert study.run()[0] == 3
    assert tree(study.store) == expected


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, with little room."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(place)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        # Mounting takes rights that users and most CI containers lack; the same error, from files of
        # limited size, is tested everywhere.
        pytest.skip("no file system may be mounted here; limited files are tested instead")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk(
    whole: tuple[dict[str, bytes | None], float], tmp_path: Path, small_disk: Path
) -> None:
    expected, _ = whole
    study = tiny(tmp_path / "study")
    (small_disk / "store").mkdir()
    study.store.symlink_to(small_disk / "store")
    for _ in range(2):  # it is as full the second time
        code, said = study.run()
        check_full(study, code, said, expected)
    subprocess.run(["mount", "-o", "remount,size=20m", str(small_disk)], check=True)
    assert study.run()[0] == 3
    assert tree(study.store) == expected
