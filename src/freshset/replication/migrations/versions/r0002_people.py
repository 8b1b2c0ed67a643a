"""Tables for the web app: people, invitations, and who is asked about which task."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the tables; the number in ``settings`` gives way to Alembic's own table."""
    op.create_table(
        "slots",
        sa.Column("task_id", sa.String(64), sa.ForeignKey("tasks.task_id"), primary_key=True),
        sa.Column("slot", sa.Integer, primary_key=True),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("worker", sa.String(255)),
        sa.Column("lease", sa.String(32), nullable=False),
        sa.Column("leased_at", sa.String(32), nullable=False),
        sa.Column("expires_at", sa.String(32), nullable=False),
        sa.Column("submitted_at", sa.String(32), nullable=False),
        sa.UniqueConstraint("task_id", "worker", name="slots_one_per_worker"),
    )
    op.create_index("slots_by_worker", "slots", ["worker", "state"])
    op.create_index("slots_by_state", "slots", ["state", "task_id", "slot"])
    op.create_index("ix_task_items_token", "task_items", ["token"])
    op.create_table(
        "drafts",
        sa.Column("task_id", sa.String(64), sa.ForeignKey("tasks.task_id"), primary_key=True),
        sa.Column("worker", sa.String(255), primary_key=True),
        sa.Column("chosen", sa.JSON, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
    )
    op.create_table(
        "invitations",
        sa.Column("invitation_id", sa.String(32), primary_key=True),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("note", sa.String, nullable=False),
        sa.Column("uses", sa.Integer, nullable=False),
        sa.Column("used", sa.Integer, nullable=False),
        sa.Column("expires_at", sa.String(32), nullable=False),
        sa.Column("revoked", sa.Boolean, nullable=False),
        sa.Column("who", sa.String(255), nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
    )
    op.create_table(
        "people",
        sa.Column("person_id", sa.String(32), primary_key=True),
        sa.Column("name", sa.String(255), nullable=False, unique=True),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("epoch", sa.Integer, nullable=False),
        sa.Column("invitation_id", sa.String(32), nullable=False),
        sa.Column("joined_at", sa.String(32), nullable=False),
        sa.Column("consented_at", sa.String(32), nullable=False),
        sa.Column("qualified_at", sa.String(32), nullable=False),
    )
    key_answers_by_question()
    op.execute("DELETE FROM settings WHERE key = 'schema'")


def key_answers_by_question() -> None:
    """Let the key of answers begin with image and class; the index that did is not needed any more."""
    key = ["item_id", "class_key", "worker"]
    op.drop_index("answers_by_question", "answers")
    if op.get_context().dialect.name == "sqlite":
        # SQLite changes no key: the table is written anew.
        with op.batch_alter_table("answers", recreate="always") as table:
            table.create_primary_key("answers_pkey", key)
    else:
        op.drop_constraint("answers_pkey", "answers", type_="primary")
        op.create_primary_key("answers_pkey", "answers", key)
