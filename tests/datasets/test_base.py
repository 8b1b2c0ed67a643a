from __future__ import annotations

import pickle

from freshset.datasets.base import Origin, Question, TestSetRef


def test_references_give_options_and_travel() -> None:
    ref = TestSetRef("mine/test", "image-folder", "/data", {"classes": 10})
    assert ref.option("classes") == 10
    assert ref.option("labels", "x") == "x"
    assert pickle.loads(pickle.dumps(ref)) == ref


def test_a_question_without_an_answer_is_a_question() -> None:
    assert Question("text", "when?").answers == ()
    assert Origin().expected_n == 0
