"""The two published studies from the tables of counts that ship with freshset.

The slope has two intervals: freshset's, which is expanded so that it covers nominally, and the plain
percentiles that the studies printed.  Both resample models only, as the studies do.

Run it: python examples/published_tables.py
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

import freshset
from freshset.demo.published import STUDIES, load
from freshset.stats.fits import bootstrap_models
from freshset.stats.intervals import percentile_interval


def main() -> None:
    """Load each table, compare, and print what follows."""
    for study in STUDIES:
        with tempfile.TemporaryDirectory() as name:
            store = freshset.ParquetStore(Path(name) / "store", create=True)
            load(study, store)
            settings = freshset.CompareSettings(exclude=study.exclude, resample="models")
            result = freshset.compare(store, study.old, study.new, settings)
        linear = result.fits["linear"]
        old = [100 * row.old.accuracy for row in result.models]
        new = [100 * row.new.accuracy for row in result.models]
        lines = bootstrap_models(old, new, 100_000, rng=np.random.default_rng(0))
        plain = percentile_interval(lines.slope)
        print(study.title)
        print(f"  models     {len(result.models)}")
        print(f"  mean drop  {result.drop.mean.value:.2f} points")
        print(
            f"  line       new = {linear.slope.value:.3f} * old "
            f"{linear.intercept.value:+.2f} points, R2 {linear.r2:.4f}"
        )
        print(f"  slope      {linear.slope.low:.3f} to {linear.slope.high:.3f}")
        print(f"    plain    {plain.low:.3f} to {plain.high:.3f}")


if __name__ == "__main__":
    main()
