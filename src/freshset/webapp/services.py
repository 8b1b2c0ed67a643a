"""What the routes of one app share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Protocol

from fastapi import Depends, Request

from freshset.replication.labelling.mturk import Client, connect
from freshset.replication.project import Project
from freshset.webapp.boards import ServedBoard
from freshset.webapp.fresh import Memory
from freshset.webapp.known import Known
from freshset.webapp.limits import Limits
from freshset.webapp.metrics import Metrics
from freshset.webapp.proxies import Proxies
from freshset.webapp.settings import Settings
from freshset.webapp.signing import Signer
from freshset.webapp.streams import Streams
from freshset.webapp.writer import Writer


class Connect(Protocol):
    """Opens Mechanical Turk: its sandbox, or the real thing."""

    def __call__(self, *, live: bool = False) -> Client:
        """Return a client."""


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
        What takes long to compute; see `freshset.webapp.fresh`.
    known
        Who was here a moment ago.
    streams
        Downloads under way.
    mturk
        Opens Mechanical Turk.
    board
        The leaderboard, where one is served beside the project.
    """

    project: Project
    settings: Settings
    signer: Signer
    writer: Writer
    memory: Memory
    known: Known = field(default_factory=Known)
    limits: Limits = field(default_factory=Limits)
    metrics: Metrics = field(default_factory=Metrics)
    proxies: Proxies = field(default_factory=Proxies)
    streams: Streams = field(default_factory=Streams)
    mturk: Connect = connect
    board: ServedBoard | None = None

    @classmethod
    def of(cls, project: Project, settings: Settings, board: ServedBoard | None = None) -> Services:
        """Services of a project, as the operator wants them."""
        metrics = Metrics()
        writer = Writer(project, saw=metrics.saw_batch)
        metrics.watch(project, writer)
        return cls(
            project, settings, Signer.of(project.folder), writer, Memory(project),
            metrics=metrics, proxies=Proxies(settings.trusted_proxies), board=board,
        )  # fmt: skip


async def get_services(request: Request) -> Services:
    """Services of the app that a request came to."""
    services: Services = request.app.state.services
    return services


Shared = Annotated[Services, Depends(get_services)]
