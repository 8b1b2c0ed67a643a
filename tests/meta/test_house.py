"""The laws of the house, checked on the source itself."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import freshset

SOURCE = Path(freshset.__file__).parent
TESTS = Path(__file__).parents[1]
MODULES = sorted(p for p in SOURCE.rglob("*.py"))

# Commands take their options as parameters: that is how typer reads them.
COMMANDS = {
    f"cli/{name}.py"
    for name in ("check", "compare", "demo", "imports", "listing", "run", "scoring", "serve")
}


GROUPS = ("cli/testset/", "cli/protocol/", "cli/transfer/")


def name(path: Path) -> str:
    return path.relative_to(SOURCE).as_posix()


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_modules_stay_small(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(path: Path) -> Iterator[Function]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, Function):
            yield node


def body_lines(node: Function) -> int:
    """Lines of code, without the signature and the docstring."""
    body = node.body[1:] if ast.get_docstring(node) else node.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_functions_stay_small(path: Path) -> None:
    for node in functions(path):
        assert body_lines(node) <= 50, node.name
        if name(path) not in COMMANDS and not name(path).startswith(GROUPS):
            arguments = [a for a in (*node.args.args, *node.args.kwonlyargs) if a.arg != "self"]
            assert len(arguments) <= 7, node.name


@pytest.mark.parametrize("path", [p for p in MODULES if p.name != "__init__.py"], ids=name)
def test_every_module_has_its_mirrored_test(path: Path) -> None:
    relative = path.relative_to(SOURCE)
    options = [TESTS / relative.parent / f"test_{relative.name}"]
    if name(path) in {"version.py", "__main__.py"}:
        options = [TESTS / "meta" / "test_facade.py"]
    assert any(option.exists() for option in options), options


def test_the_library_never_prints_or_exits() -> None:
    for path in MODULES:
        if name(path).startswith("cli/"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                assert called not in {"print", "sys.exit", "exit", "logging.basicConfig"}, name(
                    path
                )


def test_help_and_import_stay_light() -> None:
    heavy = [
        "torch",
        "ray",
        "matplotlib",
        "pandas",
        "numpy",
        "scipy",
        "pyarrow",
        "statsmodels",
        "sklearn",
        "jinja2",
        "rich",
    ]
    code = (
        "import sys, contextlib, io\n"
        "import freshset\n"
        "from freshset.cli.main import main\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):\n"
        "    main(['--help'])\n"
        f"print([m for m in {heavy!r} if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_no_file_speaks_of_a_machine() -> None:
    root = TESTS.parent
    listed = subprocess.run(
        ["git", "ls-files"], cwd=root, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        # A source archive has no list of tracked files; CI always runs in a clone.
        pytest.skip("not a git checkout")
    for line in listed.stdout.splitlines():
        path = root / line
        if path.suffix in {".py", ".md", ".toml", ".cff", ".sh", ".csv", ".yaml", ".j2"}:
            text = path.read_text(encoding="utf-8")
            for word in ("/" + "work/", "/" + "root/"):
                assert word not in text, f"{line} names {word}"
