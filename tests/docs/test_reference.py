"""The reference is up to date, and everything that a user can set is in the documentation."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import typer

import freshset
from freshset.cli.main import EXIT_CODES, app
from freshset.demo.published import STUDIES, load
from freshset.store.importers import FORMATS, ImportReport


def test_generated_pages_are_up_to_date(reference: ModuleType) -> None:
    for path, text in reference.pages().items():
        assert path.read_text(encoding="utf-8") == text, "run python docs/generate_reference.py"


def commands(path: str, command: Any) -> list[tuple[str, Any]]:
    inner = getattr(command, "commands", {})
    return [
        (path, command),
        *(pair for name, c in inner.items() for pair in commands(f"{path} {name}", c)),
    ]


def test_every_command_option_and_exit_code_is_documented(docs: Path) -> None:
    page = (docs / "reference" / "cli.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL))
    for path, command in commands("freshset", typer.main.get_command(app)):
        assert path in sections
        for parameter in command.params:
            where = page if "completion" in parameter.name else sections[path]
            for name in (*parameter.opts, *parameter.secondary_opts):
                shown = name if name.startswith("-") else parameter.metavar or name.upper()
                assert f"`{shown}`" in where or f"{shown}`" in where, f"{path} {shown}"
            if parameter.envvar:
                assert f"${parameter.envvar}" in where
    for code, meaning in EXIT_CODES.items():
        assert f"| `{code}` | {meaning} |" in sections["Exit codes"]


def test_every_setting_is_documented(docs: Path) -> None:
    for name in ("python.md", "comparison-json.md"):
        page = (docs / "reference" / name).read_text(encoding="utf-8")
        for field in fields(freshset.CompareSettings):
            assert f"`{field.name}`" in page, f"{field.name} in {name}"


def test_every_import_format_has_its_line(docs: Path) -> None:
    page = (docs / "how-to" / "import-predictions.md").read_text(encoding="utf-8")
    for name in FORMATS:
        assert f"`freshset import {name} " in page


def test_accepted_column_names_are_listed(docs: Path) -> None:
    from freshset.store.importers.reading import ID_NAMES, LABEL_NAMES, PREDICTION_NAMES

    page = (docs / "how-to" / "import-predictions.md").read_text(encoding="utf-8")
    for names in (ID_NAMES, LABEL_NAMES, PREDICTION_NAMES):
        assert ", ".join(f"`{name}`" for name in names) in page


def keys(value: Any) -> set[str]:
    """Names of all fields of a JSON document, but for model names and the like."""
    if isinstance(value, dict):
        return set(value) | {k for inner in value.values() for k in keys(inner)}
    if isinstance(value, list):
        return {k for inner in value for k in keys(inner)}
    return set()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> freshset.ParquetStore:
    path = tmp_path_factory.mktemp("published") / "store"
    store = freshset.ParquetStore(path, create=True)
    load(STUDIES[0], store)
    return store


def documented(docs: Path) -> set[str]:
    page = (docs / "reference" / "comparison-json.md").read_text(encoding="utf-8")
    return {part for code in re.findall(r"`([^`]+)`", page) for part in re.findall(r"\w+", code)}


def test_every_field_of_a_comparison_is_documented(
    docs: Path, store: freshset.ParquetStore
) -> None:
    settings = freshset.CompareSettings(bootstrap=100, item_bootstrap=100)
    result = freshset.compare(store, STUDIES[0].old, STUDIES[0].new, settings).to_dict()
    assert keys(json.loads(json.dumps(result))) - documented(docs) == set()


def test_every_field_of_the_other_documents_is_documented(docs: Path) -> None:
    from freshset.core.issues import Issue
    from freshset.generalization.pair import PairOnSet
    from freshset.stats.types import Estimate

    row = PairOnSet("t", 4, 0.5, 0.5, Estimate(0, -1, 1), 1, 1, 1.0, 1.0, 1.0, 0.5, 9.0)
    lint = freshset.LintReport(1, 1, (Issue("ids", "fault", "t", ("m",), "text"),))
    for document in (
        freshset.Pair("a", "b", "top1", 0.95, (row,)).to_dict(),
        lint.to_dict(),
        ImportReport().to_dict(),
    ):
        assert keys(document) - documented(docs) == set()


def test_every_lint_check_is_documented(docs: Path) -> None:
    import freshset.generalization.lint as module

    page = (docs / "reference" / "comparison-json.md").read_text(encoding="utf-8")
    folder = Path(str(module.__file__)).parent
    source = "".join((folder / f"{name}.py").read_text() for name in ("lint", "overlaps"))
    checks = dict(re.findall(r'Issue\(\s*"([\w-]+)",\s*"(\w+)"', source))
    assert len(checks) >= 8
    for check, severity in checks.items():
        assert f"| `{check}` | {severity} |" in page


def test_columns_of_the_store_are_documented(docs: Path) -> None:
    from freshset.generalization import measure
    from freshset.store.columns import with_truth

    ids, labels = np.array(["a"], dtype=object), np.zeros(1, dtype=np.int32)
    topk = np.zeros((1, 5), dtype=np.int32)
    items = freshset.TestSet("t", 1, 5, item_ids=ids, labels=labels)
    columns = {*with_truth({"topk_id": topk}, items, slice(None)), *measure.STORED, "answer"}
    assert len(columns) >= 12
    page = (docs / "reference" / "store-format.md").read_text(encoding="utf-8")
    for column in columns:
        assert f"`{column}`" in page, column
