from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fakes.testbed import TESTSETS

from freshset.core.errors import UsageError
from freshset.core.identifiers import canonical_testset, is_limited
from freshset.core.records import AcceptSets
from freshset.datasets.base import TestSetRef
from freshset.engine.limited import limited, some

WHOLE = TESTSETS.open(TestSetRef("mine/test", "fake", "", {"n": 20}))


def test_the_first_items_are_another_test_set() -> None:
    part = limited(WHOLE, 7)
    assert part.testset.id == "mine/test@first-7"
    assert part.testset.n == 7
    assert part.testset.ids.tolist() == WHOLE.testset.ids[:7].tolist()
    assert part.testset.fingerprint != WHOLE.testset.fingerprint
    np.testing.assert_array_equal(part.read(6), WHOLE.read(6))
    with pytest.raises(IndexError, match="no item 7"):
        part.read(7)
    assert (part.classes, part.item, part.reading) == (WHOLE.classes, WHOLE.item, WHOLE.reading)
    assert part.origin.expected_n == 7


def test_no_limit_is_the_whole() -> None:
    assert limited(WHOLE, 0) is WHOLE
    assert limited(WHOLE, 99).testset.n == 20


def test_no_comparison_can_name_it() -> None:
    assert is_limited("mine/test@first-7")
    with pytest.raises(UsageError, match="only the first items"):
        canonical_testset("mine/test@first-7")


def test_any_rows() -> None:
    accepted = AcceptSets.of([[i % 5, (i + 1) % 5] for i in range(20)])
    whole = replace(WHOLE, testset=replace(WHOLE.testset, accepted=accepted))
    part = some(whole, [3, 11, 19], "mine/part")
    assert part.testset.ids.tolist() == ["item-3", "item-11", "item-19"]
    assert part.testset.known_labels.tolist() == WHOLE.testset.known_labels[[3, 11, 19]].tolist()
    assert part.testset.accepted is not None
    assert part.testset.accepted[1:2].classes.tolist() == [1, 2]
    np.testing.assert_array_equal(part.read(1), WHOLE.read(11))
