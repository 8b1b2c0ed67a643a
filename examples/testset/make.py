"""Make what a fresh test set begins with: the old test set, a pool of candidates, and a spec.

Run it: python examples/testset/make.py DIR

The digits are those that scikit-learn ships; `freshset.demo.digits` says how they are cut by writer.
The old test set holds digits of writers whose other digits models are trained on.  The candidates are
digits of writers that no model has seen.  To them come faults that every real pool has, planted here:
copies of old test images, one of them a shade lighter, a picture found under two names and in two
classes, and a file that is no picture.
"""

from __future__ import annotations

import sys
from pathlib import Path

from freshset.demo.digits import Digits, load_digits
from freshset.demo.rebuilt import NAMES, picture, spec_text, write_images

DUPLICATES = "duplicates:\n  thresholds: {pixels: 1.2e8}\n  neighbours: 10\n"
"""Pairs up to this distance are reviewed: 25 grey levels of 256 on average, as for ImageNetV2."""


def main(folder: Path) -> None:
    """Write ``original/``, ``candidates/`` and ``spec.yaml``."""
    digits = load_digits()
    write_images(digits, digits.old, folder / "original")
    write_images(digits, digits.new, folder / "candidates")
    plant(digits, folder / "candidates")
    spec = spec_text("matched-frequency", extra=DUPLICATES)
    (folder / "spec.yaml").write_text(spec, encoding="utf-8")


def plant(digits: Digits, folder: Path) -> None:
    """Add the faults of a real pool."""
    copied, lighter, again = int(digits.old[0]), int(digits.old[3]), int(digits.new[0])
    label = digits.labels[again]
    for row, name, ink, key in (
        (copied, "copied.png", 1.0, digits.labels[copied]),
        (lighter, "lighter.png", 0.9, digits.labels[lighter]),
        (again, "found-again.png", 1.0, label),
        (again, "found-elsewhere.png", 1.0, (label + 1) % 10),
    ):
        picture(digits, row, ink=ink).save(folder / NAMES[key] / name)
    (folder / "zero" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n, and then the line broke")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
