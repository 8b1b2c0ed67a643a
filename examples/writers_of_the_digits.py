"""How we know that scikit-learn's digits are ordered by writer, and what the demo's drop hangs on.

Run it: python examples/writers_of_the_digits.py
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

import freshset
from freshset.demo.digits import NEW, OLD, Digits, load_digits, measure, sheet_evidence


def nearest_sheets(digits: Digits) -> np.ndarray:
    """Count, for images of each sheet, on which sheet the nearest image of the same digit lies."""
    images, labels = digits.images, digits.labels
    squares = (images**2).sum(axis=1)
    distance = squares[:, None] + squares[None] - 2 * images @ images.T
    distance[labels[:, None] != labels[None]] = np.inf
    np.fill_diagonal(distance, np.inf)
    counts = np.zeros((14, 14), dtype=int)
    np.add.at(counts, (digits.sheet, digits.sheet[distance.argmin(axis=1)]), 1)
    return counts


def main() -> None:
    """Print the evidence, then the drop without each of the fresh sheets."""
    digits = load_digits()
    evidence = sheet_evidence(digits)
    print(f"labels repeat on the next sheet: {100 * evidence.label_repeat:.1f} % (10 % by chance)")
    counts = nearest_sheets(digits)
    own = np.diag(counts)
    print(f"nearest image of the same digit is on the same sheet: {100 * own.sum() / 1797:.1f} %")
    print("sheet  images  within  nearest other  ratio  nearest image on own sheet")
    for sheet, (within, between) in enumerate(zip(evidence.within, evidence.between, strict=True)):
        n = counts[sheet].sum()
        print(
            f"{sheet:>5}  {n:>6}  {within:>6.0f}  {between:>13.0f}  {between / within:>5.2f}"
            f"  {100 * own[sheet] / n:>25.0f} %"
        )
    links = np.triu(counts + counts.T, k=1)
    pairs = np.dstack(np.unravel_index(np.argsort(-links, axis=None)[:3], links.shape))[0]
    print("pairs of sheets with the most nearest images on one another:")
    for a, b in pairs:
        print(f"  {a} and {b}: {links[a, b]}")

    with tempfile.TemporaryDirectory() as name:
        store = freshset.ParquetStore(Path(name) / "store", create=True)
        measure(store)
        models = [cell.spec.model for cell in store.cells(OLD)]
        old, new = (store.matrix(t, models).correct("top1") for t in (OLD, NEW))
    accuracy = 100 * old.mean()
    sheet = digits.sheet[digits.new]
    print(f"mean accuracy of {len(models)} models on known writers: {accuracy:.1f} %")
    print(f"mean drop on all fresh sheets: {accuracy - 100 * new.mean():.1f} points")
    for number in np.unique(sheet):
        alone = accuracy - 100 * new[:, sheet == number].mean()
        rest = accuracy - 100 * new[:, sheet != number].mean()
        print(f"  sheet {number:>2} alone: {alone:>5.1f} points; without it: {rest:.1f}")


if __name__ == "__main__":
    main()
