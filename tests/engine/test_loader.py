from __future__ import annotations

import os
import threading
from typing import Any

import numpy as np
import pytest
from fakes.testbed import TESTSETS, Plain, Process

from freshset.core.errors import DataError
from freshset.datasets.base import TestSetRef
from freshset.engine.loader import Loader, workers_for
from freshset.models.preprocessing import IdPreprocessing


def reader(**options: Any) -> Any:
    return TESTSETS.open(TestSetRef("mine/test", "fake", "", options))


PARTS = [range(i, min(i + 8, 40)) for i in range(0, 40, 8)]


@pytest.mark.parametrize("workers", [0, 2])
def test_batches_come_in_order_wherever_they_are_read(workers: int) -> None:
    with Loader(reader(), Process(), workers=workers, memory=1 << 20) as loader:
        found = list(loader.batches(PARTS))
    assert [rows for rows, _, _ in found] == PARTS
    assert np.concatenate([batch[:, 0] for _, _, batch in found]).tolist() == list(range(40))
    processes = {int(p) for _, _, batch in found for p in batch[:, 1]}
    assert (processes == {os.getpid()}) is (workers == 0)


def test_an_item_that_cannot_be_read_is_named_across_processes() -> None:
    with Loader(reader(bad_row=20), Plain(), workers=1, memory=1) as loader:
        batches = loader.batches(PARTS)
        assert next(batches)[0] == PARTS[0]
        assert next(batches)[0] == PARTS[1]
        with pytest.raises(DataError, match=r"row-20\.png: not an image") as caught:
            next(batches)
    assert caught.value.message == "row-20.png: not an image."


def test_little_memory_lets_few_batches_wait() -> None:
    pulled: list[range] = []

    def parts() -> Any:
        for rows in PARTS:
            pulled.append(rows)
            yield rows

    with Loader(reader(), Plain(), workers=1, memory=1) as loader:
        batches = loader.batches(parts())
        next(batches)
        next(batches)
        # One batch was handed out; with room for none, only the next one is on its way.
        assert len(pulled) <= 3


def test_models_of_ids_read_no_item() -> None:
    with Loader(reader(bad_row=3), IdPreprocessing(), workers=0, memory=1) as loader:
        found = list(loader.batches(PARTS))
    assert found[0][2] == [f"item-{i}" for i in range(8)]
    assert [len(batch) for _, _, batch in found] == [8] * 5


def test_processes_are_used_where_they_pay() -> None:
    assert workers_for(reader(item="image"), -1, 10_000) == os.cpu_count()
    assert workers_for(reader(item="image"), 3, 10_000) == 3
    assert workers_for(reader(item="image"), -1, 50) == 0
    assert workers_for(reader(item="text"), -1, 10_000) == 0


def test_no_thread_is_left() -> None:
    before = threading.active_count()
    with Loader(reader(), Plain(), workers=1, memory=1) as loader:
        next(loader.batches(PARTS))
    assert threading.active_count() <= before
