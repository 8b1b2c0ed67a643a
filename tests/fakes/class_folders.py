"""Folders of small pictures, sorted by class, from which candidates are collected."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from fakes.image_samples import encoded, picture, write


def picture_bytes(number: int, format: str = "PNG", size: tuple[int, int] = (12, 8)) -> bytes:
    """A picture of its own for each number."""
    return encoded(picture(number, size), format)


def make_folder(root: Path, counts: dict[str, Iterable[int]]) -> Path:
    """Pictures by class; classes may have a keyword, as cat/tabby."""
    for name, numbers in counts.items():
        for number in numbers:
            write(root, f"{name}/{number:03}.png", picture_bytes(number))
    return root
