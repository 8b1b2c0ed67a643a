"""The metrics by name: scikit-learn as oracle, what each needs, limits, and order of items."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special
from sklearn.metrics import (
    balanced_accuracy_score,
    brier_score_loss,
    log_loss,
    recall_score,
    top_k_accuracy_score,
)
from statsmodels.stats.proportion import proportion_confint

from freshset.stats.metrics import METRICS, Metric, MetricValue, evaluate, find_metric, topk
from freshset.stats.predictions import Predictions

CLASSES = 8


def classifier(rng: np.random.Generator, n: int = 400, classes: int = CLASSES) -> Predictions:
    """A classifier's cell with full scores as probabilities; every class occurs."""
    label = np.concatenate([np.arange(classes), rng.integers(0, classes, n)])[:n].astype(np.int32)
    logits = rng.normal(size=(n, classes))
    logits[np.arange(n), label] += 1.2
    scores = special.softmax(2 * logits, axis=1)
    order = np.argsort(-scores, axis=1)[:, :5].astype(np.int32)
    hit = order == label[:, None]
    return Predictions(
        label=label,
        rank=np.where(hit.any(axis=1), hit.argmax(axis=1) + 1, 0).astype(np.int16),
        topk=order,
        topk_prob=np.take_along_axis(scores, order, axis=1).astype(np.float32),
        label_logprob=np.log(scores[np.arange(n), label]).astype(np.float32),
        scores=scores,
        n_classes=classes,
    )


def language(rng: np.random.Generator, n: int = 60) -> Predictions:
    """Documents and answers, of another kind of model."""
    tokens = rng.integers(1, 90, n)
    f1 = np.where(rng.random(n) < 0.7, 1.0, rng.random(n))
    return Predictions(
        nll=tokens * rng.gamma(8, 0.4, n),
        tokens=tokens,
        bytes=tokens * 4 + 1,
        exact_match=f1 == 1,
        f1=f1,
    )


def whole(rng: np.random.Generator, n: int = 60) -> Predictions:
    """Every column that any metric needs."""
    text = language(rng, n)
    columns = {
        name: getattr(text, name) for name in ("nll", "tokens", "bytes", "exact_match", "f1")
    }
    return replace(classifier(rng, n), **columns)


def value(name: str, predictions: Predictions) -> float:
    return evaluate(name, predictions, rng=None).value


# Oracles


@pytest.mark.parametrize("k", [1, 2, 3, 5])
def test_topk_equals_scikit_learn_and_statsmodels(k: int, rng: np.random.Generator) -> None:
    predictions = classifier(rng)
    expected = top_k_accuracy_score(predictions.label, predictions.scores, k=k)
    got = evaluate(f"top{k}", predictions, rng=None, level=0.9)
    assert got.value == pytest.approx(expected)
    low, high = proportion_confint(round(expected * 400), 400, alpha=0.1, method="beta")
    assert (got.low, got.high) == (pytest.approx(low), pytest.approx(high))
    assert (got.name, got.n, got.level, got.method) == (f"top{k}", 400, 0.9, "Clopper-Pearson")


def test_rank_decides_what_is_right_not_the_label(rng: np.random.Generator) -> None:
    # Where several classes count as right, the first of them may not be the label.
    predictions = replace(classifier(rng), rank=np.ones(400, dtype=np.int16))
    assert value("top1", predictions) == 1


def test_class_metrics_equal_scikit_learn(rng: np.random.Generator) -> None:
    predictions = classifier(rng)
    first = predictions.topk[:, 0]
    per_class = value("mean-per-class", predictions)
    assert per_class == pytest.approx(recall_score(predictions.label, first, average="macro"))
    assert per_class == pytest.approx(balanced_accuracy_score(predictions.label, first))
    assert value("balanced", predictions) == pytest.approx(
        balanced_accuracy_score(predictions.label, first, adjusted=True)
    )


def test_classes_without_items_leave_the_mean_alone_but_count_for_chance(
    rng: np.random.Generator,
) -> None:
    predictions = classifier(rng)
    few = predictions.take(np.flatnonzero(predictions.label < 2), scores=False)
    with_two = balanced_accuracy_score(few.label, few.label) - value("mean-per-class", few)
    assert value("balanced", few) == pytest.approx(1 - with_two * CLASSES / (CLASSES - 1))


def test_balanced_is_zero_for_a_constant_answer_and_keeps_its_interval(
    rng: np.random.Generator,
) -> None:
    label = rng.permutation(np.repeat(np.arange(4), 50))
    predictions = Predictions(label=label, rank=(label == 2).astype(np.int16), n_classes=4)
    got = evaluate("balanced", predictions, rng=None)
    assert got.value == pytest.approx(0)
    assert got.low < 0 < got.high
    with pytest.raises(ValueError, match="balanced needs two classes"):
        evaluate("balanced", Predictions(label=label * 0, rank=label * 0, n_classes=1), rng=None)


def test_nll_and_brier_equal_scikit_learn(rng: np.random.Generator) -> None:
    predictions = classifier(rng)
    labels = np.arange(CLASSES)
    assert value("nll", predictions) == pytest.approx(
        log_loss(predictions.label, predictions.scores, labels=labels), rel=1e-6
    )
    assert value("brier", predictions) == pytest.approx(
        brier_score_loss(predictions.label, predictions.scores, labels=labels)
    )


def test_half_precision_hardly_moves_brier(rng: np.random.Generator) -> None:
    predictions = classifier(rng)
    half = replace(predictions, scores=predictions.scores.astype(np.float16))
    assert value("brier", half) == pytest.approx(value("brier", predictions), abs=1e-4)


def test_brier_of_two_classes_is_twice_that_of_one(rng: np.random.Generator) -> None:
    p = rng.random(90)
    label = (rng.random(90) < p).astype(np.int32)
    predictions = Predictions(label=label, scores=np.stack([1 - p, p], axis=1))
    assert value("brier", predictions) == pytest.approx(2 * brier_score_loss(label, p))


def test_brier_refuses_what_is_no_probability(rng: np.random.Generator) -> None:
    predictions = classifier(rng, n=9_000)
    for change in (3.0, -0.2, np.nan):
        scores = np.array(predictions.scores)
        scores[8_123, 0] = change
        with pytest.raises(ValueError, match="row 8123 of scores .* softmax"):
            value("brier", replace(predictions, scores=scores))


def test_calibration_states_its_bins_and_equals_a_plain_loop(rng: np.random.Generator) -> None:
    predictions = classifier(rng)
    confidence = predictions.topk_prob[:, 0].astype(float)
    correct = predictions.topk[:, 0] == predictions.label
    total = 0.0
    for b in range(15):
        inside = (confidence > b / 15) & (confidence <= (b + 1) / 15)
        total += abs((correct[inside] - confidence[inside]).sum()) / 400
    got = evaluate("ece", predictions, rng=rng)
    assert got.value == pytest.approx(total)
    assert got.method == "answers redrawn within bins, 2000 times; 15 bins of equal width"
    adaptive = evaluate("ece-adaptive", predictions, rng=rng)
    assert adaptive.method.endswith("; 15 bins of equally many items")
    in_order = np.argsort(confidence)
    parts = np.array_split((correct - confidence)[in_order], 15)
    # 400 items do not divide by 15, so the cuts may differ by an item.
    assert adaptive.value == pytest.approx(sum(abs(p.sum()) for p in parts) / 400, abs=0.01)


def test_map11_takes_labels_or_the_classes_that_are_shown(rng: np.random.Generator) -> None:
    predictions = classifier(rng)
    one_hot = predictions.label[:, None] == np.arange(CLASSES)
    shown = replace(predictions, relevant=one_hot, label=None)
    assert value("map11", shown) == value("map11", predictions)
    more = replace(predictions, relevant=one_hot | (rng.random(one_hot.shape) < 0.3))
    assert value("map11", more) != value("map11", predictions)


def test_answers_and_documents_are_averaged(rng: np.random.Generator) -> None:
    text = language(rng)
    assert value("exact-match", text) == text.exact_match.mean()
    assert value("f1", text) == pytest.approx(text.f1.mean())
    a_token = text.nll.sum() / text.tokens.sum()
    assert value("perplexity", text) == pytest.approx(np.exp(a_token))
    bits = text.nll.sum() / text.bytes.sum() / np.log(2)
    assert value("bits-per-byte", text) == pytest.approx(bits)


def test_a_model_that_guesses_has_the_perplexity_of_its_vocabulary() -> None:
    tokens = np.array([3, 10, 0, 40])
    text = Predictions(nll=tokens * np.log(50.0), tokens=tokens, bytes=tokens)
    assert value("perplexity", text) == pytest.approx(50)
    assert value("bits-per-byte", text) == pytest.approx(np.log2(50))


def test_documents_without_a_token_have_no_perplexity() -> None:
    text = Predictions(nll=np.zeros(8), tokens=np.zeros(8, dtype=int))
    got = evaluate("perplexity", text, rng=None)
    assert np.isnan(got.value)
    assert got.method == "none: no document has any tokens"


# What holds for all of them


@pytest.mark.parametrize("name", METRICS)
@given(seed=st.integers(0, 9))
def test_the_order_of_the_items_does_not_matter(name: str, seed: int) -> None:
    predictions = whole(np.random.default_rng(seed))
    order = np.random.default_rng(seed + 1).permutation(predictions.n)
    shuffled = predictions.take(order, scores=True)
    assert value(name, shuffled) == pytest.approx(value(name, predictions), abs=1e-12)


@pytest.mark.parametrize("name", METRICS)
@given(seed=st.integers(0, 9), n=st.sampled_from([9, 30, 60]))
def test_value_and_interval_stay_in_range(name: str, seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    got = evaluate(name, whole(rng, n), rng=rng, n_resamples=300)
    low, high = {"balanced": (-1, 1), "brier": (0, 2)}.get(name, (0, 1))
    if METRICS[name].unit not in {"fraction", "0 to 2"}:
        low, high = int(name == "perplexity"), np.inf
    assert low <= got.low < got.high <= high
    assert got.low <= got.value <= got.high


@pytest.mark.parametrize("name", METRICS)
def test_the_interval_narrows_with_items_and_widens_with_the_level(
    name: str, rng: np.random.Generator
) -> None:
    def width(n: int, level: float) -> float:
        source = np.random.default_rng(4)
        got = evaluate(name, whole(source, n), rng=source, level=level, n_resamples=500)
        return got.high - got.low

    assert width(3_000, 0.95) < width(150, 0.95) < width(150, 0.999)


@pytest.mark.parametrize("name", METRICS)
def test_the_same_seed_gives_the_same_value(name: str) -> None:
    predictions = whole(np.random.default_rng(0))
    one, two = (
        evaluate(name, predictions, rng=np.random.default_rng(9), n_resamples=200) for _ in range(2)
    )
    assert one == two


@pytest.mark.parametrize("name", METRICS)
def test_what_a_metric_needs_is_what_it_fails_without(name: str, rng: np.random.Generator) -> None:
    metric, predictions = METRICS[name], whole(rng)
    assert metric.lacks(predictions) == ""
    needed = {"label" if column == "truth" else column for column in metric.needs}
    # With what it says that it needs it can be computed,
    columns = {column: getattr(predictions, column) for column in needed}
    alone = Predictions(**columns, k=5)
    assert value(name, alone) == value(name, predictions)
    # and without any one of these it says which is missing and what to do.
    for column in needed:
        without = replace(predictions, **{column: None})
        with pytest.raises(ValueError, match=rf"{name} needs .+ \((truth|{column})\); .+"):
            evaluate(name, without, rng=rng)


def test_missing_scores_name_the_option(rng: np.random.Generator) -> None:
    with pytest.raises(
        ValueError, match=r"map11 needs full scores \(scores\); run again with --save"
    ):
        evaluate("map11", replace(classifier(rng), scores=None), rng=rng)


@pytest.mark.parametrize("name", METRICS)
def test_per_item_metrics_are_means_of_one_number_an_item(
    name: str, rng: np.random.Generator
) -> None:
    predictions = whole(rng)
    halves = [predictions.take(rows, scores=True) for rows in np.split(np.arange(60), 2)]
    mean = np.mean([value(name, half) for half in halves])
    assert (mean == pytest.approx(value(name, predictions), rel=1e-9)) == METRICS[name].per_item


# Names


def test_any_number_of_predictions_has_a_name(rng: np.random.Generator) -> None:
    assert find_metric("top3").k == 3
    assert find_metric("top1") is METRICS["top1"]
    predictions = classifier(rng)
    assert value("top3", predictions) == evaluate(topk(3), predictions, rng=None).value


@pytest.mark.parametrize("name", ["top0", "top", "top-5", "top1.5", "accuracy", "", "TOP1"])
def test_unknown_names_list_the_known(name: str) -> None:
    with pytest.raises(ValueError, match=f"no metric is called '{name}'; known: top1, .*map11"):
        find_metric(name)


def test_more_predictions_than_there_are_cannot_be_asked_for(rng: np.random.Generator) -> None:
    predictions = classifier(rng)
    with pytest.raises(ValueError, match="top6 needs 6 ordered predictions an item, and 5 can"):
        evaluate("top6", predictions, rng=rng)
    # One prediction an item, as many archives hold it.
    alone = Predictions(rank=predictions.rank.clip(max=1) % 2, n_classes=CLASSES)
    with pytest.raises(ValueError, match="and 1 can be had"):
        evaluate("top5", alone, rng=rng)


def test_topk_of_no_more_classes_says_nothing(rng: np.random.Generator) -> None:
    with pytest.raises(ValueError, match="top5 is always right among 5 classes"):
        evaluate("top5", classifier(rng, classes=5), rng=rng)
    assert value("top5", classifier(rng, classes=6)) <= 1


@pytest.mark.parametrize("metric", METRICS.values(), ids=lambda m: m.name)
def test_every_metric_describes_itself(metric: Metric) -> None:
    assert METRICS[metric.name] is metric
    assert metric.title
    assert metric.unit
    assert metric.needs
    assert metric.better == (
        "lower"
        if metric.name in {"nll", "ece", "ece-adaptive", "brier", "perplexity", "bits-per-byte"}
        else "higher"
    )


def test_a_value_becomes_plain_json() -> None:
    one = MetricValue(0.5, float("nan"), 0.75, "top1", "none: why", 4, 0.9)
    expected = {"name": "top1", "value": 0.5, "low": None, "high": 0.75, "method": "none: why"}
    assert json.loads(json.dumps(one.to_dict())) == expected | {"n": 4, "level": 0.9}


# Limits


def perfect(n: int, right: bool) -> Predictions:
    label = np.arange(n, dtype=np.int32) % 4
    answer = label if right else (label + 1) % 4
    scores = np.eye(4)[answer]
    topk = answer[:, None]
    with np.errstate(divide="ignore"):
        logprob = np.log(scores[np.arange(n), label])
    return Predictions(
        label=label,
        rank=np.full(n, right, dtype=np.int16),
        topk=topk,
        topk_prob=np.ones((n, 1)),
        label_logprob=logprob,
        scores=scores,
        exact_match=np.full(n, right),
        f1=np.full(n, float(right)),
        n_classes=4,
    )


@pytest.mark.parametrize(
    ("name", "best", "worst"),
    [
        ("top1", 1, 0),
        ("mean-per-class", 1, 0),
        ("balanced", 1, -1 / 3),
        ("nll", 0, np.inf),
        ("ece", 0, 1),
        ("ece-adaptive", 0, 1),
        ("brier", 0, 2),
        ("exact-match", 1, 0),
        ("f1", 1, 0),
    ],
)
def test_the_best_and_the_worst(
    name: str, best: float, worst: float, rng: np.random.Generator
) -> None:
    for right, expected in ((True, best), (False, worst)):
        got = evaluate(name, perfect(40, right), rng=rng)
        assert got.value == pytest.approx(expected)
        if name == "nll":
            assert got.method.startswith("none:")
            continue
        # Forty answers never settle the matter, on the one side where there is room.
        assert got.high - got.low > 0.03
        assert got.low - 1e-9 <= expected <= got.high + 1e-9


def test_nll_never_falls_below_zero() -> None:
    rounded = np.full(10, 0.0005, dtype=np.float32)
    assert value("nll", Predictions(label_logprob=rounded)) == 0


def test_one_item_is_enough_for_a_value(rng: np.random.Generator) -> None:
    for name in METRICS:
        got = evaluate(name, whole(rng, 1), rng=rng)
        assert got.n == 1
        assert np.isfinite(got.value)
        assert np.isnan(got.low) or got.high - got.low > 0.2


def test_fifty_thousand_items_take_a_moment() -> None:
    import time

    rng = np.random.default_rng(0)
    n = 50_000
    prob = np.sort(rng.dirichlet(np.ones(6), n).astype(np.float32))[:, ::-1][:, :5]
    predictions = Predictions(
        label=rng.integers(0, 1_000, n),
        rank=rng.integers(0, 6, n),
        topk=rng.integers(0, 1_000, (n, 5)),
        topk_prob=prob,
        label_logprob=-rng.exponential(size=n),
        n_classes=1_000,
    )
    start = time.process_time()
    for name in ("top1", "top5", "mean-per-class", "nll", "ece", "ece-adaptive"):
        evaluate(name, predictions, rng=None)
    # About 20 ms; ten times that allows for any machine, and no loop over items would pass.
    assert time.process_time() - start < 0.2


def test_scores_may_be_mapped_from_a_file(
    tmp_path_factory: pytest.TempPathFactory, rng: np.random.Generator
) -> None:
    predictions = classifier(rng)
    path = tmp_path_factory.mktemp("scores") / "scores.npy"
    np.save(path, predictions.scores.astype(np.float16))
    mapped: npt.NDArray[np.float16] = np.load(path, mmap_mode="r")
    from_file = replace(predictions, scores=mapped)
    in_memory = replace(predictions, scores=np.array(mapped))
    for name in ("map11", "brier"):
        assert value(name, from_file) == value(name, in_memory)


def test_the_reference_says_of_each_metric_what_it_says_of_itself() -> None:
    page = Path(__file__).parents[2] / "docs" / "reference" / "metrics.md"
    parts = page.read_text(encoding="utf-8").split("\n\n")
    table = next(part for part in parts if part.startswith("| Metric")).splitlines()[2:]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table]
    assert [row[0].split("`")[1] for row in rows] == list(METRICS)
    for row, metric in zip(rows, METRICS.values(), strict=True):
        for column in metric.needs:
            assert f"`{'label' if column == 'truth' else column}`" in row[2], metric.name
        assert row[3:5] == [metric.unit, metric.better], metric.name
    # Prose names the others.
    per_item = next(part for part in parts if " are means" in part).split(" are means")[0]
    named = {f"`{name}`" for name, metric in METRICS.items() if metric.per_item} - {"`top5`"}
    assert set(re.findall("`[^`]+`", per_item)) - {"`top<k>`"} == named
