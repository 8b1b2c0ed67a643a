"""The port: what is asked of a source of images."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from freshset.core.errors import DataError, did_you_mean
from freshset.core.files import sha256_bytes
from freshset.engine.study_sections import Section
from freshset.replication.collecting.sources.web import Web
from freshset.replication.spec_sections import ClassSpec
from freshset.stats.apportionment import largest_remainder


@dataclass(frozen=True, slots=True)
class Found:
    """One image that a source offers for one class; it has a `url`, a `path` or a `read`.

    Attributes
    ----------
    key
        The source's own name for it: the same whenever it is found again.
    class_key
        The class that it is offered for.
    keyword
        The search word that led to it, or the sub-class that it is of.
    url, path, read
        Where its bytes are: on the web, in a file, or what a function returns.
    page, author, licence
        As the source states them.
    taken_at, uploaded_at
        As the source states them.
    """

    key: str
    class_key: str
    keyword: str = ""
    url: str = ""
    path: Path | None = None
    read: Callable[[], bytes] | None = None
    page: str = ""
    author: str = ""
    licence: str = ""
    taken_at: str = ""
    uploaded_at: str = ""


class Source(Section):
    """Base of all sources; the fields of a subclass are its options.

    A source finds the same images in the same order as long as nothing is added to where it looks.
    Secrets are no options, as options are logged: they are read from the environment.
    """

    @property
    def name(self) -> str:
        """What the origins of images are recorded under: two places have two names."""
        raise NotImplementedError

    def find(self, classes: Sequence[ClassSpec], web: Web) -> Iterator[Found]:
        """Find images, class by class in the order of the classes.

        Parameters
        ----------
        classes
            Those that images are wanted for.
        web
            What to ask other machines with.

        Raises
        ------
        UsageError
            For a file or key that does not exist.
        DataError
            When what the source gives is not what it should be.
        """
        raise NotImplementedError


def named_after(kind: str, place: Path | str) -> str:
    """Name for a source at some place: readable, at most 64 letters, another for another place."""
    full = str(Path(place).resolve()) if isinstance(place, Path) else place
    last = "".join(c if c.isascii() and c.isalnum() else "_" for c in Path(full).name)
    return f"{kind}:{last[:30]}-{sha256_bytes(full.encode())[:12]}"


def matching(label: str, classes: Sequence[ClassSpec], where: str) -> ClassSpec:
    """Return the class that has a label for its key, or else for its name.

    Raises
    ------
    DataError
        When there is none.
    """
    for one in classes:
        if one.key == label:
            return one
    for one in classes:
        if one.name == label:
            return one
    known = did_you_mean(label, [one.key for one in classes])
    hint = f"{known} Or add the class to the spec.".strip()
    raise DataError(f"{where}: the spec has no class {label!r}.", hint)


def shares(one: ClassSpec, most: int) -> Iterator[tuple[str, int]]:
    """Search words of a class, and how many images each may bring: equal parts of ``most``.

    The words are its synonyms, or its name where it has none.
    """
    words = tuple(dict.fromkeys(one.synonyms)) or (one.title,)
    counts = largest_remainder([1] * len(words), most).tolist()
    yield from zip(words, counts, strict=True)
