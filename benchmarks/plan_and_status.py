"""Claim: planning 1,000 models x 200 test sets over a store of 10,000 cells takes under 1 s.

The store is made of real cells' markers (``cell.json`` in its folder, without predictions, which neither
planning nor status reads).  The plan is timed from described models and open test sets to the state of
all 200,000 cells; telling which cells are stale, and why, is ``freshset status``, under 2 s.  The peer is
the plain way to resume, one existence test of a result file for every wanted cell.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from freshset.core.classes import ClassSpace
from freshset.core.config import RunSettings
from freshset.core.files import pretty_json, sha256_bytes
from freshset.core.identifiers import slug
from freshset.core.records import Cell, Source, TestSet
from freshset.datasets.base import Origin, TestSetRef
from freshset.engine.pairing import pair
from freshset.engine.plan import plan_cells
from freshset.engine.status import status_of
from freshset.engine.wanted import Wanted, WantedModel
from freshset.models.base import ModelInfo
from freshset.models.preprocessing import ImagePreprocessing
from freshset.models.reference import ModelRef
from freshset.store.parquet import ParquetStore

CLASSES = ClassSpace("letters", tuple(f"n{i:08d}" for i in range(1000)))
MAX_PLAN, MAX_STATUS = 1.0, 2.0


@dataclass(frozen=True, slots=True)
class Stub:
    """A test set that is open; nothing of it is ever read here."""

    testset: TestSet
    classes: ClassSpace = CLASSES
    item: Any = "image"
    reading: str = "decode=rgb orientation=ignore bytes=sizes:" + "0" * 64
    origin: Origin = field(default_factory=Origin)

    def read(self, index: int) -> Any:
        raise NotImplementedError


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", type=int, default=1000)
    parser.add_argument("--testsets", type=int, default=200)
    parser.add_argument("--cells", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    wanted, infos, readers = everything(arguments.models, arguments.testsets)
    with tempfile.TemporaryDirectory() as folder:
        store = filled(Path(folder) / "store", wanted, infos, readers, arguments.cells)
        plan_seconds, status_seconds, peer_seconds = [], [], []
        for _ in range(arguments.runs):
            start = time.perf_counter()
            plan = plan_cells(wanted, infos, {}, readers, store)
            plan_seconds.append(time.perf_counter() - start)
            start = time.perf_counter()
            status_of(plan, store)
            status_seconds.append(time.perf_counter() - start)
            start = time.perf_counter()
            found = peer(store.path, wanted)
            peer_seconds.append(time.perf_counter() - start)
        counts = plan.count()
    planned, told = median(plan_seconds), median(plan_seconds) + median(status_seconds)
    print(f"cells: {counts}, the peer finds {found:,}")
    print(f"plan:   {planned:.2f} s (median of {arguments.runs})")
    print(f"status: {told:.2f} s with the plan")
    print(f"peer, one existence test a cell: {median(peer_seconds):.2f} s")
    print(f"plan is {median(peer_seconds) / planned:.1f}x the speed of the peer")
    holds = planned < MAX_PLAN and told < MAX_STATUS
    print("claim holds" if holds else "claim MISSED")
    return 0 if holds else 1


def everything(models: int, testsets: int) -> tuple[Wanted, dict[str, ModelInfo], dict[str, Any]]:
    names = [f"timm:family{i // 25}_variant{i % 25}.in1k" for i in range(models)]
    shapes = [ImagePreprocessing(resize=size) for size in (232, 235, 248, 256)]
    infos = {
        name: ModelInfo(
            ModelRef.parse(name), "timm/1", shapes[i % 4], "logits", classes=CLASSES,
            n_outputs=1000, weights=sha256_bytes(name.encode()),
        )
        for i, name in enumerate(names)
    }  # fmt: skip
    ids = np.array([f"i{k}" for k in range(100)], dtype=object)
    labels = np.arange(100, dtype=np.int32)
    sets = [
        TestSet(f"set{i}/test", 100, 1000, item_ids=ids, labels=np.roll(labels, i), ids_given=True)
        for i in range(testsets)
    ]
    wanted = Wanted(
        tuple(WantedModel(ModelRef.parse(name)) for name in names),
        tuple(TestSetRef(t.id, "stub", "") for t in sets),
        RunSettings(),
    )
    return wanted, infos, {t.id: Stub(t) for t in sets}


def filled(
    path: Path, wanted: Wanted, infos: dict[str, ModelInfo], readers: dict[str, Any], cells: int
) -> ParquetStore:
    store = ParquetStore(path, create=True)
    with store.batch() as batch:
        for reader in readers.values():
            batch.put_testset(reader.testset)
    names = list(infos)
    each = cells // len(readers)
    for reader in readers.values():
        for i, name in enumerate(names[:each]):
            # One cell in 50 was made from other weights, so that it is stale.
            precision = "bf16" if i % 50 == 49 else "fp32"
            spec = pair(name, infos[name], reader, precision, wanted.testsets[0]).spec
            cell = Cell(spec, "examples", 100, 5, {"top1": 50.0}, source=Source("run"))
            folder = path / "cells" / slug(spec.testset) / slug(name) / spec.identity[:12]
            folder.mkdir(parents=True)
            (folder / "cell.json").write_text(pretty_json(cell.to_dict()), encoding="utf-8")
    return store


def peer(path: Path, wanted: Wanted) -> int:
    return sum(
        (path / "cells" / slug(t.id) / slug(m.title)).exists()
        for t in wanted.testsets
        for m in wanted.models
    )


def median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


if __name__ == "__main__":
    raise SystemExit(main())
