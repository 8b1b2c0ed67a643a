from __future__ import annotations

import asyncio

import pytest

from freshset.core.errors import UsageError
from freshset.replication.project import Project
from freshset.webapp.app import create_app
from freshset.webapp.services import Services
from freshset.webapp.settings import Settings


def test_every_app_has_its_own(project: Project) -> None:
    one, other = (create_app(project).state.services for _ in range(2))
    assert one.project is other.project
    for name in ("writer", "limits", "known", "metrics", "memory"):
        assert getattr(one, name) is not getattr(other, name)
    # Both know links that either made.
    assert other.signer.read("x", one.signer.sign("x", {"a": 1})) == {"a": 1}


def test_batches_of_the_writer_are_counted(project: Project) -> None:
    services = Services.of(project, Settings())
    services.writer.start()
    assert asyncio.run(services.writer.write(lambda _: 7)) == 7
    services.writer.stop()
    assert "freshset_writer_batch_count 1.0" in services.metrics.text().decode()


def test_a_wrong_proxy_is_told_at_once(project: Project) -> None:
    with pytest.raises(UsageError, match="no address of a proxy"):
        Services.of(project, Settings(trusted_proxies=("nonsense",)))
