"""Simulated pictures, and projects that hold them as files."""

from __future__ import annotations

import io
from collections.abc import Iterable

import numpy as np
import sqlalchemy as sa
from PIL import Image, ImageDraw

from freshset.replication import tables
from freshset.replication.collecting.images import store_image
from freshset.replication.project import Project


def discs(rng: np.random.Generator, side: int = 256, count: int = 120) -> np.ndarray:
    """Overlapping discs of random size and colour under grain."""
    image = Image.new("RGB", (side, side), tuple(int(v) for v in rng.integers(0, 256, 3)))
    draw = ImageDraw.Draw(image)
    for _ in range(count):
        r = min(4 / rng.random() ** 0.6, 120) * side / 256
        x, y = rng.random(2) * side
        colour = tuple(int(v) for v in rng.integers(0, 256, 3))
        draw.ellipse([x - r, y - r, x + r, y + r], fill=colour)
    return np.clip(np.asarray(image) + rng.normal(0, 4, (side, side, 1)), 0, 255).astype(np.uint8)


def png(pixels: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def jpeg(pixels: np.ndarray, quality: int) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=quality)
    return out.getvalue()


def put_picture(
    project: Project, data: bytes, pool: str, *, key: str = "cat", photo: str = ""
) -> str:
    """Store a picture as an image of a pool; returns its id."""
    stored = store_image(project.folder, data, "test")
    with project.change("test.picture", who="ada", why="test") as change:
        known = set(change.connection.execute(sa.select(tables.images.c.item_id)).scalars())
        if stored.item_id not in known:
            change.connection.execute(sa.insert(tables.images), [stored.row()])
        use = {"item_id": stored.item_id, "pool": pool, "class_key": key, "keyword": ""}
        change.connection.execute(sa.insert(tables.members), [use])
        if photo:
            origin = {"source": "folder", "key": photo, "class_key": stored.item_id}
            origin |= {"item_id": stored.item_id, "retrieved_at": change.at}
            change.connection.execute(sa.insert(tables.origins), [origin])
    return stored.item_id


def put_pictures(project: Project, pictures: Iterable[np.ndarray], pool: str) -> list[str]:
    """Store pictures as PNG."""
    return [put_picture(project, png(picture), pool) for picture in pictures]
