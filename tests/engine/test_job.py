from __future__ import annotations

import pickle
from collections.abc import Sequence

from fakes.testbed import ADAPTER, TESTSETS, Plain

from freshset.datasets.base import TestSetRef
from freshset.engine.job import Job, JobModel, chunk_size
from freshset.engine.scoring import Scorer
from freshset.models.base import Runtime
from freshset.models.reference import ModelRef

READER = TESTSETS.open(TestSetRef("mine/test", "fake", "", {"n": 26}))


def a_job(starts: Sequence[int]) -> Job:
    info = ADAPTER.describe(ModelRef.parse("fake:m"), Runtime())
    scorer = Scorer("m", READER.testset, "logits", None, 5, save_scores=False)
    models = tuple(JobModel(f"m{i}", info, scorer, start) for i, start in enumerate(starts))
    return Job(READER, models, Runtime(), Plain(), 4, 8)


def test_chunks_and_batches_start_at_the_same_rows_in_every_run() -> None:
    assert a_job([0]).chunks() == [range(8), range(8, 16), range(16, 24), range(24, 26)]
    # A recording that stopped in the middle of a chunk (of another size) takes it up from its start.
    assert a_job([26, 11]).chunks() == [range(8, 16), range(16, 24), range(24, 26)]
    assert a_job([0]).batches(range(16, 26)) == [range(16, 20), range(20, 24), range(24, 26)]


def test_a_job_travels() -> None:
    job = a_job([3])
    back = pickle.loads(pickle.dumps(job))
    assert [model.info for model in back.models] == [model.info for model in job.models]
    assert back.chunks() == job.chunks()


def test_a_chunk_is_made_of_whole_batches() -> None:
    assert [chunk_size(size, 1024) for size in (64, 100, 1000, 1024, 3000)] == [
        1024, 1000, 1000, 1024, 3000,
    ]  # fmt: skip
