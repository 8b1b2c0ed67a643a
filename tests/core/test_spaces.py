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
    # Two classes are called 'crane', a bird and a machine: only the keys tell them apart.
    assert [i for i, name in enumerate(space.names) if name == "crane"] == [134, 517]


@pytest.mark.parametrize("name", KNOWN)
def test_lists_are_in_the_order_of_the_libraries(name):
    timm_data = pytest.importorskip("timm.data")
    space = known_space(name)
    assert list(space.keys) == timm_data.ImageNetInfo(name).label_names()


def test_an_unknown_name_says_which_there_are():
    with pytest.raises(UsageError, match="Did you mean 'imagenet-1k'"):
        known_space("imagenet1k")
