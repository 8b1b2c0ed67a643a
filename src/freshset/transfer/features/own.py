"""Features that users bring: from their file into the store, without the network that made them."""

from __future__ import annotations

from pathlib import Path

from freshset.core.errors import StoreError
from freshset.core.files import sha256_file
from freshset.core.identity import CellSpec
from freshset.core.records import TestSet
from freshset.engine.writing import writing
from freshset.store.works import Work, Works, WorkSpec
from freshset.transfer.features.asked import FeatureColumns, Storage
from freshset.transfer.features.files import read_features
from freshset.transfer.features.recording import start_recording
from freshset.transfer.features.wanted import KIND, feature_title
from freshset.version import __version__

_BLOCK = 4096


def import_features(store: Path, model: str, testset: TestSet, path: Path) -> Work:
    """Put features from a file into a store, unless they are there.

    Features of float16 stay that, all others become float32.

    Parameters
    ----------
    store
        Its folder.
    model
        Its name in the study.
    testset
        The items; rows are found by their ids, or by their order where the file has no ids.
    path
        See `freshset.transfer.features.files.read_features`.  The digest of the file is part of the
        identity, so that another file never passes for this one.

    Raises
    ------
    DataError
        When the file cannot be read, does not fit the items, or holds NaN.
    StoreError
        When the store cannot be written to, or another process imports the same.
    """
    source = read_features(path)
    rows = source.rows_of(testset, str(path))
    cell = CellSpec(model, testset.id, testset.fingerprint, sha256_file(path))
    spec = WorkSpec.of(KIND, cell=cell.to_dict())
    storage: Storage = "float16" if source.matrix.dtype == "float16" else "float32"
    columns = FeatureColumns(model, testset, storage)
    works = Works(store)
    with writing(store):
        recording = start_recording(works, spec, testset.n, storage)
        if recording is not None:
            try:
                for start in range(recording.done, testset.n, _BLOCK):
                    values = source.matrix[rows[start : start + _BLOCK]]
                    made = columns.columns(values, slice(start, start + len(values)), ())
                    recording.append(made[KIND], {"freshset": __version__}, 0.0)
                return recording.finish({"model": model, "testset": testset.id, "file": path.name})
            finally:
                recording.close()
    found = works.get(spec)
    if found is None:
        title = feature_title(model, testset.id)
        raise StoreError(f"Another process imports the {title}.", "Wait for it, and run again.")
    return found
