from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

DOCS = Path(__file__).parents[2] / "docs"


def script(name: str) -> ModuleType:
    """Load one of the documentation's build scripts, which are no package."""
    spec = importlib.util.spec_from_file_location(f"freshset_docs_{name}", DOCS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def docs() -> Path:
    return DOCS


@pytest.fixture(scope="session")
def reference() -> ModuleType:
    return script("generate_reference")


@pytest.fixture(scope="session")
def runner() -> ModuleType:
    return script("run_page")
