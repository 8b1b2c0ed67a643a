from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
import sqlalchemy as sa
from fakes.crowd import add_images, item, shown

from freshset.core.errors import ConflictError, DataError, UsageError
from freshset.core.files import sha256_bytes
from freshset.replication.collecting.excluding import blacklist
from freshset.replication.labelling.answers.importing import hash_worker
from freshset.replication.labelling.grids import make_tasks
from freshset.replication.labelling.qualification import (
    TRIES,
    Outcome,
    Trial,
    consent_digest,
    give_consent,
    has_begun,
    inviter,
    last_outcome,
    missing_step,
    next_trial,
    score_trial,
)
from freshset.replication.people import Person, find_person, invite, join
from freshset.replication.project import Project
from freshset.replication.tables import slots

PAGE = "page: {consent: I agree., qualification: 5, pass_mark: 0.8}\n"
KEYS = ("cat", "dog", "lynx")


@pytest.fixture
def asking(any_project: Project, spec_text: str) -> Project:
    """A project that asks for consent and a trial of five images, of which four must be right."""
    any_project.change_spec(spec_text + PAGE, who="ada", why="ask")
    add_images(any_project, "train", dict.fromkeys(KEYS, 12))
    return any_project


def _person(project: Project, name: str = "Bo") -> Person:
    return join(project, invite(project, "worker", who="ada").invitation_id, name)


def _again(project: Project, person: Person) -> Person:
    with project.read() as connection:
        found = find_person(connection, person.person_id)
    assert found is not None
    return found


def _hash(project: Project, person: Person) -> str:
    return hash_worker(person.person_id, project.salt)


def _trial(project: Project, person: Person) -> Trial | None:
    with project.read() as connection:
        return next_trial(connection, project.spec, _hash(project, person))


def _last(project: Project, person: Person) -> Outcome | None:
    with project.read() as connection:
        return last_outcome(connection, _hash(project, person))


def _fail(project: Project, person: Person) -> Trial:
    """Tick all, which is right for three of five."""
    trial = _trial(project, person)
    assert trial is not None
    outcome = score_trial(project, person, trial.number, frozenset(trial.items))
    assert (outcome.right, outcome.shown, outcome.needed, outcome.passed) == (3, 5, 4, False)
    return trial


def test_first_consent_then_a_trial(asking: Project, spec_text: str) -> None:
    person = _person(asking)
    assert missing_step(person, asking.spec) == "consent"
    text = consent_digest(asking.spec)
    with pytest.raises(ConflictError, match="has changed"):
        give_consent(asking, person, sha256_bytes(b"I agree to all."))
    assert _again(asking, person).consented_at == ""
    give_consent(asking, person, text)
    first = _again(asking, person)
    assert missing_step(first, asking.spec) == "qualification"
    give_consent(asking, person, consent_digest(asking.spec))
    assert _again(asking, person).consented_at == first.consented_at
    entry = next(asking.entries(action="people.consent"))
    assert entry.who == entry.subject == _hash(asking, person)
    assert entry.detail["text"] == sha256_bytes(b"I agree.")
    asking.change_spec(spec_text, who="ada", why="no more")
    assert missing_step(person, asking.spec) is None


def test_a_trial_shows_as_many_of_a_class_as_of_its_rival(asking: Project) -> None:
    asked = Counter()
    for number in range(8):
        person = _person(asking, f"Bo {number}")
        trial = _trial(asking, person)
        assert trial is not None
        assert trial == _trial(asking, person)
        classes = {item(f"train-{key}-{n}.jpg"): key for key in KEYS for n in range(12)}
        rival = {"cat": "lynx", "dog": "cat", "lynx": "cat"}[trial.class_key]
        assert Counter(classes[one] for one in trial.items) == {trial.class_key: 3, rival: 2}
        assert {one for one in trial.items if classes[one] == trial.class_key} == trial.positives
        assert "positives" not in repr(trial)
        asked[trial.class_key] += 1
    assert len(asked) > 1  # people are asked for different classes


def test_who_is_right_often_enough_may_begin(asking: Project) -> None:
    person = _person(asking)
    trial = _trial(asking, person)
    assert trial is not None
    wrong = frozenset(trial.positives) - set(list(trial.positives)[:1])
    outcome = score_trial(asking, person, 1, wrong)
    assert (outcome.right, outcome.passed) == (4, True)
    give_consent(asking, person, consent_digest(asking.spec))
    assert missing_step(_again(asking, person), asking.spec) is None


def test_there_are_three_tries_and_no_image_comes_twice(asking: Project) -> None:
    person = _person(asking)
    assert _last(asking, person) is None
    seen: list[str] = []
    for number in range(1, TRIES + 1):
        trial = _fail(asking, person)
        assert trial.number == number
        assert _last(asking, person) == Outcome(3, 5, 4, passed=False, left=TRIES - number)
        seen += trial.items
    assert len(set(seen)) == len(seen)
    assert _trial(asking, person) is None
    with pytest.raises(ConflictError):
        score_trial(asking, person, TRIES + 1, frozenset())
    assert _again(asking, person).qualified_at == ""
    assert len(list(asking.entries(action="people.qualify"))) == TRIES


def test_no_answer_counts_twice_or_for_another_trial(asking: Project) -> None:
    person = _person(asking)
    trial = _fail(asking, person)
    with pytest.raises(ConflictError, match="already"):
        score_trial(asking, person, 1, trial.positives)
    with pytest.raises(UsageError, match="not of this trial"):
        score_trial(asking, person, 2, trial.positives)
    assert len(list(asking.entries(action="people.qualify"))) == 1


def test_controls_of_open_tasks_come_last(any_project: Project, spec_text: str) -> None:
    tasks = "tasks: {grid: 5, positives: 1, negatives: 1}\n"
    page = "page: {qualification: 8}\n"
    any_project.change_spec(spec_text + tasks + page, who="ada", why="ask")
    add_images(any_project, "test", dict.fromkeys(KEYS, 8))
    add_images(any_project, "candidate", dict.fromkeys(KEYS, 3))
    make_tasks(any_project, who="ada", why="first")
    controls = set(shown(any_project).query("role != 'candidate'")["item_id"])
    trial = _trial(any_project, _person(any_project))
    assert trial is not None
    assert not controls & set(trial.items)
    blacklist(any_project, list(trial.items), who="ada", why="blurred")
    again = _trial(any_project, _person(any_project, "Cy"))
    assert again is not None
    assert not set(again.items) & set(trial.items)


def test_too_few_originals_are_said(any_project: Project, spec_text: str) -> None:
    any_project.change_spec(spec_text + PAGE, who="ada", why="ask")
    person = _person(any_project)
    add_images(any_project, "train", {"cat": 3, "lynx": 1})
    with pytest.raises(DataError, match="too few original images"):
        _trial(any_project, person)
    add_images(any_project, "test", {"lynx": 1})
    trial = _trial(any_project, person)
    assert trial is not None
    assert trial.class_key == "cat"
    _fail(any_project, person)
    assert _trial(any_project, person) is None  # there are no fresh ones


def test_who_has_begun_and_who_invited(any_project: Project) -> None:
    person = _person(any_project)
    add_images(any_project, "test", dict.fromkeys(KEYS, 6))
    add_images(any_project, "candidate", {"dog": 42})
    make_tasks(any_project, who="ada", why="first")
    who = _hash(any_project, person)
    row = {
        "task_id": shown(any_project)["task_id"].iloc[0],
        "slot": 0,
        "state": "leased",
        "worker": who,
    }
    with any_project.read() as connection:
        assert not has_begun(connection, who)
        assert inviter(connection, person) == "ada"
        assert inviter(connection, replace(person, person_id="nobody")) == ""
    with any_project.change("labelling.lease", who=who, why="test") as change:
        change.connection.execute(sa.insert(slots), [row])
    with any_project.read() as connection:
        assert has_begun(connection, who)
