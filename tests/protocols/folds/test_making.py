from __future__ import annotations

import subprocess
import sys
import threading
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.naive_bayes import GaussianNB

from freshset.core.errors import DataError, StoreError, UsageError
from freshset.protocols.folds.data import Data
from freshset.protocols.folds.learners import as_learner
from freshset.protocols.folds.making import FOLD, OPENING, Running, make_folds, open_official
from freshset.protocols.folds.splits import Scheme, splits
from freshset.store.works import Works

X, Y = make_classification(300, n_features=6, flip_y=0.2, random_state=0)
DATA, OFFICIAL = Data(X[:200], Y[:200], name="folds"), Data(X[200:], Y[200:], name="official")
SCHEME = Scheme("stratified", 4, 3, seed=1)
CUT = splits(DATA, SCHEME)
CALLS: list[int] = []
STOP_AT: list[int] = []


def counted(train_x, train_y, test_x, seed):
    """A learner that is interrupted at one of its calls."""
    CALLS.append(seed)
    if len(CALLS) in STOP_AT:
        raise KeyboardInterrupt
    noise = np.random.default_rng(seed).random(len(test_x)) < 0.1
    return GaussianNB().fit(train_x, train_y).predict(test_x) ^ noise


@pytest.fixture(autouse=True)
def uncounted():
    CALLS.clear()
    STOP_AT.clear()


def same(one, other) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


LEARNER = as_learner(counted)


@pytest.fixture(scope="module")
def whole():
    return make_folds(as_learner(counted), DATA, CUT, Running())


@pytest.mark.parametrize("stop_at", [1, 5, 12])
def test_an_interrupted_run_goes_on(tmp_path: Path, whole, stop_at: int) -> None:
    running = Running(store=tmp_path / "new" / "store")
    CALLS.clear()
    STOP_AT.append(stop_at)
    with pytest.raises(KeyboardInterrupt):
        make_folds(LEARNER, DATA, CUT, running)
    STOP_AT.clear()
    CALLS.clear()
    steps: list[str] = []
    assert same(make_folds(LEARNER, DATA, CUT, running, steps.append), whole)
    assert len(CALLS) == len(steps) == 12 - (stop_at - 1)
    assert same(make_folds(LEARNER, DATA, CUT, running), whole)
    assert len(CALLS) == len(steps)
    assert not list((running.store / "works" / "partial").glob("*"))


def test_more_repeats_add_to_those_that_are_there(tmp_path: Path, whole) -> None:
    running = Running(store=tmp_path)
    make_folds(LEARNER, DATA, CUT[:4], running)
    CALLS.clear()
    assert same(make_folds(LEARNER, DATA, CUT, running), whole)
    assert len(CALLS) == 8


@pytest.mark.parametrize(
    ("learner", "data", "scheme"),
    [
        (as_learner(GaussianNB()), DATA, SCHEME),
        (LEARNER, Data(X[:199], Y[:199]), SCHEME),
        (LEARNER, DATA, replace(SCHEME, seed=2)),
        (LEARNER, DATA, replace(SCHEME, kind="plain")),
    ],
)
def test_other_validations_share_nothing(tmp_path: Path, learner, data, scheme) -> None:
    running = Running(store=tmp_path)
    make_folds(LEARNER, DATA, CUT, running)
    steps: list[str] = []
    made = make_folds(learner, data, splits(data, scheme), running, steps.append)
    assert len(steps) == 12
    assert same(made, make_folds(learner, data, splits(data, scheme), Running()))


def test_two_runs_share_the_folds(tmp_path: Path, whole) -> None:
    running = Running(store=tmp_path)
    steps: list[list[str]] = [[], []]
    out: list[object] = [None, None]

    def slowly(number: int) -> None:
        out[number] = make_folds(
            LEARNER, DATA, CUT, running, lambda text: (steps[number].append(text), time.sleep(0.05))
        )

    threads = [threading.Thread(target=slowly, args=(n,)) for n in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert same(out[0], whole)
    assert same(out[1], whole)
    assert len(steps[0]) + len(steps[1]) == 12
    assert min(map(len, steps)) > 2
    assert not set(steps[0]) & set(steps[1])


SLOW = """
import time
from pathlib import Path
def slow(x, y, t, seed):
    print("at", seed, flush=True)
    while seed == 2 and not Path("go").exists():
        time.sleep(0.01)
    return y[[seed] * len(t)]
"""
RUN = """
import sys
from pathlib import Path
import numpy as np
from freshset.protocols.folds.data import Data
from freshset.protocols.folds.learners import load_learner
from freshset.protocols.folds.making import Running, make_folds
from freshset.protocols.folds.splits import Scheme, splits
data = Data(np.arange(40.0)[:, None], np.arange(40) % 2)
cut = splits(data, Scheme("stratified", 4, 2))
for one in make_folds(load_learner("slow.py:slow"), data, cut, Running(store=Path("s"))):
    print(one.tolist())
"""


def test_a_killed_process_loses_the_fold_it_was_at(tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(SLOW)
    (tmp_path / "run.py").write_text(RUN)
    run = partial(
        subprocess.Popen,
        [sys.executable, "run.py"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
    )
    with run() as first:
        read_to(first, "at 2")
        # The second takes what is free, waits for the fold that is not, and inherits it.
        with run() as second:
            assert read_to(second, "at 7") == [f"at {seed}" for seed in range(3, 8)]
            first.kill()
            first.wait()
            (tmp_path / "go").touch()
            rest, _ = second.communicate(timeout=60)
    assert second.returncode == 0
    assert rest.startswith("at 2\n[")
    assert rest.count("[") == 8
    assert len(list((tmp_path / "s" / "works" / FOLD).iterdir())) == 8


def read_to(process, last: str) -> list[str]:
    lines = []
    for line in process.stdout:
        lines.append(line.strip())
        if lines[-1] == last:
            break
    return lines


def test_opening_once(tmp_path: Path) -> None:
    alone = open_official(LEARNER, DATA, OFFICIAL, seed=1, store=None)
    first, again = (open_official(LEARNER, DATA, OFFICIAL, seed=1, store=tmp_path) for _ in "ab")
    assert len(CALLS) == 2
    assert (first.before, again.before, again.openings) == (False, True, 1)
    assert same([alone.predictions], [again.predictions])
    (work,) = Works(tmp_path).all(OPENING)
    assert work.array("correct").tolist() == (alone.predictions == OFFICIAL.y).tolist()
    assert work.document == {
        "learner": "counted", "data": "folds", "official": "official", "n": 100, "classes": True,
    }  # fmt: skip
    other = open_official(as_learner(GaussianNB()), DATA, OFFICIAL, seed=1, store=tmp_path)
    assert (other.before, other.openings) == (False, 2)


def test_a_learner_that_fails_is_named_with_its_fold(tmp_path: Path) -> None:
    def failing(train_x, train_y, test_x, seed):
        if seed == 5:
            raise ValueError("no convergence")
        return [0] * len(test_x)

    with pytest.raises(DataError, match=r"failing failed on repeat 2, fold 2: ValueError: no conv"):
        make_folds(as_learner(failing), DATA, CUT, Running(store=tmp_path))
    assert len(list((tmp_path / "works" / FOLD).iterdir())) == 5
    assert not list((tmp_path / "works" / "partial").iterdir())

    def never(train_x, train_y, test_x):
        raise RuntimeError

    with pytest.raises(DataError, match="never failed on the official set official: RuntimeError"):
        open_official(as_learner(never), DATA, OFFICIAL, seed=0, store=None)


def test_what_a_store_cannot_keep(tmp_path: Path) -> None:
    namespace: dict[str, object] = {"__name__": "__main__"}
    exec("def typed(x, y, t): return [0] * len(t)", namespace)
    typed = as_learner(namespace["typed"])
    assert len(make_folds(typed, DATA, CUT, Running())) == 12
    with pytest.raises(UsageError, match="typed cannot be told from other learners"):
        make_folds(typed, DATA, CUT, Running(store=tmp_path))
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError):
        make_folds(LEARNER, DATA, CUT, Running(store=tmp_path / "file"))


def test_a_damaged_fold_is_named(tmp_path: Path) -> None:
    running = Running(store=tmp_path)
    make_folds(LEARNER, DATA, CUT, running)
    path = next((tmp_path / "works" / FOLD).glob("*/predictions.npy"))
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(StoreError, match=r"predictions\.npy: cannot be read"):
        make_folds(LEARNER, DATA, CUT, running)


@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_processes_change_nothing(backend: str, tmp_path: Path) -> None:
    bayes = as_learner(GaussianNB())
    alone = make_folds(bayes, DATA, CUT, Running())
    assert same(make_folds(bayes, DATA, CUT, Running(jobs=2, backend=backend)), alone)
    kept = Running(jobs=2, backend=backend, store=tmp_path)
    assert same(make_folds(bayes, DATA, CUT, kept), alone)
    assert len(list((tmp_path / "works" / FOLD).iterdir())) == 12


def test_backends_that_are_not_there() -> None:
    with pytest.raises(UsageError, match="no backend 'nonsense'"):
        make_folds(LEARNER, DATA, CUT, Running(backend="nonsense"))


RAY = """
import numpy as np
from pathlib import Path
from sklearn.datasets import make_classification
from sklearn.naive_bayes import GaussianNB
from freshset.protocols.folds.data import Data
from freshset.protocols.folds.learners import as_learner
from freshset.protocols.folds.making import Running, make_folds
from freshset.protocols.folds.splits import Scheme, splits
data, bayes = Data(*make_classification(200, random_state=0)), as_learner(GaussianNB())
cut = splits(data, Scheme("stratified", 4, 1))
alone = make_folds(bayes, data, cut, Running())
there = make_folds(bayes, data, cut, Running(jobs=2, backend="ray", store=Path("store")))
assert np.array_equal(alone, there)
print("the same")
"""


@pytest.mark.xdist_group("ray")
def test_a_ray_cluster_changes_nothing(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    command = [sys.executable, "-c", RAY]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    # Ray's own processes may write to stdout, too.
    assert "the same" in done.stdout.splitlines(), done.stderr
    assert len(list((tmp_path / "store" / "works" / FOLD).iterdir())) == 4


def test_a_dask_cluster_changes_nothing(tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed")
    bayes = as_learner(GaussianNB())
    alone = make_folds(bayes, DATA, CUT, Running())
    kept = Running(jobs=2, backend="dask", store=tmp_path)
    quiet = {"processes": False, "dashboard_address": None, "n_workers": 2, "threads_per_worker": 1}
    with distributed.LocalCluster(**quiet) as cluster, distributed.Client(cluster):
        assert same(make_folds(bayes, DATA, CUT, kept), alone)
        with joblib.parallel_config("dask"):
            assert same(make_folds(bayes, DATA, CUT, Running(jobs=2)), alone)
    assert len(list((tmp_path / "works" / FOLD).iterdir())) == 12


def test_dask_needs_a_client() -> None:
    pytest.importorskip("distributed")
    with pytest.raises(UsageError, match="no backend 'dask' here"):
        make_folds(LEARNER, DATA, CUT, Running(backend="dask"))


def test_what_cannot_be_run() -> None:
    with pytest.raises(UsageError, match="No folds at the same time"):
        Running(jobs=0)
    with pytest.raises(UsageError, match=r"level is 2, not between"):
        Running(level=2)


def test_long_messages_are_cut() -> None:
    def chatty(train_x, train_y, test_x):
        raise ValueError(f"bad:\n{[0] * 1000}.")

    with pytest.raises(DataError) as error:
        make_folds(as_learner(chatty), DATA, CUT[:1], Running())
    assert len(error.value.message) < 400
    assert error.value.message.startswith(
        "chatty failed on repeat 1, fold 1: ValueError: bad: [0, 0"
    )
