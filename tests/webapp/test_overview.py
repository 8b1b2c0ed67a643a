from __future__ import annotations

import pytest
import sqlalchemy as sa

from freshset.replication import tables
from freshset.replication.collecting.excluding import blacklist
from freshset.replication.duplicates.pairs import Said, record_verdicts
from freshset.replication.project import Project
from freshset.webapp.overview import desk_of, frequencies_of, pool_of
from freshset.webapp.services import Services
from freshset.webapp.settings import Settings


@pytest.fixture
def services(project: Project) -> Services:
    return Services.of(project, Settings())


def answer(project: Project, item: str) -> None:
    with project.change("answers.submit", who="w", why="labelled") as change:
        row = {"worker": "w", "item_id": item, "class_key": "disc", "selected": 1.0}
        change.connection.execute(sa.insert(tables.answers), [row])


def test_people_see_what_they_did_and_others_a_little_later(services: Services) -> None:
    project = services.project
    first = pool_of(services, "eve")
    item = str(first.of_class("disc").rows.item_ids[0])
    blacklist(project, [item], who="eve", why="blurred")
    assert pool_of(services, "bob") is first
    second = pool_of(services, "eve")
    assert second.eligibility.counts()["disc"]["blacklisted"] == 1
    assert pool_of(services, "bob") is second


def test_answers_count_after_a_while(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr("freshset.webapp.fresh.time.monotonic", lambda: clock[0])
    item = str(pool_of(services, "eve").of_class("disc").rows.item_ids[0])
    assert len(frequencies_of(services)) == 0
    answer(services.project, item)
    assert len(frequencies_of(services)) == 0
    clock[0] = 60.0
    assert len(frequencies_of(services)) == 1
    assert pool_of(services, "eve").of_class("disc").rows.answers[0] == 1


def test_a_desk_has_the_verdicts_of_now(services: Services) -> None:
    desk = desk_of(services)
    a, b = sorted(desk.state.candidates)[:2]
    record_verdicts(services.project, [Said(a, b, "duplicate")], who="eve", why="looked")
    with services.project.read() as connection:
        assert desk_of(services) is desk
        assert desk.renewed(connection).state.edges() == {(a, b): "verdict"}
