from __future__ import annotations

import pytest

from freshset.replication.people import Person, invite, join
from freshset.replication.project import Project
from freshset.webapp.errors import Forbidden
from freshset.webapp.ready import get_ready, spec_of
from freshset.webapp.services import Services
from freshset.webapp.settings import Settings


@pytest.fixture
def services(project: Project) -> Services:
    return Services.of(project, Settings())


@pytest.fixture
def person(project: Project) -> Person:
    return join(project, invite(project, "worker", who="ada").invitation_id, "Bo")


def test_somebody_may_begin_where_nothing_is_asked_first(
    services: Services, person: Person
) -> None:
    assert get_ready(person, services) == person


@pytest.mark.parametrize(
    ("page", "said"), [("consent: I agree.", "read"), ("qualification: 4", "trial")]
)
def test_what_is_missing_is_said(services: Services, person: Person, page: str, said: str) -> None:
    before = spec_of(services)
    services.project.change_spec(
        services.project.spec_text + f"page: {{{page}}}\n", who="ada", why="ask"
    )
    assert spec_of(services) != before
    with pytest.raises(Forbidden, match=said):
        get_ready(person, services)
