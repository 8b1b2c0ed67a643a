from __future__ import annotations

from freshset.cli.render import lint_text, pair_text
from freshset.core.issues import Issue
from freshset.generalization.issues import LintReport
from freshset.generalization.pair import Pair, PairOnSet
from freshset.stats.types import Estimate


def test_tiny_p_values_are_not_zero() -> None:
    row = PairOnSet("t", 10, 0.9, 0.1, Estimate(80, 70, 90), 8, 0, 0.0, 0.0, 0.0, 0.2, 5.0)
    text = pair_text(Pair("a", "b", "top1", 0.95, (row,)))
    assert "<1e-300" in text
    assert "a is better beyond noise" in text


def test_many_notes_are_cut_and_counted() -> None:
    notes = tuple(Issue("overlap", "note", "t", (), f"note {i}") for i in range(30))
    text = lint_text(LintReport(2, 1, notes), 10)
    assert text.startswith("2 cells on 1 test sets: no faults, no warnings.")
    assert "note 9" in text
    assert "note 10" not in text
    assert "and 20 more notes" in text
