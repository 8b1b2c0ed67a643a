from __future__ import annotations

from dataclasses import dataclass, field, fields

import pytest

from freshset.core.config import CompareSettings, RunSettings
from freshset.engine.study_sections import (
    COMMAND_LINE_ONLY,
    BuiltinSection,
    CompareSection,
    ModelSection,
    PairSection,
    RunSection,
    Section,
    StudySection,
    TestSetSection,
    read_section,
    settings_section,
)
from freshset.engine.yaml_text import read_yaml


def problems(kind: type[Section], text: str) -> list[str]:
    document = read_yaml(text)
    read_section(kind, document.value, (), document)
    return [f"{p.where}: {p.message} {p.hint}".strip() for p in document.problems]


def test_the_file_has_the_keys_and_defaults_of_the_settings() -> None:
    run = {field.name for field in fields(RunSettings)} - set(COMMAND_LINE_ONLY)
    assert set(RunSection.model_fields) == run
    compare = {field.name for field in fields(CompareSettings)}
    assert set(CompareSection.model_fields) == compare | set(PairSection.model_fields)
    settings = RunSettings(**RunSection().model_dump())
    assert settings == RunSettings()


def test_only_what_is_given_counts() -> None:
    section = RunSection.model_validate({"memory": "2GB", "trust": "a.pkl"})
    assert section.given() == {"memory": 2_000_000_000, "trust": ("a.pkl",)}
    assert TestSetSection.model_validate(
        {"id": "a", "adapter": "b", "path": "c", "classes": 10}
    ).options() == {"classes": 10}


@pytest.mark.parametrize(
    ("kind", "text", "says"),
    [
        (StudySection, "- a\n", ["Not a mapping of keys to values."]),
        (StudySection, "models: [a]\ntestsets:\n", ["line 2, testsets: No value."]),
        (StudySection, "modls: []\n", ["Unknown key 'modls'. Did you mean 'models'?"]),
        (StudySection, "models: 3\n", ["line 1, models: Not a list."]),
        (StudySection, "run: []\n", ["run: Not a mapping"]),
        (StudySection, "title: [x]\n", ["['x']: input should be a valid string."]),
        (RunSection, "precision: fp13", ["'fp13': input should be 'fp32', 'tf32', 'fp16' or"]),
        (RunSection, "batch_size: many", ["'many': input should be a valid integer."]),
        (RunSection, "memory: 2 trucks", ["'2 trucks' is not a size. Write for example"]),
        (
            RunSection,
            "shard: 1/2",
            ["Unknown key 'shard'. Give it on the command line, as --shard"],
        ),
        (RunSection, "on_existing: always", ["as --on-existing."]),
        (RunSection, "treads: 1\nbatch_size: x", ["line 2, batch_size", "line 1, treads"]),
        (CompareSection, "old: a\n", ["No key 'new'."]),
        (CompareSection, "old: a\nnew: b\nmargn: 2", ["Did you mean 'margin'?"]),
        (ModelSection, "model: a\nnme: b", ["Did you mean 'name'"]),
        (
            TestSetSection,
            "id: a\nadpter: b\npath: c",
            ["No key 'adapter'. Is it meant by 'adpter'?"],
        ),
        (BuiltinSection, "labels: x", ["No key 'data'."]),
    ],
)
def test_what_is_wrong_is_said_key_by_key(kind: type[Section], text: str, says: list[str]) -> None:
    found = problems(kind, text)
    assert len(found) == len(says)
    for line, words in zip(found, says, strict=True):
        assert words in line


def test_the_rest_of_a_section_can_be_read_on() -> None:
    document = read_yaml("old: a\nnew: b\nbootstrap: x\nlevel: 2\n")
    section = read_section(CompareSection, document.value, (), document)
    assert section is not None
    assert section.given() == {"old": "a", "new": "b", "level": 2}
    assert len(document.problems) == 1
    assert read_section(CompareSection, {"new": "b"}, (), document) is None
    assert read_section(CompareSection, "text", (), document) is None


def test_a_key_that_is_right_is_no_slip_of_a_missing_one() -> None:
    class Near(Section):
        name: str
        names: tuple[str, ...] = ()

    document = read_yaml("names: [a]")
    assert read_section(Near, document.value, (), document) is None
    assert [p.message for p in document.problems] == ["No key 'name'."]


@dataclass(frozen=True)
class _Inner:
    low: float = 0.5


@dataclass(frozen=True)
class _Outer:
    name: str = ""
    sizes: tuple[int, ...] = (1, 2)
    inner: _Inner = field(default_factory=_Inner)


def test_settings_within_settings_are_mappings_with_known_keys() -> None:
    kind = settings_section("Outer", _Outer, Section)
    document = read_yaml("sizes: [3]\ninner: {low: 1}\n")
    section = read_section(kind, document.value, (), document)
    assert section is not None
    assert section.given() == {"sizes": (3,), "inner": {"low": 1.0}}
    document = read_yaml("sizes: [x]\ninner:\n  lo: 1\n")
    read_section(kind, document.value, (), document)
    assert [p.where for p in document.problems] == ["line 1, sizes[0]", "line 3, inner.lo"]
