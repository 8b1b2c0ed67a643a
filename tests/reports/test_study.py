from __future__ import annotations

import pytest

from freshset.core.errors import UsageError
from freshset.core.records import Matrix
from freshset.reports.study import Study, slug_of, study_from


class OneMatrix:
    """A store that knows the result of every model on every set."""

    location = "memory"

    def __init__(self, scores_of):
        self.scores_of = scores_of
        self.asked = []

    def matrix(self, testset, models):
        self.asked.append(testset)
        return Matrix(testset, tuple(models), self.scores_of(len(models)), (1,) * len(models))


@pytest.fixture
def store(rng):
    return OneMatrix(lambda models: rng.integers(0, 2, (models, 50)).astype("int16"))


def test_pairs_on_both_sets_when_there_are_examples(store, comparison):
    study = study_from(store, comparison, title="CIFAR-10.1, top-1")
    assert study.slug == "cifar-10-1-top-1"
    assert [m.testset for m in study.pairs] == ["imagenet/val", "made-up/new"] == store.asked
    assert len(study.pairs[0].models) == 25


def test_no_pairs_from_counts_or_one_model(store, make_comparison):
    assert study_from(store, make_comparison(4, per_example=False), title="t").pairs == ()
    assert study_from(store, make_comparison(1), title="t", slug="x").pairs == ()
    assert store.asked == []


@pytest.mark.parametrize("slug", ["", "A", "a/b", "../x", "a--b", "a b"])
def test_a_slug_is_never_a_path(slug, comparison):
    with pytest.raises(UsageError, match="not a slug"):
        Study("t", slug, comparison)


def test_slug_of_nothing():
    assert slug_of("日本") == "study"
