"""Two processes on one store: they share out the work, or at least do not disturb each other."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest
from e2e.tiny import Tiny, began, tiny, tree


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes | None]:
    """The store of one run by itself."""
    study = tiny(tmp_path_factory.mktemp("whole") / "study")
    assert study.run()[0] == 3  # one model is broken
    return tree(study.store)


def together(*runs: tuple[Tiny, tuple[str, ...]]) -> list[int]:
    """Run at the same time; returns the exit codes."""
    started = [study.start(*options) for study, options in runs]
    said = [process.communicate(timeout=120)[1] for process in started]
    for text in said:
        assert "Traceback" not in text, text
    return [process.returncode for process in started]


def test_two_shards_at_once(whole: dict[str, bytes | None], tmp_path: Path) -> None:
    study = tiny(tmp_path / "study")
    codes = together((study, ("--shard", "1/2")), (study, ("--shard", "2/2")))
    assert 3 in codes
    assert tree(study.store) == whole


def test_the_same_study_twice_by_accident(whole: dict[str, bytes | None], tmp_path: Path) -> None:
    study = tiny(tmp_path / "study")
    # One of them may end while the other is at its last cells, which it is told.
    assert together((study, ()), (study, ())) == [3, 3]
    assert tree(study.store) == whole
    assert study.run()[0] == 3
    assert tree(study.store) == whole


def test_different_models_on_the_same_new_test_sets(tmp_path: Path) -> None:
    sizes = (20,) * 6
    both = tiny(tmp_path / "both", models=("a", "b?seed=1"), sizes=sizes)
    assert both.run()[0] == 0
    one = tiny(tmp_path / "one", models=("a",), sizes=sizes)
    other = tiny(tmp_path / "other", models=("b?seed=1",), sizes=sizes)
    store = tmp_path / "one" / "store"
    options = ("--store", str(store))
    assert together((one, options), (other, options)) == [0, 0]
    assert tree(store) == tree(both.store)


def test_what_a_killed_process_was_at_is_taken_over(
    whole: dict[str, bytes | None], tmp_path: Path
) -> None:
    study = tiny(tmp_path / "study")
    first, second = study.start(), study.start()
    began(first)
    began(second)
    deadline = time.monotonic() + 60
    while not list(study.store.glob("partial/*/rows-*.npz")) and time.monotonic() < deadline:
        time.sleep(0.01)
    first.send_signal(signal.SIGKILL)
    first.communicate()
    _, said = second.communicate(timeout=120)
    assert second.returncode == 3, said
    assert tree(study.store) == whole
