from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack

import numpy as np
import pytest
from models.training.pictures import SIZE, Colours, Vectors, items
from models.training.small import recipe

from freshset.core.errors import DataError
from freshset.models.preprocessing import ArrayPreprocessing, ImagePreprocessing
from freshset.models.training.draws import Order
from freshset.models.training.preparation import Preparation
from freshset.models.training.recipe import Execution
from freshset.models.training.supply import Supply

IMAGES = ImagePreprocessing(SIZE, (SIZE, SIZE))
ORDER = Order(20, 8, 3)


def supply(stack, *, workers=0, memory=1 << 20, reader=None, preprocessing=IMAGES):
    sets = [items(0, 20, reader), items(30, 41, reader)]
    how = Preparation.of(preprocessing, recipe())
    return stack.enter_context(Supply(sets, how, Execution(workers=workers, memory=memory)))


def test_batches_are_the_same_whoever_makes_them_and_nothing_stays_behind():
    threads = threading.active_count()
    found = []
    for workers in (0, 2):
        with ExitStack() as stack:
            made = supply(stack, workers=workers)
            batches = list(made.training(ORDER, range(2, 6)))
            found.append((batches, list(made.judged(1, 4)), list(made.judged(1, 4, most=6))))
            # One that is given up in the middle waits for nobody.
            next(made.training(ORDER, range(100)))
    assert threading.active_count() <= threads
    (here, judged, first), (there, judged_there, first_there) = found
    for step, ((places, batch), (other_places, other)) in enumerate(
        zip(here, there, strict=True), start=2
    ):
        assert places.tolist() == other_places.tolist() == ORDER.places(step).tolist()
        np.testing.assert_array_equal(batch, other)
    assert [len(batch) for batch in judged] == [4, 4, 3]
    np.testing.assert_array_equal(np.concatenate(judged), np.concatenate(judged_there))
    np.testing.assert_array_equal(np.concatenate(first), np.concatenate(judged)[:6])
    np.testing.assert_array_equal(np.concatenate(first), np.concatenate(first_there))


def test_an_item_that_cannot_be_read_is_named_across_processes():
    with ExitStack() as stack:
        made = supply(stack, workers=1, reader=Colours(bad_row=35))
        with pytest.raises(DataError, match=r"row-35\.png"):
            list(made.judged(1, 4))


def test_batches_wait_only_where_there_is_room(monkeypatch):
    asked = []

    def asking(_pool, task, wanted):
        asked.append(wanted.step)
        made = Future()
        made.set_result(task(wanted))
        return made

    def pool(_workers, begin, *arguments):
        begin(*arguments)
        return ThreadPoolExecutor(1)

    monkeypatch.setattr("freshset.models.training.supply.worker_pool", pool)
    monkeypatch.setattr("freshset.models.training.supply.submit", asking)
    batch = 8 * SIZE * SIZE * 3
    for memory, ahead in ((batch, 1), (3 * batch, 3), (100 * batch, 4)):
        asked.clear()
        with ExitStack() as stack:
            next(supply(stack, workers=1, memory=memory).training(ORDER, range(20)))
        assert asked == list(range(1 + ahead))


def test_arrays_are_prepared_here():
    with ExitStack() as stack:
        made = supply(stack, workers=2, reader=Vectors(), preprocessing=ArrayPreprocessing())
        (batch,) = made.judged(1, 20)
        assert made._pools == []
    np.testing.assert_array_equal(batch, [Vectors().read(row) for row in range(30, 41)])
