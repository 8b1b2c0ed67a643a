"""A package outside freshset adds a model adapter by an entry point."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import ROOT

from freshset.core.errors import UsageError
from freshset.models.base import Runtime
from freshset.models.contract import check_adapter
from freshset.models.reference import ModelRef
from freshset.models.registry import ADAPTERS, describe, load

PLUGIN = ROOT / "examples" / "plugin"


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    path = tmp_path / "labels.txt"
    path.write_text("cat\ndog\ncat\ncat\n", encoding="utf-8")
    return path


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """What an installer leaves behind: the module, and the entry points of the project's table."""
    project = tomllib.loads((PLUGIN / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    site = tmp_path / "site"
    info = site / f"freshset_majority-{project['version']}.dist-info"
    info.mkdir(parents=True)
    shutil.copy(PLUGIN / "freshset_majority.py", site)
    lines = [f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"]
    (info / "METADATA").write_text("".join(lines), encoding="utf-8")
    points = [
        f"[{group}]\n" + "".join(f"{name} = {target}\n" for name, target in entries.items())
        for group, entries in project["entry-points"].items()
    ]
    (info / "entry_points.txt").write_text("\n".join(points), encoding="utf-8")
    monkeypatch.syspath_prepend(site)
    yield site
    sys.modules.pop("freshset_majority", None)


def test_without_the_package_there_is_no_such_adapter(labels: Path) -> None:
    with pytest.raises(UsageError, match="No model adapter 'majority'"):
        describe(ModelRef.parse(f"majority:{labels}"), Runtime())


@pytest.mark.usefixtures("installed")
def test_the_registry_finds_the_adapter(labels: Path) -> None:
    assert ADAPTERS.entries()["majority"].summary == "plugin freshset_majority"
    runtime = Runtime(root=str(labels.parent))
    model = load(ModelRef.parse("majority:labels.txt"), runtime)
    assert model.info.classes is not None
    assert model.info.classes.keys == ("cat", "dog")
    assert model.predict(["x", "y"]).tolist() == [[0.75, 0.25]] * 2


@pytest.mark.usefixtures("installed")
def test_it_keeps_the_contract(labels: Path) -> None:
    runtime = Runtime(root=str(labels.parent))
    check_adapter(ADAPTERS.load("majority"), "majority:labels.txt", ["x", "y"], runtime)


def test_pip_installs_it(tmp_path: Path, labels: Path) -> None:
    source = shutil.copytree(PLUGIN, tmp_path / "source")
    command = [
        *(sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps"),
        *("--no-build-isolation", "--disable-pip-version-check", "--target", tmp_path / "site"),
        source,
    ]
    subprocess.run(command, check=True, capture_output=True)
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r})\n"
        "from freshset.models.base import Runtime\n"
        "from freshset.models.reference import ModelRef\n"
        "from freshset.models.registry import load\n"
        f"model = load(ModelRef.parse({f'majority:{labels}'!r}), Runtime())\n"
        "print(model.predict(['x']).tolist())"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[[0.75, 0.25]]"
