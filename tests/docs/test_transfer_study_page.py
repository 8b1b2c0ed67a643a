"""The reference of transfer studies names every key, and its example can be read."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import get_args

import pytest
from fakes.small_transfer import make_dataset, make_study

from freshset.cli.transfer.render import document
from freshset.cli.transfer.run import STAGES
from freshset.engine.works import State, WorkReport
from freshset.models.training.recipe import Augmentation, Execution
from freshset.transfer.costs import transfer_cost
from freshset.transfer.features.extract import FeatureReport
from freshset.transfer.protocol import BUDGETS
from freshset.transfer.running import TransferRun, make_transfer_plan
from freshset.transfer.study import load_transfer
from freshset.transfer.study_sections import (
    PROTOCOL_PARTS,
    ConvergenceSection,
    EmbeddingsSection,
    SourceModelSection,
    SubsetsSection,
    TrainingSection,
    TransferSection,
)


@pytest.fixture
def page(docs: Path) -> str:
    return (docs / "reference" / "transfer-study.md").read_text(encoding="utf-8")


def test_every_key_is_documented(page: str) -> None:
    kinds = (
        TransferSection,
        SourceModelSection,
        ConvergenceSection,
        SubsetsSection,
        EmbeddingsSection,
        TrainingSection,
        *PROTOCOL_PARTS.values(),
    )
    names = {name for kind in kinds for name in kind.model_fields}
    names |= {field.name for field in fields(Augmentation)} | {*PROTOCOL_PARTS, *BUDGETS}
    assert {name for name in names if f"`{name}`" not in page} == set()
    assert all(f"freshset transfer {stage}" in page for stage in STAGES)


def test_defaults_are_those_of_the_settings(page: str) -> None:
    section = page.partition("\n## Training\n")[2].partition("\n## ")[0]
    shown = dict(re.findall(r"^\| `(\w+)` \| `(\w+)` \|", section, re.MULTILINE))
    known = {field.name: field.default for field in fields(Execution)}
    assert shown == {name: str(known[name]).lower() for name in TrainingSection.model_fields}


def test_the_study_of_the_page_can_be_read(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("timm")
    text = re.search(r"```yaml\n(.*?)```", page, re.DOTALL)
    assert text is not None
    make_dataset(tmp_path / "photos", strength=50, seed=0, n=2, test=1)
    (tmp_path / "dtd").mkdir()
    monkeypatch.setenv("DATA", str(tmp_path))
    path = tmp_path / "study.yaml"
    path.write_text(text[1], encoding="utf-8")
    study = load_transfer(path)
    assert len(study.models) > 4
    assert [dataset.id for dataset in study.datasets] == ["photos", "dtd"]
    assert study.convergence.models == ("ResNet-50",)


def test_every_field_of_the_documents_is_documented(docs: Path, tmp_path: Path) -> None:
    text = (docs / "reference" / "transfer-json.md").read_text(encoding="utf-8")
    known = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`]+)`", text))))
    path = make_study(tmp_path, models=["py:nets.py:nothing"], datasets=["dim"])
    plan = make_transfer_plan(load_transfer(path))
    dry = document(plan, "run", cost=transfer_cost(plan))
    result = TransferRun(plan, FeatureReport(), WorkReport(), plan.listed.impossible)
    done = document(plan, "run", result=result)
    keys = {*dry, *done, *dry["cost"], *dry["impossible"][0], "work", "error", "hint", "state"}
    assert keys - known == set()
    assert set(get_args(State)) <= known
