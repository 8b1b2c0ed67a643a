from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from fakes.small_transfer import make_study

from freshset.cli.transfer.reporting import report_of
from freshset.transfer.running import make_transfer_plan, run_transfer
from freshset.transfer.study import Source, load_transfer


def test_a_report_is_written_when_the_study_asks_for_one_and_has_results(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch")
    path = make_study(tmp_path, regimes=["features"], report="report")
    plan = make_transfer_plan(load_transfer(path))
    assert report_of(plan) is None
    assert "there is no result yet" in capsys.readouterr().err
    run_transfer(make_transfer_plan(plan.study, {"shard": (1, 2)}))
    part = make_transfer_plan(plan.study, {"shard": (1, 2)})
    assert report_of(part) is None
    assert "cells are left to other shards" in capsys.readouterr().err
    run_transfer(plan)
    found = report_of(plan)
    assert found is not None
    analysis, page = found
    assert page == tmp_path / "report" / "index.html"
    assert "Small" in page.read_text(encoding="utf-8")
    assert analysis.simulated
    assert report_of(replace(plan, study=replace(plan.study, report=None))) is None
    measured = replace(plan.study, source=Source("Old", "mine/old"))
    assert report_of(replace(plan, study=measured)) is None
    assert "No report: The store has no results on 'mine/old'" in capsys.readouterr().err
