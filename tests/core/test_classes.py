from __future__ import annotations

import pickle

import pytest

from freshset.core.classes import ClassSpace
from freshset.core.errors import DataError


def test_ids_follow_the_order_of_the_keys() -> None:
    space = ClassSpace("pets", ("n2", "n1"), ("dog", "cat"))
    assert len(space) == 2
    assert space.id_of("n1") == 1
    assert "n2" in space
    assert "dog" not in space
    assert space.labels == ("dog", "cat")
    assert ClassSpace("", ("a",)).labels == ("a",)
    with pytest.raises(KeyError):
        space.id_of("n3")


def test_the_digest_is_of_the_keys_in_order_alone() -> None:
    space = ClassSpace("pets", ("n2", "n1"), ("dog", "cat"))
    assert ClassSpace("other", ("n2", "n1")).digest == space.digest
    assert ClassSpace("pets", ("n1", "n2")).digest != space.digest
    # Two keys are not one key that looks like both.
    assert ClassSpace("", ("a", "b")).digest != ClassSpace("", ("a,b",)).digest


def test_spaces_are_values_that_travel() -> None:
    space = ClassSpace("pets", ("n2", "n1"))
    assert space.digest
    back = pickle.loads(pickle.dumps(space))
    assert back == space
    assert back.id_of("n1") == 1
    assert hash(back) == hash(space)


def test_keys_are_unique_and_names_complete() -> None:
    with pytest.raises(DataError, match="'a' occurs twice in letters"):
        ClassSpace("letters", ("a", "b", "a"))
    with pytest.raises(DataError, match="1 names for 2 keys"):
        ClassSpace("letters", ("a", "b"), ("A",))
