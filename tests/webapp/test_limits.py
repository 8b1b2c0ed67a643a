from __future__ import annotations

import pytest

from freshset.webapp.errors import TooMany
from freshset.webapp.limits import ADDRESS, Buckets, Limits, Rate


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def buckets(burst: float, per_second: float, most: int = 10) -> tuple[Buckets, Clock]:
    clock = Clock()
    return Buckets(Rate(burst, per_second), most=most, clock=clock), clock


def test_a_burst_passes_then_the_rate_holds() -> None:
    some, clock = buckets(3, 2)
    for _ in range(3):
        some.take("a")
    with pytest.raises(TooMany) as refused:
        some.take("a")
    assert refused.value.seconds == 1
    some.take("b")
    clock.now = 0.5
    some.take("a")
    with pytest.raises(TooMany):
        some.take("a")


def test_a_bucket_never_holds_more_than_the_burst() -> None:
    some, clock = buckets(2, 1)
    some.take("a")
    clock.now = 1_000
    some.take("a")
    some.take("a")
    with pytest.raises(TooMany):
        some.take("a")


def test_waiting_is_said_in_whole_seconds() -> None:
    some, _ = buckets(1, 0.1)
    some.take("a")
    with pytest.raises(TooMany) as refused:
        some.check("a")
    assert refused.value.seconds == 10


def test_memory_is_bounded_and_the_newest_stay() -> None:
    some, _ = buckets(1, 0.001, most=3)
    for key in "abcd":
        some.take(key)
    assert len(some) == 3
    with pytest.raises(TooMany):
        some.take("d")
    some.take("a")


def test_failures_are_charged_but_never_refused_by_themselves() -> None:
    some, _ = buckets(1, 0.1)
    some.charge("a")
    some.charge("a")
    with pytest.raises(TooMany):
        some.check("a")


def test_a_class_of_students_shares_an_address_but_no_bucket() -> None:
    limits = Limits()
    for number in range(200):
        for _ in range(10):
            limits.take_of_person(f"person {number}")
    for _ in range(int(ADDRESS.burst)):
        limits.take_of_place("1.2.3.4")
    with pytest.raises(TooMany):
        for _ in range(100):
            limits.take_of_place("1.2.3.4")
    limits.take_of_place("1.2.3.5")


def test_who_fails_too_often_has_to_wait() -> None:
    limits = Limits()
    for _ in range(20):
        limits.check_failures("1.2.3.4")
        limits.failed("1.2.3.4")
    with pytest.raises(TooMany):
        limits.check_failures("1.2.3.4")
    limits.check_failures("1.2.3.5")
