"""Made-up pictures that look like something, for pages that are shown in the documentation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from freshset.replication.collecting.candidates import Collecting, collect
from freshset.replication.collecting.sources.folder import Folder
from freshset.replication.collecting.sources.testset import ORIGINAL, TestSetSource
from freshset.replication.project import Project

SPEC = """\
name: crockery/fresh
original: crockery/test
per_class: 10
sampling: {min_answers: 5}
tasks: {grid: 48, positives: 3, negatives: 3, answers: 5}
classes:
  - key: mug
    name: mug
    definition: A drinking vessel with a handle and straight sides, for hot drinks.
    synonyms: [coffee mug]
    links: ["https://en.wikipedia.org/wiki/Mug"]
    confused_with: bowl
  - key: bowl
    name: bowl
    definition: A round open vessel without a handle, wider than it is tall.
    confused_with: mug
"""
COLOURS = ("#c8553d", "#588b8b", "#f28f3b", "#2d3047", "#93b7be", "#f1f1f1", "#7d4f50", "#6a994e")
GROUNDS = ("#e8dcc8", "#c9d6df", "#d7c0ae", "#b8c5b0", "#efe6dd", "#a9b2bc", "#d9d2e9", "#8d99ae")


def scene(key: str, seed: int, *, width: int = 240, height: int = 240) -> Image.Image:
    """A mug or a bowl on a table."""
    rng = np.random.default_rng([seed, len(key)])
    colour, wall, table = rng.choice(COLOURS), *rng.choice(GROUNDS, 2, replace=False)
    image = Image.new("RGB", (width, height), str(wall))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, height * rng.uniform(0.55, 0.7), width, height), fill=str(table))
    r = rng.uniform(0.16, 0.3) * min(width, height)
    x, y = rng.uniform(0.35, 0.65) * width, rng.uniform(0.45, 0.62) * height
    draw.ellipse((x - 1.2 * r, y + 0.8 * r, x + 1.2 * r, y + 1.2 * r), fill="#8f8a83")
    if key == "mug":
        side = rng.choice([-1, 1])
        hx = x + side * 0.95 * r
        draw.ellipse(
            (hx - r / 2, y - r / 2, hx + r / 2, y + r / 2), outline=str(colour), width=int(r / 5)
        )
        draw.rounded_rectangle(
            (x - 0.8 * r, y - r, x + 0.8 * r, y + r), radius=r / 5, fill=str(colour)
        )
        draw.ellipse((x - 0.8 * r, y - 1.2 * r, x + 0.8 * r, y - 0.8 * r), fill="#3b2a20")
    else:
        draw.pieslice(
            (x - 1.4 * r, y - 1.2 * r, x + 1.4 * r, y + 1.1 * r), 0, 180, fill=str(colour)
        )
        draw.ellipse((x - 1.4 * r, y - 0.35 * r, x + 1.4 * r, y + 0.25 * r), fill="#fff6e9")
    return image


def scenes_project(folder: Path, *, candidates: int = 90, page: str = "") -> Project:
    """A project with so many candidates a class; a few of those found for one show the other."""
    project = Project.create(folder, SPEC + page, who="ada", why="begin")
    place = folder.parent
    pools = (("test", 12), ("train", 24), ("found", candidates))
    for seed, (pool, count) in enumerate(pools):
        for key, other in (("mug", "bowl"), ("bowl", "mug")):
            (place / pool / key).mkdir(parents=True)
            for number in range(count):
                wrong = pool == "found" and number % 7 == 3
                shape = {"width": 240 + 60 * (number % 3), "height": 240 + 60 * (number % 2)}
                image = scene(other if wrong else key, 1_000 * seed + number, **shape)
                image.save(place / pool / key / f"{number}.jpg", quality=92)
        if pool == "found":
            collect(project, Folder(path=place / pool), who="ada", why="pool")
        else:
            source = TestSetSource(
                path=str(place / pool), label=f"{ORIGINAL}{pool}", every_class=True
            )
            how = Collecting(pool="train" if pool == "train" else "test")
            collect(project, source, who="ada", why="original", how=how)
    return project
