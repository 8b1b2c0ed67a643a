from __future__ import annotations

from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import skops.io
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import IsolationForest, RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression, Perceptron, RidgeClassifier
from sklearn.multiclass import OutputCodeClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC, LinearSVC
from threadpoolctl import threadpool_info

from freshset.core.errors import DataError, UsageError
from freshset.models.base import Model, ModelInfo, Runtime, stacked
from freshset.models.preprocessing import ImagePreprocessing
from freshset.models.reference import ModelRef
from freshset.models.sklearn import ADAPTER

DIGITS = load_digits()
X, Y = DIGITS.data[:600], DIGITS.target[:600]


def describe(root: Path, text: str = "m.skops", **runtime: Any) -> ModelInfo:
    return ADAPTER.describe(ModelRef.parse(f"sklearn:{text}"), Runtime(root=str(root), **runtime))


def load(root: Path, text: str = "m.skops", **runtime: Any) -> Model:
    return ADAPTER.load(ModelRef.parse(f"sklearn:{text}"), Runtime(root=str(root), **runtime))


def predict(model: Model, items: Any) -> Any:
    return model.predict(stacked([model.info.preprocessing.prepare(item) for item in items]))


def saved(root: Path, estimator: Any, x: Any = X, y: Any = Y) -> Any:
    skops.io.dump(estimator.fit(x, y), root / "m.skops")
    return estimator


def shout(texts: Any) -> Any:
    return [text.upper() for text in texts]


@pytest.mark.parametrize(
    "estimator",
    [GaussianNB(), RandomForestClassifier(5, random_state=0), make_pipeline(StandardScaler(), SVC())],
    ids=lambda e: type(e).__name__,
)  # fmt: skip
def test_the_model_answers_as_the_estimator_does(tmp_path: Path, estimator: Any) -> None:
    saved(tmp_path, estimator)
    trust = frozenset({"m.skops"})
    info = describe(tmp_path, trust=trust)
    assert info.classes is not None
    assert info.classes.keys == tuple("0123456789")
    assert (info.input, info.n_outputs, info.adapter) == ("array", 10, "sklearn/1")
    out = predict(load(tmp_path, trust=trust), X[:100])
    assert out.dtype == np.float32
    if info.outputs == "probabilities":
        np.testing.assert_array_equal(out, estimator.predict_proba(X[:100]).astype(np.float32))
    assert (out.argmax(axis=1) == estimator.predict(X[:100])).mean() > 0.98


def test_decision_values_are_scores_and_of_two_classes_two_columns(tmp_path: Path) -> None:
    y = np.where(Y > 4, "high", "a low one")
    ridge = saved(tmp_path, RidgeClassifier(), y=y)
    model = load(tmp_path)
    assert (model.info.outputs, model.info.n_outputs) == ("scores", 2)
    assert model.info.classes is not None
    assert model.info.classes.keys == ("a low one", "high")
    out = predict(model, X)
    assert out.shape == (600, 2)
    np.testing.assert_array_equal(ridge.classes_[out.argmax(axis=1)], ridge.predict(X))


def test_without_scores_there_are_classes(tmp_path: Path) -> None:
    perceptron = saved(
        tmp_path, OutputCodeClassifier(Perceptron(), random_state=0), y=Y.astype(float)
    )
    model = load(tmp_path)
    assert model.info.outputs == "classes"
    assert model.info.classes is not None
    assert model.info.classes.keys == tuple("0123456789")
    out = predict(model, X)
    assert out.dtype == np.int32
    np.testing.assert_array_equal(out, perceptron.predict(X))


def test_the_method_can_be_chosen(tmp_path: Path) -> None:
    logistic = saved(tmp_path, LogisticRegression(max_iter=50, solver="lbfgs", tol=0.1))
    for method, kind in (
        ("predict_proba", "probabilities"),
        ("decision_function", "scores"),
        ("predict", "classes"),
    ):
        model = load(tmp_path, f"m.skops?method={method}")
        assert model.info.outputs == kind
        wanted = np.asarray(getattr(logistic, method)(X)).astype(np.float32)
        np.testing.assert_array_equal(predict(model, X), wanted)
    with pytest.raises(UsageError, match="method is 'transform'. Use one of: predict_proba"):
        describe(tmp_path, "m.skops?method=transform")
    saved(tmp_path, LinearSVC(tol=0.1, C=1e-4))
    with pytest.raises(UsageError, match="LinearSVC has no usable predict_proba"):
        describe(tmp_path, "m.skops?method=predict_proba")


def test_columns_that_are_pairs_of_classes_are_no_scores(tmp_path: Path) -> None:
    svc = saved(tmp_path, SVC(decision_function_shape="ovo"), X[:200], Y[:200])
    assert svc.decision_function(X[:1]).shape == (1, 45)
    model = load(tmp_path)
    assert model.info.outputs == "classes"
    np.testing.assert_array_equal(predict(model, X), svc.predict(X))


def test_images_become_features_row_by_row(tmp_path: Path) -> None:
    logistic = saved(tmp_path, GaussianNB())
    pixels = np.round(DIGITS.images[:50] / 16 * 255).astype(np.uint8)
    images = [Image.fromarray(one).convert("RGB") for one in pixels]
    model = load(tmp_path, "m.skops?input=image&size=8x8&mode=L&std=0.0625")
    assert isinstance(model.info.preprocessing, ImagePreprocessing)
    assert model.info.input == "image"
    wanted = logistic.predict_proba(pixels.reshape(50, 64) / 255 * 16)
    np.testing.assert_allclose(predict(model, images), wanted, atol=1e-3)
    with pytest.raises(UsageError, match="size that images must get is not given"):
        describe(tmp_path, "m.skops?input=image&mode=L")
    with pytest.raises(UsageError, match="size says how images are prepared, but the input is arr"):
        describe(tmp_path, "m.skops?size=8")


def test_colours_come_last(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, size=(40, 4, 4, 3), dtype=np.uint8)
    naive = saved(tmp_path, GaussianNB(), pixels.reshape(40, -1) / 255, np.arange(40) % 2)
    out = predict(
        load(tmp_path, "m.skops?input=image&size=4"), [Image.fromarray(one) for one in pixels]
    )
    wanted = naive.predict_proba(pixels.reshape(40, -1) / 255)
    np.testing.assert_allclose(out, wanted, atol=1e-3)


def test_texts_go_through_a_pipeline(tmp_path: Path) -> None:
    texts = ["good film", "bad film", "good play", "bad play"]
    pipeline = saved(
        tmp_path, make_pipeline(TfidfVectorizer(), LogisticRegression()), texts, ["p", "n"] * 2
    )
    model = load(tmp_path, "m.skops?input=text")
    assert (model.info.input, model.info.preprocessing.key) == ("text", "text")
    np.testing.assert_array_equal(
        predict(model, texts), pipeline.predict_proba(texts).astype(np.float32)
    )


def test_describing_is_remembered_by_content(tmp_path: Path) -> None:
    saved(tmp_path, GaussianNB())
    first = describe(tmp_path)
    assert describe(tmp_path) == first
    saved(tmp_path, GaussianNB(), X[:100], (Y[:100] > 4).astype(int))
    again = describe(tmp_path)
    assert again.weights != first.weights
    assert again.n_outputs == 2
    with pytest.raises(DataError, match="which is not the one asked for"):
        describe(tmp_path, f"m.skops?sha256={first.weights}")


@pytest.mark.parametrize("name", ["m.pkl", "m.joblib", "m.pickle"])
def test_a_pickle_is_loaded_only_when_it_is_trusted_by_name(tmp_path: Path, name: str) -> None:
    joblib.dump(GaussianNB().fit(X, Y), tmp_path / name)
    with pytest.raises(DataError, match="a pickle can run any program when it is loaded"):
        describe(tmp_path, name)
    with pytest.raises(DataError, match="a pickle can run any program"):
        load(tmp_path, name, trust=frozenset({"other.pkl"}))
    assert predict(load(tmp_path, name, trust=frozenset({name})), X[:3]).shape == (3, 10)


class Bomb:
    def __reduce__(self) -> Any:
        return (Path.touch, (Path("boom"),))


def test_a_pickle_that_is_refused_has_run_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("m.pkl", "m.skops"):
        joblib.dump(Bomb(), tmp_path / name)
        with pytest.raises(DataError, match="a pickle can run|not a whole skops file"):
            load(tmp_path, name)
    assert not (tmp_path / "boom").exists()


def test_types_that_skops_does_not_know_are_listed(tmp_path: Path) -> None:
    pipeline = make_pipeline(FunctionTransformer(shout), TfidfVectorizer(), DummyClassifier())
    saved(tmp_path, pipeline, ["one two", "three four"], [0, 1])
    with pytest.raises(DataError, match=r"not know to be safe: .*test_sklearn.shout"):
        describe(tmp_path, "m.skops?input=text")
    model = load(tmp_path, "m.skops?input=text", trust=frozenset({"m.skops"}))
    assert predict(model, ["one", "four"]).shape == (2, 2)


@pytest.mark.parametrize(
    ("estimator", "y"),
    [
        (LinearRegression(), Y),
        (IsolationForest(n_estimators=2), Y),
        (RandomForestClassifier(2), np.stack([Y, Y], axis=1)),
    ],
    ids=["regressor", "outliers", "several"],
)
def test_what_is_no_classifier_is_refused(tmp_path: Path, estimator: Any, y: Any) -> None:
    saved(tmp_path, estimator, y=y)
    with pytest.raises(DataError, match="is no fitted classifier of one class an item"):
        describe(tmp_path, trust=frozenset({"m.skops"}))


def test_even_parts_of_sklearn_may_need_trust(tmp_path: Path) -> None:
    saved(tmp_path, RandomForestClassifier(2))
    with pytest.raises(DataError, match=r"_tree.Tree. They are parts of scikit-learn: .*--trust m"):
        describe(tmp_path)


def test_an_estimator_that_was_never_fitted_is_refused(tmp_path: Path) -> None:
    skops.io.dump(make_pipeline(StandardScaler(), GaussianNB()), tmp_path / "m.skops")
    with pytest.raises(DataError, match="no fitted classifier"):
        describe(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "an empty file"),
        (b"<html>", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (b"nonsense", "not a whole skops file"),
    ],
)
def test_a_damaged_file_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "m.skops").write_bytes(content)
    with pytest.raises(DataError, match=message):
        describe(tmp_path)


def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    saved(tmp_path, GaussianNB())
    whole = (tmp_path / "m.skops").read_bytes()
    (tmp_path / "m.skops").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="not a whole skops file"):
        describe(tmp_path)


@pytest.mark.parametrize(
    ("text", "runtime", "message"),
    [
        ("none.skops", {}, "no file .*none.skops"),
        ("m.skops?inptu=text", {}, "no option 'inptu'"),
        ("m.skops?input=audio", {}, "input is 'audio'"),
        ("m.skops@v2", {}, "@v2 means nothing"),
        ("m.skops", {"precision": "fp16"}, "cannot run in fp16: scikit-learn computes in double"),
    ],
)
def test_wrong_use_is_refused(
    tmp_path: Path, text: str, runtime: dict[str, Any], message: str
) -> None:
    saved(tmp_path, GaussianNB())
    with pytest.raises(UsageError, match=message):
        load(tmp_path, text, **runtime)


def test_threads_are_those_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved(tmp_path, GaussianNB())
    seen: list[set[int]] = []
    real = GaussianNB.predict_proba

    def watched(self: Any, x: Any) -> Any:
        seen.append({pool["num_threads"] for pool in threadpool_info()})
        return real(self, x)

    monkeypatch.setattr(GaussianNB, "predict_proba", watched)
    predict(load(tmp_path, threads=1), X[:2])
    assert seen == [{1}]
