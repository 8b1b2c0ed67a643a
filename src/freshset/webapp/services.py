"""What the routes of one app share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from freshset.replication.project import Project
from freshset.webapp.fresh import Memory
from freshset.webapp.settings import Settings
from freshset.webapp.signing import Signer
from freshset.webapp.writer import Writer


@dataclass(frozen=True, slots=True)
class Services:
    """What the routes of one app share.

    Attributes
    ----------
    project
        That the app serves.
    writer
        For the many small changes of workers; all others go through ``project.change``.
    memory
        What takes long to compute; see `freshset.webapp.fresh.remembered`.
    """

    project: Project
    settings: Settings
    signer: Signer
    writer: Writer
    memory: Memory = field(default_factory=Memory)


def get_services(request: Request) -> Services:
    """Services of the app that a request came to."""
    services: Services = request.app.state.services
    return services


Shared = Annotated[Services, Depends(get_services)]
