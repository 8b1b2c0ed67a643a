from __future__ import annotations

import csv
import io

import pytest
from fakes.pool import exclude, pair

from freshset.core.errors import ConflictError, DataError, UsageError
from freshset.replication.duplicates.pairs import (
    Said,
    export_pairs,
    export_verdicts,
    parse_verdicts,
    pending_pairs,
    record_verdicts,
)
from freshset.replication.duplicates.state import read_state
from freshset.replication.project import Project

THRESHOLDS = {"pixels": 10.0, "phash": 4.0}


def queue(project: Project, first: int = 30) -> list[tuple[str, str]]:
    with project.read() as connection:
        return [(one.a, one.b) for one in pending_pairs(connection, THRESHOLDS, first)]


def say(project: Project, *said: Said) -> int:
    return record_verdicts(project, said, who="eve", why="looked")


def test_the_queue_is_what_is_near_and_not_settled(found: Project) -> None:
    assert queue(found) == [("a", "x"), ("c", "x"), ("a", "b"), ("a", "y"), ("b", "c")]
    assert queue(found, first=1) == [("a", "x"), ("c", "x"), ("a", "b")]
    with found.read() as connection:
        first = pending_pairs(connection, THRESHOLDS, 30)[0]
    assert first.to_dict() == {"a": "a", "b": "x", "distances": {"pixels": 8.0, "phash": 0.0}}
    pair(found, "a", "x")
    exclude(found, "c")
    assert queue(found) == [("a", "b"), ("a", "y")]


def test_a_threshold_of_zero(found: Project) -> None:
    with found.read() as connection:
        some = pending_pairs(connection, {"phash": 0.0}, 30)
    assert [(one.a, one.b, one.closeness) for one in some] == [("a", "x", 0.0)]


def test_verdicts_are_recorded_and_logged(found: Project) -> None:
    assert say(found, Said("x", "a", "duplicate"), Said("a", "b", "different")) == 2
    assert say(found, Said("a", "x", "duplicate", 1)) == 0
    assert say(found, Said("a", "x", "different", 1)) == 1
    with found.read() as connection:
        verdicts = read_state(connection).verdicts
    assert (verdicts["a", "x"].verdict, verdicts["a", "x"].version) == ("different", 2)
    entries = list(found.entries(action="pairs.verdict"))
    assert [entry.detail["pairs"] for entry in entries] == [
        [["a", "b", "", "different"], ["a", "x", "", "duplicate"]],
        [],
        [["a", "x", "duplicate", "different"]],
    ]


@pytest.mark.parametrize("version", [0, 2])
def test_two_reviewers_lose_nothing(found: Project, version: int) -> None:
    say(found, Said("a", "x", "duplicate"))
    with pytest.raises(ConflictError, match=r"a and x have 'duplicate' by eve, version 1") as error:
        say(found, Said("a", "b", "different"), Said("a", "x", "different", version))
    assert "--version 1" in error.value.hint
    with found.read() as connection:
        verdicts = read_state(connection).verdicts
    assert [(p, one.verdict) for p, one in verdicts.items()] == [(("a", "x"), "duplicate")]
    with pytest.raises(ConflictError, match="a and b have 'no verdict' by nobody, version 0"):
        say(found, Said("a", "b", "different", 3))


@pytest.mark.parametrize(
    ("said", "error", "message"),
    [
        ([Said("a", "a", "duplicate")], UsageError, "its own duplicate"),
        ([Said("a", "b", "same")], UsageError, "No verdict 'same'"),
        ([Said("a", "b", "cut"), Said("b", "a", "cut")], UsageError, "1 pairs occur twice"),
        ([Said("a", "q", "cut")], DataError, "1 images are not in the project, such as 'q'"),
    ],
)
def test_bad_verdicts(found: Project, said: list[Said], error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        say(found, *said)
    assert not list(found.entries(action="pairs.verdict"))


def test_a_queue_goes_out_and_comes_back(found: Project) -> None:
    with found.read() as connection:
        text = export_pairs(connection, pending_pairs(connection, THRESHOLDS, 30))
    rows = list(csv.DictReader(io.StringIO(text)))
    assert rows[0] == {
        "a": "a", "b": "x", "verdict": "", "version": "0", "phash": "0.0", "pixels": "8.0",
        "path_a": "images/a.png", "path_b": "images/x.png",
    }  # fmt: skip
    assert parse_verdicts(text, "queue.csv") == []
    filled = text.replace("a,x,,0", "a,x,duplicate,0").replace("a,b,,0", "a,b,different,0")
    assert say(found, *parse_verdicts("\ufeff" + filled, "queue.csv")) == 2
    with found.read() as connection:
        again = export_verdicts(read_state(connection))
    assert again.splitlines()[1].startswith("a,b,different,1,eve,")
    assert say(found, *parse_verdicts(again, "verdicts.csv")) == 0


def test_bad_files() -> None:
    with pytest.raises(DataError, match=r"v\.csv: no column 'verdict'"):
        parse_verdicts("a,b\n1,2\n", "v.csv")
    with pytest.raises(DataError, match=r"v\.csv: line 3: a pair '1', '2' with version 'x'"):
        parse_verdicts("a,b,verdict,version\n1,2,cut,1\n1,2,cut,x\n", "v.csv")
    with pytest.raises(DataError, match="line 2"):
        parse_verdicts("a,b,verdict\n,2,cut\n", "v.csv")
    assert parse_verdicts("verdict,b,a\ncut,2,1\n", "v.csv") == [Said("1", "2", "cut", 0)]


def test_a_verdict_is_taken_back(found: Project) -> None:
    say(found, Said("a", "x", "duplicate"))
    assert ("a", "x") not in queue(found)
    assert say(found, Said("a", "x", "open", 1)) == 1
    assert queue(found)[0] == ("a", "x")
    with found.read() as connection:
        waiting = pending_pairs(connection, THRESHOLDS, 30)
        text = export_pairs(connection, waiting)
    assert waiting[0].version == 2
    assert text.splitlines()[1].startswith("a,x,,2,")
    with pytest.raises(ConflictError, match="'open' by eve, version 2"):
        say(found, Said("a", "x", "different"))
    assert say(found, Said("a", "x", "different", 2)) == 1


def test_an_open_verdict_undoes_no_link(found: Project) -> None:
    with found.change("test.pixels", who="ada", why="x") as change:
        change.connection.exec_driver_sql(
            "UPDATE images SET pixels = 'p' WHERE item_id IN ('a', 'b')"
        )
    say(found, Said("a", "b", "cut"))
    with found.read() as connection:
        assert read_state(connection).edges() == {}
    say(found, Said("a", "b", "open", 1))
    with found.read() as connection:
        assert read_state(connection).edges() == {("a", "b"): "pixels"}
