from __future__ import annotations

import threading

import pytest

from freshset.core.errors import NotFoundError, UsageError
from freshset.replication import people
from freshset.replication.people import ROLES, Person, invite, join
from freshset.replication.project import Project

WHO = {"who": "ada", "why": "because"}


def somebody(project: Project, role: str = "worker", name: str = "Bo") -> Person:
    return join(project, invite(project, role, who="ada").invitation_id, name)


def read(project: Project, person: Person) -> Person:
    with project.read() as connection:
        found = people.find_person(connection, person.person_id)
    assert found is not None
    return found


def test_roles_contain_each_other(any_project: Project) -> None:
    for number, role in enumerate(ROLES):
        person = somebody(any_project, role, f"P{number}")
        assert [person.may(one) for one in ROLES] == [number >= place for place in range(3)]
        assert read(any_project, person) == person


def test_an_invitation_is_for_so_many(any_project: Project) -> None:
    invitation = invite(any_project, "worker", uses=2, note="lab 3", who="ada")
    assert invitation.open()
    join(any_project, invitation.invitation_id, "Bo")
    join(any_project, invitation.invitation_id, "  Cy   Lee ")
    with pytest.raises(UsageError, match="was used"):
        join(any_project, invitation.invitation_id, "Di")
    with any_project.read() as connection:
        (found,) = people.list_invitations(connection)
        names = [person.name for person in people.list_people(connection)]
    assert (found.used, found.open()) == (2, False)
    assert names == ["Bo", "Cy Lee"]


def test_an_invitation_expires_and_is_taken_back(any_project: Project) -> None:
    short = invite(any_project, "owner", days=1e-9, who="ada")
    back = invite(any_project, "owner", who="ada")
    people.revoke(any_project, back.invitation_id, **WHO)
    for one in (short, back):
        with pytest.raises(UsageError, match="expired or was taken back"):
            join(any_project, one.invitation_id, "Bo")
    with pytest.raises(NotFoundError):
        people.revoke(any_project, "nothing", **WHO)
    with pytest.raises(NotFoundError):
        join(any_project, "nothing", "Bo")


@pytest.mark.parametrize(
    "wrong", [{"role": "king"}, {"uses": 0}, {"uses": 10_001}, {"days": 0}, {"days": 400}]
)
def test_invitations_that_make_no_sense_are_refused(project: Project, wrong) -> None:
    with pytest.raises(UsageError):
        invite(project, **({"role": "worker", "who": "ada"} | wrong))


@pytest.mark.parametrize("name", ["", "   ", "x" * 81, "a\x00b", "a\u200bb", "a\u202eb"])
def test_names_can_be_read(project: Project, name: str) -> None:
    with pytest.raises(UsageError, match="1 to 80 letters"):
        somebody(project, name=name)


@pytest.mark.parametrize("again", ["Élodie", "éLODIE"])
def test_names_in_any_letters_are_told_apart(any_project: Project, again: str) -> None:
    somebody(any_project, name="Élodie")
    with pytest.raises(UsageError, match="already"):
        somebody(any_project, name=again)


def test_nobody_takes_the_name_of_another(any_project: Project) -> None:
    somebody(any_project, name="Bo")
    with pytest.raises(UsageError, match="somebody called 'bo'"):
        somebody(any_project, name="bo")


def test_a_full_invitation_lets_only_one_of_two_in(any_project: Project) -> None:
    invitation = invite(any_project, "worker", who="ada")
    said: list[str] = []

    def try_it(name: str) -> None:
        try:
            said.append(join(any_project, invitation.invitation_id, name).name)
        except UsageError:
            said.append("")

    threads = [threading.Thread(target=try_it, args=(name,)) for name in ("Bo", "Cy", "Di")]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(map(bool, said)) == [False, False, True]


def test_blocking_ends_sessions_for_good(any_project: Project) -> None:
    person = somebody(any_project)
    people.block(any_project, person.person_id, **WHO)
    blocked = read(any_project, person)
    assert (blocked.active, blocked.epoch, blocked.may("worker")) == (False, 2, False)
    with pytest.raises(UsageError, match="is blocked"):
        people.note_link(any_project, person.person_id, **WHO)
    people.unblock(any_project, person.person_id, **WHO)
    assert (read(any_project, person).active, read(any_project, person).epoch) == (True, 2)
    assert people.note_link(any_project, person.person_id, **WHO).name == "Bo"
    assert people.end_sessions(any_project, person.person_id, **WHO).epoch == 3


def test_there_is_always_an_owner(any_project: Project) -> None:
    one = somebody(any_project, "owner", "Ada")
    for change in (
        lambda: people.block(any_project, one.person_id, **WHO),
        lambda: people.change_role(any_project, one.person_id, "worker", **WHO),
    ):
        with pytest.raises(UsageError, match="the last owner"):
            change()
    other = somebody(any_project, "worker", "Bo")
    people.change_role(any_project, other.person_id, "owner", **WHO)
    people.change_role(any_project, one.person_id, "worker", **WHO)
    assert read(any_project, one).role == "worker"
    with any_project.read() as connection:
        assert people.count_people(connection) == {"worker": 1, "reviewer": 0, "owner": 1}
    with pytest.raises(UsageError, match="No role"):
        people.change_role(any_project, one.person_id, "king", **WHO)
    with pytest.raises(NotFoundError):
        people.block(any_project, "nobody", **WHO)


def test_every_change_is_logged_with_what_was_before(any_project: Project) -> None:
    person = somebody(any_project)
    somebody(any_project, "owner", "Ada")
    people.change_role(any_project, person.person_id, "reviewer", who="ada", why="knows birds")
    people.block(any_project, person.person_id, who="ada", why="left")
    found = [one for one in any_project.entries(action="people.") if one.subject == "Bo"]
    assert [one.action for one in found] == ["people.join", "people.role", "people.block"]
    assert found[1].detail == {"before": {"role": "worker"}, "after": {"role": "reviewer"}}
    assert (found[2].who, found[2].why) == ("ada", "left")
    with pytest.raises(UsageError, match="needs a name and a reason"):
        people.unblock(any_project, person.person_id, who="ada", why=" ")


def test_whom_a_proxy_names_joins_once(any_project: Project) -> None:
    first = people.admit(any_project, "bo@example.org", "reviewer")
    again = people.admit(any_project, " bo@example.org ", "worker")
    assert first == again
    assert (first.role, first.name) == ("reviewer", "bo@example.org")
    other = people.admit(any_project, "BO@example.org", "worker")
    assert other.person_id != first.person_id
    joins = list(any_project.entries(action="people.join"))
    assert len(joins) == 2
    with pytest.raises(UsageError):
        people.admit(any_project, "", "worker")


def test_a_proxys_name_is_not_that_of_somebody_invited(any_project: Project) -> None:
    owner = somebody(any_project, "owner", "ada")
    named = people.admit(any_project, "ada", "worker")
    assert named.person_id != owner.person_id
    assert named.role == "worker"
    assert named.name.startswith("ada (")
    assert people.admit(any_project, "ada", "worker") == named


def test_two_first_requests_make_one_person(any_project: Project) -> None:
    found: list[str] = []
    threads = [
        threading.Thread(
            target=lambda: found.append(people.admit(any_project, "bo", "worker").person_id)
        )
        for _ in range(4)
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(found) == 4
    assert len(set(found)) == 1
    assert len(list(any_project.entries(action="people.join"))) == 1
