"""Pages that a reader works through are run, block by block."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest


@pytest.mark.parametrize("name", ["tutorial/first-verdict.md", "how-to/compare-in-python.md"])
def test_page_runs_and_prints_what_it_says(
    name: str, docs: Path, runner: ModuleType, tmp_path: Path
) -> None:
    shown = runner.run_page(docs / name, tmp_path)
    assert len(shown) >= 5
    for block in shown:
        assert block.same_words, f"run python docs/run_page.py docs/{name} --write\n{block.printed}"


def test_the_tutorial_shows_its_install_lines_without_running_them(docs: Path) -> None:
    text = (docs / "tutorial" / "first-verdict.md").read_text(encoding="utf-8")
    assert "```console\npython -m venv .venv\n" in text
    assert "pip install freshset" in text


def test_a_failing_block_shows_its_output(runner: ModuleType, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("```bash\necho before; exit 3\n```\n", encoding="utf-8")
    with pytest.raises(RuntimeError, match=r"exit code 3\nbefore"):
        runner.run_page(page, tmp_path)


def test_what_a_block_exports_holds_in_the_next_ones(runner: ModuleType, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "```bash\nexport ONE=1 TWO='a b'\n```\n\n```bash\necho $ONE $TWO\n```\n\n```text\n1 a b\n```\n",
        encoding="utf-8",
    )
    assert [block.printed for block in runner.run_page(page, tmp_path)] == ["1 a b\n"]


def test_output_is_compared_by_its_words(runner: ModuleType, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "```python\n# part.py\nprint('drop 1.25')\n```\n\n```bash\npython part.py\n```\n\n"
        "```text\ndrop 7.5\n```\n\n```bash\necho other\n```\n\n```text\ndrop\n```\n",
        encoding="utf-8",
    )
    assert [block.same_words for block in runner.run_page(page, tmp_path)] == [True, False]


def test_a_page_may_leave_lines_out(runner: ModuleType, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    for shown, same in (
        ("a\n...\nd\n", True),
        ("...\n", True),
        ("a\n...\nc\n", False),
        ("a\nd\n", False),
    ):
        page.write_text(
            f"```bash\nprintf 'a\\nb\\nc\\nd\\n'\n```\n\n```text\n{shown}```\n", encoding="utf-8"
        )
        (block,) = runner.run_page(page, tmp_path)
        assert block.same_words is same, shown
        assert block.abridged is ("..." in shown)


def test_paths_below_the_folder_are_shown_without_it(runner: ModuleType, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        '```bash\necho "$PWD/store" and "$PWD"\n```\n\n```text\n```\n', encoding="utf-8"
    )
    assert runner.run_page(page, tmp_path)[0].printed == f"store and {tmp_path}\n"
