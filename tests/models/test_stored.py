from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from freshset.core.errors import DataError, UsageError
from freshset.models.base import Model, ModelInfo, Runtime
from freshset.models.preprocessing import IdPreprocessing
from freshset.models.reference import ModelRef
from freshset.models.stored import ADAPTER

IDS = ["a", "b", "c"]
SCORES = np.array([[0.5, 0.25, 0.25], [0, 1, 0], [0.2, 0.3, 0.5]])


def describe(root: Path, text: str, **runtime: Any) -> ModelInfo:
    return ADAPTER.describe(ModelRef.parse(f"preds:{text}"), Runtime(root=str(root), **runtime))


def load(root: Path, text: str) -> Model:
    return ADAPTER.load(ModelRef.parse(f"preds:{text}"), Runtime(root=str(root)))


def parquet(root: Path, **columns: Any) -> None:
    table = {
        name: values if isinstance(values, pa.Array) else pa.array(np.asarray(values).tolist())
        for name, values in columns.items()
    }
    pq.write_table(pa.table(table), root / "p.parquet")


@pytest.mark.parametrize(
    ("name", "outputs"),
    [
        ("logits", "logits"),
        ("probabilities", "probabilities"),
        ("probs", "probabilities"),
        ("scores", "scores"),
    ],
)
def test_scores_come_back_by_id(tmp_path: Path, name: str, outputs: str) -> None:
    parquet(tmp_path, image_id=IDS, pred=[9, 9, 9], **{name: SCORES})
    model = load(tmp_path, "p.parquet")
    assert (model.info.outputs, model.info.input, model.info.n_outputs) == (outputs, "id", 3)
    out = model.predict(["c", "a", "c"])
    assert out.dtype == np.float32
    np.testing.assert_array_equal(out, SCORES[[2, 0, 2]].astype(np.float32))


def test_columns_named_by_class_say_what_the_classes_are(tmp_path: Path) -> None:
    frame = pd.DataFrame({"id": ["007", "b"], "score:dog": [1.0, 2.0], "score:cat:2": [3, 4]})
    frame.to_csv(tmp_path / "p.csv", index=False)
    model = load(tmp_path, "p.csv")
    assert model.info.classes is not None
    assert model.info.classes.keys == ("dog", "cat:2")
    assert model.info.n_outputs == 2
    assert model.predict(["007"]).tolist() == [[1.0, 3.0]]
    (tmp_path / "c.txt").write_text("cat:2\ndog\n", encoding="utf-8")
    with pytest.raises(UsageError, match="other classes, or in another order"):
        describe(tmp_path, "p.csv?classes=c.txt")


@pytest.mark.parametrize("name", ["pred", "prediction", "predictions"])
def test_class_ids_come_back(tmp_path: Path, name: str) -> None:
    pd.DataFrame({"item_id": IDS, name: [2, 0, 1]}).to_csv(tmp_path / "p.csv", index=False)
    model = load(tmp_path, "p.csv")
    assert (model.info.outputs, model.info.n_outputs) == ("classes", 0)
    assert model.predict(IDS[::-1]).tolist() == [1, 0, 2]


def test_the_best_classes_come_back_in_their_order(tmp_path: Path) -> None:
    pd.DataFrame({"item_id": IDS, "pred_2": [1, 1, 0], "pred_1": [2, 0, 1]}).to_csv(
        tmp_path / "p.csv", index=False
    )
    assert load(tmp_path, "p.csv").predict(["a"]).tolist() == [[2, 1]]
    parquet(tmp_path, item_id=IDS, pred=[2, 0, 1], topk_id=[[2, 1], [0, 1], [1, 0]])
    assert load(tmp_path, "p.parquet").predict(["c"]).tolist() == [[1, 0]]


def test_classes_by_name_need_their_list(tmp_path: Path) -> None:
    parquet(tmp_path, item_id=IDS, pred=["dog", "cat", "dog"])
    with pytest.raises(UsageError, match=r"predicts classes by name, as 'dog'.*\?classes=FILE"):
        load(tmp_path, "p.parquet")
    (tmp_path / "c.txt").write_text("cat\nemu\ndog\n", encoding="utf-8")
    model = load(tmp_path, "p.parquet?classes=c.txt")
    assert model.predict(IDS).tolist() == [2, 0, 2]
    (tmp_path / "c.txt").write_text("cat\ndoge\n", encoding="utf-8")
    with pytest.raises(DataError, match="row 0: 'dog' is none of the classes. Did you mean 'doge'"):
        load(tmp_path, "p.parquet?classes=c.txt")


def test_npy_takes_its_ids_from_a_file(tmp_path: Path) -> None:
    np.save(tmp_path / "p.npy", SCORES)
    with pytest.raises(DataError, match=r"no column of item ids.*\?ids=FILE"):
        load(tmp_path, "p.npy")
    (tmp_path / "ids.txt").write_text("a\nb\nc\n", encoding="utf-8")
    model = load(tmp_path, "p.npy?ids=ids.txt&kind=probabilities")
    assert model.info.outputs == "probabilities"
    assert model.predict(["b"]).tolist() == [[0, 1, 0]]
    assert load(tmp_path, "p.npy?ids=ids.txt").info.outputs == "scores"
    (tmp_path / "ids.txt").write_text("a\x0b\nb \n\u2028c", encoding="utf-8")
    assert load(tmp_path, "p.npy?ids=ids.txt").predict(["b ", "a\x0b", "\u2028c"]).shape == (3, 3)
    (tmp_path / "ids.txt").write_text("a\nb\n", encoding="utf-8")
    with pytest.raises(DataError, match="2 ids for 3 predictions"):
        load(tmp_path, "p.npy?ids=ids.txt")


def test_another_column_can_be_named(tmp_path: Path) -> None:
    np.savez(tmp_path / "p.npz", item_id=np.array(IDS), mine=SCORES, pred=np.array([1, 1, 1]))
    assert load(tmp_path, "p.npz").predict(["a"]).tolist() == [1]
    model = load(tmp_path, "p.npz?column=mine&kind=probabilities")
    assert model.predict(["b"]).tolist() == [[0, 1, 0]]
    with pytest.raises(UsageError, match="no column 'mien'. Did you mean 'mine'"):
        describe(tmp_path, "p.npz?column=mien")
    with pytest.raises(UsageError, match="kind is given without a column"):
        describe(tmp_path, "p.npz?kind=logits")


def test_answers_and_likelihoods_come_back(tmp_path: Path) -> None:
    parquet(tmp_path, item_id=IDS, answer=["x", "", "z"])
    model = load(tmp_path, "p.parquet")
    assert (model.info.task, model.info.outputs) == ("question-answering", "answers")
    assert model.predict(["c", "b"]) == ["z", ""]
    parquet(tmp_path, item_id=IDS, bytes=[9, 8, 7], nll=[1.5, 2, 3], tokens=[3, 2, 1])
    model = load(tmp_path, "p.parquet")
    assert (model.info.task, model.info.outputs) == ("language-modelling", "likelihoods")
    out = model.predict(["a"])
    assert out.dtype == np.float64
    assert out.tolist() == [[1.5, 3, 9]]


def test_an_item_without_a_prediction_is_named(tmp_path: Path) -> None:
    parquet(tmp_path, item_id=IDS, pred=[0, 1, 2])
    with pytest.raises(DataError, match=r"p.parquet: has no prediction for 'x'\."):
        load(tmp_path, "p.parquet").predict(["a", "x", "y"])


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"item_id": ["a", "b", "a"], "pred": [0, 1, 2]}, "row 0: the id 'a' occurs twice"),
        ({"item_id": [], "scores": pa.array([], pa.list_(pa.float32()))}, "0 ids for 0 pred"),
        ({"item_id": [], "pred": pa.array([], pa.int64())}, "0 ids for 0 predictions"),
        ({"name": IDS, "pred": [0, 1, 2]}, "no column of item ids"),
        ({"item_id": IDS, "label": [0, 1, 2]}, "no column of predictions; it has item_id, label"),
        ({"item_id": IDS, "pred": [0, -1, 2]}, "row 1: -1 is outside"),
        ({"item_id": IDS, "pred": [0.5, 1, 2]}, "not fractions or empty cells"),
        ({"item_id": IDS, "scores": [1.0, 2, 3]}, "no matrix of numbers"),
    ],
)
def test_bad_columns_are_refused(tmp_path: Path, columns: dict[str, Any], message: str) -> None:
    parquet(tmp_path, **columns)
    with pytest.raises(DataError, match=message):
        load(tmp_path, "p.parquet")


def test_classes_and_scores_must_agree(tmp_path: Path) -> None:
    parquet(tmp_path, item_id=IDS, scores=SCORES)
    (tmp_path / "c.txt").write_text("cat\ndog\n", encoding="utf-8")
    with pytest.raises(DataError, match="3 scores for 2 classes"):
        load(tmp_path, "p.parquet?classes=c.txt")
    parquet(tmp_path, item_id=IDS, pred=[0, 1, 2])
    with pytest.raises(DataError, match="row 2: 2 is outside the 2 classes"):
        load(tmp_path, "p.parquet?classes=c.txt")


def test_describing_reads_no_predictions_and_hashes_all_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    np.save(tmp_path / "p.npy", SCORES)
    (tmp_path / "ids.txt").write_text("a\nb\nc\n", encoding="utf-8")
    first = describe(tmp_path, "p.npy?ids=ids.txt")
    assert first.n_outputs == 0
    (tmp_path / "ids.txt").write_text("a\nc\nb\n", encoding="utf-8")
    assert describe(tmp_path, "p.npy?ids=ids.txt").weights != first.weights
    parquet(tmp_path, item_id=IDS, scores=SCORES)
    monkeypatch.setattr(pq, "read_table", None)
    info = describe(tmp_path, "p.parquet")
    with pytest.raises(DataError, match="not the one asked for"):
        describe(tmp_path, f"p.parquet?sha256={first.weights}")
    assert pickle.loads(pickle.dumps(info)).preprocessing == IdPreprocessing()
    assert info.preprocessing.prepare("007") == "007"


@pytest.mark.parametrize(
    ("text", "runtime", "message"),
    [
        ("none.csv", {}, "no file .*none.csv"),
        ("p.csv?ids=none.txt", {}, "no file .*none.txt"),
        ("p.csv?id=x", {}, "no option 'id'"),
        ("p.csv@v1", {}, "@v1 means nothing"),
        ("p.csv?column=pred&kind=votes", {}, "kind is 'votes'"),
        ("p.csv", {"precision": "bf16"}, "cannot run in bf16: its numbers were made before"),
    ],
)
def test_wrong_use_is_refused(
    tmp_path: Path, text: str, runtime: dict[str, Any], message: str
) -> None:
    pd.DataFrame({"item_id": IDS, "pred": [2, 0, 1]}).to_csv(tmp_path / "p.csv", index=False)
    with pytest.raises(UsageError, match=message):
        describe(tmp_path, text, **runtime)
