from __future__ import annotations

import math
import shutil
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from fakes.pictures import discs, jpeg, png, put_picture, put_pictures
from fakes.pool import add_images, exclude, pair

from freshset.core.errors import ConflictError, DataError, UsageError
from freshset.replication.duplicates import finder
from freshset.replication.duplicates.completeness import review_bounds
from freshset.replication.duplicates.dedupe import Report, cut, find_neighbours, keep
from freshset.replication.duplicates.finder import Options
from freshset.replication.duplicates.pairs import pending_pairs
from freshset.replication.duplicates.searches import read_neighbours
from freshset.replication.duplicates.state import ordered, read_state
from freshset.replication.project import Project

WHO = {"who": "ada", "why": "test"}
DUPLICATES = "duplicates: {neighbours: 3, thresholds: {pixels32: 2e5, phash: 6, ssim: 0.2}}\n"


@pytest.fixture
def filled(any_project: Project, spec_text: str, rng: np.random.Generator) -> Project:
    """Five candidates, six originals; the first candidate is the first original, saved again."""
    any_project.change_spec(spec_text + DUPLICATES, who="ada", why="thresholds")
    pictures = [discs(rng, 150) for _ in range(11)]
    put_pictures(any_project, pictures[:3], "test")
    put_pictures(any_project, pictures[3:6], "train")
    put_picture(any_project, jpeg(pictures[0], 60), "candidate")
    put_pictures(any_project, pictures[7:11], "candidate")
    return any_project


def find(project: Project, metric: str, **options: object) -> Report:
    (report,) = find_neighbours(project, [metric], options=Options(device="cpu", **options), **WHO)
    return report


def near(project: Project, metric: str) -> dict[str, list[tuple[float, str]]]:
    with project.read() as connection:
        return read_neighbours(connection, metric, read_state(connection).candidates)


@pytest.mark.parametrize("metric", ["pixels", "pixels32", "phash", "ssim"])
def test_the_planted_duplicate_is_found(filled: Project, metric: str) -> None:
    report = find(filled, metric)
    assert (report.images, report.whole, report.added, report.kept) == (11, 5, 0, 0)
    with filled.read() as connection:
        state = read_state(connection)
        bounds = review_bounds(connection, [metric])[metric]
        queue = pending_pairs(
            connection, {metric: filled.spec.duplicates.thresholds.get(metric, 1.2e8)}, 3
        )
    found = near(filled, metric)
    planted = min((rows[0], item) for item, rows in found.items() if rows)
    assert planted[0][1] in state.originals
    assert queue[0].a in (planted[1], planted[0][1])
    for item, rows in found.items():
        assert rows == sorted(rows)
        assert item not in [one for _, one in rows]
        assert len(rows) == 3 or metric == "ssim"
        assert bounds[item] == (rows[0][0] if rows else np.nextafter(0.2, 1))
    entry = next(iter(filled.entries(action="duplicates.find")))
    assert "interpolation" in str(entry.detail["record"])
    assert entry.detail["candidates"] == 5


@pytest.mark.parametrize("metric", ["pixels32", "phash", "ssim"])
def test_running_again_does_what_is_new_and_gives_the_same(
    filled: Project, metric: str, rng: np.random.Generator
) -> None:
    find(filled, metric)
    again = find(filled, metric)
    assert (again.whole, again.added, again.kept) == (0, 0, 5)
    first = near(filled, metric)
    pixels = np.asarray(discs(rng, 150))
    put_picture(filled, png(pixels), "train")
    put_picture(filled, jpeg(pixels, 80), "candidate")
    more = find(filled, metric)
    assert (more.images, more.whole, more.added, more.kept) == (13, 1, 5, 0)
    incremental = near(filled, metric)
    assert incremental.keys() > first.keys()
    neighbours = filled.spec.duplicates.neighbours
    filled.change_spec(filled.spec_text.replace("neighbours: 3", "neighbours: 4"), **WHO)
    assert find(filled, metric).whole == 6
    wider = near(filled, metric)
    assert {item: rows[:neighbours] for item, rows in wider.items()} == incremental
    copy, gone = next((item, rows[0][1]) for item, rows in wider.items() if rows)
    exclude(filled, gone)
    find(filled, metric)
    left = near(filled, metric)
    assert gone not in [
        one for rows in left.values() for _, one in rows if rows is not left.get(gone)
    ]
    assert left[copy][:1] == wider[copy][1:2]


def test_several_metrics_at_once_are_each_alone(
    filled: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, rng: np.random.Generator
) -> None:
    with filled.read() as connection:
        ids = sorted(read_state(connection).searched)
    np.savez(tmp_path / "clip.npz", ids=np.array(ids), features=rng.normal(size=(len(ids), 8)))
    metrics = ["phash", "clip", "pixels32", "ssim", "pixels", "phash"]
    decoded: list[str] = []
    real = finder.decode
    monkeypatch.setattr(finder, "decode", lambda at, what: decoded.append(what) or real(at, what))
    options = Options(device="cpu", features={"clip": tmp_path / "clip.npz"})
    reports = find_neighbours(filled, metrics, options=options, **WHO)
    assert [one.metric for one in reports] == metrics[:-1]
    assert (
        len(decoded) == len(set(decoded)) == 11
    )  # working copies, which three metrics are made of
    together = {metric: near(filled, metric) for metric in metrics}
    shutil.rmtree(filled.folder / "duplicates")
    filled.change_spec(filled.spec_text.replace("neighbours: 3", "neighbours: 4"), **WHO)
    for metric in set(metrics) - {"clip"}:
        find(filled, metric)
        alone = near(filled, metric)
        assert {item: rows[:3] for item, rows in alone.items()} == together[metric]


def test_shards_together_are_the_whole(filled: Project) -> None:
    find(filled, "pixels32")
    whole = near(filled, "pixels32")
    filled.change_spec(filled.spec_text.replace("neighbours: 3", "neighbours: 2"), **WHO)
    assert [find(filled, "pixels32", shard=(part, 3)).whole for part in (1, 2, 3)] == [2, 2, 1]
    assert near(filled, "pixels32") == {item: rows[:2] for item, rows in whole.items()}
    assert find(filled, "pixels32").kept == 5
    with pytest.raises(UsageError, match="No shard 4/3"):
        find(filled, "pixels32", shard=(4, 3))


def test_when_all_images_are_kept_the_bound_has_no_end(
    project: Project, rng: np.random.Generator
) -> None:
    put_pictures(project, [discs(rng, 40) for _ in range(3)], "candidate")
    find(project, "pixels32")
    with project.read() as connection:
        state = read_state(connection)
        assert max(review_bounds(connection, ["pixels32"])["pixels32"].values()) < math.inf
    for a, b in combinations(sorted(state.candidates), 2):
        pair(project, a, b, "different")
    with project.read() as connection:
        assert set(review_bounds(connection, ["pixels32"])["pixels32"].values()) == {math.inf}


def test_features_of_any_model(filled: Project, tmp_path: Path, rng: np.random.Generator) -> None:
    with filled.read() as connection:
        ids = sorted(read_state(connection).searched)
    features = rng.normal(size=(len(ids), 8))
    np.savez(tmp_path / "clip.npz", ids=np.array(ids), features=features)
    report = find(filled, "clip", features={"clip": tmp_path / "clip.npz"})
    assert (report.whole, report.within) == (5, None)
    for item, rows in near(filled, "clip").items():
        exact = np.square(features - features[ids.index(item)]).sum(axis=1)
        order = np.argsort(exact)[1:4]
        assert [one for _, one in rows] == [ids[i] for i in order]
    features[3, 1] = np.nan
    np.savez(tmp_path / "clip.npz", ids=np.array(ids), features=features)
    with pytest.raises(DataError, match="holds NaN or infinity"):
        find(filled, "clip", features={"clip": tmp_path / "clip.npz"})
    np.savez(tmp_path / "clip.npz", ids=np.array(ids[1:]), features=features[1:])
    with pytest.raises(DataError, match=f"1 images have no features, such as {ids[0]}"):
        find(filled, "clip", features={"clip": tmp_path / "clip.npz"})


def test_damaged_and_missing_files(filled: Project) -> None:
    copies = sorted(filled.folder.glob("copies/squashed-*/**/*.jpg"))
    copies[0].write_bytes(copies[0].read_bytes()[:-200])
    with pytest.raises(DataError, match=r"working copy .* is truncated or damaged"):
        find(filled, "pixels")
    assert not any(near(filled, "pixels").values())
    copies[0].unlink()
    assert find(filled, "pixels").whole == 5  # a copy that is not there is made again
    image = sorted(filled.folder.glob("images/**/*.*"))[0]
    image.unlink()
    with pytest.raises(DataError, match="is missing"):
        find(filled, "pixels32")
    exclude(filled, image.stem)
    assert find(filled, "pixels32").images == 10


def test_nothing_to_do(project: Project) -> None:
    with pytest.raises(DataError, match="has no candidates"):
        find(project, "pixels32")
    with pytest.raises(UsageError, match="spec has no threshold"):
        find(project, "ssim")
    with pytest.raises(UsageError, match="No metric 'pixls'"):
        find(project, "pixls")


def test_one_candidate_alone(project: Project, rng: np.random.Generator) -> None:
    put_pictures(project, [discs(rng, 40)], "candidate")
    assert find(project, "pixels32").whole == 1
    with project.read() as connection:
        assert set(review_bounds(connection, ["pixels32"])["pixels32"].values()) == {math.inf}


def test_links_are_cut_and_images_kept(project: Project, rng: np.random.Generator) -> None:
    a, b = (put_picture(project, png(discs(rng, 20)), "candidate", photo="1") for _ in range(2))
    with project.read() as connection:
        assert read_state(connection).edges() == {ordered(a, b): "photo"}
    keep(project, a, **WHO)
    keep(project, a, **WHO)
    cut(project, b, a, **WHO)
    with project.read() as connection:
        state = read_state(connection)
    assert (state.edges(), state.asked) == ({}, {a})
    with pytest.raises(DataError, match="are not linked"):
        cut(project, a, b, **WHO)
    with pytest.raises(DataError, match="is no candidate"):
        keep(project, "nobody", **WHO)
    actions = [entry.action for entry in project.entries()]
    assert actions[-3:] == ["duplicates.keep", "duplicates.keep", "pairs.verdict"]


def test_an_approximate_search_proves_nothing(filled: Project) -> None:
    find(filled, "pixels32")
    exact = near(filled, "pixels32")
    report = find(filled, "pixels32", approximate=True)
    assert (report.whole, report.recall) == (5, 1.0)
    assert near(filled, "pixels32") == exact  # so few images are in one list
    with filled.read() as connection:
        assert set(review_bounds(connection, ["pixels32"])["pixels32"].values()) == {0.0}
    with pytest.raises(UsageError, match="ssim has no approximate search"):
        find(filled, "ssim", approximate=True)


def test_two_reviewers_keep_and_cut(any_project: Project) -> None:
    add_images(any_project, "abcde", "cat")
    for a, b in ("ab", "bc", "de"):
        pair(any_project, a, b)
    keep(any_project, "c", seen="", **WHO)
    keep(any_project, "e", seen="", **WHO)  # of another component
    with pytest.raises(ConflictError, match="Meanwhile c was asked for"):
        keep(any_project, "a", seen="", **WHO)
    keep(any_project, "a", seen="c", **WHO)
    with any_project.read() as connection:
        assert read_state(connection).asked == {"a", "e"}
    with pytest.raises(ConflictError, match="'duplicate' by ada, version 1"):
        cut(any_project, "a", "b", version=0, **WHO)
    cut(any_project, "a", "b", version=1, **WHO)
    with any_project.read() as connection:
        assert set(read_state(connection).edges()) == {("b", "c"), ("d", "e")}
    entries = list(any_project.entries(action="duplicates.keep"))
    assert [one.detail["before"] for one in entries] == ["", "", "c"]
