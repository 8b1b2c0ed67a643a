from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from freshset.core.classes import ClassSpace
from freshset.core.contract import ContractViolation
from freshset.core.errors import UsageError
from freshset.core.records import AcceptSets, TestSet
from freshset.datasets.base import Origin, Question, Reader, TestSetRef
from freshset.datasets.contract import Subject, check_reader, checks

N = 6
TESTSET = TestSet(
    "mine/test",
    N,
    3,
    item_ids=np.array([f"i{k}" for k in range(N)], dtype=object),
    labels=np.arange(N, dtype=np.int32) % 3,
    class_names=("a", "b", "c"),
)


@dataclass
class Good:
    """A reader that keeps the contract: items are drawn from their row."""

    testset: TestSet = TESTSET
    classes: ClassSpace | None = field(default_factory=lambda: ClassSpace("", ("a", "b", "c")))
    item: Any = "image"
    reading: str = "drawn"
    origin: Origin = field(default_factory=Origin)

    def __post_init__(self) -> None:
        """For those below."""

    def read(self, index: int) -> Any:
        if not 0 <= index < self.testset.n:
            raise IndexError(index)
        if self.item == "image":
            return Image.new("RGB", (64, 64), (index, 0, 0))
        if self.item == "array":
            return np.full(4000, index, dtype=np.float64)
        if self.item == "question":
            return Question("context", f"question {index}")
        return f"text {index}"


def opener(make: Any) -> Any:
    def open(ref: TestSetRef) -> Reader:
        if ref.options:
            raise UsageError(f"Unknown option {list(ref.options)}.")
        if ref.path != "data":
            raise UsageError(f"No such path {ref.path}.")
        return make() if callable(make) else make

    return open


REF = TestSetRef("mine/test", "mine", "data")


def with_testset(**changes: Any) -> Good:
    testset = replace(TESTSET, **changes)
    return Good(testset, ClassSpace("", ("a", "b", "c")))


class Grey(Good):
    def read(self, index: int) -> Any:
        return super().read(index).convert("L")


class Paths(Good):
    def read(self, index: int) -> Any:
        super().read(index)
        return str(index)


class Objects(Good):
    def read(self, index: int) -> Any:
        super().read(index)
        return np.array([{}, index], dtype=object)


class Bare(Good):
    def read(self, index: int) -> Any:
        super().read(index)
        return Path("x")


class Counting(Good):
    times = 0

    def read(self, index: int) -> Any:
        Counting.times += 1
        super().read(index)
        return Image.new("RGB", (64, 64), (index, Counting.times % 256, 0))


class Caching(Good):
    """It hands out what it keeps."""

    def __post_init__(self) -> None:
        self.items: dict[int, Any] = {}

    def read(self, index: int) -> Any:
        if index not in self.items:
            self.items[index] = super().read(index)
        return self.items[index]


class CopyingCache(Caching):
    def read(self, index: int) -> Any:
        return super().read(index).copy()


class Eager(CopyingCache):
    """It decodes everything when it is opened."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for index in range(N):
            self.read(index)


class Locked(Good):
    """It holds what cannot be pickled."""

    def __post_init__(self) -> None:
        self.lock = threading.Lock()


class Forgetful(Good):
    def __reduce__(self) -> Any:
        return Good, (with_testset(labels=np.zeros(N, np.int32)).testset, self.classes)


class Blank(Good):
    """Its copies read something else."""

    def __reduce__(self) -> Any:
        return Blank, (), {"blank": True}

    def read(self, index: int) -> Any:
        image = super().read(index)
        return Image.new("RGB", image.size) if vars(self).get("blank") and index else image


class Endless(Good):
    def read(self, index: int) -> Any:
        return super().read(index % N)


class Abrupt(Good):
    def read(self, index: int) -> Any:
        return [super(Abrupt, self).read(i) for i in range(N)][index] if index < N else {}[index]


def changing(**values: list[Any]) -> Any:
    """A reader that is another one whenever it is opened."""
    times = iter(range(1000))

    def make() -> Good:
        at = min(next(times), 1)
        return Good(**{name: both[at] for name, both in values.items()})

    return make


def lenient(ref: TestSetRef) -> Reader:
    return Good()


def crashing(ref: TestSetRef) -> Reader:
    if ref.options or ref.path != "data":
        raise KeyError(ref.path)
    return Good()


def tokens() -> TestSet:
    return replace(TESTSET, task="language-modelling", labels=None, n_classes=0, class_names=())


SPACE = ClassSpace("", ("a", "b", "c"))
BROKEN: list[tuple[str, Any, str]] = [
    ("items_are_known", opener(with_testset(id="other")), "calls itself 'other'"),
    ("items_are_known", opener(with_testset(n=1)), "too few to check"),
    ("items_are_known", opener(with_testset(item_ids=None)), "no item ids"),
    ("items_are_known", opener(with_testset(item_ids=TESTSET.ids[:5])), "5 ids for 6 items"),
    ("items_are_known", opener(with_testset(item_ids=np.arange(N).astype(object))), "not a text"),
    (
        "items_are_known",
        opener(with_testset(item_ids=np.array(["a"] * N, dtype=object))),
        "occurs twice",
    ),
    ("labels_lie_in_the_classes", opener(with_testset(task="dancing")), "the task is 'dancing'"),
    ("labels_lie_in_the_classes", opener(with_testset(labels=None)), "no labels"),
    (
        "labels_lie_in_the_classes",
        opener(with_testset(labels=np.arange(N) % 3)),
        "labels of int64",
    ),
    (
        "labels_lie_in_the_classes",
        opener(with_testset(labels=np.arange(N, dtype=np.int32))),
        r"labels 0\.\.5 in 3 classes",
    ),
    ("labels_lie_in_the_classes", opener(Good(classes=ClassSpace("", ("a",)))), "1 classes, of"),
    ("labels_lie_in_the_classes", opener(with_testset(class_names=("a",))), "1 names or keys"),
    (
        "labels_lie_in_the_classes",
        opener(Good(with_testset(task="question-answering").testset)),
        "question-answering with classes",
    ),
    (
        "labels_lie_in_the_classes",
        opener(Good(tokens(), None, "text")),
        "no digest of the reference answers",
    ),
    (
        "columns_have_one_value_an_item",
        opener(with_testset(strata={"size": np.zeros(2)})),
        "stratum 'size': 2 values",
    ),
    (
        "columns_have_one_value_an_item",
        opener(with_testset(accepted=AcceptSets.of([[0]]))),
        "1 accept-sets",
    ),
    (
        "columns_have_one_value_an_item",
        opener(Good(origin=Origin(expected_n=7))),
        "6 items, not 7",
    ),
    ("items_are_what_they_are_called", opener(Good(item="video")), "item is 'video'"),
    ("items_are_what_they_are_called", opener(Grey()), "an image of mode L"),
    ("items_are_what_they_are_called", opener(Paths()), "item 0 is str"),
    ("items_are_what_they_are_called", opener(Paths(item="array")), "item 0 is str"),
    ("items_are_what_they_are_called", opener(Objects(item="array")), "an array of object"),
    ("items_are_what_they_are_called", opener(Bare(item="text")), "item 0 is Pos|item 0 is Win"),
    ("items_are_what_they_are_called", opener(Paths(item="question")), "item 0 is str"),
    ("reading_is_deterministic", opener(Counting()), "another the second time"),
    ("items_belong_to_their_caller", opener(Caching), "a caller can change what others read"),
    ("a_pickled_reader_reads_the_same", opener(Locked()), "cannot be pickled"),
    ("a_pickled_reader_reads_the_same", opener(Forgetful()), "the copy is another test set"),
    ("a_pickled_reader_reads_the_same", opener(Blank()), "the copy reads another item 1"),
    ("a_reader_holds_no_items", opener(CopyingCache), "bytes after reading"),
    ("a_reader_holds_no_items", opener(Eager), "bytes before reading"),
    (
        "opening_is_stable",
        opener(changing(testset=[TESTSET, with_testset(n_classes=4).testset])),
        "the fingerprint is another",
    ),
    ("opening_is_stable", opener(Good(reading="")), "reading is empty"),
    ("opening_is_stable", opener(changing(reading=["a", "b"])), "reading was a, now b"),
    ("opening_is_stable", opener(changing(classes=[SPACE, None])), "the classes are others"),
    (
        "opening_is_stable",
        opener(changing(origin=[Origin(), Origin("CC0")])),
        "item or origin changed",
    ),
    ("rows_outside_are_refused", opener(Endless()), "row 6 of 6 is not refused"),
    ("rows_outside_are_refused", opener(Abrupt()), "row 6 of 6 ends in KeyError"),
    ("unknown_options_are_refused", lenient, "an unknown option is not refused"),
    ("unknown_options_are_refused", crashing, "an unknown option ends in KeyError"),
    ("absent_data_are_refused", lenient, "does not exist is not refused"),
]


@pytest.mark.parametrize(
    "reader",
    [
        Good(),
        Good(item="array"),
        Good(item="text"),
        Good(tokens_with_gold := replace(tokens(), gold="ab"), None, "text"),
        Good(replace(tokens_with_gold, task="question-answering"), None, "question"),
    ],
    ids=lambda reader: f"{reader.item}, {reader.testset.task}",
)
def test_a_good_reader_passes(reader: Good) -> None:
    check_reader(opener(reader), REF)


@pytest.mark.parametrize(("name", "open", "message"), BROKEN)
def test_every_check_can_fail(name: str, open: Any, message: str) -> None:
    check = next(check for check in checks() if check.name == name)
    with pytest.raises(ContractViolation, match=f"mine/test: {name}: .*({message})"):
        check(Subject(open, REF))


def test_a_bad_reader_does_not_pass() -> None:
    with pytest.raises(ContractViolation, match="an image of mode L"):
        check_reader(opener(Grey()), REF)


def test_no_check_is_untried() -> None:
    assert {check.name for check in checks()} == {name for name, _, _ in BROKEN}
