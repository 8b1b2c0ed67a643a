from __future__ import annotations

from freshset.engine.progress import Progress, Silent


def test_silence_is_a_way_to_tell_progress() -> None:
    silent: Progress = Silent()
    silent.begin(1, 10)
    silent.working(("m",), "t")
    silent.advance(3)
    silent.end()
    assert {name for name in dir(Progress) if not name.startswith("_")} == {
        name for name in dir(Silent) if not name.startswith("_")
    }
