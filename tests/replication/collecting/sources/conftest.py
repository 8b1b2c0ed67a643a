from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from freshset.replication.collecting.sources.web import Web
from freshset.replication.spec import ClassSpec

Handler = Callable[[httpx.Request], httpx.Response]


@pytest.fixture
def classes() -> tuple[ClassSpec, ...]:
    return (
        ClassSpec(key="cat", synonyms=("cat", "house cat")),
        ClassSpec(key="dog", name="domestic dog"),
    )


@pytest.fixture
def waits() -> list[float]:
    """Seconds that were waited for, in place of waiting."""
    return []


@pytest.fixture
def web(waits: list[float]) -> Callable[[Handler], Web]:
    """A client whose answers are made by a function."""

    def make(handler: Handler, *, interval: float = 0) -> Web:
        return Web(httpx.MockTransport(handler), waits.append, lambda: sum(waits), interval)

    return make
