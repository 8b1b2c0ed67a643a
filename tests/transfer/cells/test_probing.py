from __future__ import annotations

import numpy as np
import pytest
from scipy import special
from sklearn.linear_model import LogisticRegression

from freshset.models.registry import load
from freshset.stats.h_score import regularised_h_score
from freshset.stats.leep import leep, nleep
from freshset.stats.logme import logme
from freshset.transfer.cells import probing
from freshset.transfer.cells.cell import Cell
from freshset.transfer.cells.probing import ProbeItem
from freshset.transfer.datasets.base import Part
from freshset.transfer.features.wanted import feature_rows
from freshset.transfer.running import TransferPlan

pytestmark = pytest.mark.xdist_group("transfer")  # one process makes the finished study
pytest.importorskip("torch")


def features(done: TransferPlan, item: ProbeItem, part: Part, which: str) -> np.ndarray:
    work = done.works.get(getattr(item.features, which))
    assert work is not None
    return feature_rows(work, part.rows).astype(np.float64)


def test_the_probe_is_that_of_scikit_learn(done: TransferPlan) -> None:
    item = done.listed.cells[Cell("wide", "dim", "features", 0)]
    assert isinstance(item, ProbeItem)
    opened = done.datasets["dim", 0]
    train = features(done, item, opened.train, "train")
    validation = features(done, item, opened.validation, "validation")
    test = features(done, item, opened.test, "test")
    scores = {}
    for penalty in (0.1, 1, 10):
        model = LogisticRegression(C=1 / penalty, tol=1e-10, max_iter=10_000)
        model.fit(train, opened.train.targets)
        scores[penalty] = model.score(validation, opened.validation.targets)
    best = max(penalty for penalty, score in scores.items() if score == max(scores.values()))
    work = done.works.get(item.spec)
    assert work is not None
    assert work.document["chosen"] == {"penalty": best}
    assert work.document["validation"] == scores[best]
    model = LogisticRegression(C=1 / best, tol=1e-10, max_iter=10_000)
    model.fit(
        np.concatenate([train, validation]),
        np.concatenate([opened.train.targets, opened.validation.targets]),
    )
    np.testing.assert_array_equal(work.array("predictions"), model.predict(test))


def test_subsets_are_not_learned_from_with_the_validation_part(done: TransferPlan) -> None:
    item = done.listed.cells[Cell("wide", "bright", "features", 0, 0, (9, 1))]
    assert isinstance(item, ProbeItem)
    whole = done.listed.cells[Cell("wide", "bright", "features", 0)]
    assert isinstance(whole, ProbeItem)
    assert item.features == whole.features  # the features are the same
    assert item.spec != whole.spec
    assert item.spec.inputs["refit"] is False


def test_scores_are_those_of_the_training_part(done: TransferPlan) -> None:
    scored = done.listed.scores["narrow", "dim"]
    probe = done.listed.cells[Cell("narrow", "dim", "features", 0)]
    assert isinstance(probe, ProbeItem)
    part = done.datasets["dim", 0].train
    work = done.works.get(scored.spec)
    assert work is not None
    values = features(done, probe, part, "train")
    assert work.document["n"] == len(part)
    assert work.document["scores"]["logme"] == pytest.approx(logme(values, part.targets))
    wanted = regularised_h_score(values, part.targets)
    assert work.document["scores"]["h-score"] == pytest.approx(wanted)
    rng = np.random.default_rng(probing._SEED)
    assert work.document["scores"]["nleep"] == pytest.approx(nleep(values, part.targets, rng=rng))


def test_leep_is_that_of_the_models_own_answers(done: TransferPlan) -> None:
    scored = done.listed.scores["wide", "bright"]
    part = done.datasets["bright", 0].train
    model = load(done.wanted.models[1].ref, done.wanted.runtime)
    items = [model.info.preprocessing.prepare(part.reader.read(int(row))) for row in part.rows]
    answers = special.softmax(np.asarray(model.predict(np.stack(items)), np.float64), axis=1)
    work = done.works.get(scored.spec)
    assert work is not None
    assert work.document["scores"]["leep"] == pytest.approx(leep(answers, part.targets), rel=1e-5)
