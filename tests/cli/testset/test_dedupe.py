from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa
from fakes.pictures import discs, jpeg, png, put_picture

from freshset.replication.duplicates.state import read_state
from freshset.replication.project import Project
from freshset.replication.tables import neighbours

SPEC = """\
name: animals/fresh
original: animals/test
classes: [{key: cat, confused_with: dog}, {key: dog, confused_with: cat}]
duplicates: {neighbours: 2, thresholds: {pixels32: 1e6, phash: 8}}
"""
SIGNED = ("--who", "eve", "--why", "looked")


@pytest.fixture
def folder(tmp_path: Path, rng: np.random.Generator) -> Path:
    """A test image, the same saved again, and a photo that was found twice."""
    with Project.create(tmp_path / "project", SPEC, who="ada", why="begin") as project:
        first, second, third = (discs(rng, 60) for _ in range(3))
        put_picture(project, png(first), "test")
        put_picture(project, jpeg(first, 70), "candidate")
        put_picture(project, png(second), "candidate", photo="7")
        put_picture(project, png(third), "candidate", photo="7")
    return tmp_path / "project"


@pytest.fixture
def frequencies(folder: Path, tmp_path: Path) -> Path:
    with Project.open(folder) as project, project.read() as connection:
        ids = sorted(read_state(connection).candidates)
    path = tmp_path / "frequencies.csv"
    lines = ["item_id,class,selected,answers", *(f"{one},cat,9,10" for one in ids)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_from_a_search_to_components(call, folder: Path, frequencies: Path) -> None:
    at = ("--project", folder)
    done = call("testset", "dedupe", *at, "--device", "cpu", "--json")
    assert done.code == 0
    data = json.loads(done.out)
    assert data["schema"] == "freshset.dedupe/1"
    assert [(one["metric"], one["whole"]) for one in data["metrics"]] == [
        ("phash", 3),
        ("pixels32", 3),
    ]
    again = call("testset", "dedupe", *at, "--device", "cpu", "--metric", "pixels32")
    assert "pixels32       4                  0              0      3" in again.out

    queue = json.loads(call("testset", "pairs", *at, "--json").out)
    assert (queue["schema"], queue["pending"]) == ("freshset.pairs/1", 1)
    (pair,) = queue["pairs"]
    assert set(pair["distances"]) == {"phash", "pixels32"}
    text = call("testset", "pairs", *at).out
    assert text.startswith("1 pair waits for a verdict:\n")

    said = call("testset", "verdict", pair["a"][:9], pair["b"], "duplicate", *at, *SIGNED)
    assert (said.code, said.out) == (0, "Recorded.\n")
    stale = call("testset", "verdict", pair["a"], pair["b"], "different", *at, *SIGNED)
    assert stale.code == 2
    assert "'duplicate' by eve, version 1" in stale.err
    assert call("testset", "pairs", *at).out == "No pair waits for a verdict.\n"
    assert "duplicate        1  eve" in call("testset", "pairs", *at, "--verdicts").out

    shown = call("testset", "components", *at, "--frequencies", frequencies)
    assert shown.code == 0
    assert shown.out.startswith("Components: 2. Near-duplicates among the candidates: 2.\n")
    assert "none stays: it touches an original image" in shown.out
    assert "one stays, of the class with the fewest good images" in shown.out
    assert "  photo" in shown.out


def test_links_are_cut_and_images_kept(call, folder: Path, frequencies: Path) -> None:
    at = ("--project", folder, "--frequencies", frequencies)
    data = json.loads(call("testset", "components", *at, "--json").out)
    assert data["schema"] == "freshset.components/1"
    (one,) = data["components"]
    out = data["out"][0]
    kept = json.loads(call("testset", "components", *at, "--keep", out, "--json").out)
    assert (kept["components"][0]["kept"], kept["components"][0]["reason"]) == (out, "asked")
    ends = ",".join(one["items"])
    assert json.loads(call("testset", "components", *at, "--cut", ends, "--json").out)["out"] == []
    again = call("testset", "components", *at, "--cut", ends)
    assert (again.code, "are not linked" in again.err) == (2, True)
    assert call("testset", "components", *at, "--cut", "a").code == 2


def test_verdicts_travel_as_csv(call, folder: Path, tmp_path: Path) -> None:
    at = ("--project", folder)
    call("testset", "dedupe", *at, "--device", "cpu", "--metric", "phash")
    assert call("testset", "pairs", *at, "--export", tmp_path / "queue.csv").code == 0
    header, row = (tmp_path / "queue.csv").read_text(encoding="utf-8").splitlines()
    assert header == "a,b,verdict,version,phash,path_a,path_b"
    assert call("testset", "pairs", *at, "--import", tmp_path / "queue.csv").err.startswith(
        str(tmp_path)
    )
    a, b, _ = row.split(",", 2)
    (tmp_path / "mine.csv").write_text(f"a,b,verdict\n{a},{b},different\n", encoding="utf-8")
    done = call("testset", "pairs", *at, "--import", tmp_path / "mine.csv", *SIGNED)
    assert done.out == "Recorded 1 verdicts of 1; the others were there already.\n"
    again = call("testset", "pairs", *at, "--import", tmp_path / "mine.csv", *SIGNED)
    assert again.out == "Recorded 0 verdicts of 1; the others were there already.\n"
    out = call("testset", "pairs", *at, "--verdicts", "--export", "-").out
    assert out.splitlines()[1].startswith(f"{a},{b},different,1,eve,")
    both = call("testset", "pairs", *at, "--import", "x.csv", "--export", "y.csv")
    assert both.code == 2


def test_features_from_a_file_and_shards(call, folder: Path, tmp_path: Path) -> None:
    with Project.open(folder) as project, project.read() as connection:
        ids = sorted(read_state(connection).searched)
    np.savez(tmp_path / "clip.npz", ids=np.array(ids), features=np.eye(len(ids)))
    name = f"clip={tmp_path / 'clip.npz'}"
    for part, count in (("1/2", 2), ("2/2", 1)):
        done = call(
            "testset", "dedupe", "--project", folder, "--features", name, "--shard", part, "--json"
        )
        assert json.loads(done.out)["metrics"][0]["whole"] == count


@pytest.mark.xdist_group("ray")
def test_a_search_on_ray_finds_the_same(call, folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray")
    there = shutil.copytree(folder, tmp_path / "there")
    query = sa.select(neighbours.c.item_id, neighbours.c.neighbour, neighbours.c.distance)
    query = query.where(neighbours.c.metric == "pixels8", neighbours.c.rank >= 0)
    found = []
    for place, backend in ((folder, "local"), (there, "ray")):
        done = call(
            "testset", "dedupe", "--project", place, "--metric", "pixels8", "--backend", backend
        )
        assert done.code == 0, done.err
        with Project.open(place) as project, project.read() as connection:
            found.append(sorted(tuple(row) for row in connection.execute(query)))
    assert len(found[0]) == 6
    assert found[1] == found[0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("dedupe", "--shard", "3/2"), "No shard 3/2"),
        (("dedupe", "--shard", "half"), "is not I/N"),
        (("dedupe", "--features", "clip"), "is not NAME=FILE"),
        (("dedupe", "--metric", "pixls"), "Did you mean 'pixels'?"),
        (("pairs", "--import", "none.csv"), "cannot be read"),
        (("verdict", "zz", "zz", "cut"), "is the beginning of no image"),
        (("verdict", "", "zz", "cut"), "is the beginning of several images"),
    ],
)
def test_bad_input(call, folder: Path, arguments: tuple[str, ...], message: str) -> None:
    done = call("testset", *arguments, "--project", folder)
    assert (done.code, done.out) == (2, "")
    assert message in done.err


def test_a_spec_without_thresholds(call, tmp_path: Path) -> None:
    spec = SPEC.partition("duplicates")[0]
    Project.create(tmp_path / "bare", spec, who="ada", why="begin").close()
    done = call("testset", "dedupe", "--project", tmp_path / "bare")
    assert (done.code, "there is no metric" in done.err) == (2, True)
    queue = call("testset", "pairs", "--project", tmp_path / "bare")
    assert "no thresholds of duplicates" in queue.err


def test_an_empty_queue_says_what_is_not_complete(call, tmp_path: Path) -> None:
    image = np.arange(60 * 60 * 3, dtype=np.uint8).reshape(60, 60, 3)
    with Project.create(tmp_path / "project", SPEC, who="ada", why="begin") as project:
        for level in range(4):
            put_picture(project, png(np.maximum(image, level)), "candidate")
    at = ("--project", tmp_path / "project")
    never = call("testset", "pairs", *at)
    assert never.out == "No pair waits for a verdict.\n"
    assert "pixels32: candidates that count as unreviewed all the same: 4. " in never.err
    assert call("testset", "dedupe", *at, "--device", "cpu").code == 0
    queue = tmp_path / "queue.csv"
    call("testset", "pairs", *at, "--export", queue)
    # Two neighbours of each are kept, but all three are within the threshold.
    head, *rows = queue.read_text(encoding="utf-8").splitlines()
    said = [row.replace(",,", ",different,", 1) for row in rows]
    queue.write_text("\n".join([head, *said]) + "\n", encoding="utf-8")
    assert call("testset", "pairs", *at, "--import", queue, *SIGNED).code == 0
    left = call("testset", "pairs", *at)
    assert left.out == "No pair waits for a verdict.\n"
    assert "within 1e+06 than the 2 that are reviewed" in left.err
    raised = tmp_path / "raised.yaml"
    raised.write_text(SPEC.replace("neighbours: 2", "neighbours: 3"), encoding="utf-8")
    assert call("testset", "spec", raised, *at, *SIGNED).code == 0
    assert call("testset", "dedupe", *at, "--device", "cpu").code == 0
    assert call("testset", "pairs", *at).err == ""
