"""Neighbours of some images of a project by metrics: vectors, searches, and how far these went."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa
from PIL import Image

from freshset.core.errors import DataError, UsageError
from freshset.core.files import sha256_file
from freshset.datasets.images import decode
from freshset.engine.backends.base import Backend
from freshset.replication.collecting.images import SQUASHED, VECTORS, load_image, working_copy
from freshset.replication.duplicates.embedders import SIDE, Embedder, embedder, read_features
from freshset.replication.duplicates.hashes import hamming_nearest
from freshset.replication.duplicates.neighbours import MEMORY, Nearest, nearest
from freshset.replication.duplicates.products import Device, products_on
from freshset.replication.duplicates.rows import Chosen, Rows
from freshset.replication.duplicates.searches import Found, Known, Plan, Search
from freshset.replication.duplicates.ssim_neighbours import ssim_pairs
from freshset.replication.duplicates.state import State
from freshset.replication.duplicates.vectors import Vectors, update_vectors
from freshset.replication.project import Project
from freshset.replication.tables import images

_QUERIES_AT_ONCE = 512
# Of a part that another machine searches for: enough to be worth sending.
_QUERIES_A_PART = 1024


@dataclass(frozen=True, slots=True)
class Options:
    """How neighbours are looked for.

    Attributes
    ----------
    features
        Files of features by metric, in place of embedders.
    weights
        For ``fc7``.
    device
        Where products are made: ``auto``, ``cpu`` or ``cuda``.
    memory
        Bytes beside the images.
    shard
        Which part of how many, by the candidates' order, from 1: (1, 1) is all of them.
    approximate
        Whether an index of faiss is used, which misses some neighbours and proves nothing complete.
    backend
        Where an exact search runs; here, by default.  Elsewhere the project's folder must be found
        under the same path.
    """

    features: Mapping[str, Path] = field(default_factory=dict)
    weights: Path | None = None
    device: Device = "auto"
    memory: int = MEMORY
    shard: tuple[int, int] = (1, 1)
    approximate: bool = False
    backend: Backend | None = None


@dataclass(frozen=True, slots=True)
class _Search:
    """An exact search that can be sent to another machine.

    Attributes
    ----------
    rows
        Vectors of all images.
    there
        Places of the references among them.
    """

    rows: Rows
    there: npt.NDArray[np.intp]
    k: int
    memory: int
    device: Device

    def __call__(self, at: npt.NDArray[np.intp]) -> Nearest:
        """Find the neighbours of the images at some places."""
        queries, references = Chosen(self.rows, at), Chosen(self.rows, self.there)
        products = products_on(self.device)
        return nearest(queries, references, self.k, memory=self.memory, products=products)


class Finder:
    """Finds neighbours by one metric.

    Parameters
    ----------
    metric
        ``pixels``, ``ssim``, ``phash``, ``fc7``, or the name of features from a file.
    k
        Neighbours to keep.
    most
        Threshold of the metric; only ``ssim`` needs one, as it finds pairs up to a distance.

    Attributes
    ----------
    features, embedder
        File of features, or who makes vectors of pictures.
    vectors
        Of all images; there are none until `load_vectors` has put them here.

    Raises
    ------
    UsageError
        For an unknown metric, or ``ssim`` without a threshold.
    """

    def __init__(self, metric: str, k: int, most: float | None, options: Options) -> None:
        if metric == "ssim" and most is None:
            raise UsageError(
                "ssim finds pairs up to a distance, and the spec has no threshold for it.",
                "Set duplicates.thresholds in the spec, such as {ssim: 0.2205}.",
            )
        if options.approximate and metric in {"ssim", "phash"}:
            raise UsageError(
                f"{metric} has no approximate search.", "Leave --approximate out; it is fast."
            )
        self.metric = metric
        self.recall: float | None = None
        self._k = k
        self._most = most
        self._options = options
        self.features = options.features.get(metric)
        self.embedder = None if self.features else embedder(metric, options.weights)
        self.vectors = Vectors((), np.empty((0, 0)), {})

    @property
    def ids(self) -> Sequence[str]:
        """Images that are gone through, rising."""
        return self.vectors.ids

    @property
    def record(self) -> Mapping[str, str]:
        """What made the vectors."""
        return self.vectors.record

    @property
    def search(self) -> Search:
        """What the marks of the table say of a search by this finder."""
        most = self._most if self.metric == "ssim" else None
        way = {"record": dict(self.record), "k": self._k, "most": most}
        return Search.of(self.ids, **way, approximate=self._options.approximate)

    def run(self, plan: Plan, known: Known) -> dict[str, Found]:
        """Find the neighbours that a plan asks for; those that are known are merged in."""
        out = {item: self._cut(new) for item, new in self._find(plan.whole, self.ids)}
        for news, items in plan.added:
            for item, new in self._find(items, news):
                out[item] = self._cut(sorted([*known.get(item, ()), *new]))
        return out

    def _cut(self, found: list[tuple[float, str]]) -> Found:
        """Keep the first k, and say below which distance they are all there are."""
        if self._options.approximate:
            return Found(found[: self._k], 0.0)
        if len(found) > self._k or (self.metric != "ssim" and len(self.ids) - 1 > self._k):
            kept = found[: self._k]
            return Found(kept, kept[-1][0])
        if self.metric == "ssim" and self._most is not None:
            # Up to the threshold itself nothing is missing.
            return Found(found, float(np.nextafter(self._most, np.inf)))
        return Found(found, float("inf"))

    def _find(
        self, items: Sequence[str], among: Sequence[str]
    ) -> Iterator[tuple[str, list[tuple[float, str]]]]:
        """Give each item's nearest images, itself left out."""
        rows = self.vectors.rows
        place = {one: number for number, one in enumerate(self.ids)}
        at = np.array([place[one] for one in items], np.intp)
        there = np.array([place[one] for one in among], np.intp)
        if not at.size or not there.size:
            yield from ((item, []) for item in items)
            return
        if self.metric == "ssim":
            yield from self._find_ssim(items, at, among, there)
            return
        queries, references = Chosen(rows, at), Chosen(rows, there)
        result: Nearest
        if self.metric == "phash" and self.embedder is not None:
            result = hamming_nearest(queries, references, self._k + 1)
        elif self._options.approximate:
            from freshset.replication.duplicates.approximate import approximate_nearest

            rng = np.random.default_rng(0)
            some = approximate_nearest(queries, references, self._k + 1, rng=rng)
            result, self.recall = some.nearest, min(some.recall, self.recall or 1.0)
        else:
            result = self._exact(_Search(
                rows, there, self._k + 1, self._options.memory, self._options.device
            ), at)  # fmt: skip
        for item, columns, distances in zip(items, result.indices, result.distances, strict=True):
            both = zip(distances.tolist(), columns.tolist(), strict=True)
            found = [(distance, among[c]) for distance, c in both if c >= 0]
            yield item, [(distance, one) for distance, one in found if one != item]

    def _exact(self, search: _Search, at: npt.NDArray[np.intp]) -> Nearest:
        backend = self._options.backend
        if backend is None:
            return search(at)
        parts = np.array_split(at, -(-len(at) // _QUERIES_A_PART))
        found = list(backend.map(search, parts))
        return Nearest(
            np.concatenate([one.indices for one in found]),
            np.concatenate([one.distances for one in found]),
        )

    def _find_ssim(
        self,
        items: Sequence[str],
        at: npt.NDArray[np.intp],
        among: Sequence[str],
        there: npt.NDArray[np.intp],
    ) -> Iterator[tuple[str, list[tuple[float, str]]]]:
        shape = (SIDE, SIDE, 3)
        references = Chosen(self.vectors.rows, there, shape)
        for start in range(0, len(at), _QUERIES_AT_ONCE):
            part = slice(start, start + _QUERIES_AT_ONCE)
            queries = Chosen(self.vectors.rows, at[part], shape)[0 : len(at)]
            result = ssim_pairs(queries, references, self._most or 0.0, memory=self._options.memory)
            out: list[list[tuple[float, str]]] = [[] for _ in items[part]]
            triples = zip(result.queries, result.references, result.distances, strict=True)
            for query, reference, distance in triples:
                one = among[int(reference)]
                if one != items[start + int(query)]:
                    out[int(query)].append((float(distance), one))
            yield from zip(items[part], out, strict=True)


def load_vectors(finders: Sequence[Finder], project: Project, state: State) -> None:
    """Make or read the vectors of all images, in one pass over the files for all finders.

    Raises
    ------
    DataError
        When images are missing or damaged, or lack features.
    """
    wanted = state.searched
    embedders = {one.metric: one.embedder for one in finders if one.embedder is not None}
    made = _from_pictures(list(embedders.values()), project, wanted) if embedders else []
    vectors = dict(zip(embedders, made, strict=True))
    for finder in finders:
        if finder.features is not None:
            finder.vectors = _from_file(finder.features, finder.metric, wanted)
        else:
            finder.vectors = vectors[finder.metric]


def _from_pictures(
    embedders: Sequence[Embedder], project: Project, wanted: frozenset[str]
) -> list[Vectors]:
    with project.read() as connection:
        rows = connection.execute(sa.select(images.c.item_id, images.c.path))
        paths = {item: path for item, path in rows if item in wanted}
    lost = sorted(wanted - paths.keys())
    if lost:
        raise DataError(
            f"{len(lost):,} images have no file, such as {lost[0]}.", "Collect them again."
        )

    def load(item: str, from_copy: bool) -> Image.Image:
        if not from_copy:
            return load_image(project.folder, paths[item])
        copy = working_copy(project.folder, paths[item], SQUASHED)
        return decode(copy, f"working copy {copy}")

    return update_vectors(project.folder / VECTORS, embedders, wanted, load)


def _from_file(path: Path, metric: str, wanted: frozenset[str]) -> Vectors:
    ids, rows = read_features(path)
    at = [number for number, one in enumerate(ids) if one in wanted]
    lacking = sorted(wanted.difference(ids))
    if lacking:
        raise DataError(
            f"{path}: {len(lacking):,} images have no features, such as {lacking[0]}.",
            "Compute features of all candidates and original images.",
        )
    record = {"embedder": metric, "features": sha256_file(path)}
    return Vectors([ids[i] for i in at], rows[at], record)
