from __future__ import annotations

from fakes.testbed import ADAPTER, TESTSETS, Plain

from freshset.core.config import RunSettings
from freshset.datasets.base import TestSetRef
from freshset.engine.backends.base import Backend
from freshset.engine.backends.local import LocalBackend
from freshset.engine.job import Broken, Job, JobModel, Rows
from freshset.engine.scoring import Scorer
from freshset.models.base import Runtime
from freshset.models.reference import ModelRef


def a_job(*models: str, bad_row: int = -1) -> Job:
    reader = TESTSETS.open(TestSetRef("mine/test", "fake", "", {"n": 20, "bad_row": bad_row}))
    infos = [ADAPTER.describe(ModelRef.parse(f"fake:{m}"), Runtime()) for m in models]
    scorer = Scorer("m", reader.testset, "logits", None, 5, save_scores=False)
    made = tuple(JobModel(m, info, scorer) for m, info in zip(models, infos, strict=True))
    return Job(reader, made, Runtime(), Plain(), 4, 8)


def test_every_model_gets_every_row_in_order() -> None:
    backend: Backend = LocalBackend(RunSettings())
    found = [o for o in backend.run(a_job("a", "b?seed=1")) if isinstance(o, Rows)]
    backend.close()
    for index in (0, 1):
        rows = [row for o in found if o.model == index for row in o.rows]
        assert rows == list(range(20))


def test_an_unreadable_item_ends_all_models_of_the_job() -> None:
    found = list(LocalBackend(RunSettings()).run(a_job("a", "b?seed=1", bad_row=13)))
    assert [(o.model, o.stage) for o in found if isinstance(o, Broken)] == [
        (0, "read"),
        (1, "read"),
    ]
    assert max(row for o in found if isinstance(o, Rows) for row in o.rows) == 7


def test_nothing_is_read_when_no_model_loads() -> None:
    found = list(LocalBackend(RunSettings()).run(a_job("unloadable", bad_row=0)))
    assert [(o.model, o.stage) for o in found if isinstance(o, Broken)] == [(0, "load")]


def test_a_function_is_called_on_one_part_after_the_other() -> None:
    called: list[int] = []

    def double(part: int) -> int:
        called.append(part)
        return 2 * part

    results = LocalBackend(RunSettings()).map(double, [1, 2, 3])
    assert called == []
    assert next(results) == 2
    assert called == [1]
    assert list(results) == [4, 6]
