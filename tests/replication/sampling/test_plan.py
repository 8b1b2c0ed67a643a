from __future__ import annotations

from collections import Counter

import pytest
from fakes.pool import frequencies

from freshset.core.errors import DataError
from freshset.replication.sampling.draws import Stratified, Top
from freshset.replication.sampling.plan import Plan, limits_of, plan_of
from freshset.replication.spec import Spec, parse_spec

SPEC = """\
name: animals/fresh
original: animals/test
per_class: 3
classes:
  - {key: cat, confused_with: dog%s}
  - {key: dog, confused_with: cat, per_class: 2}
sampling: {%s}
"""


def spec(sampling: str, cat: str = "") -> Spec:
    return parse_spec(SPEC % (cat, sampling))


NOTHING = frequencies([])
CANDIDATES = frequencies(
    [(f"c{k:02}", "cat", k, 10) for k in range(11)]
    + [(f"d{k:02}", "dog", k, 10) for k in range(11)]
)


def test_threshold_is_each_classs_own() -> None:
    rules = spec("strategy: threshold, threshold: 0.7", ", threshold: 0.5")
    limits = limits_of(rules)
    assert limits.thresholds == {"cat": 0.5, "dog": 0.7}
    assert limits.min_answers == 10
    plan = plan_of(rules, NOTHING, {})
    assert plan.strategy == Stratified()
    assert plan.targets == {"cat": (3,), "dog": (2,)}


def test_a_frequency_that_must_be_known_needs_an_answer() -> None:
    for strategy, least in (("top", 1), ("matched-frequency", 1), ("random", 0)):
        assert limits_of(spec(f"strategy: {strategy}, min_answers: 0")).min_answers == least


def test_top_takes_the_best() -> None:
    plan = plan_of(spec("strategy: top"), NOTHING, {})
    assert plan.strategy == Top()
    sample = plan.draw(CANDIDATES, 0)
    assert {pick.item_id for pick in sample.picks} == {"c10", "c09", "c08", "d10", "d09"}


def test_matched_frequency_follows_the_original() -> None:
    rules = spec("strategy: matched-frequency, min_original_images: 3, upward: true")
    originals = frequencies(
        [(f"o{k}", "cat", s, 10) for k, s in enumerate([1, 5, 10])]
        + [(f"p{k}", "dog", s, 10) for k, s in enumerate([8, 9, 10])]
    )
    plan = plan_of(rules, originals, {})
    assert plan.strategy == Stratified(upward=True)
    assert plan.targets == {"cat": (1, 0, 1, 0, 1), "dog": (0, 0, 0, 0, 2)}
    sample = plan.draw(CANDIDATES, 3)
    assert sample.is_valid
    groups = Counter((pick.class_key, pick.group) for pick in sample.picks)
    assert groups == {("cat", 0): 1, ("cat", 2): 1, ("cat", 4): 1, ("dog", 4): 2}


def test_random_takes_images_without_answers() -> None:
    rules = spec("strategy: random, min_answers: 0")
    unlabelled = frequencies([(f"c{k}", "cat", 0, 0) for k in range(9)] + [("x", "ox", 0, 0)])
    sample = plan_of(rules, NOTHING, {}).draw(unlabelled, 1)
    assert sample.missing == {"dog": (2,)}
    assert {pick.class_key for pick in sample.picks} == {"cat"}


def test_keyword_quota_follows_the_originals_keywords() -> None:
    rules = spec("strategy: keyword-quota, min_answers: 0")
    words = {(f"o{k}", "cat"): "tabby" if k < 4 else "all" for k in range(6)}
    words |= {("p0", "dog"): "dog", ("p1", "dog"): ""}
    plan = plan_of(rules, NOTHING, words)
    assert plan.names == {"cat": ("tabby", "all"), "dog": ("dog",)}
    assert plan.targets == {"cat": (2, 1), "dog": (2,)}
    found = {(f"c{k:02}", "cat"): ("all", "tabby", "kitten")[k % 3] for k in range(11)}
    sample = plan.draw(CANDIDATES, 0, keywords=found, previous=[("c01", "cat"), ("c02", "cat")])
    cats = [pick for pick in sample.picks if pick.class_key == "cat"]
    assert Counter(found[pick.item_id, "cat"] for pick in cats) == {"tabby": 2, "all": 1}
    assert ("c01", "kept") in {(pick.item_id, pick.how) for pick in cats}
    assert sample.missing == {"dog": (2,)}  # its candidates have no keyword


def test_no_keywords_are_no_quota() -> None:
    with pytest.raises(DataError, match="No original image of dog has a keyword"):
        plan_of(spec("strategy: keyword-quota"), NOTHING, {("o", "cat"): "cat"})


def test_one_plan_and_seed_are_one_sample() -> None:
    plan: Plan = plan_of(spec("strategy: random"), NOTHING, {})
    one = plan.draw(CANDIDATES, 5)
    assert plan.draw(CANDIDATES[::-1], 5) == one
    assert plan.draw(CANDIDATES, 6) != one
