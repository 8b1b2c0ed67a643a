from __future__ import annotations

import threading

import pytest

from freshset.core.errors import DataError
from freshset.replication.project import Project
from freshset.webapp.fresh import MOST
from freshset.webapp.services import Services
from freshset.webapp.settings import Settings


@pytest.fixture
def services(project: Project) -> Services:
    return Services.of(project, Settings())


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
    assert [services.memory.of("a", count) for _ in range(3)] == [1, 1, 1]
    happen(services)
    assert [services.memory.of("a", count) for _ in range(2)] == [2, 2]


def test_each_key_has_its_own_value(services: Services) -> None:
    first, second = Count(), Count()
    second()
    assert services.memory.of(("a", 1), first) == 1
    assert services.memory.of(("a", 2), second) == 2
    assert services.memory.of(("a", 1), second) == 1


def test_a_young_value_outlives_what_others_do(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]
    monkeypatch.setattr("freshset.webapp.fresh.time.monotonic", lambda: clock[0])
    count = Count()
    services.memory.of("a", count, seconds=10)
    happen(services)
    clock[0] = 9.9
    assert services.memory.of("a", count, seconds=10) == 1
    clock[0] = 10.0
    assert services.memory.of("a", count, seconds=10) == 2


def test_people_see_at_once_what_they_did(services: Services) -> None:
    count = Count()
    services.memory.of("a", count, seconds=1_000)
    happen(services, "bo")
    assert services.memory.of("a", count, seconds=1_000, who="ada") == 1
    happen(services, "ada")
    assert services.memory.of("a", count, seconds=1_000, who="bo") == 2
    assert services.memory.of("a", count, seconds=1_000, who="ada") == 2


def test_only_some_actions_may_count(services: Services) -> None:
    count, some = Count(), {"image.blacklist", "candidates.collect"}
    assert services.memory.of("a", count, actions=some) == 1
    happen(services)
    assert services.memory.of("a", count, actions=some) == 1
    happen(services, action="image.blacklist")
    assert services.memory.of("a", count, actions=some) == 2
    happen(services, "bo")
    assert services.memory.of("a", count, actions=some, seconds=1_000, who="bo") == 2
    happen(services, "bo", "image.blacklist")
    assert services.memory.of("a", count, actions=some, seconds=1_000, who="bo") == 3


def test_what_happens_while_it_is_computed_counts(services: Services) -> None:
    count = Count()

    def slow() -> int:
        happen(services)
        return count()

    assert [services.memory.of("a", slow), services.memory.of("a", count)] == [1, 2]


def test_a_failure_is_not_remembered(services: Services) -> None:
    def fail() -> int:
        raise DataError("no")

    with pytest.raises(DataError):
        services.memory.of("a", fail)
    assert services.memory.of("a", Count()) == 1


def test_whoever_asks_meanwhile_waits(services: Services) -> None:
    begun, go, count, got = threading.Event(), threading.Event(), Count(), []

    def slow() -> int:
        begun.set()
        assert go.wait(10)
        return count()

    threads = [
        threading.Thread(target=lambda: got.append(services.memory.of("a", slow))) for _ in range(3)
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
        services.memory.of(key, count)
    assert services.memory.of(MOST, count) == MOST + 1
    assert services.memory.of(0, count) == MOST + 2


def test_the_last_value_can_be_had_without_a_look(services: Services) -> None:
    assert services.memory.last("a") is None
    services.memory.of("a", Count())
    happen(services)
    assert services.memory.last("a") == 1
