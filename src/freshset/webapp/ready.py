"""Whether somebody may label yet: consent and the trial come first, where the spec asks for them."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends

from freshset.replication.labelling.qualification import missing_step
from freshset.replication.people import Person
from freshset.replication.spec import Spec
from freshset.webapp.errors import Forbidden
from freshset.webapp.identity import Worker
from freshset.webapp.services import Services, Shared

_SAID = {
    "consent": "Before you label, read what you agree to.",
    "qualification": "Before you label, pass the trial.",
}


def spec_of(services: Services) -> Spec:
    """The spec in force, which is read again only when it has changed."""
    actions = ("project.create", "spec.change")
    return services.memory.of("spec", lambda: services.project.spec, actions=actions)


def get_ready(person: Worker, services: Shared) -> Person:
    """Return the person, who may label.

    Raises
    ------
    Forbidden
        When consent or the trial is missing.
    """
    step = missing_step(person, spec_of(services))
    if step is not None:
        raise Forbidden(_SAID[step], "Load this page again: it will ask you.")
    return person


Ready = Annotated[Person, Depends(get_ready)]
