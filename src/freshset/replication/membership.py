"""What the images of a project are there for, read at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from freshset.replication.databases import plain_rows
from freshset.replication.tables import members


@dataclass(frozen=True, slots=True)
class Membership:
    """The table ``members`` in columns, all of shape (n,), sorted by image and then by class.

    Attributes
    ----------
    item_ids, class_keys, pools
        See `freshset.replication.tables`.
    """

    item_ids: npt.NDArray[np.object_]
    class_keys: npt.NDArray[np.object_]
    pools: npt.NDArray[np.object_]

    def __getitem__(self, rows: Any) -> Membership:
        return Membership(self.item_ids[rows], self.class_keys[rows], self.pools[rows])


def read_membership(connection: sa.Connection) -> Membership:
    """Read all of it."""
    c = members.c
    rows = plain_rows(connection, sa.select(c.item_id, c.class_key, c.pool))
    rows.sort()
    return Membership(*np.array(rows, dtype=object).reshape(-1, 3).T)
