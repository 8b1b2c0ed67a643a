"""``metadata.csv`` beside the images, as the image folders of Hugging Face `datasets` have it."""

from __future__ import annotations

import csv
import io

from freshset.replication.package.base import IMAGES, ORIGIN, Contents, PackagedImage

METADATA = f"{IMAGES}/metadata.csv"

COLUMNS = (
    "file_name", "label", "class_key", "class_name", "sha256", "width", "height", "selected",
    "answers", "selection_frequency", *ORIGIN,
)  # fmt: skip


def metadata_row(image: PackagedImage) -> dict[str, str | int | float | None]:
    """Return what is told of an image; a frequency without answers is ``None``."""
    return {
        "file_name": image.file,
        "label": image.of.label,
        "class_key": image.of.key,
        "class_name": image.of.name,
        "sha256": image.item_id,
        "width": image.width,
        "height": image.height,
        "selected": _count(image.selected),
        "answers": _count(image.answers),
        "selection_frequency": image.selected / image.answers if image.answers else None,
        **image.origin,
    }


def metadata_csv(contents: Contents) -> str:
    """Content of the file: one row an image, in the order of the files."""
    return csv_text(COLUMNS, [list(metadata_row(image).values()) for image in contents.images])


def csv_text(columns: tuple[str, ...], rows: list[list[str | int | float | None]]) -> str:
    """Lay out a csv file the same way on every system."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return out.getvalue()


def _count(value: float) -> int | float:
    """Counts are whole, but for answers that were "maybe" or are weighted."""
    return int(value) if value.is_integer() else value
