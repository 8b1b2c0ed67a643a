from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from freshset.core.errors import DataError
from freshset.protocols.leaderboard.kept import Kept
from freshset.protocols.sealed.submission import Public, check_submission

ONE = check_submission(Public("x", 3, ("a", "b")), ["a", "b", "b"])


def test_what_is_put_is_got(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "predictions")
    kept.put(ONE)
    (path,) = kept.folder.iterdir()
    before = path.stat().st_mtime_ns
    kept.put(ONE)
    assert path.stat().st_mtime_ns == before
    found = kept.get(ONE.digest)
    assert found.digest == ONE.digest
    np.testing.assert_array_equal(found.classes, [0, 1, 1])


def test_missing_cut_and_changed_ones_are_told(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    with pytest.raises(DataError, match="cannot be read"):
        kept.get(ONE.digest)
    kept.put(ONE)
    (path,) = tmp_path.iterdir()
    data = path.read_bytes()
    for wrong in (data[:-1], data[:-4], data[::-1], b""):
        path.write_bytes(wrong)
        with pytest.raises(DataError, match="not what was submitted"):
            kept.get(ONE.digest)
