from __future__ import annotations

import numpy as np
import pytest
from fakes.testbed import TESTSETS

from freshset.core.errors import DataError, UsageError
from freshset.core.identifiers import canonical_testset, is_limited
from freshset.datasets.base import TestSetRef
from freshset.engine.limited import limited

WHOLE = TESTSETS.open(TestSetRef("mine/test", "fake", "", {"n": 20}))


def test_the_first_items_are_another_test_set() -> None:
    part = limited(WHOLE, 7)
    assert part.testset.id == "mine/test@first-7"
    assert part.testset.n == 7
    assert part.testset.ids.tolist() == WHOLE.testset.ids[:7].tolist()
    assert part.testset.fingerprint != WHOLE.testset.fingerprint
    np.testing.assert_array_equal(part.read(6), WHOLE.read(6))
    with pytest.raises(DataError, match="no row 7"):
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
