from __future__ import annotations

from pathlib import Path

import pytest
from fakes import testbed

from freshset.engine.execute import run
from freshset.engine.status import replanned, status_of
from freshset.engine.study import load_study
from freshset.reports.studies import studies_of
from freshset.reports.study import Study
from freshset.store.parquet import ParquetStore

STUDY = """\
models: [fake:one, "fake:two?seed=2", fake:nowhere, "fake:three?raise_at=35", "fake:t?input=text"]
testsets:
  - {id: mine/old, adapter: fake, path: x}
  - {id: mine/new, adapter: fake, path: x, n: 30}
compare:
  - {old: mine/old, new: mine/new, bootstrap: 100, item_bootstrap: 100, title: Same}
  - {old: mine/new, new: mine/old, bootstrap: 100, item_bootstrap: 100, title: Same}
  - {old: mine/old, new: mine/new, metric: exact-match, title: Other}
  - {old: mine/old, new: mine/new, bootstrap: 100, item_bootstrap: 100, exclude: ["*nowhere", "*two*"]}
"""


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    testbed.register(monkeypatch)
    path = tmp_path / "study.yaml"
    path.write_text(STUDY)
    return path


def made(path: Path) -> tuple[list[Study], list[str]]:
    report = run(path)
    store = ParquetStore(path.parent / "store")
    return studies_of(load_study(path), status_of(replanned(report.plan, store), store), store.path)


def test_every_pair_with_what_is_missing(path: Path) -> None:
    studies, problems = made(path)
    assert [study.slug for study in studies] == ["same", "same-2", "mine-old-and-mine-new"]
    first = studies[0]
    assert {row.model for row in first.comparison.models} == {"fake:one", "fake:two?seed=2"}
    assert len(first.pairs) == 2
    missing = {(m.model, m.testset): m.reason for m in first.missing_results}
    assert missing == {
        ("fake:nowhere", "mine/old"): "load: No model 'nowhere'.",
        ("fake:nowhere", "mine/new"): "load: No model 'nowhere'.",
        ("fake:three?raise_at=35", "mine/old"): "predict: RuntimeError: the model broke",
    }
    (problem,) = problems
    assert problem.startswith("No report on Other: ")
    assert "exact-match" in problem


def test_what_is_excluded_is_not_missed(path: Path) -> None:
    last = made(path)[0][-1]
    assert {m.model for m in last.missing_results} == {"fake:three?raise_at=35"}


def test_cells_of_other_studies_and_of_other_inputs_stay_out(path: Path) -> None:
    made(path)
    mine = STUDY.replace("fake:one", "{model: fake:one, name: mine}").replace(
        '"fake:two?seed=2", fake:nowhere, ', ""
    )
    mine = mine.replace(', exclude: ["*nowhere", "*two*"]', "")
    path.write_text(mine)
    studies, _ = made(path)
    assert [row.model for row in studies[0].comparison.models] == ["mine"]
    # The weights of 'mine' change, and the new ones do not run.
    path.write_text(mine.replace("model: fake:one", "model: 'fake:one?raise_at=0'"))
    studies, problems = made(path)
    assert studies == []
    assert all("no results" in problem for problem in problems)
