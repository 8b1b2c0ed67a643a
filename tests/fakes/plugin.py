"""The fakes as an installed plugin, for processes that a test cannot patch."""

from __future__ import annotations

import os
from pathlib import Path


def plugin_path(folder: Path) -> str:
    """Make the plugin's metadata in a folder; returns what ``PYTHONPATH`` must be to find it."""
    info = folder / "fakes-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: fakes\nVersion: 1\n")
    (info / "entry_points.txt").write_text(
        "[freshset.models]\nfake = fakes.testbed:ADAPTER\n"
        "[freshset.datasets]\nfake = fakes.testbed:TESTSETS\n"
    )
    return os.pathsep.join([str(folder), str(Path(__file__).parents[1])])
