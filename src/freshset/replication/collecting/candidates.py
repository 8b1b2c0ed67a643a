"""Collecting images: from what a source finds to files and rows, so that stopping loses nothing.

Images are taken in batches, and each batch is one transaction and one entry of the log.  What a source
calls by a name that is known already is passed over, so that the same command run again goes on where
it stopped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import sqlalchemy as sa

from freshset.core.errors import DataError, UsageError
from freshset.core.files import sha256_bytes
from freshset.replication.collecting.images import KINDS, MAX_BYTES, StoredImage, store_image
from freshset.replication.collecting.sources.base import Found, Source
from freshset.replication.collecting.sources.web import Web
from freshset.replication.project import Change, Project, now
from freshset.replication.tables import exclusions, images, members, origins

Pool = Literal["candidate", "train", "test"]

# More letters than this do not fit into the index of a key.
_LONGEST_KEY = 500
_LONGEST_REASON = 500
# Of what a source says, and the letters that are kept of it.
_TEXTS = {
    "key": None,
    "class_key": 255,
    "keyword": 255,
    "url": None,
    "page": None,
    "author": None,
    "licence": None,
    "taken_at": 40,
    "uploaded_at": 40,
}


@dataclass(frozen=True, slots=True)
class Collecting:
    """How images are collected.

    Attributes
    ----------
    pool
        What they are there for: ``candidate``, or the original's ``train`` or ``test`` part.
    max_bytes
        Largest file that is taken.
    batch
        Images of one transaction.
    workers
        Images that are fetched and decoded at once.
    retry
        Whether to try again what failed before.
    """

    pool: Pool = "candidate"
    max_bytes: int = MAX_BYTES
    batch: int = 200
    workers: int = 8
    retry: bool = False


@dataclass(slots=True)
class Collection:
    """What came of collecting.

    Attributes
    ----------
    source
        Name of the source.
    found
        What the source found.
    known
        Of these, what had been found before.
    new
        Images that were not there.
    same_picture
        Finds whose file was there already, from another place or for another class.
    failures
        Reasons and how often each occurred; every failure is recorded with its place.
    several_classes
        Images that are candidates of more than one class now, by this collection.
    by_class
        Images that each class gained.
    """

    source: str
    found: int = 0
    known: int = 0
    new: int = 0
    same_picture: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    several_classes: list[str] = field(default_factory=list)
    by_class: Counter[str] = field(default_factory=Counter)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        plain = {
            name: dict(sorted(value.items())) if isinstance(value, Counter) else value
            for name in self.__slots__
            for value in [getattr(self, name)]
        }
        return {"schema": "freshset.collection/1", **plain}


@dataclass(frozen=True, slots=True)
class _Got:
    found: Found
    at: str
    image: StoredImage | None = None
    failure: str = ""


def collect(
    project: Project,
    source: Source,
    *,
    who: str,
    why: str,
    how: Collecting | None = None,
    web: Web | None = None,
    progress: Callable[[Collection], None] | None = None,
) -> Collection:
    """Collect images from a source.

    Parameters
    ----------
    who, why
        For the log.
    how
        Pool, sizes and whether to retry.
    web
        What to ask other machines with; by default a new client.
    progress
        Told after every batch.

    Raises
    ------
    UsageError, DataError
        When the source cannot go on; what was collected so far is kept.
    StoreError
        When nothing can be written; what was collected so far is kept.
    """
    how = how or Collecting()
    own = web or Web()
    work = _Work(project, source, how, own)
    pool = ThreadPoolExecutor(how.workers)
    try:
        for batch in work.batches():
            got = list(pool.map(work.get, batch))
            with project.change(work.action, who=who, why=why) as change:
                work.record(change, got)
            if progress is not None:
                progress(work.done)
    finally:
        pool.shutdown(cancel_futures=True)
        if web is None:
            own.close()
    return work.done


class _Work:
    def __init__(self, project: Project, source: Source, how: Collecting, web: Web) -> None:
        self.done = Collection(source.name)
        self.action = "candidates.collect" if how.pool == "candidate" else "original.add"
        self._project = project
        self._source = source
        self._how = how
        self._web = web
        with project.read() as connection:
            query = sa.select(origins.c.key, origins.c.class_key)
            query = query.where(origins.c.source == source.name)
            if how.retry:
                query = query.where(origins.c.failure == "")
            self._known = {(row.key, row.class_key) for row in connection.execute(query)}
            gone = sa.select(exclusions.c.item_id).where(exclusions.c.kind == "takedown")
            self._gone = set(connection.execute(gone).scalars())

    def batches(self) -> Iterator[list[Found]]:
        """What is new, in batches; the last one before an error of the source is not lost."""
        batch: list[Found] = []
        try:
            for found in self._new():
                batch.append(found)
                if len(batch) == self._how.batch:
                    yield batch
                    batch = []
        except (DataError, UsageError):
            if batch:
                yield batch
            raise
        if batch:
            yield batch

    def _new(self) -> Iterator[Found]:
        for raw in self._source.find(self._project.spec.classes, self._web):
            self.done.found += 1
            found = _storable(raw)
            name = (found.key, found.class_key)
            if name in self._known:
                self.done.known += 1
            else:
                self._known.add(name)
                yield found

    def get(self, found: Found) -> _Got:
        """Fetch, check and keep one image; runs in a thread of its own."""
        at = now()
        try:
            data = self._bytes(found)
            if sha256_bytes(data) in self._gone:
                return _Got(found, at, failure="It was taken down.")
            return _Got(found, at, store_image(self._project.folder, data, "Image"))
        except DataError as error:
            return _Got(found, at, failure=error.message[:_LONGEST_REASON])

    def _bytes(self, found: Found) -> bytes:
        most = self._how.max_bytes
        if found.read is not None:
            data = found.read()
        elif found.path is not None:
            try:
                with found.path.open("rb") as stream:
                    data = stream.read(most + 1)
            except OSError as error:
                raise DataError(f"The file cannot be read ({error.strerror}).") from error
        elif found.url:
            data = self._web.get(found.url, most)
        else:
            raise DataError("The source says no place of it.")
        if len(data) > most:
            raise DataError(f"The file has more than {most:,} bytes.")
        return data

    def record(self, change: Change, batch: Sequence[_Got]) -> None:
        """Write the rows of a batch, and what its entry of the log says."""
        connection, pool = change.connection, self._how.pool
        # Another process may have recorded the same since this one looked.
        batch = self._without_known(connection, batch)
        got = {one.image.item_id: one.image for one in batch if one.image is not None}
        there = _present(connection, images.c.item_id, got)
        new = [image.row() for item_id, image in got.items() if item_id not in there]
        _insert(connection, images, new)
        wanted: dict[tuple[str, str], str] = {}
        for one in batch:
            if one.image is not None:
                pair = (one.image.item_id, one.found.class_key)
                wanted.setdefault(pair, one.found.keyword)
        classes = self._classes_of(connection, got)
        fresh = {pair: word for pair, word in wanted.items() if pair[1] not in classes[pair[0]]}
        rows = [
            {"item_id": item_id, "pool": pool, "class_key": key, "keyword": word}
            for (item_id, key), word in fresh.items()
        ]
        _insert(connection, members, rows)
        _insert(connection, origins, [self._origin(one) for one in batch])
        for item_id, key in fresh:
            classes[item_id].add(key)
        several = sorted({item_id for item_id, _ in fresh if len(classes[item_id]) > 1})
        failures = Counter(one.failure for one in batch if one.image is None)
        done = self.done
        done.new += len(new)
        done.same_picture += len(batch) - failures.total() - len(new)
        done.failures.update(failures)
        done.several_classes = sorted({*done.several_classes, *several})
        done.by_class.update(key for _, key in fresh)
        change.detail |= {
            "source": self._source.name,
            "options": self._source.model_dump(mode="json"),
            "pool": pool,
            "new": len(new),
            "members": len(fresh),
            "same_picture": len(batch) - failures.total() - len(new),
            "failures": dict(failures),
            "several_classes": several,
            "copies": [kind.folder for kind in KINDS],
        }

    def _without_known(self, connection: sa.Connection, batch: Sequence[_Got]) -> Sequence[_Got]:
        c = origins.c
        keys = {one.found.key for one in batch}
        query = sa.select(c.key, c.class_key, c.failure).where(
            c.source == self._source.name, c.key.in_(sorted(keys))
        )
        known = {(row.key, row.class_key): row.failure for row in connection.execute(query)}
        again = {name for name, failure in known.items() if failure and self._how.retry}
        for key, class_key in sorted(again):
            connection.execute(
                sa.delete(origins).where(
                    c.source == self._source.name, c.key == key, c.class_key == class_key
                )
            )
        names = [(one.found.key, one.found.class_key) for one in batch]
        left = known.keys() - again
        self.done.known += sum(name in left for name in names)
        return [one for one, name in zip(batch, names, strict=True) if name not in left]

    def _classes_of(
        self, connection: sa.Connection, got: dict[str, StoredImage]
    ) -> dict[str, set[str]]:
        """Classes that each image is in this pool for."""
        out: dict[str, set[str]] = {item_id: set() for item_id in got}
        query = sa.select(members.c.item_id, members.c.class_key).where(
            members.c.pool == self._how.pool, members.c.item_id.in_(sorted(got))
        )
        for row in connection.execute(query):
            out[row.item_id].add(row.class_key)
        return out

    def _origin(self, one: _Got) -> dict[str, Any]:
        found = one.found
        return {
            "source": self._source.name,
            "item_id": None if one.image is None else one.image.item_id,
            "failure": _plain(one.failure),
            "retrieved_at": one.at,
            **{name: getattr(found, name) for name in _TEXTS},
        }


def _storable(found: Found) -> Found:
    """What a source found, with texts that both databases can hold."""
    texts: dict[str, Any] = {
        name: _plain(getattr(found, name))[:most] for name, most in _TEXTS.items()
    }
    key = texts["key"]
    if len(key) > _LONGEST_KEY:
        texts["key"] = f"sha256:{sha256_bytes(key.encode())}"
    return replace(found, **texts)


def _plain(text: str) -> str:
    """A text without what is no text: parts of letters, as in names of files, and the letter 0."""
    return text.replace("\0", "\ufffd").encode("utf-8", "backslashreplace").decode()


def _present(connection: sa.Connection, column: sa.Column[str], wanted: dict[str, Any]) -> set[str]:
    return set(connection.execute(sa.select(column).where(column.in_(sorted(wanted)))).scalars())


def _insert(connection: sa.Connection, table: sa.Table, rows: list[dict[str, Any]]) -> None:
    if rows:
        connection.execute(sa.insert(table), rows)
