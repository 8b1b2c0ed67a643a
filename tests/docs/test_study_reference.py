"""Everything that a study file or a document of a run can hold is in the documentation."""

from __future__ import annotations

import re
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, get_args

import pytest
from fakes import testbed

from freshset.cli.render_run import document
from freshset.core.config import RunSettings
from freshset.engine import check, check_items, probe
from freshset.engine.check import CheckedTestSet, CheckReport
from freshset.engine.cost import Cost, estimate
from freshset.engine.execute import execute
from freshset.engine.plan import make_plan
from freshset.engine.probe import Probe
from freshset.engine.status import STATES, State, replanned, status_of
from freshset.engine.study import load_study
from freshset.engine.study_sections import (
    COMMAND_LINE_ONLY,
    CompareSection,
    RunSection,
    StudySection,
    TestSetSection,
)
from freshset.store.parquet import ParquetStore


def words(page: str) -> set[str]:
    page = re.sub(r"```.*?```", "", page, flags=re.DOTALL)
    return {part for code in re.findall(r"`([^`]+)`", page) for part in re.findall(r"\w+", code)}


@pytest.fixture
def study_page(docs: Path) -> str:
    return (docs / "reference" / "study-file.md").read_text(encoding="utf-8")


@pytest.fixture
def json_page(docs: Path) -> str:
    return (docs / "reference" / "run-json.md").read_text(encoding="utf-8")


def test_every_key_of_a_study_file_is_documented(study_page: str) -> None:
    for section in (StudySection, TestSetSection, RunSection, CompareSection):
        for name in section.model_fields:
            assert f"`{name}`" in study_page, name
    for name in COMMAND_LINE_ONLY:
        assert f"--{name.replace('_', '-')}" in study_page


def test_defaults_are_those_of_the_settings(study_page: str) -> None:
    shown = dict(re.findall(r"^\| `(\w+)` \| ([^|]*) \|", study_page, re.MULTILINE))
    for field in fields(RunSettings):
        default = field.default
        if field.name in {*COMMAND_LINE_ONLY, "memory", "trust", "address"}:
            continue
        said = f"{default:g}" if isinstance(default, float) else str(default).lower()
        assert shown[field.name].strip("` ") == said, field.name


def test_the_study_of_the_page_can_be_read(
    study_page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("timm")
    text = re.search(r"```yaml\n(.*?)```", study_page, re.DOTALL)
    assert text is not None
    for name in ("imagenet", "imagenetv2-matched-frequency-format-val", "data/new"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "models.txt").write_text("timm:resnet50.a1_in1k  # a comment\n")
    monkeypatch.setenv("DATA", str(tmp_path))
    path = tmp_path / "study.yaml"
    path.write_text(text[1].replace("/data/imagenet/val", "imagenet"))
    study = load_study(path)
    assert len(study.models) > 5
    assert study.wanted().settings.memory == 2 * 10**9


def keys(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value) | {k for inner in value.values() for k in keys(inner)}
    if isinstance(value, list):
        return {k for inner in value for k in keys(inner)}
    return set()


def test_every_field_of_a_run_is_documented(
    json_page: str, study_page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    testbed.register(monkeypatch)
    path = tmp_path / "study.yaml"
    path.write_text(
        'models: [fake:one, "fake:x?raise_at=3", fake:nowhere]\n'
        "testsets: [{id: mine/old, adapter: fake, path: x}]\n"
    )
    study = load_study(path)
    store = ParquetStore(study.store, create=True)
    plan = make_plan(study.wanted(), store)
    dry = document(study, "s", status_of(plan, store), cost=estimate(plan, store))
    result = execute(plan, store)
    done = document(study, "s", status_of(replanned(result.plan, store), store), result=result)
    known = words(json_page) | words(study_page)
    assert (keys(dry) | keys(done)) - known == set()
    assert set(asdict(Cost(0, 0, 0, 0, 0, 0))) <= words(json_page)


def test_every_state_is_documented(json_page: str) -> None:
    assert set(STATES) == set(get_args(State))
    for state, meaning in STATES.items():
        assert f"| `{state}` | {meaning}" in json_page


def test_every_field_of_a_check_is_documented(json_page: str) -> None:
    testsets = (CheckedTestSet("t", 1, 1, "image", 1),)
    report = CheckReport(testsets, 1, 1, (Probe("m", "t", 1, 1, 0.5),), ())
    assert keys(report.to_dict()) - words(json_page) == set()


def test_every_check_is_documented(json_page: str) -> None:
    source = "".join(Path(str(m.__file__)).read_text() for m in (check, check_items, probe))
    checks = set(re.findall(r'Issue\(\s*"([\w-]+)",\s*"(\w+)"', source))
    assert len(checks) >= 15
    for name, severity in checks:
        assert f"| `{name}` | {severity} |" in json_page
