from __future__ import annotations

import json
from pathlib import Path

import pytest
from fakes import testbed

from freshset.cli.render_run import document, intent_text, plan_text, result_text
from freshset.engine.cost import Cost, estimate
from freshset.engine.execute import execute
from freshset.engine.plan import make_plan
from freshset.engine.status import replanned, status_of
from freshset.engine.study import StudyFile, load_study
from freshset.store.parquet import ParquetStore

STUDY = """\
models: [fake:one, fake:nowhere, "fake:far?download=5000000"]
testsets: [{id: mine/old, adapter: fake, path: x}]
"""


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StudyFile:
    testbed.register(monkeypatch)
    testbed.ADAPTER.loaded.clear()
    (tmp_path / "study.yaml").write_text(STUDY)
    return load_study(tmp_path / "study.yaml")


@pytest.fixture
def store(study: StudyFile) -> ParquetStore:
    return ParquetStore(study.store, create=True)


def test_a_plan(study: StudyFile, store: ParquetStore) -> None:
    plan = make_plan(study.wanted(), store)
    text = plan_text(plan, status_of(plan, store), estimate(plan, store))
    assert "3 cells: 2 to run, 1 failed." in text
    assert "2 cells to run (80 forward passes); 0 of 3 are there." in text
    assert "Items to read and prepare: 40, shared" in text
    assert "To download: 5.0 MB.\n" in text
    assert "about 3.7 kB, with the best classes of every item." in text
    assert "fake:nowhere on mine/old: load: No model 'nowhere'." in text


def test_what_a_run_is_going_to_do(study: StudyFile, store: ParquetStore) -> None:
    plan = make_plan(study.wanted({"limit": 10, "shard": (1, 1)}), store)
    assert intent_text(plan, estimate(plan, store)) == (
        "2 cells of the first 10 items to run (20 forward passes); 0 of 3 are there."
    )
    plan = make_plan(study.wanted({"shard": (2, 3)}), store)
    assert "to run in shard 2/3 (" in intent_text(plan, Cost(1, 1, 1, 0, 0, 0))
    assert "(1 forward pass)" in intent_text(plan, Cost(1, 1, 1, 0, 0, 0))


def test_what_a_run_did(study: StudyFile, store: ParquetStore) -> None:
    result = execute(make_plan(study.wanted(), store), store)
    state = status_of(replanned(result.plan, store), store)
    text = result_text(result, state, [], None, "STORE")
    assert text.startswith("2 cells made, 1 failed. 3 cells: 2 done, 1 failed.\n\nfailed:\n")
    assert text.endswith("Store:  STORE")
    result.elsewhere.append(("a", "b"))
    page = Path("r/index.html")
    text = result_text(result, state, [], page, "STORE")
    assert "Left to another process: 1 cells." in text
    assert "Report: r/index.html" in text


def test_the_documents_are_json(study: StudyFile, store: ParquetStore) -> None:
    plan = make_plan(study.wanted(), store)
    state = status_of(plan, store)
    dry = json.loads(json.dumps(document(study, "S", state, cost=estimate(plan, store))))
    assert dry["dry_run"] is True
    assert dry["cost"]["items"] == 80
    assert "made" not in dry
    result = execute(plan, store)
    state = status_of(replanned(result.plan, store), store)
    done = json.loads(json.dumps(document(study, "S", state, result=result)))
    assert {cell["model"] for cell in done["made"]} == {"fake:one", "fake:far?download=5000000"}
    assert done["made"][0]["correct"].keys() == {"top1", "top5"}
    assert (done["complete"], done["elsewhere"], done["report"]) == (False, [], None)
