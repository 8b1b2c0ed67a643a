"""Every key of a spec, its default, and every source's options are in the documentation."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import pytest
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from freshset.replication.collecting.sources.registry import SOURCES
from freshset.replication.spec import Spec, parse_spec
from freshset.replication.spec_sections import (
    ClassSpec,
    DuplicatesSpec,
    PageSpec,
    SamplingSpec,
    SeedsSpec,
    Strategy,
    TasksSpec,
    WorkersSpec,
)

SECTIONS = {
    "Keys": Spec,
    "Classes": ClassSpec,
    "Sampling": SamplingSpec,
    "Tasks": TasksSpec,
    "Workers": WorkersSpec,
    "Page": PageSpec,
    "Duplicates": DuplicatesSpec,
    "Seeds": SeedsSpec,
}


@pytest.fixture
def page(docs: Path) -> str:
    return (docs / "reference" / "testset-spec.md").read_text(encoding="utf-8")


@pytest.fixture
def how_to(docs: Path) -> Path:
    return docs / "how-to" / "collect-candidates.md"


def section(page: str, title: str) -> dict[str, str]:
    """Keys and defaults of the first table of a section."""
    body = page.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]
    table = body.split("| --- |", 1)[1].split("\n\n", 1)[0]
    rows = re.findall(r"^\| `(\w+)` \|[^|]*\|([^|]*)\|", table, re.MULTILINE)
    return {key: default.strip() for key, default in rows}


def plain(default: Any) -> str:
    if isinstance(default, tuple):
        default = list(default)
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


@pytest.mark.parametrize("title", SECTIONS)
def test_every_key_is_documented_with_its_default(page: str, title: str) -> None:
    kind, shown = SECTIONS[title], section(page, title)
    assert list(shown) == list(kind.model_fields)
    for key, field in kind.model_fields.items():
        said = shown[key]
        if field.default is PydanticUndefined:
            assert said == ("empty" if field.default_factory else "required"), key
        elif field.default in ("", ()):
            assert said == ("the key" if key == "name" else "empty"), key
        elif field.default is None:
            assert said.startswith("that of "), key
        elif isinstance(field.default, BaseModel):
            assert said == "", key
        else:
            assert said == plain(field.default), key


def test_every_strategy_is_explained(page: str) -> None:
    body = page.split("\n## Sampling\n", 1)[1].split("\n## ", 1)[0]
    rows = re.findall(r"^\| `([\w-]+)` \| [^|]+ \|$", body, re.MULTILINE)
    assert rows == list(get_args(Strategy))


def test_the_example_is_a_spec(page: str) -> None:
    spec = parse_spec(re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)[0])
    assert spec.size_of("n02123159") == 8


def test_every_source_and_its_options_are_documented(how_to: Path) -> None:
    text = how_to.read_text(encoding="utf-8")
    for name in SOURCES.builtin:
        assert f"collect {name} " in text, name
        kind = SOURCES.load(name)
        assert kind.__doc__
        for option in kind.model_fields:
            assert option in text or option in kind.__doc__, (name, option)


def test_the_page_runs_and_prints_what_it_says(
    how_to: Path, runner: ModuleType, tmp_path: Path
) -> None:
    shown = runner.run_page(how_to, tmp_path)
    assert len(shown) == 4
    for block in shown:
        assert block.same_words, block.printed
