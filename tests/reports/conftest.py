from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from fakes import judged_store
from scipy import special

from freshset.core.config import CompareSettings
from freshset.core.records import Matrix
from freshset.generalization.compare import analyse, compare
from freshset.generalization.comparison import Comparison
from freshset.generalization.pair import PairMatrix
from freshset.generalization.scores import Scores
from freshset.protocols.competition.audit import CompetitionAudit, audit_competition
from freshset.protocols.competition.table import Submissions
from freshset.protocols.folds.result import FoldScore, KFoldResult, Official, gap_between
from freshset.protocols.folds.splits import Scheme
from freshset.protocols.looks import Looks, SeenAt
from freshset.reports.study import Study
from freshset.stats.crossvalidation import corrected_interval, t_interval
from freshset.stats.multiplicity import adjust
from freshset.stats.paired import mcnemar_all_pairs
from freshset.stats.types import Estimate
from freshset.store.frequencies import read_frequencies

HOSTILE = (
    "<script>alert('x')</script>",
    'a "quoted" & <b>bold</b> name',
    "under_score_50%_#1_$x^2$~{}\\end",
    "日本語 модель é",
    "pipe|back`tick*star",
    "tab\tand\x07bell",
)
SETTINGS = CompareSettings(bootstrap=200, item_bootstrap=200)


def simulated(models: int, *, per_example: bool = True, n: int = 400, names: tuple[str, ...] = ()):
    """Scores by the scalar-difficulty model: one skill per model, one difficulty per item."""
    rng = np.random.default_rng([models, n])
    skill = np.linspace(2.2, -0.3, models)
    matrices = []
    names = names or tuple(f"model_{i:03d}" for i in range(models))
    for testset, size, shift in (("imagenet/val", 2 * n, 0.0), ("made-up/new", n, 0.6)):
        p = special.ndtr(skill[:, None] - rng.normal(shift, 1, size))
        rank = (rng.random((models, size)) < p).astype(np.int16)
        matrices.append(Matrix(testset, names, rank, (1,) * models))
    old, new = matrices
    k = [matrix.label_rank.sum(axis=1).astype(float) for matrix in matrices]
    order = np.argsort(-k[0], kind="stable")
    old, new = (
        replace(m, label_rank=m.label_rank[order], models=tuple(names[i] for i in order))
        for m in matrices
    )
    return Scores(
        old=old.testset,
        new=new.testset,
        models=old.models,
        n_old=2 * n,
        n_new=n,
        k_old=k[0][order],
        k_new=k[1][order],
        metric="top1",
        matrix_old=old if per_example else None,
        matrix_new=new if per_example else None,
        approximate=False,
        excluded=(),
        warnings=(),
    )


def pair_matrix(matrix: Matrix) -> PairMatrix:
    correct = matrix.correct("top1")
    order = np.argsort(-correct.sum(axis=1), kind="stable")
    pairs = mcnemar_all_pairs(correct[order])
    p = np.ones((len(order), len(order)))
    p[pairs.first, pairs.second] = p[pairs.second, pairs.first] = adjust(pairs.p_exact)
    return PairMatrix(matrix.testset, "top1", 0.95, tuple(matrix.models[i] for i in order), p)


@pytest.fixture(scope="session")
def hostile() -> tuple[str, ...]:
    """Names that break whatever does not escape them."""
    return HOSTILE


@pytest.fixture(scope="session")
def make_comparison() -> Callable[..., Comparison]:
    return lambda models, **kwargs: analyse(simulated(models, **kwargs), SETTINGS)


@pytest.fixture(scope="session")
def make_study() -> Callable[..., Study]:
    def make(models: int, **kwargs) -> Study:
        scores = simulated(models, **kwargs)
        matrices = (scores.matrix_old, scores.matrix_new)
        pairs = tuple(pair_matrix(m) for m in matrices if m is not None and models > 1)
        return Study("A study", "a-study", analyse(scores, SETTINGS), pairs, "Simulated.")

    return make


@pytest.fixture(scope="session")
def study(make_study) -> Study:
    """25 models with per-example data."""
    return make_study(25)


@pytest.fixture(scope="session")
def comparison(study) -> Comparison:
    return study.comparison


@pytest.fixture(scope="session")
def judged(tmp_path_factory) -> Comparison:
    """Simulated annotators: a new set that was matched to the old one by 8 answers an item."""
    root = tmp_path_factory.mktemp("judged")
    store = judged_store.make(root)
    given = read_frequencies(root / "old.csv"), read_frequencies(root / "pool.csv")
    return compare(store, judged_store.OLD, judged_store.NEW, SETTINGS, frequencies=given)


@pytest.fixture(scope="session")
def hostile_study(make_study) -> Study:
    return make_study(len(HOSTILE), names=HOSTILE)


@pytest.fixture(scope="session")
def perfect() -> Comparison:
    """Accuracies of 0 and 1 on both sets."""
    scores = Scores(
        old="toy/old",
        new="toy/new",
        models=("all right", "good", "fair", "poor", "all wrong"),
        n_old=100,
        n_new=100,
        k_old=np.array([100.0, 90, 50, 10, 0]),
        k_new=np.array([100.0, 80, 45, 12, 0]),
        metric="top1",
        matrix_old=None,
        matrix_new=None,
        approximate=True,
        excluded=(("gone", "matches --exclude g*"),),
        warnings=("A warning & <b>more</b>.",),
    )
    return analyse(scores, SETTINGS)


@pytest.fixture(scope="session")
def audit() -> CompetitionAudit:
    """40 submissions whose public scores are a point above the private ones."""
    rng = np.random.default_rng(0)
    public = rng.uniform(0.6, 0.9, 40)
    private = np.rint(2000 * (public - 0.01 + rng.normal(0, 0.005, 40))) / 2000
    team = np.array([f"<b>team</b> {i}" for i in range(40)], dtype=object)
    submissions = Submissions(np.round(public, 3), private, team, team, 2)
    return audit_competition(submissions, 1000, 2000, rng=np.random.default_rng(0))


@pytest.fixture(scope="session")
def validated() -> KFoldResult:
    """2 x 5 folds at about 94 %, and an official set at 80 %."""
    scores = np.array([0.90, 0.95, 0.97, 0.93, 0.95, 0.94, 0.92, 0.96, 0.95, 0.93])
    folds = tuple(FoldScore(k // 5, k % 5, 80, 20, float(s)) for k, s in enumerate(scores))
    mean = corrected_interval(scores, n_train=80, n_test=20)
    opened = Estimate(0.80, 0.77, 0.83)
    return KFoldResult(
        "svm <b>", "digits", 100, Scheme("plain", 5, 2), "accuracy", 0.95, folds, mean,
        t_interval(scores), (0.94, 0.94),
        Official("new", 500, opened, gap_between(mean, opened), before=False), ("A warning.",),
    )  # fmt: skip


@pytest.fixture(scope="session")
def seen() -> Looks:
    """Four looks, of which one showed no score, and one without a record."""
    looks = tuple(
        SeenAt(f"2026-01-0{day}T00:00:00+00:00", "ann", model, accuracy, best)
        for day, model, accuracy, best in (
            (1, "<b>m1</b>", 0.7, 0.7), (2, "m1", None, 0.7), (3, "m2", 0.8, 0.8), (4, "m3", 0.75, 0.8),
        )
    )  # fmt: skip
    return Looks("d", 1000, "ledger", looks, 5, 4.0, None, float("nan"), 9.0, 0.95)
