"""What a package holds: a frozen revision with its images, and all that is known of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from freshset.core.errors import DataError, UsageError
from freshset.core.files import sha256_file
from freshset.core.identifiers import slug
from freshset.replication.journal import Entry
from freshset.replication.project import Project
from freshset.replication.revisions.chain import Head, head, load, verify
from freshset.replication.revisions.document import Item, Revision
from freshset.replication.revisions.touched import why_touched
from freshset.replication.spec import Spec, parse_spec
from freshset.replication.tables import exclusions, images, origins, specs

IMAGES = "test"
"""Folder of the images; Hugging Face `datasets` takes its name for that of the split."""

ORIGIN = (
    "licence", "author", "page", "url", "source", "keyword", "taken_at", "uploaded_at",
    "retrieved_at",
)  # fmt: skip
"""What is told of where an image was found."""

_SHOWN = 3


@dataclass(frozen=True, slots=True)
class PackagedClass:
    """A class: its id, its key and name, and the folder of its images."""

    label: int
    key: str
    name: str
    folder: str


@dataclass(frozen=True, slots=True)
class PackagedImage:
    """An image.

    Attributes
    ----------
    item_id
        SHA-256 of the file.
    file
        Path below the folder of the images.
    source
        Where the file lies in the project.
    width, height
        Of the upright picture.
    selected, answers
        Its selection frequency when it was drawn.
    origin
        Values of `ORIGIN`.
    """

    item_id: str
    of: PackagedClass
    file: str
    source: Path
    width: int
    height: int
    selected: float
    answers: float
    origin: Mapping[str, str]

    @property
    def suffix(self) -> str:
        """Ending of the file, without the dot."""
        return self.file.rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class Tombstone:
    """An image that was taken down: its id stays, so that the revision can still be verified."""

    item_id: str
    class_key: str
    reason: str
    at: str


@dataclass(frozen=True, slots=True)
class Contents:
    """Everything that a package is made of.

    Attributes
    ----------
    head, revision
        The frozen revision.
    chain
        Names from the revision back to the first one.
    spec, spec_text
        By which it was drawn.
    classes
        In the order of their ids.
    images
        Sorted by file.
    entries
        The log up to the freezing, or to the last takedown of one of the images.
    touched
        Why the set is adaptively touched; empty when it is not.
    """

    head: Head
    revision: Revision
    chain: tuple[str, ...]
    spec: Spec
    spec_text: str
    classes: tuple[PackagedClass, ...]
    images: tuple[PackagedImage, ...]
    tombstones: tuple[Tombstone, ...]
    entries: tuple[Entry, ...]
    touched: str

    @property
    def testset(self) -> str:
        """Id of the test set."""
        return f"{self.spec.name}/{self.head.name}"

    @property
    def frozen(self) -> Entry:
        """The entry of the freezing."""
        return next(e for e in reversed(self.entries) if _freezes(e, self.head.name))


def collect(project: Project, name: str) -> Contents:
    """Gather what a package of a frozen revision holds, and check every file.

    Raises
    ------
    UsageError
        When there is no revision of that name, or it is a draft.
    DataError
        When the revision, the log or an image is not as it was written.
    """
    project.verify_log()
    with project.read() as connection:
        at = head(connection, name)
        if at.state != "frozen":
            raise UsageError(
                f"Revision {name!r} is a draft, and only frozen revisions are packaged.",
                f"Freeze it: freshset testset freeze {name} --project {project.folder} --why REASON",
            )
    chain = verify(project, name)
    with project.read() as connection:
        revision = load(connection, name)
        text = _spec_text(connection, revision.spec)
        spec = parse_spec(text)
        tombstones = _tombstones(connection, revision.items)
        classes = packaged_classes(spec)
        gone = {one.item_id for one in tombstones}
        kept = [item for item in revision.items if item.item_id not in gone]
        found = _images(connection, project.folder, kept, classes)
    _check_single(found)
    _check_files(found)
    entries = _entries(project.entries(), name, gone)
    return Contents(
        head=at,
        revision=revision,
        chain=chain.names,
        spec=spec,
        spec_text=text,
        classes=classes,
        images=tuple(sorted(found, key=lambda image: image.file)),
        tombstones=tombstones,
        entries=entries,
        touched=why_touched(project, name),
    )


def packaged_classes(spec: Spec) -> tuple[PackagedClass, ...]:
    """Classes of a spec with the folders of their images, of which no two are the same.

    A folder is called like its class, as far as a file system can; two that would then differ in
    case only are told apart by the class ids.
    """
    folders = [slug(one.key) for one in spec.classes]
    alike = [folder.lower() for folder in folders]
    return tuple(
        PackagedClass(
            label,
            one.key,
            one.title,
            folder if alike.count(folder.lower()) == 1 else f"{folder}~{label}",
        )
        for label, (one, folder) in enumerate(zip(spec.classes, folders, strict=True))
    )


def _freezes(entry: Entry, name: str) -> bool:
    return entry.action == "revision.freeze" and entry.subject == name


def _entries(entries: Iterable[Entry], name: str, gone: set[str]) -> tuple[Entry, ...]:
    """Log up to what last changed the package, so that two packages of one revision are the same."""
    listed = list(entries)
    last = [
        row
        for row, entry in enumerate(listed)
        if _freezes(entry, name) or ("takedown" in entry.action and entry.subject in gone)
    ]
    if not last:
        raise DataError(f"The log does not tell of the freezing of {name!r}.")
    return tuple(listed[: last[-1] + 1])


def _spec_text(connection: sa.Connection, digest: str) -> str:
    query = sa.select(specs.c.text).where(specs.c.digest == digest).order_by(specs.c.version)
    text = connection.execute(query).scalars().first()
    if text is None:
        raise DataError(
            f"No spec with the digest {digest[:12]}, by which the revision was drawn.",
            "Restore the database from a copy.",
        )
    return str(text)


def _tombstones(connection: sa.Connection, items: Sequence[Item]) -> tuple[Tombstone, ...]:
    query = sa.select(exclusions).where(exclusions.c.kind == "takedown")
    down = {row.item_id: row for row in connection.execute(query)}
    return tuple(
        Tombstone(item.item_id, item.class_key, down[item.item_id].reason, down[item.item_id].at)
        for item in sorted(items, key=lambda item: (item.item_id, item.class_key))
        if item.item_id in down
    )


def _images(
    connection: sa.Connection,
    folder: Path,
    items: Sequence[Item],
    classes: Sequence[PackagedClass],
) -> list[PackagedImage]:
    by_key = {one.key: one for one in classes}
    files = {row.item_id: row for row in connection.execute(sa.select(images))}
    found = _origins(connection)
    out = []
    for item in items:
        if item.item_id not in files or item.class_key not in by_key:
            raise DataError(
                f"{item.item_id} ({item.class_key}) is in the revision, and not in the project.",
                "Restore the database from a copy.",
            )
        row, of = files[item.item_id], by_key[item.class_key]
        # Found for this class, if possible; else wherever it was found.
        where = found.get((item.item_id, item.class_key)) or found.get((item.item_id, ""), {})
        out.append(
            PackagedImage(
                item_id=item.item_id,
                of=of,
                file=f"{of.folder}/{item.item_id}{Path(row.path).suffix}",
                source=folder / row.path,
                width=row.width,
                height=row.height,
                selected=item.selected,
                answers=item.answers,
                origin={name: where.get(name, "") for name in ORIGIN},
            )
        )
    return out


def _origins(connection: sa.Connection) -> dict[tuple[str, str], Mapping[str, str]]:
    """First origin of every image and class, and of every image under an empty class key."""
    c = origins.c
    query = sa.select(origins).where(c.item_id.is_not(None))
    out: dict[tuple[str, str], Mapping[str, str]] = {}
    rows = [row._mapping for row in connection.execute(query)]  # noqa: SLF001  # public there
    # Sorted here, since databases put texts in orders of their own.
    for row in sorted(rows, key=lambda row: (row["source"], row["key"], row["class_key"])):
        values = {name: str(row[name]) for name in ORIGIN}
        out.setdefault((row["item_id"], row["class_key"]), values)
        out.setdefault((row["item_id"], ""), values)
    return out


def _check_single(found: Sequence[PackagedImage]) -> None:
    """Refuse an image in two classes: a test set has one label for an item."""
    seen: dict[str, PackagedImage] = {}
    for image in found:
        first = seen.setdefault(image.item_id, image)
        if first is not image:
            raise DataError(
                f"Image {image.item_id} is in the classes {first.of.key!r} and {image.of.key!r}.",
                "Blacklist it, or leave it a candidate of one class, and sample again.",
            )


def _check_files(found: Sequence[PackagedImage]) -> None:
    missing = [image for image in found if not image.source.is_file()]
    changed = [
        image
        for image in found
        if image.source.is_file() and sha256_file(image.source) != image.item_id
    ]
    for bad, what in ((missing, "missing"), (changed, "not as collected (another checksum)")):
        if bad:
            names = ", ".join(str(image.source) for image in bad[:_SHOWN])
            more = f" and {len(bad) - _SHOWN:,} more" if len(bad) > _SHOWN else ""
            raise DataError(
                f"{len(bad):,} of {len(found):,} image files are {what}: {names}{more}.",
                "Restore them from a copy, or take the images down and sample again.",
            )
