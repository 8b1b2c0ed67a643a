from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from fakes import image_samples, testbed

from freshset.core.config import RunSettings
from freshset.core.errors import StoreError
from freshset.datasets.registry import open_testset
from freshset.engine.backends.local import LocalBackend
from freshset.engine.job import Job, Outcome, Rows
from freshset.models.base import OUTPUTS, Runtime
from freshset.models.preprocessing import ImagePreprocessing
from freshset.models.reference import ModelRef
from freshset.models.registry import describe
from freshset.store.works import WorkFailure, Works
from freshset.transfer.features.extract import FeatureReport, extract
from freshset.transfer.features.wanted import WantedFeatures
from freshset.transfer.protocol import Features

SETTINGS = RunSettings(batch_size=4)


def run(store: Path, *wanted: WantedFeatures, **settings: Any) -> FeatureReport:
    given = replace(SETTINGS, **settings)
    return extract(wanted, store, LocalBackend(given), given)


def taken(store: Path, one: WantedFeatures) -> np.ndarray:
    work = Works(store).get(one.spec)
    assert work is not None
    return np.asarray(work.array("features"))


def expected(one: WantedFeatures) -> np.ndarray:
    """Features of all items, one by one."""
    model = testbed.LayeredModel(one.info)
    rows = range(one.reader.testset.n)
    return np.concatenate([model.predict(one.reader.read(row)[None]) for row in rows])


class Watch:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.images = 0

    def begin(self, items: int, images: int) -> None:
        self.lines.append(f"begin {items} {images}")

    def working(self, title: str) -> None:
        self.lines.append(f"at {title}")

    def advance(self, images: int) -> None:
        self.images += images

    def made(self, title: str, images: int) -> None:
        self.images += images
        self.lines.append(f"made {title}")

    def failed(self, failure: WorkFailure) -> None:
        self.lines.append(f"failed {failure.title}")

    def end(self) -> None:
        self.lines.append("end")


def test_features_of_all_rows_in_order(tmp_path: Path, make: Any) -> None:
    a, b, deep = make("one"), make("two?seed=1&outputs=7"), make("one", layer="deep")
    half, other = make("one", storage="float16"), make("one", testset="mine/test", n=9)
    watch = Watch()
    report = extract(
        [a, b, a, deep, half, other], tmp_path, LocalBackend(SETTINGS), SETTINGS, watch
    )
    assert report.complete
    assert [one.title for one in report.made] == [one.title for one in (a, b, deep, half, other)]
    np.testing.assert_allclose(taken(tmp_path, a), expected(a), rtol=1e-5)
    np.testing.assert_allclose(taken(tmp_path, b), expected(b), rtol=1e-5)
    np.testing.assert_allclose(taken(tmp_path, other), expected(other), rtol=1e-5)
    np.testing.assert_array_equal(taken(tmp_path, deep), 2 * taken(tmp_path, a))
    np.testing.assert_array_equal(taken(tmp_path, half), taken(tmp_path, a).astype(np.float16))
    assert taken(tmp_path, half).dtype == np.float16
    work = Works(tmp_path).get(b.spec)
    assert work is not None
    assert (work.document["rows"], work.document["width"]) == (20, 7)
    assert work.document["images_per_second"] == 20 / work.document["seconds"]
    assert work.document["runtime"]["fake"] == "1.0"
    assert work.document["runtime"]["batch_size"] == "4"
    assert (watch.lines[0], watch.lines[-1], watch.images) == ("begin 5 89", "end", 89)
    assert watch.lines[1] == "at features of one on mine/train and of 3 more models"


def test_what_is_there_is_not_taken_again(tmp_path: Path, make: Any) -> None:
    a, b = make("one"), make("two?seed=1")
    run(tmp_path, a)
    testbed.ADAPTER.loaded.clear()
    assert [one.model for one in run(tmp_path, a, b).made] == ["two?seed=1"]
    assert run(tmp_path, a, b) == FeatureReport()
    assert testbed.ADAPTER.loaded == [str(b.info.reference)]


class Counting(testbed.FakeReader):
    """Counts how often each item is read."""

    read_rows: ClassVar[Counter[int]] = Counter()

    def read(self, index: int) -> Any:
        self.read_rows[index] += 1
        return super().read(index)


def test_items_are_read_once_for_all_models_that_prepare_them_alike(
    tmp_path: Path, make: Any
) -> None:
    models = ("a", "b?seed=1", "c?seed=2", "d?shared=other")
    wanted = [make(model) for model in models]
    reader = Counting(wanted[0].reader.testset)
    Counting.read_rows.clear()
    report = run(tmp_path, *(replace(one, reader=reader) for one in wanted))
    assert len(report.made) == 4
    assert set(Counting.read_rows.values()) == {2}
    assert len(Counting.read_rows) == 20


def test_only_so_many_models_at_once(tmp_path: Path, make: Any) -> None:
    jobs: list[list[str]] = []

    class Noting(LocalBackend):
        def run(self, job: Job) -> Iterator[Outcome]:
            jobs.append([model.name for model in job.models])
            return super().run(job)

    wanted = [make(name) for name in ("a", "b", "c")]
    settings = replace(SETTINGS, models_at_once=2)
    extract(wanted, tmp_path, Noting(settings), settings)
    assert jobs == [["a", "b"], ["c"]]


class Dies(LocalBackend):
    """Ends after some outcomes, as a process does that is interrupted."""

    def __init__(self, after: int) -> None:
        super().__init__(SETTINGS)
        self.after = after
        self.starts: list[int] = []

    def run(self, job: Job) -> Iterator[Outcome]:
        self.starts += [model.start for model in job.models]
        for outcome in super().run(job):
            if not self.after:
                raise KeyboardInterrupt
            self.after -= 1
            yield outcome


def test_a_run_that_was_interrupted_goes_on(tmp_path: Path, make: Any) -> None:
    a, b = make("one"), make("two?seed=1")
    with pytest.raises(KeyboardInterrupt):
        extract([a, b], tmp_path / "store", Dies(3), SETTINGS)
    assert not Works(tmp_path / "store").is_live(a.spec)
    again = Dies(99)
    watch = Watch()
    report = extract([a, b], tmp_path / "store", again, SETTINGS, watch)
    assert (len(report.made), again.starts, watch.images) == (2, [16, 8], 40)
    run(tmp_path / "whole", a, b)
    for one in (a, b):
        whole, found = (Works(tmp_path / s).get(one.spec) for s in ("whole", "store"))
        assert whole is not None
        assert found is not None
        assert (found.folder / "features.npy").read_bytes() == (
            whole.folder / "features.npy"
        ).read_bytes()
    assert Works(tmp_path / "store").damaged() == ()


def test_a_process_that_stopped_before_the_result(tmp_path: Path, make: Any) -> None:
    one = make("one")

    class Stops(Watch):
        def advance(self, images: int) -> None:
            super().advance(images)
            if self.images == 20:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        extract([one], tmp_path, LocalBackend(SETTINGS), SETTINGS, Stops())
    testbed.ADAPTER.loaded.clear()
    assert run(tmp_path, one).made == [one]
    assert testbed.ADAPTER.loaded == []  # nothing was left for it to do
    np.testing.assert_allclose(taken(tmp_path, one), expected(one), rtol=1e-5)


def test_failures_are_recorded_and_others_go_on(tmp_path: Path, make: Any) -> None:
    good = make("one")
    bad = {
        "nan?nan_at=13": "nan?nan_at=13: a feature that is NaN or infinite at row 13 of mine/train",
        "breaks?raise_at=5": "RuntimeError: the model broke",
        "unloadable": "RuntimeError: bad magic number",
    }
    wanted = [make(model) for model in bad]
    nowhere = make("one", layer="nowhere")
    watch = Watch()
    report = extract([*wanted, nowhere, good], tmp_path, LocalBackend(SETTINGS), SETTINGS, watch)
    assert report.made == [good]
    assert not report.complete
    errors = {failure.spec: failure for failure in report.failures}
    for one, text in zip(wanted, bad.values(), strict=True):
        assert text in errors[one.spec].error
        assert Works(tmp_path).failure(one.spec) == errors[one.spec]
    assert errors[nowhere.spec].hint == "Did you mean 'penultimate'?"
    assert errors[wanted[1].spec].traceback.startswith("Traceback")
    assert f"failed {wanted[0].title}" in watch.lines
    for kind in ("nan_at", "raise_at"):
        assert sum(kind in failure.title for failure in report.failures) == 1


def test_a_model_without_features_fails_with_a_hint(tmp_path: Path, make: Any) -> None:
    one = make("one")
    reference = replace(one.info.reference, options={})
    plain = testbed.ADAPTER.describe(reference, Runtime())
    (failure,) = run(tmp_path, replace(one, info=plain)).failures
    assert "fake:one: has no features" in failure.error
    assert "Name a network" in failure.hint


def test_an_item_that_cannot_be_read_fails_all_of_its_models(tmp_path: Path, make: Any) -> None:
    wanted = [make(model, bad_row=11) for model in ("a", "b")]
    other = make("a", testset="mine/test")
    report = run(tmp_path, *wanted, other)
    assert report.made == [other]
    assert [failure.error for failure in report.failures] == ["row-11.png: not an image."] * 2


def test_a_failure_is_forgotten_when_it_is_mended(tmp_path: Path, make: Any) -> None:
    one = make("one")
    works = Works(tmp_path)
    works.put_failure(WorkFailure(one.spec, one.title, "No power."))
    assert run(tmp_path, one).complete
    assert works.failures("features") == ()


def test_batches_are_halved_when_memory_runs_out(tmp_path: Path, make: Any) -> None:
    one = make("one?fits=3")
    assert run(tmp_path, one).complete
    np.testing.assert_allclose(taken(tmp_path, one), expected(one), rtol=1e-5)
    work = Works(tmp_path).get(one.spec)
    assert work is not None
    assert work.document["runtime"]["batch_size"] == "2"


def test_what_another_process_is_at_is_left_alone(tmp_path: Path, make: Any) -> None:
    a, b = make("one"), make("two?seed=1")
    claim = Works(tmp_path).claim(a.spec)
    assert claim is not None
    with claim:
        report = run(tmp_path, a, b)
    assert (report.made, report.elsewhere) == ([b], [a])
    assert not report.complete
    assert run(tmp_path, a, b).made == [a]


def test_what_another_process_finished_meanwhile_is_not_taken_again(
    tmp_path: Path, make: Any
) -> None:
    a, b = make("one"), make("two?seed=1", testset="mine/test")

    class Other(LocalBackend):
        """While it is at the first, another process does the second."""

        def run(self, job: Job) -> Iterator[Outcome]:
            if job.models[0].name == a.model:
                run(tmp_path, b)
            return super().run(job)

    watch = Watch()
    report = extract([a, b], tmp_path, Other(SETTINGS), SETTINGS, watch)
    assert (report.made, report.elsewhere, watch.images) == ([a], [], 40)
    assert report.complete


def test_rows_out_of_order_are_an_error(tmp_path: Path, make: Any) -> None:
    class Skips(LocalBackend):
        def run(self, job: Job) -> Iterator[Outcome]:
            return (o for o in super().run(job) if isinstance(o, Rows) and o.rows.start)

    with pytest.raises(RuntimeError, match="rows from 8 on came after 0"):
        extract([make("one")], tmp_path, Skips(SETTINGS), SETTINGS)


def test_a_store_that_cannot_be_written_to_is_named(
    tmp_path: Path, make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("freshset.store.array_file.ArrayFile.append", full)
    with pytest.raises(StoreError, match=r"cannot be written to \(No space left on device\)"):
        run(tmp_path, make("one"))


_SLOW = """
import sys
from pathlib import Path
from fakes import image_samples, testbed
from freshset.core.config import RunSettings
from freshset.core.registry import Entry
from freshset.datasets.base import TestSetRef
from freshset.engine.backends.local import LocalBackend
from freshset.models import registry
from freshset.models.base import Runtime
from freshset.models.reference import ModelRef
from freshset.transfer.features import extract as module
from freshset.transfer.features.wanted import WantedFeatures
from freshset.transfer.protocol import Features

registry.ADAPTERS.builtin["fake"] = Entry("fakes.testbed:ADAPTER")
module._CHUNK = 8
settings = RunSettings(batch_size=4)
wanted = []
for model in sys.argv[2:]:
    info = testbed.ADAPTER.describe(ModelRef.parse(f"fake:{model}&layers=true"), Runtime())
    reader = testbed.TESTSETS.open(TestSetRef("mine/train", "fake", "", {"n": 20}))
    wanted.append(WantedFeatures.of(model, info, reader, Features(view="weights"), Runtime()))
print("ready", flush=True)
report = module.extract(wanted, Path(sys.argv[1]), LocalBackend(settings), settings)
print(len(report.made), len(report.elsewhere), len(report.failures))
"""


def slow(store: Path, *models: str) -> subprocess.Popen[str]:
    """Take features in another process."""
    code = [sys.executable, "-c", textwrap.dedent(_SLOW), str(store), *models]
    tests = str(Path(__file__).parents[2])
    return subprocess.Popen(code, stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": tests})


def test_a_process_that_is_killed_loses_only_what_it_was_at(tmp_path: Path, make: Any) -> None:
    name = "one?delay=0.15"
    one = make(name)
    with slow(tmp_path, name) as process:
        while not list(tmp_path.rglob("rows.json")):
            assert process.poll() is None
        process.send_signal(signal.SIGKILL)
    works = Works(tmp_path)
    assert works.is_begun(one.spec)
    assert not works.is_live(one.spec)
    watch = Watch()
    started = Dies(99)
    report = extract([one], tmp_path, started, SETTINGS, watch)
    assert report.made == [one]
    assert started.starts[0] in {8, 16}
    assert watch.images == 20
    np.testing.assert_allclose(taken(tmp_path, one), expected(make("one")), rtol=1e-5)
    assert works.damaged() == ()


def test_two_processes_share_the_work(tmp_path: Path, make: Any) -> None:
    names = ("one?delay=0.02", "two?seed=1&delay=0.02")
    with slow(tmp_path, *names) as a, slow(tmp_path, *reversed(names)) as b:
        said = [process.communicate(timeout=60)[0].split("\n")[1] for process in (a, b)]
    counts = [tuple(map(int, line.split())) for line in said]
    assert sum(made for made, _, _ in counts) == 2
    assert [failures for _, _, failures in counts] == [0, 0]
    for name in names:
        quick = make(name.replace("delay=0.02", "a=0"))
        np.testing.assert_allclose(taken(tmp_path, make(name)), expected(quick), rtol=1e-5)
    assert Works(tmp_path).damaged() == ()


def test_real_networks_on_real_images(tmp_path: Path) -> None:
    timm, torch = pytest.importorskip("timm"), pytest.importorskip("torch")
    reader = open_testset(image_samples.make_image_folder(tmp_path))
    settings = RunSettings(batch_size=5, workers=0)
    wanted = [
        WantedFeatures.of(
            name, describe(ModelRef.parse(text), Runtime()), reader, Features(), Runtime()
        )
        for name in ("test_resnet", "test_vit")
        for text in [f"timm:{name}?pretrained=false&num_classes=3&seed=1"]
    ]
    assert extract(wanted, tmp_path / "store", LocalBackend(settings), settings).complete
    for one in wanted:
        preprocessing = one.preprocessing
        assert isinstance(preprocessing, ImagePreprocessing)
        # The whole image, squashed; nothing of it is cropped away.
        assert (preprocessing.resizing, preprocessing.crop) == ("squash", None)
        images = np.stack([preprocessing.prepare(reader.read(row)) for row in range(12)])
        with torch.random.fork_rng(devices=[]), torch.inference_mode():
            torch.manual_seed(1)
            network = timm.create_model(one.model, num_classes=3).eval()
            seen = network.forward_features(torch.from_numpy(preprocessing.normalise(images)))
            oracle = network.forward_head(seen, pre_logits=True).numpy()
        np.testing.assert_allclose(taken(tmp_path / "store", one), oracle, rtol=1e-4, atol=1e-5)


def test_answers_beside_features_cost_no_pass(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    (tmp_path / "nets.py").write_text(_COUNTED)
    reader = open_testset(image_samples.make_vectors(tmp_path / "data"))
    runtime = Runtime(root=str(tmp_path))
    info = describe(ModelRef.parse("py:nets.py:net"), runtime)
    settings = RunSettings(batch_size=5, workers=0)
    wanted = [
        WantedFeatures.of("net", info, reader, Features(layer), runtime)
        for layer in ("penultimate", OUTPUTS)
    ]
    assert extract(wanted, tmp_path / "store", LocalBackend(settings), settings).complete
    assert (tmp_path / "passes").read_text() == "xxx"  # one for each batch
    features, answers = (taken(tmp_path / "store", one) for one in wanted)
    assert (features.shape, answers.shape) == ((12, 7), (12, 3))


_COUNTED = """
from pathlib import Path

import torch


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.head = torch.nn.Linear(64, 7), torch.nn.Linear(7, 3)

    def forward(self, x):
        with (Path(__file__).parent / "passes").open("a") as stream:
            stream.write("x")
        return self.head(self.body(x))


def net():
    torch.manual_seed(0)
    return Net()


net.input = "array"
"""
