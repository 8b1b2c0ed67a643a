"""Published studies from bundled tables of counts; each file names its source."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from freshset.store.base import Store
from freshset.store.importers import import_results


@dataclass(frozen=True, slots=True)
class Published:
    """A published study that ships with freshset.

    Attributes
    ----------
    file
        Name of the bundled table.
    old, new
        Test-set ids.
    exclude
        Models that the publication leaves out of its line.
    note
        What the figures are and where they come from.
    """

    title: str
    file: str
    old: str
    new: str
    exclude: tuple[str, ...]
    note: str


STUDIES = (
    Published(
        "CIFAR-10 and CIFAR-10.1",
        "cifar10_1.csv",
        "cifar10/test",
        "cifar10.1/v6",
        (),
        "Published study: counts of the 30 public models, from the predictions that Recht, Roelofs, "
        "Schmidt and Shankar (2018) released with CIFAR-10.1.",
    ),
    Published(
        "ImageNet and ImageNetV2",
        "imagenetv2.csv",
        "imagenet/val",
        "imagenetv2/matched-frequency",
        ("fv_*",),
        "Published study: counts of 67 models, from the predictions that Recht, Roelofs, Schmidt and "
        "Shankar (2019) released with ImageNetV2 (MatchedFrequency). As in their figure 1, the line "
        "leaves out the three Fisher-vector models.",
    ),
)


def load(study: Published, store: Store) -> None:
    """Import the bundled table of a study."""
    with resources.as_file(resources.files("freshset.demo") / "studies" / study.file) as path:
        import_results("table", Path(path), store, replace=True)
