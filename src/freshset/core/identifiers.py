"""Names of test sets and models: canonical forms, aliases, and file-system slugs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote

from freshset.core.errors import UsageError
from freshset.core.files import sha256_bytes


@dataclass(frozen=True, slots=True)
class KnownTestSet:
    """What is publicly known of a test set before any file of it is seen."""

    n: int
    n_classes: int
    title: str


KNOWN_TESTSETS: dict[str, KnownTestSet] = {
    "imagenet/val": KnownTestSet(50_000, 1000, "ImageNet validation"),
    "imagenetv2/matched-frequency": KnownTestSet(10_000, 1000, "ImageNetV2 MatchedFrequency"),
    "imagenetv2/threshold-0.7": KnownTestSet(10_000, 1000, "ImageNetV2 Threshold0.7"),
    "imagenetv2/top-images": KnownTestSet(10_000, 1000, "ImageNetV2 TopImages"),
    "cifar10/test": KnownTestSet(10_000, 10, "CIFAR-10 test"),
    "cifar10.1/v4": KnownTestSet(2_021, 10, "CIFAR-10.1 v4"),
    "cifar10.1/v6": KnownTestSet(2_000, 10, "CIFAR-10.1 v6"),
    "imagenet/real": KnownTestSet(46_837, 1000, "ImageNet ReaL"),
    "imagenet/a": KnownTestSet(7_500, 200, "ImageNet-A"),
    "imagenet/r": KnownTestSet(30_000, 200, "ImageNet-R"),
    "imagenet/sketch": KnownTestSet(50_889, 1000, "ImageNet-Sketch"),
    "objectnet/overlap": KnownTestSet(18_574, 113, "ObjectNet (classes of ImageNet)"),
    "mnist/test": KnownTestSet(10_000, 10, "MNIST test"),
    "qmnist/test": KnownTestSet(60_000, 10, "QMNIST test"),
    "qmnist/test-50k": KnownTestSet(50_000, 10, "QMNIST lost digits"),
}

# The final revision of each of the three published ImageNetV2 sets has a name of its own.
_IMAGENETV2_FINAL = {"b-33": "matched-frequency", "a-44": "threshold-0.7", "c-12": "top-images"}

_ALIASES = {
    "imagenet-validation-original": "imagenet/val",
    "imagenet": "imagenet/val",
    "cifar10": "cifar10/test",
    "cifar10.1": "cifar10.1/v6",
    "imagenetv2": "imagenetv2/matched-frequency",
    "mnist": "mnist/test",
    "qmnist": "qmnist/test",
    "objectnet": "objectnet/overlap",
}

_REVISION = re.compile(r"imagenetv2[-/]([a-z]-\d+)")
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*(/[A-Za-z0-9][A-Za-z0-9._+-]*)*")


def canonical_testset(name: str) -> str:
    """Return the canonical id of a test set.

    ``imagenetv2-b-33`` and ``imagenetv2/b-33`` are ``imagenetv2/matched-frequency``; other revisions
    of ImageNetV2 become ``imagenetv2/<letter>-<revision>``.  Unknown names come back as they are.

    Raises
    ------
    UsageError
        When the name is empty or has characters that an id cannot have.
    """
    if match := _REVISION.fullmatch(name):
        revision = match[1]
        return f"imagenetv2/{_IMAGENETV2_FINAL.get(revision, revision)}"
    if is_limited(name):
        raise UsageError(
            f"{name!r} holds only the first items of a test set.",
            "Such trial runs enter no comparison; run again without --limit.",
        )
    name = _ALIASES.get(name, name)
    if name.startswith("imagenet-"):
        name = "imagenet/" + name.removeprefix("imagenet-")
    if name.startswith("imagenetv2-"):
        name = "imagenetv2/" + name.removeprefix("imagenetv2-")
    if not _PLAIN.fullmatch(name):
        raise UsageError(
            f"{name!r} is not a test-set id.",
            "Use letters, digits, '.', '_', '-', '+' and '/', for example 'mnist/test'.",
        )
    return name


_LIMITED = "@first-"


def limited_id(testset: str, n: int) -> str:
    """Return the id of the first ``n`` items of a test set; not an id that anyone can ask for."""
    return f"{testset}{_LIMITED}{n}"


def is_limited(testset: str) -> bool:
    """Whether an id stands for the first items of a test set only."""
    return _LIMITED in testset


def unlimited_id(testset: str) -> str:
    """Return the id of the whole test set of which ``testset`` is the first items."""
    return testset.partition(_LIMITED)[0]


def testset_title(testset: str) -> str:
    """Return the name of a test set as people write it."""
    known = KNOWN_TESTSETS.get(testset)
    return known.title if known else testset


def slug(name: str) -> str:
    """Return a file-system name for ``name``: readable, reversible by eye, never a path.

    Everything but letters, digits and ``_.-~`` is percent-encoded; names that are too long for a
    file system keep their start and gain a digest.
    """
    text = quote(name, safe="")
    if text.startswith("."):
        text = "%2E" + text[1:]
    if len(text) > 120:
        text = f"{text[:100]}~{sha256_bytes(name.encode())[:12]}"
    return text


def resolve_suffix_aliases(
    names_by_folder: dict[str, set[str]], suffix: str = "_model"
) -> dict[str, str]:
    """Find model names that differ between folders only by a suffix.

    Parameters
    ----------
    names_by_folder
        The model names found in each folder of an archive.

    Returns
    -------
    dict
        Maps the suffixed name to the plain one.  A name is an alias only when the plain form occurs
        in some folder and no folder holds both, since there they are two models.
    """
    everywhere = set().union(*names_by_folder.values()) if names_by_folder else set()
    aliases = {}
    for name in sorted(everywhere):
        plain = name.removesuffix(suffix)
        if plain == name or plain not in everywhere:
            continue
        if not any({name, plain} <= names for names in names_by_folder.values()):
            aliases[name] = plain
    return aliases
