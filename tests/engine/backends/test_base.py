from __future__ import annotations

import inspect

import pytest

from freshset.core.config import RunSettings
from freshset.engine.backends.base import Backend
from freshset.engine.execute import BACKENDS, backend_for


@pytest.mark.parametrize("name", sorted(BACKENDS.builtin))
def test_every_backend_has_what_the_port_asks_for(name: str) -> None:
    pytest.importorskip("ray" if name == "ray" else "freshset")
    backend: Backend = backend_for(RunSettings(backend=name))
    for method in ("run", "map", "close"):
        wanted = inspect.signature(getattr(Backend, method)).parameters
        given = inspect.signature(getattr(type(backend), method)).parameters
        assert list(given) == list(wanted), method
    # Nothing is started before there is a job.
    backend.close()
