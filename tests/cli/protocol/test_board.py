from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from freshset.protocols.leaderboard.board import Board
from freshset.protocols.leaderboard.incoming import read_upload
from freshset.protocols.sealed import ledger
from freshset.protocols.sealed.cipher import read_key

CREATE = ("board", "create", "labels.csv", "b", "--key", "keys/k", "--looks", 9, "--who", "ann")
KEY = ("--key", "keys/k")


@pytest.fixture(autouse=True)
def files(tmp_path: Path) -> None:
    labels = np.array(["cat", "dog"] * 50)
    for name, wrong in (("labels", 0), ("a", 40), ("b", 10)):
        values = labels.copy()
        values[:wrong] = np.where(values[:wrong] == "cat", "dog", "cat")
        column = "label" if name == "labels" else "prediction"
        rows = "".join(f"i{k},{c}\n" for k, c in enumerate(values))
        (tmp_path / f"{name}.csv").write_text(f"item_id,{column}\n{rows}")


def send(tmp_path: Path) -> None:
    board = Board(tmp_path / "b", read_key(tmp_path / "keys/k"))
    for who, name in (("bob", "a"), ("cal", "b")):
        one = read_upload(tmp_path / f"{name}.csv", board.setup.public, name=name)
        board.submit(one, who=who, model=name)


def test_from_create_to_open(call, tmp_path: Path) -> None:
    made = call(*CREATE, "--policy", "exact", "--name", "pets", "--ends", "2999-12-31")
    assert made.code == 0, made.err
    assert "Sealed 100 labels of pets into b: 50 public, 50 private (seed 0)." in made.out
    assert "Wrote a new key to keys/k" in made.err
    assert call("board", "status", "b", *KEY).out.startswith(
        "pets: open to submissions. 0 submissions of 0 entrants, 9 left."
    )
    send(tmp_path)
    shown = call("board", "status", "b", *KEY, "--csv", "s.csv")
    lines = shown.out.splitlines()
    assert lines[0].endswith("2 submissions of 2 entrants, 7 left.")
    assert [line.split()[:3] for line in lines[4:6]] == [["1", "cal", "b"], ["2", "bob", "a"]]
    assert "private" not in lines[2]
    assert "Within a group nobody is distinguishable" in shown.out
    assert len((tmp_path / "s.csv").read_text().splitlines()) == 3
    early = call("board", "open", "b", *KEY)
    assert (early.code, early.out) == (2, "")
    assert "Submissions have not ended" in early.err
    assert "takes no more submissions" in call("board", "close", "b", *KEY, "--who", "ann").err
    assert "private part is sealed" in call("board", "status", "b", *KEY).out
    opened = call("board", "open", "b", *KEY, "--who", "ann")
    assert "drop" in opened.out.splitlines()[2]
    assert "adaptivity is identified" in " ".join(opened.out.split()).replace("- ", "")
    data = json.loads(call("board", "status", "b", *KEY, "--json").out)
    assert data["phase"] == "opened"
    assert {r["entrant"]: r["exact"] for r in data["rows"]}.keys() == {"bob", "cal"}
    checked = call("board", "verify", "b", *KEY)
    assert checked.out.startswith("6 entries with 2 submissions, all as they were written.")


def test_mistakes(call, tmp_path: Path) -> None:
    inside = call("board", "create", "labels.csv", "b", "--key", "b/k", "--looks", 3)
    assert "lie beside what it opens" in inside.err
    assert "needs a step" in call(*CREATE, "--policy", "rounded").err
    assert "no day or time" in call(*CREATE, "--ends", "soon").err
    assert not (tmp_path / "keys").exists()
    assert call(*CREATE, "--json").code == 0
    assert "is there already" in call(*CREATE).err
    assert "no leaderboard" in call("board", "status", ".", *KEY).err
    send(tmp_path)
    path = tmp_path / "b" / "public" / "ledger.jsonl"
    path.write_bytes(path.read_bytes().replace(b"cal", b"eve"))
    assert "is missing or not" in call("board", "verify", "b", *KEY).err


def test_a_clock_that_went_back_and_a_stopped_writer_are_said(
    call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert call(*CREATE, "--policy", "exact").code == 0
    send(tmp_path)
    path = tmp_path / "b" / "public" / "ledger.jsonl"
    with path.open("ab") as stream:
        stream.write(b'{"act')
    assert "no whole entry" in call("board", "verify", "b", *KEY).err

    class Earlier(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:
            return datetime(2020, 1, 1, tzinfo=UTC)

    monkeypatch.setattr(ledger, "datetime", Earlier)
    assert call("board", "close", "b", *KEY, "--who", "ann").code == 0
    said = call("board", "verify", "b", *KEY)
    assert said.code == 0
    assert "Entry 5 was written at 2020-01-01" in said.err
    assert "half a line of a stopped writer was removed" in said.err
