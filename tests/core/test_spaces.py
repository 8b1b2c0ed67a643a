from __future__ import annotations

import pytest

from freshset.core.errors import UsageError
from freshset.core.spaces import KNOWN, known_space


def test_imagenet_is_the_sorted_wnids_with_readable_names():
    space = known_space("imagenet-1k")
    assert len(space) == 1000
    assert list(space.keys) == sorted(space.keys)
    assert (space.keys[0], space.names[0]) == ("n01440764", "tench")
    assert (space.keys[999], space.names[999]) == ("n15075141", "toilet tissue")


def test_imagenet_is_in_the_order_of_the_libraries():
    from timm.data import ImageNetInfo

    assert list(known_space("imagenet-1k").keys) == ImageNetInfo("imagenet-1k").label_names()


@pytest.mark.parametrize("name", KNOWN)
def test_every_list_can_be_read(name):
    space = known_space(name)
    assert space.name == name
    assert len(space) == len(set(space.keys)) > 1


def test_an_unknown_name_says_which_there_are():
    with pytest.raises(UsageError, match="Did you mean 'imagenet-1k'"):
        known_space("imagenet1k")
