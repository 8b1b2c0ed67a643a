from __future__ import annotations

import resource
import subprocess
import sys
from types import SimpleNamespace

import pytest

from freshset.engine import allocator
from freshset.engine.allocator import kept_memory


class Recorder:
    """Stands in for glibc and notes what is asked of it."""

    def __init__(self) -> None:
        self.calls: list[tuple[int, ...]] = []

    def mallopt(self, name: int, value: int) -> int:
        self.calls.append((name, value))
        return 1

    def malloc_trim(self, pad: int) -> int:
        self.calls.append((pad,))
        return 1


def test_settings_are_put_back_and_memory_is_given_back(monkeypatch):
    libc = Recorder()
    monkeypatch.setattr(allocator, "_glibc", lambda: libc)
    with pytest.raises(KeyError), kept_memory():
        assert dict(libc.calls) == {-1: 2**31 - 1, -4: 0}
        raise KeyError
    assert libc.calls[2:] == [(-1, 128 * 1024), (-4, 65_536), (0,)]


@pytest.mark.parametrize("name", ["MALLOC_TRIM_THRESHOLD_", "GLIBC_TUNABLES"])
def test_an_allocator_that_is_tuned_already_is_left_alone(monkeypatch, name):
    monkeypatch.setenv(name, "1")
    assert allocator._glibc() is None


def test_other_c_libraries_are_left_alone(monkeypatch):
    monkeypatch.setattr(allocator.ctypes, "CDLL", lambda name: SimpleNamespace(mallopt=None))
    assert allocator._glibc() is None
    with kept_memory():
        pass


def test_pages_are_faulted_in_once_only():
    # In a process of its own: how memory lies here depends on every test before.
    if allocator._glibc() is None:
        # kept_memory does nothing there, so that there is nothing to count; CI has an untuned glibc.
        pytest.skip("the C library is not glibc, or its allocator is tuned by the environment")
    code = (
        "import resource, numpy as np\n"
        "from freshset.engine.allocator import kept_memory\n"
        "def faults(times):\n"
        "    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt\n"
        "    for _ in range(times):\n"
        "        np.empty(8 << 20, dtype=np.uint8).fill(1)\n"
        "    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before\n"
        "with kept_memory():\n"
        "    faults(1)\n"
        "    kept = faults(20)\n"
        "print(kept)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    pages = (8 << 20) // resource.getpagesize()
    assert int(done.stdout) < pages
