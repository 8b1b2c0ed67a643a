from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import make_archive

from freshset.core.files import pretty_json, sha256_file
from freshset.core.records import Source, TestSet
from freshset.generalization.lint import lint
from freshset.store.base import Examples
from freshset.store.importers import import_results
from freshset.store.parquet import ParquetStore


def checks(store: ParquetStore) -> dict[str, list[tuple[str, ...]]]:
    found: dict[str, list[tuple[str, ...]]] = {}
    for issue in lint(store).issues:
        found.setdefault(issue.check, []).append((issue.testset, *issue.models))
    return found


def store_of(
    tmp_path: Path, predictions: dict[str, np.ndarray], labels: np.ndarray, k: int
) -> ParquetStore:
    store = ParquetStore(tmp_path / "s", create=True)
    ids = np.array([f"i{n}" for n in range(len(labels))], dtype=object)
    with store.batch() as batch:
        batch.put_testset(
            TestSet(
                "t", len(labels), k, item_ids=ids, labels=labels.astype(np.int32), ids_given=True
            )
        )
        for model, topk in predictions.items():
            columns = topk[:, None] if topk.ndim == 1 else topk
            batch.put(Examples(model, "t", columns.astype(np.int32), Source("test", model)))
    return store


def noisy(rng: np.random.Generator, labels: np.ndarray, k: int, accuracy: float) -> np.ndarray:
    wrong = (labels + rng.integers(1, k, len(labels))) % k
    return np.where(rng.random(len(labels)) < accuracy, labels, wrong)


@pytest.fixture
def labels(rng: np.random.Generator) -> np.ndarray:
    return np.repeat(np.arange(20), 60)


def test_sound_cells_raise_nothing(
    tmp_path: Path, rng: np.random.Generator, labels: np.ndarray
) -> None:
    models = {f"m{a}": noisy(rng, labels, 20, a / 100) for a in (15, 40, 70, 90, 99)}
    report = lint(store_of(tmp_path, models, labels, 20))
    assert report.issues == ()
    assert (report.cells, report.testsets) == (5, 1)


def test_worst_first(tmp_path: Path) -> None:
    archive = make_archive(tmp_path / "archive", n=200, worst_first=True)
    import_results("imagenetv2", archive, tmp_path / "s")
    found = checks(ParquetStore(tmp_path / "s"))
    assert found["worst-first"] == [("imagenetv2/matched-frequency", "m0")]
    assert "class-order" not in found
    import_results("imagenetv2", archive, tmp_path / "s", repair="worst-first")
    assert "worst-first" not in checks(ParquetStore(tmp_path / "s"))


def by_string(k: int) -> np.ndarray:
    return np.array(sorted(range(k), key=str))


@pytest.mark.parametrize(
    ("permute", "words"),
    [
        (lambda p, k: by_string(k)[p], "sorted as strings"),
        (lambda p, k: np.argsort(by_string(k))[p], "sorted as strings"),
        (lambda p, k: (p + 1) % k, "shifted by one"),
        (lambda p, k: np.random.default_rng(3).permutation(k)[p], "Compare its class list"),
    ],
)
def test_class_order(
    tmp_path: Path, rng: np.random.Generator, labels: np.ndarray, permute: object, words: str
) -> None:
    good = noisy(rng, labels, 20, 0.8)
    store = store_of(
        tmp_path, {"good": good, "bad": permute(noisy(rng, labels, 20, 0.7), 20)}, labels, 20
    )
    (issue,) = [i for i in lint(store).issues if i.check == "class-order"]
    assert (issue.models, issue.severity) == (("bad",), "fault")
    assert words in issue.message


def test_two_swapped_classes(tmp_path: Path, rng: np.random.Generator, labels: np.ndarray) -> None:
    swapped = noisy(rng, labels, 20, 0.9)
    a, b = swapped == 3, swapped == 4
    swapped[a], swapped[b] = 4, 3
    assert checks(store_of(tmp_path, {"m": swapped}, labels, 20))["class-order"] == [("t", "m")]


def test_few_items_a_class_do_not_invent_a_permutation(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    labels = np.repeat(np.arange(200), 4)
    models = {f"m{a}": noisy(rng, labels, 200, a / 100) for a in (5, 30, 60)}
    assert "class-order" not in checks(store_of(tmp_path, models, labels, 200))


def test_clones_and_copies(tmp_path: Path, rng: np.random.Generator, labels: np.ndarray) -> None:
    base = noisy(rng, labels, 20, 0.7)
    near = np.where(rng.random(len(base)) < 0.05, rng.integers(0, 20, len(base)), base)
    models = {"base": base, "copy": base, "near": near, "other": noisy(rng, labels, 20, 0.7)}
    found = checks(store_of(tmp_path, models, labels, 20))["clones"]
    assert found == [("t", "base", "copy"), ("t", "base", "near"), ("t", "copy", "near")]
    texts = [i.message for i in lint(ParquetStore(tmp_path / "s")).issues if i.check == "clones"]
    assert "same prediction on every item" in texts[0]


def test_strong_models_that_are_all_right_are_no_clones(
    tmp_path: Path, rng: np.random.Generator, labels: np.ndarray
) -> None:
    models = {f"m{i}": noisy(rng, labels, 20, 0.98) for i in range(4)}
    assert "clones" not in checks(store_of(tmp_path, models, labels, 20))


def test_chance_and_histogram(tmp_path: Path, rng: np.random.Generator, labels: np.ndarray) -> None:
    models = {
        "random": rng.integers(0, 20, len(labels)),
        "constant": np.full(len(labels), 7),
        "good": noisy(rng, labels, 20, 0.8),
    }
    found = checks(store_of(tmp_path, models, labels, 20))
    assert sorted(found["chance"]) == [("t", "constant"), ("t", "random")]
    assert found["histogram"] == [("t", "constant")]


def test_outliers_overlaps_and_reruns(
    tmp_path: Path, rng: np.random.Generator, labels: np.ndarray
) -> None:
    store = ParquetStore(tmp_path / "s", create=True)
    n = len(labels)
    ids = np.array([f"i{k}" for k in range(n)], dtype=object)
    half = np.arange(n) % 2 == 0
    with store.batch() as batch:
        for name, rows in (("all", np.ones(n, bool)), ("half", half)):
            part = TestSet(
                name,
                int(rows.sum()),
                20,
                item_ids=ids[rows],
                labels=labels[rows].astype(np.int32),
                ids_given=True,
            )
            batch.put_testset(part)
        for i, accuracy in enumerate(np.linspace(0.5, 0.95, 10)):
            first = noisy(rng, labels, 20, accuracy).astype(np.int32)[:, None]
            second = first[half].copy()
            if i == 4:
                second = rng.integers(0, 20, second.shape).astype(np.int32)
            if i == 6:
                second[0] = (second[0] + 1) % 20
            batch.put(Examples(f"m{i}", "all", first, Source("test", f"a{i}")))
            batch.put(Examples(f"m{i}", "half", second, Source("test", f"b{i}")))
    report = lint(store)
    found = checks(store)
    assert found["outlier"] == [("half", "m4")]
    assert found["rerun-noise"] == [("half", "m4")]
    (overlap,) = [i for i in report.issues if i.check == "overlap"]
    assert "share 600 items (100 % of the smaller set)" in overlap.message
    assert "8 of 10 models repeat every one; m6 repeats 99.833 %." in overlap.message


def test_sets_numbered_from_0_do_not_overlap(tmp_path: Path, rng: np.random.Generator) -> None:
    for name, n in (("a", 30), ("b", 20)):
        np.save(tmp_path / f"{name}-labels.npy", rng.integers(0, 3, n))
        np.save(tmp_path / "net.npy", rng.integers(0, 3, n))
        import_results(
            "predictions",
            [tmp_path / "net.npy"],
            tmp_path / "s",
            testset=name,
            labels=tmp_path / f"{name}-labels.npy",
        )
    assert "overlap" not in checks(ParquetStore(tmp_path / "s"))


def test_ids_that_are_missing_or_strange(
    tmp_path: Path, rng: np.random.Generator, labels: np.ndarray
) -> None:
    store = store_of(
        tmp_path, {"m": noisy(rng, labels, 20, 0.8), "n": noisy(rng, labels, 20, 0.7)}, labels, 20
    )
    cell = store.cells()[0]
    path = store.data_file(cell)
    table = pq.read_table(path)
    ids = ["x", *table.column("item_id").to_pylist()[1:]]
    pq.write_table(table.set_column(0, "item_id", pa.array(ids)), path)
    marker = path.with_name("cell.json")
    data = json.loads(marker.read_text()) | {
        "bytes": path.stat().st_size,
        "sha256": sha256_file(path),
    }
    marker.write_text(pretty_json(data))
    (issue,) = [i for i in lint(store).issues if i.check == "ids"]
    assert issue.models == ("m",)
    assert "1 ids missing and 1 that the test set does not have" in issue.message


def test_damaged_files_come_first(
    tmp_path: Path, rng: np.random.Generator, labels: np.ndarray
) -> None:
    store = store_of(tmp_path, {"m": noisy(rng, labels, 20, 0.8)}, labels, 20)
    path = store.data_file(store.cells()[0])
    path.write_bytes(path.read_bytes() + b"x")
    report = lint(store)
    assert [issue.check for issue in report.issues] == ["damaged"]
    assert report.at_least("fault") == report.issues


def test_counts_are_linted_as_far_as_they_go(tmp_path: Path) -> None:
    rows = [
        f"m{i},{t},1000,{900 - 20 * i - d}"
        for i in range(12)
        for t, d in (("a", 0), ("b", 50 + i % 3))
    ]
    rows[9] = "m4,b,1000,3"
    (tmp_path / "t.csv").write_text("model,testset,n,correct\n" + "\n".join(rows))
    import_results("table", tmp_path / "t.csv", tmp_path / "s")
    assert checks(ParquetStore(tmp_path / "s")) == {"outlier": [("b", "m4")]}
