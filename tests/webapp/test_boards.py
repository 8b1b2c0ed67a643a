from __future__ import annotations

import asyncio
import io
from pathlib import Path

import pytest
from fakes.board import board_of, guess
from starlette.datastructures import UploadFile

from freshset.core.errors import FreshsetError, UsageError
from freshset.protocols.policies import PolicySpec
from freshset.replication.people import Person
from freshset.webapp.boards import Sent, upload_limits
from freshset.webapp.settings import Settings

BOB = Person("1", "Bob", "worker", active=True, epoch=1, joined_at="", consented_at="", qualified_at="")  # fmt: skip


def sent(name: str = "a.csv", data: bytes | None = None, **said: object) -> Sent:
    values = {"model": "a", "token": "", "claimed": None} | said
    file = UploadFile(io.BytesIO(guess(1) if data is None else data), filename=name)
    return Sent(file, name, **values)


def test_a_submission_is_read_scored_and_recorded(tmp_path: Path) -> None:
    served = board_of(tmp_path / "b")
    assert (served.name, served.claims) == ("pets", False)
    receipt = asyncio.run(served.take(sent(), BOB))
    (entry,), final = served.board.history("Bob")
    assert (receipt.seq, receipt.accuracy) == (entry.seq, entry.revealed["accuracy"])
    assert final == entry
    assert not list(Path(tmp_path).glob("freshset-*"))


def test_many_at_once_are_each_taken_once(tmp_path: Path) -> None:
    served = board_of(tmp_path / "b")

    async def send() -> list[int]:
        every = (served.take(sent(data=guess(k), token=str(k)), BOB) for k in range(12))
        return [one.seq for one in await asyncio.gather(*every)]

    assert sorted(asyncio.run(send())) == list(range(3, 15))


@pytest.mark.parametrize("name", ["a.exe", "a", "a.csv.gz", ".csv/..", "a.pkl"])
def test_other_kinds_of_files_use_no_look(tmp_path: Path, name: str) -> None:
    served = board_of(tmp_path / "b")
    with pytest.raises(FreshsetError):
        asyncio.run(served.take(sent(name), BOB))
    assert served.board.history("Bob") == ((), None)


def test_thresholdout_claims(tmp_path: Path) -> None:
    policy = PolicySpec("thresholdout", threshold=0.1, sigma=0.01, budget=5)
    served = board_of(tmp_path / "b", policy)
    assert served.claims
    with pytest.raises(UsageError, match="that the submitter knows"):
        asyncio.run(served.take(sent(), BOB))
    assert asyncio.run(served.take(sent(claimed=0.7), BOB)).accuracy is not None


def test_room_is_only_where_predictions_are_sent() -> None:
    found = upload_limits(Settings(max_upload=7))
    assert found == {"/board/submit": 7, "/api/board/submissions": 7}
