from __future__ import annotations

import errno

import pytest

from freshset.core.errors import StoreError
from freshset.engine.writing import writing


def test_a_full_disk_is_said_with_the_store_and_what_to_do() -> None:
    with (
        pytest.raises(StoreError, match=r"^/tmp/store: cannot be written to \(No space left"),
        writing("/tmp/store"),
    ):
        raise OSError(errno.ENOSPC, "full")
    with pytest.raises(StoreError, match="odd"), writing("x"):
        raise OSError("odd")


def test_other_errors_pass() -> None:
    with pytest.raises(KeyError), writing("x"):
        raise KeyError
