"""The tables of a project's database.

Every time is text in UTC, ``2026-01-31T12:00:00.000000+00:00``; clocks may jump, so order is always
taken from sequence numbers.  Structured columns are JSON.  The same tables serve SQLite and
PostgreSQL.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Connection,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    UniqueConstraint,
    event,
)

SCHEMA = "0002"
"""Revision of these tables; `freshset.replication.migrations` has the steps from each to the next."""

metadata = MetaData()


def _id(name: str, *items: Any, **options: Any) -> Column[str]:
    """An id: an image's SHA-256, a class key, the name of a worker or a revision."""
    return Column(name, String(255), *items, **options)


settings = Table(
    "settings",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("value", JSON, nullable=False),
)
"""What holds for the whole database, such as ``project``, its random name."""

versions = Table(
    "alembic_version",
    metadata,
    Column("version_num", String(32), primary_key=True),
)
"""The revision of the tables, where Alembic keeps it."""

specs = Table(
    "specs",
    metadata,
    Column("version", Integer, primary_key=True),
    Column("text", String, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("at", String(32), nullable=False),
)
"""Every version of the spec; the largest is the one in force."""

log = Table(
    "log",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("at", String(32), nullable=False),
    _id("who", nullable=False),
    Column("action", String(64), nullable=False, index=True),
    _id("subject", nullable=False, index=True),
    Column("why", String, nullable=False),
    Column("detail", JSON, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("digest", String(64), nullable=False),
)
"""Who did what, when and why; rows are only ever added, and each holds the digest of the one before."""

images = Table(
    "images",
    metadata,
    _id("item_id", primary_key=True),
    Column("path", String, nullable=False),
    Column("pixels", String(64), nullable=False, index=True),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("format", String(16), nullable=False),
    Column("bytes", Integer, nullable=False),
)
"""Image files, by the SHA-256 of their bytes.

``path`` is relative to the project's folder; ``pixels`` is the SHA-256 of size and RGB pixels, upright,
so that two encodings without loss of one picture have it in common; ``width`` and ``height`` are of the
upright picture.
"""

members = Table(
    "members",
    metadata,
    _id("item_id", ForeignKey("images.item_id"), primary_key=True),
    Column("pool", String(32), primary_key=True),
    _id("class_key", primary_key=True),
    _id("keyword", nullable=False, default=""),
)
"""What an image is there for: ``pool`` is ``candidate``, ``train`` or ``test`` (the original's parts).

One image may be a candidate of two classes, or both a candidate and an original image.
"""

origins = Table(
    "origins",
    metadata,
    Column("source", String(64), primary_key=True),
    Column("key", String, primary_key=True),
    _id("class_key", primary_key=True),
    _id("item_id", index=True),
    Column("failure", String, nullable=False, default=""),
    _id("keyword", nullable=False, default=""),
    Column("url", String, nullable=False, default=""),
    Column("page", String, nullable=False, default=""),
    Column("author", String, nullable=False, default=""),
    Column("licence", String, nullable=False, default=""),
    Column("taken_at", String(40), nullable=False, default=""),
    Column("uploaded_at", String(40), nullable=False, default=""),
    Column("retrieved_at", String(32), nullable=False),
)
"""Where each candidate was found, by the source's own key for it; ``item_id`` is null after a failure."""

exclusions = Table(
    "exclusions",
    metadata,
    _id("item_id", primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("reason", String, nullable=False),
    _id("who", nullable=False),
    Column("at", String(32), nullable=False),
)
"""Images that no sample may take: ``kind`` is ``blacklist`` or ``takedown`` (the file is gone too)."""

neighbours = Table(
    "neighbours",
    metadata,
    _id("item_id", primary_key=True),
    Column("metric", String(32), primary_key=True),
    Column("rank", Integer, primary_key=True),
    _id("neighbour", nullable=False),
    Column("distance", Double, nullable=False),
)
"""The nearest images of every candidate, nearest first (``rank`` from 0), a metric at a time."""

pairs = Table(
    "pairs",
    metadata,
    _id("a", primary_key=True),
    _id("b", primary_key=True),
    Column("verdict", String(16), nullable=False),
    _id("who", nullable=False),
    Column("at", String(32), nullable=False),
    Column("version", Integer, nullable=False, default=1),
)
"""Reviewed pairs, ``a < b``.

``verdict`` is ``duplicate``, ``different``, ``cut`` (a link undone) or ``open`` (taken back).
"""

tasks = Table(
    "tasks",
    metadata,
    Column("task_id", String(64), primary_key=True),
    Column("batch", String(64), nullable=False, index=True),
    _id("class_key", nullable=False, index=True),
    Column("created_at", String(32), nullable=False),
    Column("status", String(16), nullable=False),
    Column("external_id", String(128), nullable=False, default=""),
)
"""Labelling tasks; ``status`` is ``open``, ``published`` or ``closed``, ``external_id`` a crowd's own."""

task_items = Table(
    "task_items",
    metadata,
    Column("task_id", ForeignKey("tasks.task_id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    _id("item_id", nullable=False, index=True),
    Column("role", String(16), nullable=False),
    Column("token", String(32), nullable=False, index=True),
)
"""The grid of a task, in the order shown: ``role`` is ``candidate``, ``positive`` or ``negative``.

``token`` is what a worker's page calls the image; it tells nothing of the image or its role.
"""

answers = Table(
    "answers",
    metadata,
    _id("worker", nullable=False),
    _id("item_id", nullable=False),
    _id("class_key", nullable=False),
    Column("task_id", String(64), nullable=False, default="", index=True),
    Column("selected", Double, nullable=False),
    Column("accepted_at", String(32), nullable=False, default=""),
    Column("submitted_at", String(32), nullable=False, default=""),
    Column("assignment_id", String(128), nullable=False, default=""),
    Column("source", String(64), nullable=False, default=""),
    PrimaryKeyConstraint("item_id", "class_key", "worker"),
)
"""One answer per worker, image and class: ``selected`` is 1, 0, or 0.5 for "maybe".

The key begins with the question, so that it also finds all answers to one: with a second index that
does, each answer would change one more page at random, which is most of what saving it costs.

Workers are salted hashes; the salt is a file beside the database that no package takes.
"""

slots = Table(
    "slots",
    metadata,
    Column("task_id", ForeignKey("tasks.task_id"), primary_key=True),
    Column("slot", Integer, primary_key=True),
    Column("state", String(16), nullable=False),
    _id("worker"),
    Column("lease", String(32), nullable=False, default=""),
    Column("leased_at", String(32), nullable=False, default=""),
    Column("expires_at", String(32), nullable=False, default=""),
    Column("submitted_at", String(32), nullable=False, default=""),
    UniqueConstraint("task_id", "worker", name="slots_one_per_worker"),
    Index("slots_by_worker", "worker", "state"),
    Index("slots_by_state", "state", "task_id", "slot"),
)
"""Places for the workers who are asked about a task in the browser, as many as answers are wanted.

``state`` is ``free``, ``leased`` (until ``expires_at``, to ``worker``) or ``done``.  That no task gets
more answers than it has slots, and none twice from one worker, is for the database to see to.
"""

drafts = Table(
    "drafts",
    metadata,
    Column("task_id", ForeignKey("tasks.task_id"), primary_key=True),
    _id("worker", primary_key=True),
    Column("chosen", JSON, nullable=False),
    Column("version", Integer, nullable=False, default=1),
    Column("at", String(32), nullable=False),
)
"""What a worker has ticked so far: tokens of images; gone once the task is submitted."""

invitations = Table(
    "invitations",
    metadata,
    Column("invitation_id", String(32), primary_key=True),
    Column("role", String(16), nullable=False),
    Column("note", String, nullable=False, default=""),
    Column("uses", Integer, nullable=False),
    Column("used", Integer, nullable=False, default=0),
    Column("expires_at", String(32), nullable=False),
    Column("revoked", Boolean, nullable=False, default=False),
    _id("who", nullable=False),
    Column("at", String(32), nullable=False),
)
"""Links by which people join, for so many ``uses``; ``who`` made them."""

people = Table(
    "people",
    metadata,
    Column("person_id", String(32), primary_key=True),
    _id("name", nullable=False, unique=True),
    Column("role", String(16), nullable=False),
    Column("active", Boolean, nullable=False, default=True),
    Column("epoch", Integer, nullable=False, default=1),
    Column("invitation_id", String(32), nullable=False, default=""),
    Column("joined_at", String(32), nullable=False),
    Column("consented_at", String(32), nullable=False, default=""),
    Column("qualified_at", String(32), nullable=False, default=""),
)
"""Who uses the web app: ``role`` is ``worker``, ``reviewer`` or ``owner``.

Sessions of an earlier ``epoch`` are over.  In ``answers`` and ``slots`` people are called by the salted
hash of their ``person_id``.
"""

revisions = Table(
    "revisions",
    metadata,
    _id("name", primary_key=True),
    Column("digest", String(64), nullable=False, unique=True),
    _id("parent", nullable=False, default=""),
    Column("document", JSON, nullable=False),
    Column("state", String(16), nullable=False),
    Column("touched", Boolean, nullable=False, default=False),
    Column("at", String(32), nullable=False),
)
"""Drawn test sets: ``state`` is ``draft`` or ``frozen``; ``touched`` once one was un-frozen."""

class_reviews = Table(
    "class_reviews",
    metadata,
    _id("revision", primary_key=True),
    _id("class_key", primary_key=True),
    Column("reviewed", Boolean, nullable=False),
    Column("problematic", Boolean, nullable=False),
    Column("basis", String(64), nullable=False),
    _id("who", nullable=False),
    Column("at", String(32), nullable=False),
    Column("version", Integer, nullable=False, default=1),
)
"""Final reviews, class by class; ``basis`` is the digest of the image set and the class definition."""


# INSERT OR REPLACE runs no trigger of DELETE, and TRUNCATE none of rows.
_SQLITE = (
    """
    CREATE TRIGGER log_refuses_update BEFORE UPDATE ON log
    BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END
    """,
    """
    CREATE TRIGGER log_refuses_delete BEFORE DELETE ON log
    BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END
    """,
    """
    CREATE TRIGGER log_refuses_replace BEFORE INSERT ON log
    WHEN EXISTS (SELECT 1 FROM log WHERE seq = NEW.seq)
    BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END
    """,
)
_POSTGRESQL = (
    """
    CREATE OR REPLACE FUNCTION log_is_append_only() RETURNS trigger AS $$
    BEGIN RAISE EXCEPTION 'the log is append-only'; END $$ LANGUAGE plpgsql
    """,
    """
    CREATE TRIGGER log_refuses BEFORE UPDATE OR DELETE OR TRUNCATE ON log
    FOR EACH STATEMENT EXECUTE FUNCTION log_is_append_only()
    """,
)


def _protect_log(_table: Table, connection: Connection, **_: Any) -> None:
    for statement in _SQLITE if connection.dialect.name == "sqlite" else _POSTGRESQL:
        connection.exec_driver_sql(statement)


event.listen(log, "after_create", _protect_log)
