from __future__ import annotations

import inspect

from freshset.store.base import Batch, Store
from freshset.store.parquet import ParquetStore
from freshset.store.staging import StagedBatch


def test_the_adapters_have_every_method_of_their_ports() -> None:
    for port, adapter in ((Store, ParquetStore), (Batch, StagedBatch)):
        for name, member in inspect.getmembers(port):
            if name.startswith("_"):
                continue
            assert hasattr(adapter, name), name
            if inspect.isfunction(member):
                wanted = list(inspect.signature(member).parameters)
                assert list(inspect.signature(getattr(adapter, name)).parameters) == wanted, name
