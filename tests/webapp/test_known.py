from __future__ import annotations

from freshset.replication.people import Person
from freshset.webapp.known import MOST, SECONDS, Known


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


PERSON = Person(
    "1", "Bo", "worker", active=True, epoch=1, joined_at="", consented_at="", qualified_at=""
)


def test_somebody_is_known_for_a_moment() -> None:
    clock = Clock()
    known = Known(clock=clock)
    assert known.get("1") is None
    known.put("1", PERSON)
    assert known.get("1") == PERSON
    clock.now += SECONDS
    assert known.get("1") is None


def test_who_is_about_to_change_is_not_remembered_meanwhile() -> None:
    clock = Clock()
    known = Known(clock=clock)
    known.put("1", PERSON)
    known.forget("1")
    assert known.get("1") is None
    known.put("1", PERSON)  # by a request that read before the change
    assert known.get("1") is None
    clock.now += SECONDS
    known.put("1", PERSON)
    assert known.get("1") == PERSON


def test_memory_is_bounded() -> None:
    known = Known(clock=Clock())
    for number in range(MOST + 1):
        known.put(str(number), PERSON)
    assert known.get("0") is None
    assert known.get("1") == PERSON
