"""The tables of projects from before there were steps; there is nothing to do."""

from __future__ import annotations

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Do nothing: the tables are there."""
