"""Products of small matrices run in one thread."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from threadpoolctl import threadpool_limits


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    # Threads of small products cost more than they save, and other tests run beside these.
    with threadpool_limits(1):
        yield
