from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from freshset.core.errors import DataError
from freshset.protocols.leaderboard.incoming import KINDS, read_upload
from freshset.protocols.sealed.submission import Public

IDS = tuple(f"i{k}" for k in range(6))
PUBLIC = Public("pets", 6, ("cat", "dog"), IDS)
PLAIN = Public("pets", 6, ("0", "1"))
GUESS = ["cat", "dog", "dog", "cat", "cat", "dog"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_read(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"upload{kind}"
    public = PLAIN if kind == ".npy" else PUBLIC
    frame = pd.DataFrame({"item_id": IDS, "prediction": GUESS})
    if kind == ".csv":
        frame.to_csv(path, index=False)
    elif kind == ".json":
        path.write_text(frame.set_index("item_id")["prediction"].to_json())
    elif kind == ".parquet":
        frame.to_parquet(path)
    elif kind == ".npz":
        np.savez(path, predictions=np.array(GUESS), item_id=np.array(IDS))
    else:
        np.save(path, np.array([0, 1, 1, 0, 0, 1]))
    found = read_upload(path, public, name="mine")
    assert found.classes.tolist() == [0, 1, 1, 0, 0, 1]


def refused(path: Path, data: bytes, public: Public = PUBLIC) -> str:
    path.write_bytes(data)
    with pytest.raises(DataError) as raised:
        read_upload(path, public, name="mine.bin")
    text = f"{raised.value.message} {raised.value.hint}"
    assert str(path.parent) not in text
    assert "mine.bin" in text or "No look" in text
    return text


def csv(ids: tuple[str, ...] = IDS, guess: list[str] = GUESS) -> bytes:
    rows = "".join(f"{a},{b}\n" for a, b in zip(ids, guess, strict=False))
    return f"item_id,prediction\n{rows}".encode()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (csv(IDS[:5], GUESS[:5]), "5 predictions, where pets has 6"),
        (csv(IDS[::-1]), "in another order"),
        (csv((*IDS[:5], "x")), "An id is wrong"),
        (csv(guess=[*GUESS[:5], "cow"]), "Row 5: 'cow' is no class"),
        (b"prediction\n" + b"cat\n" * 6, "has ids, and the predictions have none"),
        (b"item_id,guess\n", "mine.bin"),
        (b"", "mine.bin"),
        (b"\xff\xfe\x00\x01", "mine.bin"),
        (csv().replace(b"prediction", b"prediction,model").replace(b"cat", b"cat,a").replace(
            b"dog", b"dog,b"), ""),
    ],
)  # fmt: skip
def test_wrong_tables_are_told_and_never_where_they_lie(
    tmp_path: Path, data: bytes, said: str
) -> None:
    assert said in refused(tmp_path / "u.csv", data)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("data", [b"", b"nonsense", b"[" * 100_000, b"PK\x03\x04", b"\x93NUMPY"])
def test_what_is_no_file_of_its_kind(tmp_path: Path, kind: str, data: bytes) -> None:
    refused(tmp_path / f"u{kind}", data)


def test_unknown_kinds_and_pickles_are_refused(tmp_path: Path) -> None:
    assert "unknown kind of file" in refused(tmp_path / "u.pkl", b"x")
    stream = io.BytesIO()
    np.save(stream, np.array([{"a": 1}] * 6, dtype=object), allow_pickle=True)
    refused(tmp_path / "u.npy", stream.getvalue())


def test_what_unpacks_to_too_much_is_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "u.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("predictions.npy", b"\0" * 30_000_000)
    assert path.stat().st_size < 50_000
    assert "30,000,000 bytes unpacked" in refused(path, path.read_bytes())
    path = tmp_path / "u.parquet"
    pq.write_table(pa.table({"prediction": pa.array(["cat"] * 1_000_000)}), path)
    assert "1,000,000 rows for 6 examples" in refused(path, path.read_bytes())
    pq.write_table(pa.table({"prediction": pa.array([[0] * 1_000_000] * 6)}), path)
    assert path.stat().st_size < 50_000
    assert "bytes unpacked" in refused(path, path.read_bytes())
    huge = b"\x93NUMPY\x01\x00\x76\x00" + (
        b"{'descr': '<i8', 'fortran_order': False, 'shape': (99999999999999,), }".ljust(117) + b"\n"
    )
    refused(tmp_path / "u.npy", huge, PLAIN)
