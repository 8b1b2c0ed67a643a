"""The two published studies from the tables of counts that ship with freshset.

Run it: python examples/published_tables.py
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import freshset
from freshset.demo.published import STUDIES, load


def main() -> None:
    """Load each table, compare, and print what follows."""
    for study in STUDIES:
        with tempfile.TemporaryDirectory() as name:
            store = freshset.ParquetStore(Path(name) / "store", create=True)
            load(study, store)
            settings = freshset.CompareSettings(exclude=study.exclude, resample="models")
            result = freshset.compare(store, study.old, study.new, settings)
        linear = result.fits["linear"]
        print(study.title)
        print(f"  models     {len(result.models)}")
        print(f"  mean drop  {result.drop.mean.value:.2f} points")
        print(
            f"  line       new = {linear.slope.value:.3f} * old "
            f"{linear.intercept.value:+.2f} points, R2 {linear.r2:.4f}"
        )
        print(f"  slope      {linear.slope.low:.3f} to {linear.slope.high:.3f}")


if __name__ == "__main__":
    main()
