"""Look for near-duplicates of a project on a Ray cluster: one shard of the candidates a task.

Needs ``pip install "freshset[ray]"``.  The project's folder lies at the same path on all nodes; where
there are several, its database is PostgreSQL, named in ``FRESHSET_DATABASE``.

    python neighbours_on_ray.py PROJECT METRIC SHARDS [ADDRESS]
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")

import ray

from freshset.replication.duplicates.dedupe import Report, find_neighbours
from freshset.replication.duplicates.finder import Options
from freshset.replication.project import Project


@ray.remote
def search(folder: str, database: str, metric: str, shard: tuple[int, int]) -> Report:
    """Search for the neighbours of one shard, on some node."""
    with Project.open(folder, database=database) as project:
        return find_neighbours(
            project, metric, options=Options(shard=shard), who="ray", why=f"shard {shard}"
        )


def main(folder: str, metric: str, shards: str, address: str = "local") -> None:
    """Deal the shards out and wait for them."""
    place = str(Path(folder).resolve()), os.environ.get("FRESHSET_DATABASE", "")
    ray.init(address, log_to_driver=False, logging_level="ERROR")
    parts = int(shards)
    tasks = [search.remote(*place, metric, (part, parts)) for part in range(1, parts + 1)]
    for part, found in enumerate(ray.get(tasks), 1):
        print(f"shard {part}/{parts}: {found.whole} candidates against {found.images} images")
    ray.shutdown()


if __name__ == "__main__":
    main(*sys.argv[1:])
