from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from freshset.core.errors import StoreError
from freshset.core.files import sha256_file
from freshset.store.array_file import ArrayFile

VALUES = np.random.default_rng(0).normal(size=(50, 6)).astype(np.float32)


def written(path: Path, *cuts: int, dtype: str = "float32") -> ArrayFile:
    with ArrayFile(path, 50, dtype) as file:
        for part in np.split(VALUES, cuts):
            file.append(part)
    return file


def test_the_bytes_are_those_that_numpy_writes(tmp_path: Path) -> None:
    file = written(tmp_path / "a.npy", 7, 8, 30)
    np.save(tmp_path / "b.npy", VALUES)
    assert (tmp_path / "a.npy").read_bytes() == (tmp_path / "b.npy").read_bytes()
    assert file.sha256 == sha256_file(tmp_path / "b.npy")
    assert (file.rows, file.width) == (50, 6)
    mapped = np.load(tmp_path / "a.npy", mmap_mode="r")
    np.testing.assert_array_equal(mapped, VALUES)


def test_values_are_stored_as_asked_for(tmp_path: Path) -> None:
    written(tmp_path / "a.npy", dtype="float16")
    found = np.load(tmp_path / "a.npy")
    assert found.dtype == np.float16
    np.testing.assert_array_equal(found, VALUES.astype(np.float16))
    with ArrayFile(tmp_path / "b.npy", 50, "float32") as file:
        file.append(np.asfortranarray(VALUES))
    np.testing.assert_array_equal(np.load(tmp_path / "b.npy"), VALUES)


def test_rows_that_are_kept_are_gone_on_with(tmp_path: Path) -> None:
    whole = written(tmp_path / "a.npy")
    path = tmp_path / "b.npy"
    with ArrayFile(path, 50, "float32") as file:
        file.append(VALUES[:20])
        file.sync()
        file.append(VALUES[20:23])
    with path.open("ab") as stream:
        stream.write(b"half a row")
    with ArrayFile(path, 50, "float32", keep=20) as file:
        assert (file.rows, file.width) == (20, 6)
        file.append(VALUES[20:])
    assert path.read_bytes() == (tmp_path / "a.npy").read_bytes()
    assert file.sha256 == whole.sha256


def test_an_empty_file_is_none(tmp_path: Path) -> None:
    with ArrayFile(tmp_path / "a.npy", 50, "float32") as file:
        file.sync()
    assert (file.rows, file.width, file.sha256) == (0, 0, "")
    assert not (tmp_path / "a.npy").exists()


def test_rows_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    with ArrayFile(tmp_path / "a.npy", 50, "float32") as file:
        file.append(VALUES[:40])
        with pytest.raises(StoreError, match=r"10 of 5 values after 40 of 50 rows of 6"):
            file.append(VALUES[:10, :5])
        with pytest.raises(StoreError, match="do not fit"):
            file.append(VALUES[:11])
        file.append(VALUES[40:])
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), VALUES)


def test_rows_that_are_not_there_cannot_be_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    with ArrayFile(path, 50, "float32") as file:
        file.append(VALUES[:20])
    before = path.read_bytes()
    for n, dtype, keep in ((50, "float32", 21), (49, "float32", 20), (50, "float16", 20)):
        with pytest.raises(StoreError, match="does not have the"):
            ArrayFile(path, n, dtype, keep=keep)
    assert path.read_bytes() == before
    path.write_bytes(b"something else")
    with pytest.raises(StoreError, match="does not have the 20 rows"):
        ArrayFile(path, 50, "float32", keep=20)
    with pytest.raises(StoreError, match="does not have the 3 rows"):
        ArrayFile(tmp_path / "none.npy", 50, "float32", keep=3)


_WRITER = """
import sys, time
import numpy as np
from pathlib import Path
from freshset.store.array_file import ArrayFile

file = ArrayFile(Path(sys.argv[1]), 50, "float32")
for row in range(40):
    file.append(np.full((1, 6), row, dtype=np.float32))
print("there", flush=True)
time.sleep(60)
"""


def test_rows_outlive_a_process_that_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    code = [sys.executable, "-c", _WRITER, str(path)]
    with subprocess.Popen(code, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"there\n"
        os.kill(process.pid, signal.SIGKILL)
    with ArrayFile(path, 50, "float32", keep=40) as file:
        file.append(np.zeros((10, 6)))
    found = np.load(path)
    assert found[:, 0].tolist() == [*range(40), *[0] * 10]
