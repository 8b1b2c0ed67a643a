from __future__ import annotations

from pathlib import Path

from freshset.demo.run import run, steps


def test_every_step_is_announced(tmp_path: Path) -> None:
    said: list[str] = []
    result = run(tmp_path / "demo", step=said.append)
    assert len(said) == steps()
    assert [len(s.comparison.models) for s in result.studies] == [25, 25, 30, 64]
    page = result.page.read_text(encoding="utf-8")
    for word in (
        "Measured, not simulated",
        "Simulated: the labels come from annotators that a program plays",
        "Published study",
        "svm-rbf",
        "nasnetalarge",
        "shake_shake",
        "Digits by shuffled folds",
        "opened once, at the end",
    ):
        assert word in page
    figures = {path.name for path in (result.page.parent / "figures").glob("*-folds.svg")}
    assert figures == {
        "digits-by-shuffled-folds-folds.svg", "digits-by-folds-of-whole-sheets-folds.svg",
    }  # fmt: skip
