"""The pages on reading transfer results: run, and held to what they claim."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

from fakes.transfer_results import simulated

from freshset.transfer.analysis.analyse import analyse
from freshset.transfer.analysis.settings import AnalysisSettings


def test_what_r2_does_not_say(docs: Path, runner: ModuleType, tmp_path: Path) -> None:
    (shown,) = runner.run_page(docs / "explanation" / "what-transfers.md", tmp_path)
    assert shown.same_words, f"run python docs/run_page.py PAGE --write\n{shown.printed}"
    for text in (shown.page, shown.printed):
        lines = [[float(x) for x in re.findall(r"-?\d\.\d+", line)] for line in text.splitlines()]
        (mean,), (single,), (half,), sixteen, six, (apart,), family, flat = lines
        assert single < half < mean
        assert six[1] - six[0] > 0.9 > sixteen[1] - sixteen[0]
        assert 0.25 < apart < 0.5
        assert family[0] > 0.7
        assert abs(family[1]) < 0.2
        assert flat[0] > 0.6
        assert flat[1] < 0.1


def test_predictions_of_your_own(docs: Path, runner: ModuleType, tmp_path: Path) -> None:
    shown = runner.run_page(docs / "how-to" / "transfer-own-predictions.md", tmp_path)
    for one in shown:
        assert one.same_words, f"run python docs/run_page.py PAGE --write\n{one.printed}"
    page = (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    assert "Simulated data" in page


def test_every_key_of_the_document_is_on_its_page(docs: Path) -> None:
    text = (docs / "reference" / "transfer-json.md").read_text(encoding="utf-8")
    found = analyse(
        simulated(3, 2, 1, n=60),
        AnalysisSettings(resamples=100, draws=100, score_resamples=60, embed=False),
    ).to_dict()
    keys = {*found, *found["regimes"][0], *found["settings"], *found["gains"][0]}
    keys |= {*found["convergence"], *found["rankings"][0]} | {*found["regimes"][0]["source"]}
    assert {key for key in keys if f"`{key}`" not in text} <= {"schema"}
