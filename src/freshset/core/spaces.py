"""Class spaces that models and test sets share by name, so that neither has to guess the other's."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from freshset.core.classes import ClassSpace
from freshset.core.errors import UsageError, did_you_mean

# Lists that come with freshset: 'key<TAB>name' a line, in the order of the class ids.
# imagenet-1k: the 1,000 WordNet ids of ILSVRC 2012 in sorted order, which is the order of the outputs
# of every ImageNet model of timm, torchvision and transformers; names as torchvision writes them.
# imagenet-a, imagenet-r: the 200 classes of each, by wnid; objectnet: the 113 classes that ImageNet
# shares with it.  cifar-10, digits: the names in the order of the published class ids.
KNOWN = ("cifar-10", "digits", "imagenet-1k", "imagenet-a", "imagenet-r", "objectnet")


@cache
def known_space(name: str) -> ClassSpace:
    """Return the class space of a name.

    Raises
    ------
    UsageError
        When freshset has no list of that name.
    """
    if name not in KNOWN:
        raise UsageError(f"No class list {name!r}.", did_you_mean(name, KNOWN))
    text = (files("freshset.core") / "class_lists" / f"{name}.txt").read_text(encoding="utf-8")
    rows = [line.split("\t") for line in text.splitlines()]
    return ClassSpace(
        name, tuple(row[0] for row in rows), tuple(row[1] for row in rows if len(row) > 1)
    )
