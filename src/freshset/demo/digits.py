"""A real drop, measured: handwritten digits of known and of unseen writers.

scikit-learn ships 1,797 digits.  They lie in 14 runs that look like one sheet each, filled in by one
hand: all sheets ask for the same digits in the same order, so the labels repeat themselves sheet by
sheet, and images of a sheet resemble each other more than those of any other (`sheet_evidence`
measures both).  The data set's description speaks of 13 people, so one of them may have filled in two.
Models are trained on half of the first nine sheets.  The other half is the old test set; the five
sheets of writers that no model has seen are the fresh one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from freshset.core.records import Source, TestSet
from freshset.store.base import Examples, Store

# First image of every sheet; the labels start over there (one sheet lacks its first 0).
SHEET_STARTS = (0, 130, 256, 386, 516, 646, 776, 906, 1029, 1157, 1287, 1415, 1545, 1667)
KNOWN_SHEETS = 9

OLD, NEW = "digits/known-writers", "digits/unseen-writers"


@dataclass(frozen=True, slots=True)
class Digits:
    """The digits, cut by writer.

    Attributes
    ----------
    images
        Shape (1797, 64), grey values 0 to 16.
    labels
        Shape (1797,).
    sheet
        Sheet of each image, 0 to 13, shape (1797,).
    train, old, new
        Row numbers of the three parts.
    """

    images: npt.NDArray[np.float64]
    labels: npt.NDArray[np.int64]
    sheet: npt.NDArray[np.int64]
    train: npt.NDArray[np.int64]
    old: npt.NDArray[np.int64]
    new: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class SheetEvidence:
    """Why the sheets are believed to be one writer each.

    Attributes
    ----------
    label_repeat
        Share of images whose label equals that of the image in the same place of the next sheet
        (0.1 if the order were random).
    within, between
        Mean squared distance of same-digit images, by sheet: to its own sheet, and to the most
        similar other sheet, each of shape (14,).
    """

    label_repeat: float
    within: npt.NDArray[np.float64]
    between: npt.NDArray[np.float64]


def load_digits(seed: int = 0) -> Digits:
    """Load the digits and cut them; the half of the known sheets is drawn by sheet and digit."""
    from sklearn.datasets import load_digits as load
    from sklearn.model_selection import train_test_split

    images, labels = map(np.asarray, load(return_X_y=True))
    sheet = np.searchsorted(SHEET_STARTS, np.arange(len(labels)), side="right") - 1
    known = np.flatnonzero(sheet < KNOWN_SHEETS)
    strata = sheet[known] * 10 + labels[known]
    train, old = train_test_split(known, test_size=0.5, random_state=seed, stratify=strata)
    new = np.flatnonzero(sheet >= KNOWN_SHEETS)
    return Digits(images, labels, sheet, np.sort(train), np.sort(old), new)


def sheet_evidence(digits: Digits) -> SheetEvidence:
    """Measure that labels repeat by sheet and that each sheet is most like itself."""
    starts = [*SHEET_STARTS, len(digits.labels)]
    repeats = []
    for a, b, end in zip(starts, starts[1:], starts[2:], strict=False):
        length = min(b - a, end - b)
        repeats.append(digits.labels[a : a + length] == digits.labels[b : b + length])
    n = len(SHEET_STARTS)
    distance = np.zeros((n, n), dtype=np.float64)
    for label in range(10):
        rows = [np.flatnonzero((digits.sheet == s) & (digits.labels == label)) for s in range(n)]
        for i, j in np.ndindex(n, n):
            one, other = digits.images[rows[i]], digits.images[rows[j]]
            d = ((one[:, None] - other[None]) ** 2).sum(axis=2)
            # An image is at distance 0 from itself, which says nothing.
            distance[i, j] += d[d > 0].mean() / 10
    within = np.diag(distance).copy()
    np.fill_diagonal(distance, np.inf)
    return SheetEvidence(float(np.concatenate(repeats).mean()), within, distance.min(axis=1))


def classifiers(seed: int = 0) -> dict[str, Callable[[], Any]]:
    """Factories of 25 scikit-learn classifiers, from weak to strong, by name."""
    from sklearn import discriminant_analysis as da
    from sklearn import ensemble, linear_model, naive_bayes, neighbors, svm, tree
    from sklearn.decomposition import PCA
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MinMaxScaler, StandardScaler

    def scaled(model: Any) -> Any:
        return make_pipeline(MinMaxScaler(), model)

    def reduced(dimensions: int, model: Any) -> Any:
        return make_pipeline(PCA(dimensions, random_state=seed), model)

    return {
        "tree-depth-4": lambda: tree.DecisionTreeClassifier(max_depth=4, random_state=seed),
        "tree-depth-5": lambda: tree.DecisionTreeClassifier(max_depth=5, random_state=seed),
        "tree-depth-6": lambda: tree.DecisionTreeClassifier(max_depth=6, random_state=seed),
        "tree": lambda: tree.DecisionTreeClassifier(random_state=seed),
        "extra-tree": lambda: tree.ExtraTreeClassifier(random_state=seed),
        "naive-bayes-gaussian": lambda: naive_bayes.GaussianNB(var_smoothing=1e-3),
        "naive-bayes-bernoulli": lambda: naive_bayes.BernoulliNB(binarize=8),
        "naive-bayes-multinomial": naive_bayes.MultinomialNB,
        "nearest-centroid": lambda: reduced(30, neighbors.NearestCentroid()),
        "pca4-knn5": lambda: reduced(4, neighbors.KNeighborsClassifier(5)),
        "pca8-knn5": lambda: reduced(8, neighbors.KNeighborsClassifier(5)),
        "knn1": lambda: neighbors.KNeighborsClassifier(1),
        "knn5": lambda: neighbors.KNeighborsClassifier(5),
        "knn50": lambda: neighbors.KNeighborsClassifier(50),
        "lda": lambda: da.LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.1),
        "qda": lambda: reduced(20, da.QuadraticDiscriminantAnalysis(reg_param=0.1)),
        "ridge": lambda: linear_model.RidgeClassifier(alpha=10.0),
        "logistic-weak": lambda: scaled(linear_model.LogisticRegression(C=0.01, max_iter=500)),
        "logistic": lambda: scaled(linear_model.LogisticRegression(C=1.0, max_iter=500)),
        "svm-linear": lambda: scaled(svm.SVC(kernel="linear")),
        "svm-rbf": lambda: scaled(svm.SVC(kernel="rbf", C=10.0)),
        "svm-poly": lambda: scaled(svm.SVC(kernel="poly", degree=3, C=10.0)),
        "forest-10": lambda: ensemble.RandomForestClassifier(10, random_state=seed),
        "forest-300": lambda: ensemble.RandomForestClassifier(300, random_state=seed),
        "mlp": lambda: make_pipeline(
            StandardScaler(),
            MLPClassifier((64,), learning_rate_init=0.01, max_iter=60, early_stopping=True,
                          random_state=seed),
        ),
    }  # fmt: skip


def measure(
    store: Store,
    *,
    seed: int = 0,
    step: Callable[[str], object] = str,
    more: Sequence[tuple[TestSet, npt.NDArray[np.int64]]] = (),
) -> None:
    """Train every classifier and store its predictions on both test sets.

    Parameters
    ----------
    seed
        Of the split and of the classifiers that draw.
    step
        Called with each classifier's name after it is done.
    more
        Further test sets, with the row numbers of their items.
    """
    digits = load_digits(seed)
    parts = [(_testset(name, digits, rows), rows)
             for name, rows in ((OLD, digits.old), (NEW, digits.new))]  # fmt: skip
    with store.batch(replace=True) as batch:
        for testset, _ in (*parts, *more):
            batch.put_testset(testset)
        for name, make in classifiers(seed).items():
            model = make().fit(digits.images[digits.train], digits.labels[digits.train])
            for testset, rows in (*parts, *more):
                topk = model.predict(digits.images[rows]).astype(np.int32)[:, None]
                batch.put(Examples(name, testset.id, topk, Source("scikit-learn", name)))
            step(name)


def _testset(name: str, digits: Digits, rows: npt.NDArray[np.int64]) -> TestSet:
    return TestSet(
        name,
        len(rows),
        10,
        item_ids=np.array([f"digit-{row:04d}" for row in rows], dtype=object),
        labels=digits.labels[rows].astype(np.int32),
        ids_given=True,
        class_names=tuple("0123456789"),
    )
