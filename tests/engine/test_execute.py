from __future__ import annotations

from pathlib import Path

import pytest
from fakes import testbed

from freshset.core.config import RunSettings
from freshset.core.errors import MissingExtraError, UsageError
from freshset.core.registry import Entry
from freshset.engine.backends.local import LocalBackend
from freshset.engine.execute import BACKENDS, backend_for, run
from freshset.engine.study import load_study
from freshset.store.parquet import ParquetStore

STUDY = """\
models: [fake:one, "fake:two?seed=2", fake:nowhere, "fake:far?download=7"]
testsets:
  - {id: mine/old, adapter: fake, path: x}
  - {id: mine/new, adapter: fake, path: x, n: 30}
run: {batch_size: 8}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "study.yaml"
    path.write_text(STUDY)
    return path


def test_a_study_is_run_and_run_again(path: Path) -> None:
    report = run(path)
    store = ParquetStore(path.parent / "store")
    assert len(report.made) == len(store.cells()) == 6
    assert [failure.model for failure in report.failures] == ["fake:nowhere"] * 2
    assert not report.complete
    again = run(load_study(path))
    assert (again.made, len(again.failures)) == ([], 2)


def test_settings_and_store_may_be_given(path: Path, tmp_path: Path) -> None:
    report = run(path, store=tmp_path / "other", limit=10)
    assert {cell.n for cell in report.made} == {10}
    assert not (tmp_path / "store").exists()
    with pytest.raises(UsageError, match="No setting 'batchsize'"):
        run(path, batchsize=3)


def test_the_plan_of_the_report_knows_what_was_fetched(path: Path) -> None:
    report = run(path)
    assert report.plan.infos["fake:far?download=7"].weights
    assert report.plan.downloads == {}
    # A model that failed before anything was fetched is still known to have.
    assert set(report.plan.errors) == {"fake:nowhere"}


def test_a_model_that_cannot_be_fetched_fails_alone(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_text(STUDY.replace("fake:far", "fake:unloadable"))
    report = run(path)
    assert len(report.made) == 4
    failed = {(f.model, f.testset): f.error for f in report.failures}
    assert failed["fake:unloadable?download=7", "mine/new"] == "RuntimeError: bad magic number"
    assert len(failed) == 4
    assert set(report.plan.errors) == {"fake:nowhere", "fake:unloadable?download=7"}


def test_backends(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(backend_for(RunSettings()), LocalBackend)
    entry = Entry("nowhere_at_all.x:Y", "ray", ("nowhere_at_all",))
    monkeypatch.setitem(BACKENDS.builtin, "ray", entry)
    with pytest.raises(MissingExtraError, match=r"freshset\[ray\]"):
        backend_for(RunSettings(backend="ray"))


def test_the_backend_is_closed_whatever_happens(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[bool] = []
    monkeypatch.setattr(LocalBackend, "close", lambda self: closed.append(True))
    run(path, limit=3)

    def stops(self: testbed.FakeModel, batch: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(testbed.FakeModel, "predict", stops)
    with pytest.raises(KeyboardInterrupt):
        run(path)
    assert closed == [True, True]
