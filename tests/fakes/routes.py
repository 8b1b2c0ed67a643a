"""Every route of the web app, for tests of what must hold for all of them."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel

from freshset.replication.people import ROLES, Role
from freshset.webapp.identity import Require
from freshset.webapp.routes import ROUTERS

SAFE = {"GET", "HEAD", "OPTIONS"}
FIRST = (
    "/", "/join", "/enter", "/leave", "/health/live", "/health/ready", "/metrics", "/mturk",
)  # fmt: skip
"""Paths (with all below them) for whom nobody is signed in, each guarded in its own way."""


@dataclass(frozen=True)
class Route:
    """One method of a path."""

    method: str
    path: str
    role: Role | None
    dependant: Dependant

    @property
    def open(self) -> bool:
        """Whether it is meant for people who are not signed in."""
        return self.path in FIRST or self.path.startswith("/mturk/")

    def filled(self, value: str) -> str:
        """The path with one value, quoted, in place of all parameters."""
        path = self.path
        for parameter in self.dependant.path_params:
            for form in (f"{{{parameter.alias}}}", f"{{{parameter.alias}:path}}"):
                path = path.replace(form, quote(value, safe=""))
        return path

    @property
    def query_names(self) -> list[str]:
        """Names of its parameters behind the question mark."""
        names: list[str] = []
        for one in self.dependant.query_params:
            kind = one.field_info.annotation
            if inspect.isclass(kind) and issubclass(kind, BaseModel):
                names += [field.alias or name for name, field in kind.model_fields.items()]
            else:
                names.append(one.alias)
        return names

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def all_routes() -> list[Route]:
    """Every route, whoever wrote it."""
    found = []
    for router in ROUTERS:
        for one in router.routes:
            assert isinstance(one, APIRoute), one
            role = max(_roles(one.dependant), key=ROLES.index, default=None)
            found += [Route(m, one.path, role, one.dependant) for m in sorted(one.methods or ())]
    return found


def _roles(dependant: Dependant) -> Iterator[Role]:
    for one in dependant.dependencies:
        if isinstance(one.call, Require):
            yield one.call.role
        yield from _roles(one)
