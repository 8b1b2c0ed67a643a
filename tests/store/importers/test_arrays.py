from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import snapshot

from freshset.core.errors import DataError, FreshsetError, UsageError
from freshset.store.importers import import_results
from freshset.store.parquet import ParquetStore

LABELS = [0, 1, 2, 1, 0, 2]
TOP1 = [0, 1, 1, 1, 0, 0]
TOP3 = [[0, 1, 2], [1, 0, 2], [1, 2, 0], [1, 0, 2], [0, 2, 1], [0, 1, 2]]
IDS = [f"img{k}" for k in range(6)]
SHUFFLE = [3, 0, 5, 1, 4, 2]


def read(
    tmp_path: Path, *files: Path, labels: Path | None = None, **options: object
) -> ParquetStore:
    import_results(
        "predictions", list(files), tmp_path / "s", testset="mine/test", labels=labels, **options
    )
    return ParquetStore(tmp_path / "s")


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    path = tmp_path / "labels.csv"
    pd.DataFrame({"image_id": IDS, "label": LABELS}).to_csv(path, index=False)
    return path


def frame(values: list, order: list[int]) -> pd.DataFrame:
    return pd.DataFrame(
        {"image_id": [IDS[i] for i in order], "prediction": [values[i] for i in order]}
    )


def write_csv(path: Path) -> Path:
    frame(TOP1, SHUFFLE).to_csv(path.with_suffix(".csv"), index=False)
    return path.with_suffix(".csv")


def write_parquet(path: Path) -> Path:
    frame(TOP1, SHUFFLE).to_parquet(path.with_suffix(".parquet"))
    return path.with_suffix(".parquet")


def write_npz(path: Path) -> Path:
    order = np.array(SHUFFLE)
    np.savez(
        path.with_suffix(".npz"), predictions=np.array(TOP1)[order], item_id=np.array(IDS)[order]
    )
    return path.with_suffix(".npz")


def write_json_object(path: Path) -> Path:
    text = json.dumps({IDS[i]: TOP1[i] for i in SHUFFLE})
    path.with_suffix(".json").write_text(text)
    return path.with_suffix(".json")


def write_json_records(path: Path) -> Path:
    text = json.dumps([{"image_id": IDS[i], "pred": TOP1[i]} for i in SHUFFLE])
    path.with_suffix(".json").write_text(text)
    return path.with_suffix(".json")


def write_json_two_lists(path: Path) -> Path:
    data = {"item_id": [IDS[i] for i in SHUFFLE], "predictions": [TOP1[i] for i in SHUFFLE]}
    path.with_suffix(".json").write_text(json.dumps(data))
    return path.with_suffix(".json")


WITH_IDS = [
    write_csv,
    write_parquet,
    write_npz,
    write_json_object,
    write_json_records,
    write_json_two_lists,
]


@pytest.mark.parametrize("write", WITH_IDS, ids=[f.__name__ for f in WITH_IDS])
def test_rows_are_matched_by_id(
    tmp_path: Path, labels: Path, write: Callable[[Path], Path]
) -> None:
    store = read(tmp_path, write(tmp_path / "net"), labels=labels)
    assert store.predictions("mine/test", ["net"]).tolist() == [TOP1]
    assert store.cells()[0].correct == {"top1": 4}


def write_npy(path: Path, values: list) -> Path:
    np.save(path.with_suffix(".npy"), np.array(values))
    return path.with_suffix(".npy")


def write_json_list(path: Path, values: list) -> Path:
    path.with_suffix(".json").write_text(json.dumps(values))
    return path.with_suffix(".json")


def write_bare_csv(path: Path, values: list) -> Path:
    pd.DataFrame(values).to_csv(path.with_suffix(".csv"), index=False, header=False)
    return path.with_suffix(".csv")


def write_list_column(path: Path, values: list) -> Path:
    pd.DataFrame({"topk_id": values}).to_parquet(path.with_suffix(".parquet"))
    return path.with_suffix(".parquet")


@pytest.mark.parametrize("write", [write_npy, write_json_list, write_bare_csv])
@pytest.mark.parametrize("values", [TOP1, TOP3], ids=["top1", "top3"])
def test_rows_without_ids_are_matched_by_position_and_said(
    tmp_path: Path, labels: Path, write: Callable[[Path, list], Path], values: list
) -> None:
    report = import_results(
        "predictions",
        [write(tmp_path / "net", values)],
        tmp_path / "s",
        testset="mine/test",
        labels=labels,
    )
    store = ParquetStore(tmp_path / "s")
    assert store.predictions("mine/test", ["net"]).tolist() == [TOP1]
    assert store.cells()[0].k == (1 if values is TOP1 else 3)
    assert "matched by position" in report.warnings[0]


def test_ordered_columns(tmp_path: Path, labels: Path) -> None:
    table = pd.DataFrame(TOP3, columns=["pred_1", "pred_2", "pred_3"])
    # Order comes from the numbers in the names, not from the file.
    table[["pred_3", "pred_1", "pred_2"]].assign(id=IDS).to_csv(tmp_path / "net.csv", index=False)
    store = read(
        tmp_path, tmp_path / "net.csv", write_list_column(tmp_path / "list", TOP3), labels=labels
    )
    assert store.matrix("mine/test", ["net"]).label_rank.tolist() == [[1, 1, 2, 1, 1, 3]]
    assert store.matrix("mine/test", ["list"]).label_rank.tolist() == [[1, 1, 2, 1, 1, 3]]


def test_stored_cells_can_be_read_again(tmp_path: Path, labels: Path) -> None:
    store = read(tmp_path, write_npy(tmp_path / "net", TOP3), labels=labels)
    (path,) = store.path.glob("cells/*/*/*/predictions.parquet")
    import_results("predictions", {"net": path}, tmp_path / "t", testset="mine/test", labels=labels)
    again = ParquetStore(tmp_path / "t").cells()[0]
    assert again.spec.identity == store.cells()[0].spec.identity


def test_class_names(tmp_path: Path) -> None:
    names = ["cat", "dog", "owl"]
    pd.DataFrame({"id": IDS, "label": [names[k] for k in LABELS]}).to_csv(
        tmp_path / "l.csv", index=False
    )
    pd.DataFrame({"id": IDS, "pred": [names[k] for k in TOP1]}).to_csv(
        tmp_path / "net.csv", index=False
    )
    store = read(tmp_path, tmp_path / "net.csv", labels=tmp_path / "l.csv")
    assert store.testset("mine/test").class_names == ("cat", "dog", "owl")
    assert store.predictions("mine/test", ["net"]).tolist() == [TOP1]
    pd.DataFrame({"id": IDS, "pred": ["owll"] * 6}).to_csv(tmp_path / "bad.csv", index=False)
    with pytest.raises(
        DataError, match=r"bad\.csv: row 0: 'owll' is not a class.*Did you mean 'owl'"
    ):
        read(tmp_path, tmp_path / "bad.csv")


def test_class_list_gives_order_and_size(tmp_path: Path) -> None:
    (tmp_path / "classes.txt").write_text("owl\ncat\ndog\nemu\n", encoding="utf-8")
    pd.DataFrame({"id": IDS, "label": ["cat"] * 6}).to_csv(tmp_path / "l.csv", index=False)
    pd.DataFrame({"id": IDS, "pred": ["emu"] * 6}).to_csv(tmp_path / "net.csv", index=False)
    store = read(
        tmp_path,
        tmp_path / "net.csv",
        labels=tmp_path / "l.csv",
        classes=str(tmp_path / "classes.txt"),
    )
    assert store.testset("mine/test").n_classes == 4
    assert store.predictions("mine/test", ["net"]).tolist() == [[3] * 6]
    with pytest.raises(UsageError, match="neither a number nor a file"):
        read(tmp_path, tmp_path / "net.csv", labels=tmp_path / "l.csv", classes="many")


def test_labels_are_needed_once(tmp_path: Path, labels: Path) -> None:
    with pytest.raises(UsageError, match="Give its labels with --labels"):
        read(tmp_path, write_npy(tmp_path / "a", TOP1))
    read(tmp_path, write_npy(tmp_path / "a", TOP1), labels=labels)
    store = read(tmp_path, write_npy(tmp_path / "b", LABELS))
    assert [c.correct["top1"] for c in store.cells()] == [4, 6]
    # The class space of the store holds when the same labels come again.
    read(tmp_path, write_npy(tmp_path / "c", LABELS), labels=labels)


def test_one_file_with_many_models(tmp_path: Path, labels: Path) -> None:
    rows = [
        (m, i, v)
        for m, vals in (("x", TOP1), ("y", LABELS))
        for i, v in zip(IDS, vals, strict=True)
    ]
    pd.DataFrame(rows, columns=["model", "image_id", "prediction"]).to_csv(
        tmp_path / "all.csv", index=False
    )
    store = read(tmp_path, tmp_path / "all.csv", labels=labels)
    assert [(c.spec.model, c.correct["top1"]) for c in store.cells()] == [("x", 4), ("y", 6)]


def test_ids_keep_their_zeros(tmp_path: Path) -> None:
    (tmp_path / "l.csv").write_text("id,label\n007,0\n08,1\n")
    (tmp_path / "net.csv").write_text("id,pred\n08,1\n007,1\n")
    store = read(tmp_path, tmp_path / "net.csv", labels=tmp_path / "l.csv")
    assert store.testset("mine/test").ids.tolist() == ["007", "08"]
    assert store.predictions("mine/test", ["net"]).tolist() == [[1, 1]]


def test_worst_first_is_repaired_on_request(tmp_path: Path, rng: np.random.Generator) -> None:
    truth = rng.integers(0, 3, 200)
    worst = np.stack([(truth + 1) % 3, (truth + 2) % 3, truth], axis=1)
    labels = write_npy(tmp_path / "labels", truth.tolist())
    file = write_npy(tmp_path / "net", worst.tolist())
    assert read(tmp_path, file, labels=labels).cells()[0].correct["top1"] == 0
    assert (
        read(tmp_path, file, labels=labels, repair="worst-first").cells()[0].correct["top1"] == 200
    )


def csv(text: str) -> Callable[[Path], Path]:
    def write(path: Path) -> Path:
        path.with_suffix(".csv").write_text(text)
        return path.with_suffix(".csv")

    return write


def broken(suffix: str, data: bytes) -> Callable[[Path], Path]:
    def write(path: Path) -> Path:
        path.with_suffix(suffix).write_bytes(data)
        return path.with_suffix(suffix)

    return write


def half_parquet(path: Path) -> Path:
    file = write_parquet(path)
    file.write_bytes(file.read_bytes()[:-30])
    return file


def rows(*pairs: tuple[str, object]) -> str:
    return "image_id,prediction\n" + "".join(f"{i},{v}\n" for i, v in pairs)


GOOD = tuple(zip(IDS, TOP1, strict=True))
BAD = {
    "length": (lambda p: write_npy(p, TOP1[:5]), r"net\.npy: 5 predictions for the 6 items of mine/test"),
    "missing id": (csv(rows(*GOOD[:-1])), r"net\.csv: 1 ids of mine/test are missing \(first 'img5'\)"),
    "strange id": (csv(rows(*GOOD, ("x", 1))), r"1 ids are not in it \(first 'x', row 6\)"),
    "duplicate id": (csv(rows(*GOOD, GOOD[2])), r"row 6: the id 'img2' occurs twice \(first in row 2\)"),
    "empty id": (csv(rows(*GOOD[:-1], ("", 1))), "row 5: the id is empty"),
    "outside": (csv(rows(*GOOD[:-1], ("img5", 3))), r"class id 3 is outside the class space 0\.\.2.*--classes"),
    "negative": (lambda p: write_npy(p, [*TOP1[:5], -1]), "row 5: class id -1 is outside"),
    "empty cell": (csv(rows(*GOOD[:-1], ("img5", ""))), r"row 5: 'prediction' is empty or NaN"),
    "float": (lambda p: write_npy(p, [0.0] * 6), "row 0: 0.0 is a float"),
    "float csv": (csv(rows(*GOOD[:-1], ("img5", 1.5))), "is not a class id"),
    "nan": (lambda p: write_npy(p, [np.nan] * 6), "row 0: NaN"),
    "json float": (lambda p: write_json_list(p, [0, 1, 2.5]), r"net\.json: row 2: 2\.5 is not a class id"),
    "json ragged": (lambda p: write_json_list(p, [[0, 1], [1]]), "row 1: not as many values"),
    "json text": (lambda p: write_json_list(p, "abc"), "not a list or object"),
    "json cut": (broken(".json", b"[1, 2"), r"line 1: not valid JSON"),
    "repeated": (lambda p: write_npy(p, [[0, 0]] * 6), "row 0: the same class occurs twice"),
    "empty npy": (lambda p: write_npy(p, []), r"net\.npy: no rows"),
    "empty csv": (csv(""), "cannot be read as csv"),
    "header only": (csv("image_id,prediction\n"), "no rows"),
    "no column": (csv("image_id,guess\na,1\n"), r"no column 'prediction'; it has image_id, guess"),
    "half parquet": (half_parquet, "not a readable Parquet file; it may be truncated"),
    "no parquet": (broken(".parquet", b""), "not a readable Parquet file"),
    "no npz": (broken(".npz", b"PK"), r"not a whole \.npz file"),
    "no npy": (broken(".npy", b"\x93NUMPY"), r"not a whole \.npy file"),
    "kind": (broken(".xlsx", b""), r"unknown kind of file.*\.csv"),
    "absent": (lambda p: p.with_suffix(".npy"), "no such file"),
}  # fmt: skip


@pytest.mark.parametrize("case", sorted(BAD))
def test_bad_predictions_are_named_and_change_nothing(
    tmp_path: Path, labels: Path, case: str
) -> None:
    read(tmp_path, write_npy(tmp_path / "first", TOP1), labels=labels)
    before = snapshot(tmp_path / "s")
    write, message = BAD[case]
    file = write(tmp_path / "net")
    with pytest.raises(FreshsetError, match=message):
        read(tmp_path, file)
    assert snapshot(tmp_path / "s") == before


BAD_LABELS = {
    "twice": ("id,label\na,0\nb,1\na,1\n", "row 2: the id 'a' occurs twice"),
    "nan": ("id,label\na,0\nb,\n", "row 1: 'label' is empty or NaN"),
    "float": ("id,label\na,0.5\nb,1.5\n", "row 0: 0.5 is not a class id"),
    "negative": ("id,label\na,-1\nb,1\n", "row 0: label -1 is outside"),
    "none": ("id,label\n", "no rows"),
    "column": ("id,truth\na,1\n", "no column 'label'"),
}


@pytest.mark.parametrize("case", sorted(BAD_LABELS))
def test_bad_labels(tmp_path: Path, case: str) -> None:
    text, message = BAD_LABELS[case]
    (tmp_path / "l.csv").write_text(text)
    with pytest.raises(DataError, match=rf"l\.csv: .*{message}|l\.csv: {message}"):
        read(tmp_path, write_npy(tmp_path / "net", [0, 1]), labels=tmp_path / "l.csv")
    assert not (tmp_path / "s").exists()


def test_two_files_of_one_name(tmp_path: Path, labels: Path) -> None:
    (tmp_path / "other").mkdir()
    one, two = write_npy(tmp_path / "net", TOP1), write_npy(tmp_path / "other" / "net", LABELS)
    with pytest.raises(DataError, match="the model 'net' was read from .* already"):
        read(tmp_path, one, two, labels=labels)
    names = {"one": one, "two": two}
    import_results("predictions", names, tmp_path / "s", testset="mine/test", labels=labels)
    assert [c.spec.model for c in ParquetStore(tmp_path / "s").cells()] == ["one", "two"]


def test_classes_that_are_called_by_numbers(tmp_path: Path) -> None:
    names = [str(k) for k in range(12)]
    pd.DataFrame({"label": names}).to_parquet(tmp_path / "l.parquet")
    np.save(tmp_path / "net.npy", np.arange(12))
    store = read(tmp_path, tmp_path / "net.npy", labels=tmp_path / "l.parquet")
    assert store.cells()[0].correct == {"top1": 12}


def test_ids_in_the_index_of_a_frame(tmp_path: Path, labels: Path) -> None:
    frame(TOP1, SHUFFLE).set_index("image_id").to_parquet(tmp_path / "net.parquet")
    store = read(tmp_path, tmp_path / "net.parquet", labels=labels)
    assert store.predictions("mine/test", ["net"]).tolist() == [TOP1]


def test_flags_beside_predictions_are_no_order(tmp_path: Path, labels: Path) -> None:
    table = frame(TOP1, SHUFFLE).assign(top1=0, top5=1)
    table.to_csv(tmp_path / "net.csv", index=False)
    store = read(tmp_path, tmp_path / "net.csv", labels=labels)
    assert store.predictions("mine/test", ["net"]).tolist() == [TOP1]


def test_model_names_are_text(tmp_path: Path, labels: Path) -> None:
    rows = "".join(f"{m},{i},{v}\n" for m in ("007", "NA") for i, v in zip(IDS, TOP1, strict=True))
    (tmp_path / "all.csv").write_text("Model,image_id,prediction\n" + rows)
    store = read(tmp_path, tmp_path / "all.csv", labels=labels)
    assert [c.spec.model for c in store.cells()] == ["007", "NA"]
    (tmp_path / "bad.csv").write_text("model,image_id,prediction\n,img0,1\n")
    with pytest.raises(DataError, match="a row names no model"):
        read(tmp_path, tmp_path / "bad.csv")


def test_frames_as_pandas_writes_them_to_json(tmp_path: Path, labels: Path) -> None:
    frame(TOP1, SHUFFLE).to_json(tmp_path / "net.json")
    store = read(tmp_path, tmp_path / "net.json", labels=str(labels))
    assert store.predictions("mine/test", ["net"]).tolist() == [TOP1]


@pytest.mark.parametrize(
    ("labels_of", "message"),
    [
        ([0, 2**32 + 3], "row 1: 4294967299 is too large for a class id"),
        (np.array([0, 2**64 - 1], dtype=np.uint64), "row 1: 18446744073709551615 is too large"),
        (np.array(3), "a single value, not one for each item"),
    ],
)
def test_labels_that_are_no_class_ids(tmp_path: Path, labels_of: object, message: str) -> None:
    np.save(tmp_path / "l.npy", np.asarray(labels_of))
    with pytest.raises(DataError, match=message):
        read(tmp_path, write_npy(tmp_path / "net", [0, 1]), labels=tmp_path / "l.npy")


@pytest.mark.parametrize("classes", ["0", "99999999999999999999", "²"])
def test_impossible_numbers_of_classes(tmp_path: Path, labels: Path, classes: str) -> None:
    with pytest.raises(UsageError, match="classes"):
        read(tmp_path, write_npy(tmp_path / "net", TOP1), labels=labels, classes=classes)


def test_labels_of_a_package_carry_its_mark(tmp_path: Path, labels: Path) -> None:
    predictions = tmp_path / "m.csv"
    frame(TOP1, list(range(6))).to_csv(predictions, index=False)
    assert read(tmp_path, predictions, labels=labels).testset("mine/test").touched == ""
    said = '{"schema": "freshset.package/1", "touched": "un-frozen: a wrong label"}'
    (tmp_path / "revision.json").write_text(said, encoding="utf-8")
    store = read(tmp_path, predictions, labels=labels)
    assert store.testset("mine/test").touched == "un-frozen: a wrong label"
