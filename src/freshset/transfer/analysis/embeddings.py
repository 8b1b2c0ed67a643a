"""Maps of features before and after fine-tuning, and how pure neighbourhoods are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from freshset.stats.types import FloatArray, IntArray
from freshset.transfer.analysis.settings import AnalysisSettings
from freshset.transfer.results import Embedding, TransferResults

_LEAST_IMAGES = 12
_PERPLEXITY = 30


@dataclass(frozen=True, slots=True)
class EmbeddingMap:
    """Features of one model on one data set, in the plane.

    Attributes
    ----------
    at
        Position of each image, shape (n, 2), without a unit: only who is near whom means something.
    labels
        Class ids, shape (n,).
    neighbour
        Share of images whose nearest other image is of their class; measured in the features
        themselves, by Euclidean distance, not in the map.
    """

    model: str
    dataset: str
    stage: Literal["before", "after"]
    at: FloatArray
    labels: IntArray
    neighbour: float


def embedding_maps(
    results: TransferResults, settings: AnalysisSettings
) -> tuple[EmbeddingMap, ...]:
    """Make a t-SNE map of every embedding with a dozen images or more.

    References
    ----------
    Van der Maaten and Hinton (2008), "Visualizing data using t-SNE", JMLR 9:2579; the perplexity (30,
    or a third of the images) and the start from principal components are those of scikit-learn.
    """
    if not (settings.embed and results.embeddings):
        return ()
    import sklearn.manifold  # noqa: F401 - limits hold for libraries that are loaded already
    from threadpoolctl import threadpool_limits

    # Threads that wait for each other take ten times as long where the processors are busy.
    with threadpool_limits(1):
        return tuple(
            _mapped(one, settings) for one in results.embeddings if len(one.labels) >= _LEAST_IMAGES
        )


def _mapped(one: Embedding, settings: AnalysisSettings) -> EmbeddingMap:
    from sklearn.manifold import TSNE

    features = np.asarray(one.features, dtype=np.float64)
    features = features.reshape(len(features), -1)
    n = len(features)
    # The start from principal components needs as many columns as the map has.
    start: Literal["pca", "random"] = "pca" if features.shape[1] >= 2 else "random"
    tsne = TSNE(
        perplexity=min(_PERPLEXITY, (n - 1) / 3), init=start, learning_rate="auto",
        random_state=settings.seed,
    )  # fmt: skip
    at = np.asarray(tsne.fit_transform(features), dtype=float)
    return EmbeddingMap(
        one.model, one.dataset, one.stage, at, one.labels, _same_class(features, one.labels)
    )


def _same_class(features: FloatArray, labels: IntArray) -> float:
    from sklearn.neighbors import NearestNeighbors

    finder = NearestNeighbors(n_neighbors=1).fit(features)
    nearest = np.asarray(finder.kneighbors(return_distance=False))
    return float((labels[nearest[:, 0]] == labels).mean())
