"""Features that users bring: from their file into the store, without the network that made them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from freshset.core.errors import DataError
from freshset.core.files import sha256_file
from freshset.core.identity import CellSpec
from freshset.core.records import TestSet
from freshset.engine.works import Made
from freshset.store.array_file import ArrayFile
from freshset.store.works import Claim, Works, WorkSpec
from freshset.transfer.features.asked import FeatureColumns, Storage
from freshset.transfer.features.files import read_features
from freshset.transfer.features.wanted import KIND, feature_title
from freshset.version import __version__

_BLOCK = 4096


@dataclass(frozen=True, slots=True)
class OwnFeatures:
    """Features of one model for one set of items, in a file; a `freshset.engine.works.WorkItem`.

    Features of float16 stay that, all others become float32.

    Attributes
    ----------
    model
        Its name in the study.
    testset
        The items; their rows are found by their ids, or by their order where the file has no ids.
    path
        See `freshset.transfer.features.files.read_features`.
    digest
        SHA-256 of the file.
    shard
        See `freshset.engine.works.WorkItem`.
    """

    model: str
    testset: TestSet
    path: Path
    digest: str
    shard: str

    @classmethod
    def of(cls, model: str, testset: TestSet, path: Path, shard: str = "") -> Self:
        """Name features by what is in their file now.

        Raises
        ------
        DataError
            When there is no such file.
        """
        if not path.is_file():
            raise DataError(f"{path}: no such file.")
        return cls(model, testset, path, sha256_file(path), shard)

    @property
    def spec(self) -> WorkSpec:
        """What is stored; another file never passes for this one."""
        cell = CellSpec(self.model, self.testset.id, self.testset.fingerprint, self.digest)
        return WorkSpec.of(KIND, cell=cell.to_dict())

    @property
    def title(self) -> str:
        """In words."""
        return feature_title(self.model, self.testset.id)

    @property
    def needs(self) -> tuple[WorkSpec, ...]:
        """No other work."""
        return ()

    @property
    def images(self) -> int:
        """None goes through a network."""
        return 0

    def perform(self, claim: Claim, works: Works, context: object) -> Made:
        """Copy them in the order of the items.

        Raises
        ------
        DataError
            When the file cannot be read, has changed, does not fit the items, or holds NaN.
        """
        del works, context
        if sha256_file(self.path) != self.digest:
            raise DataError(f"{self.path}: changed since the run was planned.", "Run again.")
        source, n = read_features(self.path), self.testset.n
        rows = source.rows_of(self.testset, str(self.path))
        storage: Storage = "float16" if source.matrix.dtype == "float16" else "float32"
        columns = FeatureColumns(self.model, self.testset, storage)
        with ArrayFile(claim.folder / f"{KIND}.npy", n, storage) as file:
            for start in range(0, n, _BLOCK):
                values = source.matrix[rows[start : start + _BLOCK]]
                made = columns.columns(values, slice(start, start + len(values)), ())
                file.append(made[KIND])
        document = {
            "model": self.model,
            "testset": self.testset.id,
            "file": self.path.name,
            "rows": n,
            "width": file.width,
            "seconds": 0.0,
            "images_per_second": None,
            "runtime": {"freshset": __version__},
        }
        return Made(document, {KIND: file})
