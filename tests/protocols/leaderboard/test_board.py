from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from freshset.core.errors import ConflictError, DataError, NotFoundError, UsageError
from freshset.protocols.ladder import FreeLadder
from freshset.protocols.leaderboard import board as module
from freshset.protocols.leaderboard.board import Board
from freshset.protocols.leaderboard.entrants import evaluations
from freshset.protocols.leaderboard.limits import parse_end
from freshset.protocols.policies import PolicySpec

THRESHOLDOUT = PolicySpec("thresholdout", threshold=0.1, sigma=0.01, budget=1)


def test_from_the_first_submission_to_the_private_part(make, guess, truth, tmp_path: Path) -> None:
    board = make(each=3)
    first = board.submit(guess(board, 1), who="bob", model="m1")
    mask = board.setup.is_public
    want = np.mean(guess(board, 1).classes[mask] == truth[mask])
    assert first.accuracy == pytest.approx(want)
    assert (first.improved, first.left, first.left_of_all, first.repeated) == (True, 2, 49, False)
    board.submit(guess(board, 2, 0.5), who="bob", model="m2")
    board.submit(guess(board, 3, 0.9), who="cal", model="m3")
    assert board.phase == "running"
    running = board.standings()
    assert board.standings() is running
    assert [(r.group, r.entrant) for r in running.rows] == [(1, "cal"), (2, "bob")]
    with pytest.raises(ConflictError, match="have not ended"):
        board.open(who="ann")

    board.choose(4, who="bob")
    board.close(who="ann")
    board.close(who="ann")
    with pytest.raises(ConflictError, match="have ended"):
        board.submit(guess(board, 9), who="bob", model="late")
    with pytest.raises(ConflictError, match="have ended"):
        board.choose(3, who="bob")
    assert board.standings().phase == "ended"

    board.open(who="ann")
    rows = {one.entrant: one for one in board.standings().rows}
    chosen = guess(board, 2, 0.5).classes == truth
    assert rows["bob"].model == "m2"
    assert rows["bob"].exact.value == pytest.approx(chosen[mask].mean())
    assert rows["bob"].private.value == pytest.approx(chosen[~mask].mean())
    entries = board.verify(known=first.digest)
    assert [one.action for one in entries] == [
        "seal", "board", "evaluate", "evaluate", "evaluate", "choose", "close", "open",
    ]  # fmt: skip
    board.open(who="ann")
    assert board.verify() == entries
    again = Board(board.folder, board._key).standings()
    assert again.to_dict() == board.standings().to_dict()


def test_everybody_climbs_a_ladder_of_their_own(make, guess, truth) -> None:
    board = make(PolicySpec("ladder"))
    mask, own = board.setup.is_public, {"bob": FreeLadder(), "cal": FreeLadder()}
    for seed in range(12):
        who, share = ("bob", 0.6) if seed % 2 else ("cal", 0.9)
        one = guess(board, seed, share)
        shown = board.submit(one, who=who, model="m", token=str(seed))
        want = own[who].submit(one.classes[mask] != truth[mask])
        assert (shown.accuracy, shown.improved) == (want.accuracy, want.improved)


def test_the_same_sent_again_is_one_submission(make, guess) -> None:
    board = make(each=2)
    first = board.submit(guess(board, 1), who="bob", model="m", token="t")
    again = board.submit(guess(board, 1), who="bob", model="other", token="t")
    assert (again.seq, again.digest, again.at) == (first.seq, first.digest, first.at)
    assert (again.accuracy, again.repeated, again.left) == (first.accuracy, True, 1)
    assert board.submit(guess(board, 1), who="cal", model="m", token="t").seq != first.seq
    assert board.submit(guess(board, 1), who="bob", model="m", token="u").seq != first.seq
    assert len(evaluations(board.entries())) == 3
    # Also when no more are accepted: whoever lost the answer still gets it.
    board.close(who="ann")
    assert board.submit(guess(board, 1), who="bob", model="m", token="t").repeated


def test_limits_use_no_look_and_tell_no_score(make, guess, clock) -> None:
    board = make(looks=3, each=2, seconds=60)
    board.submit(guess(board, 1), who="bob", model="m")
    before = board.entries()
    clock.at += timedelta(seconds=10)  # the ledger goes by the real one
    with pytest.raises(ConflictError, match="60 s apart"):
        board.submit(guess(board, 2), who="bob", model="m")
    clock.at += timedelta(seconds=90)
    board.submit(guess(board, 2), who="bob", model="m")
    for seed in (3, 4):
        clock.at += timedelta(seconds=90)
        with pytest.raises(ConflictError, match="All of your 2"):
            board.submit(guess(board, seed), who="bob", model="m")
    board.submit(guess(board, 5), who="cal", model="m")
    with pytest.raises(ConflictError, match="All 3 looks"):
        board.submit(guess(board, 6), who="dan", model="m")
    assert len(board.entries()) == len(before) + 2


def test_thresholdout_needs_a_claim_and_has_one_budget(make, guess) -> None:
    board = make(THRESHOLDOUT)
    with pytest.raises(UsageError, match="that the submitter knows"):
        board.submit(guess(board, 1), who="bob", model="m")
    assert len(evaluations(board.entries())) == 0
    told = board.submit(guess(board, 1), who="bob", model="m", claimed=0.1)
    assert told.accuracy is not None
    spent = board.submit(guess(board, 2), who="cal", model="m", claimed=0.1)
    assert spent.accuracy is None
    assert [(r.entrant, r.group) for r in board.standings().rows] == [("bob", 1), ("cal", 0)]


def test_the_end_by_date_stays_the_end_when_the_clock_goes_back(make, guess, clock) -> None:
    board = make(ends=parse_end((clock.at + timedelta(hours=1)).isoformat()))
    board.submit(guess(board, 1), who="bob", model="m")
    clock.at += timedelta(hours=2)
    assert board.phase == "ended"
    with pytest.raises(ConflictError, match="have ended"):
        board.submit(guess(board, 2), who="bob", model="m")
    board.open(who="ann")
    clock.at -= timedelta(hours=2)
    assert board.phase == "opened"
    with pytest.raises(ConflictError, match="have ended"):
        board.submit(guess(board, 2), who="bob", model="m")


def test_a_stopped_opening_goes_on(make, guess, clock, monkeypatch: pytest.MonkeyPatch) -> None:
    board = make(ends=parse_end((clock.at + timedelta(hours=1)).isoformat()))
    for seed, who in enumerate(("bob", "cal", "dan")):
        board.submit(guess(board, seed), who=who, model="m")
    clock.at += timedelta(hours=2)
    left = [0, 1]
    real = Board._score_private

    def stop(self: Board, *rest: object) -> None:
        if not left:
            raise KeyboardInterrupt
        left.pop()
        real(self, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(Board, "_score_private", stop)
        with pytest.raises(KeyboardInterrupt):
            board.open(who="ann")
    # The private part was looked at: from here on nobody submits, whatever the clock says.
    clock.at -= timedelta(hours=2)
    with pytest.raises(ConflictError, match="have ended"):
        board.submit(guess(board, 9), who="eve", model="m")
    board.open(who="ann")
    assert len(board.standings().rows) == 3
    board.verify()


def test_choices_are_of_own_submissions_and_few(make, guess) -> None:
    board = make()
    for seed in (1, 2):
        board.submit(guess(board, seed), who="bob", model="m")
    board.submit(guess(board, 3), who="cal", model="m")
    for wrong in (1, 5, 99):
        with pytest.raises(NotFoundError):
            board.choose(wrong, who="bob")
    board.choose(3, who="bob")
    board.choose(3, who="bob")
    board.choose(4, who="bob")
    with pytest.raises(ConflictError, match="as often as you submitted"):
        board.choose(3, who="bob")
    mine, final = board.history("bob")
    assert [one.seq for one in mine] == [3, 4]
    assert final is not None
    assert final.seq == 4
    assert board.history("nobody") == ((), None)


def test_names_and_tokens_have_a_size(make, guess) -> None:
    board = make()
    for wrong in ({"model": "m" * 101}, {"token": "t" * 65}, {"token": "\n"}, {"model": " "}):
        with pytest.raises(UsageError):
            board.submit(guess(board, 1), **({"who": "bob", "model": "m"} | wrong))
    assert evaluations(board.entries()) == []


def test_changed_rules_ledgers_and_predictions_are_found(make, guess, key) -> None:
    board = make()
    board.submit(guess(board, 1), who="bob", model="m")
    path = board.folder / "board.json"
    good = path.read_text()
    path.write_text(good.replace('"looks": 50', '"looks": 5000'))
    with pytest.raises(DataError, match="not what the ledgers say"):
        Board(board.folder, key)
    with pytest.raises(DataError, match="not what the ledgers say"):
        board.verify()
    path.write_text(good)
    (kept,) = (board.folder / "predictions").iterdir()
    data = kept.read_bytes()
    kept.write_bytes(data[:-4] + b"\1\0\0\0")
    with pytest.raises(DataError, match="not what was submitted"):
        board.verify()
    board.close(who="ann")
    with pytest.raises(DataError, match="not what was submitted"):
        board.open(who="ann")
    kept.write_bytes(data)
    board.open(who="ann")
    ledger = board.folder / "public" / "ledger.jsonl"
    ledger.write_bytes(ledger.read_bytes().replace(b'"bob"', b'"eve"'))
    with pytest.raises(DataError):
        board.standings()


def test_many_threads_and_two_boards_on_one_folder(make, guess, key) -> None:
    board = make(looks=200)
    boards = [board, Board(board.folder, key)]
    got: list[int] = []

    def send(number: int) -> None:
        one = boards[number % 2]
        for k in range(3):
            receipt = one.submit(
                guess(one, 10 * number + k), who=f"p{number}", model="m", token=str(k)
            )
            got.append(receipt.seq)

    threads = [threading.Thread(target=send, args=(n,)) for n in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(got) == list(range(3, 27))
    assert len(evaluations(board.verify())) == 24


def test_a_folder_that_stays_locked_is_told(make, monkeypatch: pytest.MonkeyPatch) -> None:
    from filelock import FileLock

    board = make()
    monkeypatch.setattr(module, "_PATIENCE", 0.1)
    with FileLock(board.folder / ".lock"), pytest.raises(ConflictError, match="at work"):
        board.entries()


WRITER = """
import json, sys
from pathlib import Path
from freshset.protocols.leaderboard.board import Board
from freshset.protocols.sealed.cipher import Key
from freshset.protocols.sealed.submission import check_submission

board = Board(Path(sys.argv[1]), Key(sys.argv[2]))
ids = board.setup.public.ids
for k in range(10_000):
    values = ["0123"[(k >> (2 * (i % 8))) & 3] for i in range(len(ids))]
    found = check_submission(board.setup.public, values, ids)
    receipt = board.submit(found, who=f"p{k % 5}", model="m", token=str(k))
    print(json.dumps([receipt.digest, k]), flush=True)
"""


@pytest.mark.parametrize("wait", [0.0, 0.05])
def test_kill_9_loses_no_accepted_submission(tmp_path: Path, wait: float) -> None:
    from freshset.protocols.sealed.cipher import Key, new_key

    text = new_key()
    make_with(tmp_path / "own", Key(text))
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path / "own"), text], stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    told = [json.loads(process.stdout.readline()) for _ in range(15)]
    time.sleep(wait)
    process.send_signal(signal.SIGKILL)
    rest = process.stdout.read().splitlines()
    process.stdout.close()
    told += [json.loads(line) for line in rest if line.endswith(b"]")]
    process.wait()
    board = Board(tmp_path / "own", Key(text))
    entries = evaluations(board.entries())
    counted = Counter((one.who, one.note["token"]) for one in entries)
    assert set(counted.values()) == {1}
    assert {digest for digest, _ in told} <= {one.digest for one in entries}
    assert len(told) <= len(entries) <= len(told) + 1
    board.close(who="ann")  # also takes away half a line
    board.verify()


def make_with(folder: Path, key: object) -> None:
    from freshset.protocols.leaderboard.limits import Limits
    from freshset.protocols.leaderboard.setup import BoardRules, make_board
    from freshset.protocols.sealed.submission import Labels

    labels = Labels.of([k % 4 for k in range(60)], name="x", ids=[f"i{k}" for k in range(60)])
    make_board(folder, key, labels, BoardRules(PolicySpec("ladder"), Limits(99_999)), who="ann")


def test_what_is_refused_fills_no_disk(make, guess) -> None:
    board = make(looks=1)
    board.submit(guess(board, 1), who="bob", model="m")
    kept = sorted((board.folder / "predictions").iterdir())
    with pytest.raises(ConflictError, match="All 1 looks"):
        board.submit(guess(board, 2), who="cal", model="m")
    with pytest.raises(UsageError, match="needs model"):
        board.submit(guess(board, 3), who="bob", model=" ")
    assert sorted((board.folder / "predictions").iterdir()) == kept
    assert len(kept) == 1


@pytest.mark.parametrize("name", ["public/ledger.jsonl", "public/head.json", "board.json"])
@pytest.mark.parametrize("gone", [False, True])
def test_entrants_are_not_told_where_a_damaged_board_lies(
    make, guess, tmp_path: Path, name: str, gone: bool
) -> None:
    board = make()
    board.submit(guess(board, 1), who="bob", model="m")
    path = board.folder / name
    path.unlink() if gone else path.write_bytes(path.read_bytes().replace(b"a", b"b"))
    if name == "board.json":
        board._sealed = "other"
    for ask in (
        board.standings,
        lambda: board.submit(guess(board, 2), who="c", model="m"),
    ):
        with pytest.raises(DataError) as error:
            ask()
        assert Path(name).name.split(".")[0] in str(error.value)
        assert str(tmp_path) not in str(error.value)
