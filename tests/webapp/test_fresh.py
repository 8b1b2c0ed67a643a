from __future__ import annotations

import threading

import pytest

from freshset.core.errors import DataError
from freshset.replication.project import Project
from freshset.webapp.fresh import MOST, remembered
from freshset.webapp.services import Services
from freshset.webapp.settings import Settings
from freshset.webapp.signing import Signer
from freshset.webapp.writer import Writer


@pytest.fixture
def services(project: Project) -> Services:
    return Services(project, Settings(), Signer("x"), Writer(project))


class Count:
    def __init__(self) -> None:
        self.calls = 0

    def __call__(self) -> int:
        self.calls += 1
        return self.calls


def happen(services: Services, who: str = "ada", action: str = "note") -> None:
    with services.project.change(action, who=who, why="test"):
        pass


def test_a_value_stays_until_something_happens(services: Services) -> None:
    count = Count()
    assert [remembered(services, "a", count) for _ in range(3)] == [1, 1, 1]
    happen(services)
    assert [remembered(services, "a", count) for _ in range(2)] == [2, 2]


def test_each_key_has_its_own_value(services: Services) -> None:
    first, second = Count(), Count()
    second()
    assert remembered(services, ("a", 1), first) == 1
    assert remembered(services, ("a", 2), second) == 2
    assert remembered(services, ("a", 1), second) == 1


def test_a_young_value_outlives_what_others_do(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]
    monkeypatch.setattr("freshset.webapp.fresh.time.monotonic", lambda: clock[0])
    count = Count()
    remembered(services, "a", count, seconds=10)
    happen(services)
    clock[0] = 9.9
    assert remembered(services, "a", count, seconds=10) == 1
    clock[0] = 10.0
    assert remembered(services, "a", count, seconds=10) == 2


def test_people_see_at_once_what_they_did(services: Services) -> None:
    count = Count()
    remembered(services, "a", count, seconds=1_000)
    happen(services, "bo")
    assert remembered(services, "a", count, seconds=1_000, who="ada") == 1
    happen(services, "ada")
    assert remembered(services, "a", count, seconds=1_000, who="bo") == 2
    assert remembered(services, "a", count, seconds=1_000, who="ada") == 2


def test_only_some_actions_may_count(services: Services) -> None:
    count, some = Count(), {"image.blacklist", "candidates.collect"}
    assert remembered(services, "a", count, actions=some) == 1
    happen(services)
    assert remembered(services, "a", count, actions=some) == 1
    happen(services, action="image.blacklist")
    assert remembered(services, "a", count, actions=some) == 2
    happen(services, "bo")
    assert remembered(services, "a", count, actions=some, seconds=1_000, who="bo") == 2
    happen(services, "bo", "image.blacklist")
    assert remembered(services, "a", count, actions=some, seconds=1_000, who="bo") == 3


def test_what_happens_while_it_is_computed_counts(services: Services) -> None:
    count = Count()

    def slow() -> int:
        happen(services)
        return count()

    assert [remembered(services, "a", slow), remembered(services, "a", count)] == [1, 2]


def test_a_failure_is_not_remembered(services: Services) -> None:
    def fail() -> int:
        raise DataError("no")

    with pytest.raises(DataError):
        remembered(services, "a", fail)
    assert remembered(services, "a", Count()) == 1


def test_whoever_asks_meanwhile_waits(services: Services) -> None:
    begun, go, count, got = threading.Event(), threading.Event(), Count(), []

    def slow() -> int:
        begun.set()
        assert go.wait(10)
        return count()

    threads = [
        threading.Thread(target=lambda: got.append(remembered(services, "a", slow)))
        for _ in range(3)
    ]
    threads[0].start()
    assert begun.wait(10)
    for thread in threads[1:]:
        thread.start()
    go.set()
    for thread in threads:
        thread.join()
    assert got == [1, 1, 1]


def test_old_keys_are_forgotten(services: Services) -> None:
    count = Count()
    for key in range(MOST + 1):
        remembered(services, key, count)
    assert remembered(services, MOST, count) == MOST + 1
    assert remembered(services, 0, count) == MOST + 2
