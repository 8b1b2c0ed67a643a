from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from freshset.core.config import CompareSettings
from freshset.generalization.compare import analyse
from freshset.generalization.comparison import Comparison
from freshset.generalization.findings import points

FAST = CompareSettings(bootstrap=1_000, item_bootstrap=300)


def test_all_lose(make_scores) -> None:
    text = analyse(make_scores(shift=0.6), FAST).findings[0]
    assert re.fullmatch(
        r"All 12 models lose accuracy on sim/new: \d+\.\d points lower than on sim/old on average "
        r"\(95 % interval \d+\.\d to \d+\.\d; drops from \d+\.\d to \d+\.\d\)\.",
        text,
    )


def test_all_gain_and_mixed(make_scores) -> None:
    assert analyse(make_scores(shift=-0.8), FAST).findings[0].startswith("All 12 models gain")
    mixed = analyse(make_scores(shift=0.0), FAST).findings[0]
    assert re.match(
        r"\d+ of 12 models score lower on sim/new than on sim/old and \d+ higher", mixed
    )


def test_two_models(make_scores) -> None:
    findings = analyse(make_scores(2, shift=0.6), FAST).findings
    assert findings[0].startswith("Both models lose accuracy on sim/new: ")
    assert not any("Spearman" in text for text in findings)


def test_one_model(make_scores) -> None:
    findings = analyse(make_scores(1, shift=0.6), FAST).findings
    assert findings[0].startswith("The model scores ")
    assert not any("rank" in text for text in findings)


@pytest.mark.parametrize("shift", [-0.8, 0.0, 0.05, 0.6])
@pytest.mark.parametrize("n_new", [200, 20_000])
@pytest.mark.parametrize("same", [False, True])
def test_adaptive_overfitting_is_never_ruled_out(
    make_scores, shift: float, n_new: int, same: bool
) -> None:
    scores = make_scores(shift=shift, n_old=5_000, n_new=n_new)
    result = analyse(scores, replace(FAST, same_distribution=same))
    text = " ".join([*result.findings, result.gap.adaptivity.note]).lower()
    assert "no adaptive overfitting" not in text
    assert "no overfitting" not in text
    assert "not overfit" not in text
    if not same:
        assert "cannot be told from one fresh set" in text
        assert result.gap.adaptivity.value is None
        assert not result.gap.adaptivity.identified


def survived(result: Comparison) -> bool:
    return any("scores survived:" in text for text in result.findings)


def test_survived_takes_equivalence_and_power(make_scores) -> None:
    large = make_scores(6, n_old=40_000, n_new=40_000, shift=0.0)
    result = analyse(large, replace(FAST, margin=2.0))
    assert result.verdict.outcome == "survived"
    assert survived(result)
    # The same scores with a margin that these sets cannot resolve are undecided, not survived.
    small = make_scores(6, n_old=400, n_new=200, shift=0.0)
    result = analyse(small, replace(FAST, margin=1.0))
    assert result.verdict.outcome != "survived"
    assert not survived(result)


def test_a_drop_that_is_not_significant_is_undecided(make_scores) -> None:
    result = analyse(make_scores(6, n_old=300, n_new=150, shift=0.0), FAST)
    assert result.verdict.outcome == "undecided"
    text = next(t for t in result.findings if t.startswith("Undecided"))
    assert "does not show that the scores survived" in text


def test_power_alone_is_not_enough(make_scores) -> None:
    result = analyse(make_scores(6, n_old=40_000, n_new=40_000, shift=0.5), FAST)
    assert result.verdict.power > 0.8
    assert result.verdict.outcome == "dropped"
    assert not survived(result)


def test_slopes_come_in_pairs(make_scores) -> None:
    text = next(t for t in analyse(make_scores(shift=0.6), FAST).findings if "linear scale" in t)
    assert "probit scale" in text


def test_declared_same_distribution_identifies_adaptivity(make_scores) -> None:
    result = analyse(make_scores(shift=0.6), replace(FAST, same_distribution=True))
    assert result.gap.adaptivity.identified
    assert result.gap.adaptivity.value is not None
    assert result.gap.adaptivity.value.value == result.drop.mean.value
    # It is about these models, so items alone are resampled, whatever the other intervals do.
    items = analyse(
        make_scores(shift=0.6), replace(FAST, same_distribution=True, resample="models")
    )
    assert items.gap.adaptivity.value is not None
    assert items.gap.adaptivity.value.high - items.gap.adaptivity.value.low > 1
    assert any("is adaptivity, up to sampling error" in text for text in result.findings)


def test_one_model_that_carries_the_line_is_named(make_scores) -> None:
    scores = make_scores(8, per_example=False)
    k_old, k_new = np.full(8, 1_700.0), np.full(8, 700.0)
    k_old += np.arange(8)[::-1] * 3
    k_new += np.array([5, -5, 3, -3, 4, -4, 5, 0])
    k_old[7], k_new[7] = 200, 300
    named = [
        t
        for t in analyse(replace(scores, k_old=k_old, k_new=k_new), FAST).findings
        if "carries" in t
    ]
    assert len(named) == 1
    assert "without m7 the linear slope is -0.07 instead of 0.53" in named[0]


def test_a_line_that_no_model_carries(make_scores) -> None:
    assert not any("carries" in text for text in analyse(make_scores(40), FAST).findings)


def test_a_rise_under_one_distribution_is_not_called_adaptivity(make_scores) -> None:
    result = analyse(make_scores(shift=-0.8), replace(FAST, same_distribution=True))
    assert any("adaptive overfitting does not raise scores" in text for text in result.findings)


def with_counts(scores, old: list[int], new: list[int]):
    return replace(scores, k_old=np.array(old, float), k_new=np.array(new, float))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ([9868, 8273, 7072], [9115, 7520, 6319], "neither shrunk nor stretched"),
        ([8000, 7500, 7000], [7000, 7500, 8000], "worse on the new one"),
        (
            [8000, 7750, 7500, 7250, 7000],
            [9600, 9460, 9300, 9160, 9000],
            "as it is for any easier set",
        ),
    ],
)
def test_slopes_in_words(make_scores, old: list[int], new: list[int], words: str) -> None:
    scores = make_scores(len(old), n_old=10_000, n_new=10_000, per_example=False)
    result = analyse(with_counts(scores, old, new), replace(FAST, resample="models"))
    assert words in next(text for text in result.findings if "linear scale" in text)


def test_models_that_do_not_move(make_scores) -> None:
    scores = make_scores(3, n_old=100, n_new=100, per_example=False)
    result = analyse(with_counts(scores, [90, 80, 70], [90, 80, 70]), FAST)
    assert result.findings[0].startswith("All 3 models score the same on sim/new as on sim/old")


def test_wording_of_numbers() -> None:
    assert [points(v) for v in (0.0, -0.0, 0.04, 0.52, 0.97, 12.04, -3.15)] == [
        "0.0", "0.0", "0.04", "0.52", "1.0", "12.0", "-3.1",
    ]  # fmt: skip


def test_a_set_that_was_changed_after_it_may_have_been_seen_is_named(make_scores) -> None:
    scores = make_scores(shift=0.6)
    assert not any("may have been seen" in text for text in analyse(scores, FAST).findings)
    touched = replace(scores, touched=(("sim/new", "revision r1 was un-frozen: a wrong label"),))
    result = analyse(touched, FAST)
    # Before the verdict, which has to be read with it.
    assert result.findings[1] == (
        "sim/new was changed after its predictions may have been seen (revision r1 was un-frozen: a "
        "wrong label), so its scores may be fitted to the models that were seen: for them it is no "
        "fresh test set."
    )
    assert result.to_dict()["touched"] == [
        {"testset": "sim/new", "reason": "revision r1 was un-frozen: a wrong label"}
    ]
