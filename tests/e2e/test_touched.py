from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import yaml
from fakes.frozen import WHO, frozen_project

from freshset.core.config import CompareSettings
from freshset.core.records import Source
from freshset.datasets.base import TestSetRef
from freshset.datasets.registry import open_testset
from freshset.generalization.compare import compare
from freshset.replication.package import write_package
from freshset.replication.revisions.freeze import freeze, unfreeze
from freshset.reports.study import study_from
from freshset.reports.write import write_report
from freshset.store.base import Examples
from freshset.store.parquet import ParquetStore

WHY = "a wrong label"


def packaged(folder: Path) -> TestSetRef:
    """A package of a revision that was un-frozen and frozen again, as a study names it."""
    with frozen_project(folder / "project") as project:
        unfreeze(project, "r1", who="bob", why=WHY)
        freeze(project, "r1", allow_incomplete="a test", **WHO)
        write_package(project, "r1", folder / "out", **WHO)
    text = (folder / "out" / "testset.yaml").read_text(encoding="utf-8")
    (section,) = yaml.safe_load(text)["testsets"]
    names = (section.pop("id"), section.pop("adapter"), str(folder / "out" / section.pop("path")))
    return TestSetRef(*names, options=section, root=folder / "out")


def test_un_freezing_is_told_from_the_package_to_the_report(tmp_path: Path) -> None:
    new = open_testset(packaged(tmp_path)).testset
    old = replace(new, id="animals/test", touched="")
    store = ParquetStore(tmp_path / "store", create=True)
    with store.batch() as batch:
        for testset, wrong in ((old, 1), (new, 3)):
            batch.put_testset(testset)
            for number in range(2):
                topk = testset.known_labels[:, None].copy()
                topk[: wrong + number] = (topk[: wrong + number] + 1) % 4
                source = Source("test", f"{testset.id}-{number}")
                batch.put(Examples(f"m{number}", testset.id, topk.astype(np.int32), source))
    settings = CompareSettings(bootstrap=200, item_bootstrap=200)
    result = compare(store, "animals/test", "animals/fresh/r1", settings)
    (said,) = (text for text in result.findings if "may have been seen" in text)
    assert said.startswith("animals/fresh/r1 was changed after its predictions may have been seen")
    assert WHY in said
    page = write_report([study_from(store, result, title="Animals")], tmp_path / "report")
    assert "was changed after its predictions may have been seen" in page.read_text(
        encoding="utf-8"
    )
