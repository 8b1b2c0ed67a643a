from __future__ import annotations

import pickle

import numpy as np
import pytest
from fakes.pictures import discs, put_pictures

from freshset.core.config import RunSettings
from freshset.core.errors import DataError, UsageError
from freshset.engine.backends.local import LocalBackend
from freshset.replication.duplicates import finder as finder_module
from freshset.replication.duplicates.finder import Finder, Options, load_vectors
from freshset.replication.duplicates.searches import Plan
from freshset.replication.duplicates.state import read_state
from freshset.replication.project import Project


def loaded(project: Project, metric: str = "pixels8", k: int = 2) -> Finder:
    finder = Finder(metric, k, 0.2, Options(device="cpu"))
    with project.read() as connection:
        load_vectors([finder], project, read_state(connection))
    return finder


def test_neighbours_and_how_far_they_reach(project: Project, rng: np.random.Generator) -> None:
    ids = sorted(put_pictures(project, [discs(rng, 8, 5) for _ in range(5)], "candidate"))
    finder = loaded(project)
    found = finder.run(Plan(ids, []), {})
    rows = np.asarray(finder.vectors.rows[0:5], dtype=float)
    for number, item in enumerate(ids):
        distances = np.square(rows - rows[number]).sum(axis=1)
        order = [i for i in np.argsort(distances, kind="stable") if i != number]
        assert list(found[item].nearest) == [(distances[i], ids[i]) for i in order[:2]]
        assert found[item].reach == distances[order[1]]
    wide = loaded(project, k=4).run(Plan(ids, []), {})
    assert {one.reach for one in wide.values()} == {np.inf}


def test_new_images_are_merged_in(project: Project, rng: np.random.Generator) -> None:
    ids = sorted(put_pictures(project, [discs(rng, 8, 5) for _ in range(6)], "candidate"))
    finder = loaded(project)
    whole = finder.run(Plan(ids, []), {})
    old = {
        item: [
            row
            for row in loaded(project, k=5).run(Plan([item], []), {})[item].nearest
            if row[1] < ids[3]
        ]
        for item in ids[:2]
    }
    merged = finder.run(Plan([], [(ids[3:], ids[:2])]), old)
    assert merged == {item: whole[item] for item in ids[:2]}


def test_searches_differ_by_what_can_change_a_distance(
    project: Project, rng: np.random.Generator
) -> None:
    put_pictures(project, [discs(rng, 8, 5) for _ in range(3)], "candidate")
    first = loaded(project).search
    assert loaded(project).search == first
    assert loaded(project, k=3).search.way != first.way
    assert loaded(project, "pixels9").search.way != first.way
    assert loaded(project, "pixels9").search.images == first.images


def test_bad_input(project: Project) -> None:
    with pytest.raises(UsageError, match="no threshold"):
        Finder("ssim", 3, None, Options())
    with pytest.raises(UsageError, match="No metric"):
        Finder("sift", 3, None, Options())
    from fakes.pool import add_images

    add_images(project, "a", "cat")
    with pytest.raises(DataError, match="is missing"):
        loaded(project)


def test_a_search_in_parts_elsewhere_finds_the_same(
    project: Project, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Elsewhere(LocalBackend):
        """Sends everything through a pickle, as other machines get it."""

        sent = 0

        def map(self, function, parts, **_):
            for part in parts:
                self.sent += 1
                yield pickle.loads(pickle.dumps(function))(part)

    monkeypatch.setattr(finder_module, "_QUERIES_A_PART", 2)
    ids = sorted(put_pictures(project, [discs(rng, 8, 5) for _ in range(5)], "candidate"))
    backend = Elsewhere(RunSettings())
    finder = Finder("pixels8", 2, None, Options(device="cpu", backend=backend))
    with project.read() as connection:
        load_vectors([finder], project, read_state(connection))
    assert finder.run(Plan(ids, []), {}) == loaded(project).run(Plan(ids, []), {})
    assert backend.sent == 3
