from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest

from freshset.core.errors import DataError
from freshset.datasets import squad
from freshset.datasets.base import Question, TestSetRef
from freshset.datasets.contract import Subject, checks
from freshset.datasets.squad import ADAPTER

CONTEXT = "In 1066 the Normans came. William led them."


def asked(id: str, question: str, *answers: str, **more: Any) -> dict[str, Any]:
    found = [{"text": a, "answer_start": CONTEXT.find(a)} for a in answers]
    return {"id": id, "question": question, "answers": found, **more}


def write(path: Path, *qas: dict[str, Any], version: str = "1.1") -> Path:
    articles = [
        {"title": f"Article {i}", "paragraphs": [{"context": CONTEXT, "qas": [one]}]}
        for i, one in enumerate(qas)
    ]
    path.write_text(json.dumps({"version": version, "data": articles}), encoding="utf-8")
    return path


def ref(path: Path, **options: Any) -> TestSetRef:
    return TestSetRef("squad/dev", "squad", str(path), options)


V1 = (asked("q1", "When?", "1066", "In 1066"), asked("q2", "Who led?", "William"))
V2 = (*V1, asked("q3", "Who fled?", is_impossible=True))


@pytest.mark.parametrize("check", checks(), ids=str)
def test_the_contract(tmp_path: Path, check: Any) -> None:
    check(Subject(ADAPTER.open, ref(write(tmp_path / "dev.json", *V2, version="v2.0"))))


def test_questions_and_their_answers(tmp_path: Path) -> None:
    reader = ADAPTER.open(ref(write(tmp_path / "dev.json", *V1)))
    assert reader.read(0) == Question(CONTEXT, "When?", ("1066", "In 1066"))
    testset = reader.testset
    assert (testset.task, testset.labels, reader.classes) == ("question-answering", None, None)
    assert testset.ids.tolist() == ["q1", "q2"]
    assert testset.ids_given
    assert testset.strata["title"].tolist() == ["Article 0", "Article 1"]
    assert "answerable" not in testset.strata
    with pytest.raises(IndexError):
        reader.read(2)


def test_questions_without_an_answer(tmp_path: Path) -> None:
    reader = ADAPTER.open(ref(write(tmp_path / "dev.json", *V2)))
    assert reader.read(2).answers == ()
    assert reader.testset.strata["answerable"].tolist() == [True, True, False]


def test_the_answers_and_not_the_layout_make_the_fingerprint(tmp_path: Path) -> None:
    one = ADAPTER.open(ref(write(tmp_path / "a.json", *V1)))
    spaced = tmp_path / "b.json"
    spaced.write_text(json.dumps(json.loads((tmp_path / "a.json").read_text()), indent=3))
    same = ADAPTER.open(ref(spaced))
    assert one.testset.fingerprint == same.testset.fingerprint
    assert one.reading != same.reading
    other = ADAPTER.open(
        ref(write(tmp_path / "c.json", V1[0], asked("q2", "Who led?", "William led")))
    )
    assert one.testset.fingerprint != other.testset.fingerprint


def test_answers_in_another_place_are_noted(tmp_path: Path) -> None:
    off = asked("q1", "When?", "1066")
    off["answers"][0]["answer_start"] = 0
    reader = ADAPTER.open(ref(write(tmp_path / "dev.json", off)))
    assert reader.notes == ("1 questions have an answer that is not at its answer_start",)


def test_a_file_that_changes_is_not_read_on(tmp_path: Path) -> None:
    path = write(tmp_path / "dev.json", *V1)
    reader = pickle.loads(pickle.dumps(ADAPTER.open(ref(path))))
    write(path, *V2)
    squad._questions.cache_clear()
    with pytest.raises(DataError, match="has changed"):
        reader.read(0)


@pytest.mark.parametrize(
    ("qas", "message"),
    [
        ((V1[0], V1[0]), "rows 0 and 1 have one id, 'q1'"),
        ((asked("q1", "When?"),), r"article 0, paragraph 0, question 0 \(q1\): no answers"),
        ((asked("q1", "When?", "1066", is_impossible=True),), "has answers, and is_impossible"),
        ((asked("q1", "When?", is_impossible="yes"),), "is_impossible is 'yes'"),
        ((asked("q1", " ", "1066"),), "no text 'question'"),
        (({"question": "When?"},), "no text 'id'"),
        (({"id": "q1", "question": "When?", "answers": "1066"},), "no list 'answers'"),
        (({"id": "q1", "question": "When?", "answers": ["1066"]},), "no text 'text'"),
        ((), "no questions"),
    ],
)
def test_bad_questions_are_named(tmp_path: Path, qas: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        ADAPTER.open(ref(write(tmp_path / "dev.json", *qas)))


def test_other_json_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "dev.json"
    for text, message in (("[]", "no list 'data'"), ('{"data": [1]}', "no list 'paragraphs'")):
        path.write_text(text)
        with pytest.raises(DataError, match=message):
            ADAPTER.open(ref(path))
    path.write_text('{"data": [')
    with pytest.raises(DataError, match="not valid JSON"):
        ADAPTER.open(ref(path))
