from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from fakes.transfer_results import simulated

from freshset.transfer.results import TransferResults


@pytest.fixture
def written(tmp_path: Path) -> tuple[Path, TransferResults]:
    """Simulated results as the tables and files that a user would have."""
    results = simulated(3, 3, 1, n=60, extras=False)
    sets, rows = [], []
    for data in results.datasets:
        ids = [f"{i:03d}" for i in range(data.n_test)]
        if data.metric == "map11":
            values = data.labels.astype(int)
            values[data.ignored] = -1
            frame = pd.DataFrame(values, columns=data.class_names)
        else:
            frame = pd.DataFrame({"label": [data.class_names[c] for c in data.labels]})
        frame.insert(0, "item_id", ids)
        frame.to_csv(tmp_path / f"{data.id}-labels.csv", index=False)
        sets.append((data.id, data.title, data.metric, data.n_train, f"{data.id}-labels.csv"))
    for k, one in enumerate(results.results):
        data = next(d for d in results.datasets if d.id == one.dataset)
        if data.metric == "map11":
            frame = pd.DataFrame(one.predictions * 0.8 + 0.1, columns=data.class_names)
        else:
            frame = pd.DataFrame({"prediction": [data.class_names[c] for c in one.predictions]})
        frame.insert(0, "item_id", [f"{i:03d}" for i in range(data.n_test)])
        # The order of rows is not that of the labels.
        frame.sample(frac=1, random_state=k).to_csv(tmp_path / f"p{k}.csv", index=False)
        rows.append((one.model, one.dataset, one.regime, one.seed, f"p{k}.csv", 7))
    pd.DataFrame(sets, columns=["id", "title", "metric", "n_train", "labels"]).to_csv(
        tmp_path / "datasets.csv", index=False
    )
    pd.DataFrame(rows, columns=["model", "dataset", "regime", "seed", "file", "seconds"]).to_csv(
        tmp_path / "predictions.csv", index=False
    )
    pd.DataFrame(
        [(m.name, m.family, m.accuracy, m.n, m.recipe) for m in results.models],
        columns=["name", "family", "accuracy", "n", "recipe"],
    ).to_csv(tmp_path / "models.csv", index=False)
    return tmp_path / "predictions.csv", results
