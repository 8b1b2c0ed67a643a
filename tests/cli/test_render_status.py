from __future__ import annotations

import pytest

from freshset.cli.render_status import (
    counts_text,
    grouped,
    matrix_text,
    reasons_text,
    status_text,
    total_text,
    tracebacks,
)
from freshset.engine.plan import Plan
from freshset.engine.stale import Reasons
from freshset.engine.status import CellStatus, State, Status
from freshset.engine.wanted import Wanted
from freshset.store.base import Failure
from freshset.store.parquet import ParquetStore


@pytest.fixture
def make(tmp_path):
    def status(*cells: tuple[str, str, State, int]) -> Status:
        plan = Plan(Wanted((), ()), (), {}, {}, {})
        failures = {
            (model, testset): Failure(model, testset, "", "predict", "It broke.", "", "Trace\n")
            for model, testset, state, _ in cells
            if state == "failed"
        }
        sizes = dict.fromkeys((cell[1] for cell in cells), 200)
        reasons = Reasons(plan, ParquetStore(tmp_path / "s", create=True))
        return Status(plan, tuple(CellStatus(*cell) for cell in cells), sizes, failures, reasons)

    return status


EVERY: tuple[State, ...] = (
    "done", "missing", "failed", "partial", "elsewhere", "limited", "skipped", "imported"
)  # fmt: skip


def test_every_state_has_a_word(make) -> None:
    status = make(*(("m", f"t{i}", state, 50) for i, state in enumerate(EVERY)))
    row = matrix_text(status).splitlines()[2]
    assert row.split() == [
        "m", "done", "to", "run", "failed", "25", "%", "running", "trial", "-", "imported"
    ]  # fmt: skip
    assert total_text(status) == (
        "8 cells: 1 done, 1 to run, 1 failed, 1 partial, 1 running, 1 trial, 1 skipped, 1 imported."
    )
    reasons = reasons_text(status)
    assert "failed:\n  m on t2: predict: It broke. (50 rows are recorded)" in reasons
    assert "trial:\n  m on t5: only the first 50 items were run (--limit)" in reasons
    assert "to run:" not in reasons


def test_a_matrix_that_is_too_wide_is_counted(make, monkeypatch: pytest.MonkeyPatch) -> None:
    cells = [
        (f"m{i}", f"set/{j}", "done" if j else "missing", 0) for i in range(3) for j in range(9)
    ]
    status = make(*cells)
    monkeypatch.setenv("COLUMNS", "40")
    text = status_text(status)
    assert text.startswith(counts_text(status))
    assert text.splitlines()[2].split() == ["set/0", "200", "0", "3"]
    monkeypatch.setenv("COLUMNS", "200")
    assert status_text(status).startswith(matrix_text(status))


def test_tracebacks_once(make) -> None:
    status = make(*((f"m{i}", "t", "failed", 0) for i in range(5)))
    (text,) = tracebacks(status)
    assert text == "\nm0 on t, m1 on t, m2 on t and 2 more:\nTrace"
    assert text in status_text(status, traceback=True)
    assert "Trace" not in status_text(status)


def test_reasons_are_grouped_and_cut() -> None:
    assert grouped([("a", "x"), ("b", "y"), ("c", "x")], 3) == ["a, c: x", "b: y"]
    many = grouped(((f"m{i}", f"why {i}") for i in range(50)), 50)
    assert len(many) == 11
    assert many[-1] == "... and 40 more; --json has them all"
    looked: list[int] = []
    same = grouped(((looked.append(i) or str(i), "x") for i in range(10_000)), 10_000)
    assert same[0].startswith("0, 1, 2 and ")
    assert len(looked) == 200
