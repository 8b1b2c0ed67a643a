"""A store of simulated models on an old and a new set, with the answers that selected the new one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from fakes.annotators import frequencies, right

from freshset.core.frequencies import Frequencies
from freshset.store.frequencies import write_frequencies
from freshset.store.importers import import_results

OLD, NEW = "simulated/old", "simulated/new"
CLASSES = ("ant", "bee", "cat")
MODELS = 4


def make(root: Path, *, items: int = 1_500, n: int = 8, folders: bool = False) -> Path:
    """Write ``store``, ``old.csv`` (old set), ``pool.csv`` (it and all candidates), ``new.csv``.

    With ``folders`` the store's items are called as those of image folders are.
    """
    rng = np.random.default_rng(11)
    s_old, s_pool = frequencies(rng, items, hard=0.15), frequencies(rng, 4 * items, hard=0.5)
    k_old, k_pool = rng.binomial(n, s_old), rng.binomial(n, s_pool)
    wanted = np.bincount(k_old, minlength=n + 1)
    chosen = np.concatenate([np.flatnonzero(k_pool == k)[: wanted[k]] for k in range(n + 1)])
    ids = {OLD: [f"o{i}" for i in range(items)], NEW: [f"c{i}" for i in chosen]}
    for testset, s in ((OLD, s_old), (NEW, s_pool[chosen])):
        names = [f"{CLASSES[_class(i)]}/{i}.jpg" for i in ids[testset]] if folders else ids[testset]
        _predictions(root, testset, names, right(rng, s, MODELS))
    _answers(root / "old.csv", ids[OLD], k_old, n)
    pool = [f"c{i}" for i in range(4 * items)]
    _answers(root / "pool.csv", ids[OLD] + pool, np.r_[k_old, k_pool], n)
    _answers(root / "new.csv", ids[NEW], k_pool[chosen], n)
    return root / "store"


def _predictions(root: Path, testset: str, ids: list[str], correct: np.ndarray) -> None:
    labels = np.array([_class(name) for name in ids])
    names = np.array(CLASSES)
    pd.DataFrame({"item_id": ids, "label": names[labels]}).to_csv(root / "labels.csv", index=False)
    files = []
    for model, hits in enumerate(correct):
        chosen = np.where(hits, labels, (labels + 1) % len(CLASSES))
        files.append(root / f"m{model}.csv")
        table = pd.DataFrame({"item_id": ids, "prediction": names[chosen]})
        table.to_csv(files[-1], index=False)
    import_results(
        "predictions", files, root / "store", testset=testset, labels=root / "labels.csv"
    )


def _class(name: str) -> int:
    return int(Path(name).stem[1:]) % len(CLASSES)


def _answers(path: Path, ids: list[str], selected: np.ndarray, n: int) -> None:
    rows = Frequencies(
        np.array(ids, dtype=object),
        np.array([CLASSES[_class(name)] for name in ids], dtype=object),
        selected.astype(float),
        np.full(len(ids), float(n)),
    )
    write_frequencies(path, rows)
