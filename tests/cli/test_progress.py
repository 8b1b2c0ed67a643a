from __future__ import annotations

import io

import pytest
from rich.console import Console

from freshset.cli import progress
from freshset.core.identity import CellSpec
from freshset.core.records import Cell
from freshset.engine.progress import Progress, WorkProgress
from freshset.store.base import Failure
from freshset.store.works import WorkFailure, WorkSpec

CELL = Cell(CellSpec("m", "t", "f", "c"), "examples", 200, 5, {"top1": 150, "top5": 190})
FAILURE = Failure("m", "t", "", "predict", "It broke.", "Mend it.")


def whole_run(watcher: Progress) -> None:
    watcher.failed(FAILURE)  # cells that cannot be planned fail before anything begins
    watcher.begin(2, 400)
    watcher.working(("a", "b", "c", "d"), "t")
    watcher.advance(100)
    watcher.made(CELL)
    watcher.end()


def test_lines(capsys: pytest.CaptureFixture[str]) -> None:
    whole_run(progress.CellWatch(progress.Lines()))
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "FAILED m on t (predict): It broke. Mend it.",
        "t: a, b, c and 1 more",
        "[1/2] m on t: top1 75.00 %",
    ]


def test_lines_say_how_far_it_is_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    whole_run(progress.CellWatch(progress.Lines(heartbeat=0)))
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "items" in line]
    assert line == "100 of 400 items, about 0 s left"


def test_bars() -> None:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=120, color_system=None)
    whole_run(progress.CellWatch(progress.Bars(console)))
    text = stream.getvalue()
    for part in ("FAILED m on t", "[1/2] m on t: top1 75.00 %", "t: a and 3 more", "100/400"):
        assert part in text


def test_other_work(capsys: pytest.CaptureFixture[str]) -> None:
    watcher: WorkProgress = progress.WorkWatch(progress.Lines(heartbeat=0))
    for _ in range(2):  # one display may be used again
        watcher.begin(1, 50)
        watcher.working("a net on dtd")
        watcher.advance(10)
        watcher.made("a net on dtd", 40)
        watcher.failed(WorkFailure(WorkSpec.of("trial"), "a trial", "It broke.", "Mend it."))
        watcher.end()
    assert capsys.readouterr().err.splitlines() == 2 * [
        "a net on dtd",
        "10 of 50 items, about 0 s left",
        "50 of 50 items, about 0 s left",
        "[1/1] a net on dtd",
        "FAILED a trial: It broke. Mend it.",
    ]


def test_bars_of_nothing_draw_nothing() -> None:
    stream = io.StringIO()
    bars = progress.Bars(Console(file=stream, force_terminal=True))
    bars.begin(0, 0)
    bars.end()
    assert stream.getvalue() == ""


def test_bars_only_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "is_terminal", lambda: True)
    assert isinstance(progress.display(), progress.Bars)
    monkeypatch.setattr(progress, "is_terminal", lambda: False)
    assert isinstance(progress.display(), progress.Lines)


def test_texts() -> None:
    spec = CellSpec("m", "t", "f", "c")
    assert progress.score_text(Cell(spec, "examples", 5, 0, {}, values={"perplexity": 12.345})) == (
        "perplexity 12.35"
    )
    assert progress.score_text(Cell(spec, "examples", 5, 0, {})) == "5 items"
    assert progress.working_text((), "t") == "reading t"
    assert [progress.duration_text(s) for s in (5, 600, 9000)] == ["5 s", "10 min", "2.5 h"]
