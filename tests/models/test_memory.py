from __future__ import annotations

import gc
import weakref

import pytest

from freshset.models.memory import is_out_of_memory, release_memory


class OutOfMemoryError(RuntimeError):
    """As torch calls its own."""


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (MemoryError(), True),
        (OutOfMemoryError("whatever"), True),
        (RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"), True),
        (RuntimeError("[ONNXRuntimeError] : Failed to allocate memory for buffer"), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_the_signs_of_a_full_memory(error: Exception, expected: bool) -> None:
    assert is_out_of_memory(error) is expected


class Knot:
    """Something that holds itself, as a traceback does."""

    def __init__(self) -> None:
        self.itself = self


def test_what_only_holds_itself_goes() -> None:
    gc.disable()
    try:
        gone = weakref.ref(Knot())
        assert gone() is not None
        release_memory()
        assert gone() is None
    finally:
        gc.enable()
