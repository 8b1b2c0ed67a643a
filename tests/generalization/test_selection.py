from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fakes import judged_store
from fakes.judged_store import NEW, OLD

from freshset.core.config import CompareSettings
from freshset.core.errors import DataError, UsageError
from freshset.core.frequencies import Frequencies
from freshset.generalization.compare import compare
from freshset.generalization.comparison import Comparison
from freshset.generalization.findings import findings
from freshset.generalization.scores import gather
from freshset.generalization.selection import corrected
from freshset.stats.types import Estimate
from freshset.store.frequencies import read_frequencies
from freshset.store.parquet import ParquetStore

FAST = CompareSettings(bootstrap=200, item_bootstrap=200)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("judged")
    judged_store.make(root)
    return root


def compared(root: Path, new: str = "pool.csv", settings: CompareSettings = FAST) -> Comparison:
    given = read_frequencies(root / "old.csv"), read_frequencies(root / new)
    return compare(root / "store", OLD, NEW, settings, frequencies=given)


@pytest.fixture(scope="module")
def result(root: Path) -> Comparison:
    return compared(root)


def test_the_set_was_matched_and_its_gap_is_made_by_that(result: Comparison) -> None:
    selection = result.selection
    assert selection is not None
    raw, naive, jackknife, beta = selection.estimates
    assert raw.mean.value == pytest.approx(result.drop.mean.value)
    assert list(raw.models) == pytest.approx([row.drop.value for row in result.models])
    # True gap 0, and matched already, so that matching changes little.
    assert raw.mean.value > 1.5
    assert naive.mean.value == pytest.approx(raw.mean.value, abs=0.3)
    assert abs(jackknife.mean.value) < naive.mean.value
    assert beta.mean.low < 0 < beta.mean.high
    assert all(e.error > 0 and len(e.model_errors) == 4 for e in selection.estimates)
    assert selection.answers == 8
    assert selection.candidates == 6_000
    assert selection.held_out.drop.low > 0
    assert selection.need.naive > 8


def test_null_test_shows_what_the_pipeline_makes(result: Comparison) -> None:
    assert result.selection is not None
    raw, naive, _, beta = result.selection.estimates
    assert raw.null > naive.null > 0
    assert abs(beta.null) < naive.null
    assert 0 < result.selection.null_share <= 1


def test_document_holds_it_and_is_as_before_without(root: Path, result: Comparison) -> None:
    document = result.to_dict()
    json.dumps(document, allow_nan=False)
    assert document["schema"] == "freshset.comparison/1"
    estimators = [e["estimator"] for e in document["selection"]["estimates"]]
    assert estimators == ["raw", "naive", "jackknife", "beta_binomial"]
    plain = compare(root / "store", OLD, NEW, FAST).to_dict()
    assert "selection" not in plain
    shared = {k: v for k, v in document.items() if k not in {"selection", "findings", "warnings"}}
    assert {k: v for k, v in plain.items() if k in shared} == shared
    assert set(plain["findings"]) < set(document["findings"])


def test_same_seed_same_bytes(root: Path, result: Comparison) -> None:
    assert json.dumps(compared(root).to_dict()) == json.dumps(result.to_dict())


def test_the_finding_says_what_is_left_and_what_would_settle_it(result: Comparison) -> None:
    text = next(t for t in result.findings if t.startswith("At equal true selection frequency"))
    assert "Beta-Binomial estimate" in text
    assert "points of frequency below the old ones" in text
    assert "answers an item (" in text


def test_the_finding_when_answers_agree_and_are_enough(result: Comparison) -> None:
    selection = result.selection
    assert selection is not None

    def said(drop: tuple[float, float, float], naive: int) -> str:
        held = replace(selection.held_out, drop=Estimate(*drop))
        need = replace(selection.need, naive=naive)
        changed = replace(selection, held_out=held, need=need)
        return next(t for t in findings(replace(result, selection=changed)) if "true selec" in t)

    equal = said((0.001, -0.01, 0.012), 3)
    assert "did not use" not in equal
    assert equal.endswith(
        "More answers an item would move the matched change by less than 1.0 points."
    )
    above = said((-0.05, -0.06, -0.04), 30)
    assert "5.0 points of frequency above the old ones" in above
    assert "About 30 answers an item (22 more)" in above


def test_a_set_without_its_candidates_is_warned_of(root: Path, result: Comparison) -> None:
    alone = compared(root, "new.csv")
    assert alone.selection is not None
    assert alone.selection.candidates == 0
    assert any("none of the candidates" in text for text in alone.warnings)
    assert not any("none of the candidates" in text for text in result.warnings)
    # What it would be warned of: the correction is lost.
    assert alone.selection["beta_binomial"].mean.low > 0


def test_old_images_among_the_answers_are_no_candidates(root: Path) -> None:
    store = ParquetStore(root / "store")
    pool = read_frequencies(root / "pool.csv")
    own = pool[[not str(i).startswith("o") for i in pool.item_ids]]
    scores = gather(store, OLD, NEW, FAST)
    old = read_frequencies(root / "old.csv")
    one, two = (corrected(store, scores, (old, new), FAST)[0] for new in (pool, own))
    assert one == two


def test_items_of_image_folders_are_known_by_their_files(tmp_path: Path, result) -> None:
    judged_store.make(tmp_path, folders=True)
    in_folders = compared(tmp_path)
    assert in_folders.selection is not None
    assert in_folders.selection.candidates == 6_000
    assert in_folders.selection == result.selection


def frequencies(ids: list[str], classes: list[str], k: list[float], n: list[float]) -> Frequencies:
    return Frequencies(
        np.array(ids, object), np.array(classes, object), np.array(k, float), np.array(n, float)
    )


def test_foreign_items_are_refused(root: Path) -> None:
    foreign = frequencies(["x1", "x2"], ["ant", "bee"], [1, 2], [3, 3])
    old = read_frequencies(root / "old.csv")
    with pytest.raises(DataError, match="no item of simulated/new") as caught:
        compare(root / "store", OLD, NEW, FAST, frequencies=(old, foreign))
    assert "'x1'" in str(caught.value.hint)


def test_an_answer_about_another_class_is_none(root: Path) -> None:
    old = read_frequencies(root / "old.csv")
    wrong = frequencies(old.item_ids.tolist(), ["dog"] * len(old), [0.0] * len(old), [1] * len(old))
    with pytest.raises(DataError, match="under its own class"):
        compare(root / "store", OLD, NEW, FAST, frequencies=(wrong, old))


def test_items_without_answers_are_counted(root: Path) -> None:
    old, pool = read_frequencies(root / "old.csv"), read_frequencies(root / "pool.csv")
    result = compare(root / "store", OLD, NEW, FAST, frequencies=(old[20:], pool))
    assert result.selection is not None
    assert result.selection.old_left_out == 20
    assert any("20 items of simulated/old have fewer than 8" in text for text in result.warnings)


def test_too_few_answers_are_refused(root: Path) -> None:
    old, pool = read_frequencies(root / "old.csv"), read_frequencies(root / "pool.csv")
    one = replace(old, selected=np.minimum(old.selected, 1), answers=np.minimum(old.answers, 1))
    with pytest.raises(DataError, match="1 answers an item are too few"):
        compare(root / "store", OLD, NEW, FAST, frequencies=(one, pool))


def test_sets_without_a_common_frequency_are_refused(root: Path) -> None:
    old, pool = read_frequencies(root / "old.csv"), read_frequencies(root / "pool.csv")
    never, always = replace(old, selected=0 * old.answers), replace(pool, selected=pool.answers)
    with pytest.raises(DataError, match="no selection frequency in common"):
        compare(root / "store", OLD, NEW, FAST, frequencies=(never, always))


def test_three_answers_allow_a_null_test_and_two_do_not(root: Path) -> None:
    old, pool = read_frequencies(root / "old.csv"), read_frequencies(root / "pool.csv")

    def few(answers: int) -> Comparison:
        low = [
            replace(f, selected=np.minimum(f.selected, answers), answers=np.full(len(f), answers))
            for f in (old, pool)
        ]
        return compare(root / "store", OLD, NEW, FAST, frequencies=(low[0], low[1]))

    three, two = few(3), few(2)
    assert three.selection is not None
    assert np.isfinite(three.selection.null_share)
    document = two.to_dict()
    assert document["selection"]["null_share"] is None
    assert document["selection"]["estimates"][0]["null"] is None


def test_counts_are_not_enough(root: Path) -> None:
    store = ParquetStore(root / "store")
    scores = replace(gather(store, OLD, NEW, FAST), matrix_old=None)
    old = read_frequencies(root / "old.csv")
    with pytest.raises(UsageError, match="per-example predictions"):
        corrected(store, scores, (old, old), FAST)
