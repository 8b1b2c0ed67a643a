"""Extractive question answering: the json files of SQuAD 1.1 and 2.0, and of the many sets like them.

The only option is ``sha256`` of the file.  Items are questions in the order of the file, with the ids
that it gives; strata are ``title`` (of the article) and, where some questions have no answer in their
text, ``answerable``.  The file is read whole in each process, as json must be.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from freshset.core.errors import DataError
from freshset.core.files import canonical_json, read_json, sha256_bytes, sha256_file
from freshset.core.records import TestSet
from freshset.datasets.base import Question, Reader, TestSetRef
from freshset.datasets.opened import Opened, check_unique
from freshset.datasets.options import Options


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionReader(Opened):
    """Reads the questions of a file; see `freshset.datasets.base.Reader`."""

    path: Path
    digest: str

    def read(self, index: int) -> Question:
        """Read question ``index``."""
        questions = _questions(self.path, self.digest)
        if not 0 <= index < len(questions):
            raise IndexError(f"{self.path}: no question {index} of {len(questions)}.")
        return questions[index].question


@dataclass(frozen=True, slots=True)
class Squad:
    """The adapter ``squad``; see `freshset.datasets.base.DatasetAdapter`."""

    def open(self, ref: TestSetRef) -> Reader:
        """Open a file of questions.

        Raises
        ------
        UsageError
            For an option or file that does not exist.
        DataError
            For a file of another form, an id that occurs twice, or a question without an answer
            that does not say so (``is_impossible``).
        """
        options = Options(ref, ("sha256",))
        path = options.path()
        digest = options.digest(path)
        found = _questions(path, digest)
        ids = [one.id for one in found]
        check_unique(ids, str(path))
        gold = [[one.id, *one.question.answers] for one in found]
        testset = TestSet(
            ref.id,
            len(found),
            item_ids=np.array(ids, dtype=object),
            ids_given=True,
            task="question-answering",
            gold=sha256_bytes(canonical_json(gold)),
            strata=_strata(found),
        )
        misplaced = sum(one.misplaced for one in found)
        note = f"{misplaced:,} questions have an answer that is not at its answer_start"
        return QuestionReader(
            testset=testset,
            classes=None,
            item="question",
            reading=f"squad/1 sha256={digest}",
            origin=options.origin(testset.n),
            notes=(note,) if misplaced else (),
            path=path,
            digest=digest,
        )


ADAPTER = Squad()


@dataclass(frozen=True, slots=True)
class _Asked:
    id: str
    title: str
    question: Question
    misplaced: bool


@lru_cache(maxsize=2)
def _questions(path: Path, digest: str) -> tuple[_Asked, ...]:
    if sha256_file(path) != digest:
        raise DataError(f"{path}: has changed since it was opened.", "Start again.")
    found = tuple(_parse(read_json(path), str(path)))
    if not found:
        raise DataError(f"{path}: no questions.")
    return found


def _parse(data: Any, where: str) -> Iterator[_Asked]:
    for i, article in enumerate(_list(data, "data", where)):
        title = article.get("title", "") if isinstance(article, dict) else ""
        at = f"{where}: article {i}"
        for j, paragraph in enumerate(_list(article, "paragraphs", at)):
            here = f"{at}, paragraph {j}"
            context = _text(paragraph, "context", here)
            for k, asked in enumerate(_list(paragraph, "qas", here)):
                yield _asked(asked, context, str(title), f"{here}, question {k}")


def _asked(asked: Any, context: str, title: str, where: str) -> _Asked:
    id, question = _text(asked, "id", where), _text(asked, "question", where)
    where = f"{where} ({id})"
    impossible = asked.get("is_impossible", False)
    if not isinstance(impossible, bool):
        raise DataError(f"{where}: is_impossible is {impossible!r}, not true or false.")
    answers, misplaced = [], False
    for answer in _list(asked, "answers", where) if "answers" in asked else []:
        answers.append(_text(answer, "text", where))
        start = answer.get("answer_start")
        misplaced |= isinstance(start, int) and not context.startswith(answers[-1], max(start, 0))
    if impossible and answers:
        raise DataError(f"{where}: has answers, and is_impossible says that it has none.")
    if not impossible and not answers:
        raise DataError(
            f"{where}: no answers.",
            "A test file without its answers cannot be scored; where the text really holds none, "
            'the file must say "is_impossible": true.',
        )
    return _Asked(id, title, Question(context, question, tuple(answers)), misplaced)


def _list(data: Any, name: str, where: str) -> list[Any]:
    value = data.get(name) if isinstance(data, dict) else None
    if not isinstance(value, list):
        raise DataError(f"{where}: no list {name!r}.", "Give a json file in the form of SQuAD.")
    return value


def _text(data: Any, name: str, where: str) -> str:
    value = data.get(name) if isinstance(data, dict) else None
    if not isinstance(value, str) or not value.strip():
        raise DataError(f"{where}: no text {name!r}.", "Give a json file in the form of SQuAD.")
    return value


def _strata(found: tuple[_Asked, ...]) -> dict[str, npt.NDArray[Any]]:
    strata: dict[str, npt.NDArray[Any]] = {}
    titles = [one.title for one in found]
    if any(titles):
        strata["title"] = np.array(titles, dtype=object)
    answerable = np.array([bool(one.question.answers) for one in found])
    if not answerable.all():
        strata["answerable"] = answerable
    return strata
