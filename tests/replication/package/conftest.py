from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.frozen import frozen_project

from freshset.replication.package.base import Contents, collect
from freshset.replication.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with frozen_project(tmp_path / "project") as project:
        yield project


@pytest.fixture
def contents(project: Project) -> Contents:
    return collect(project, "r1")
