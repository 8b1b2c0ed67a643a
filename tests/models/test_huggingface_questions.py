from __future__ import annotations

import numpy as np
import pytest
import torch
import transformers
from models.torch_checkpoints import QUESTIONS, Question

from freshset.models.base import Runtime
from freshset.models.huggingface import ADAPTER
from freshset.models.huggingface_questions import best_span
from freshset.models.reference import ModelRef


def load(text, root):
    return ADAPTER.load(ModelRef.parse(text), Runtime(device="cpu", root=str(root)))


def logits(root, item):
    """Start and end logits of one short question, and where the tokens stand in the text."""
    folder = str(root / "questions")
    words = transformers.AutoTokenizer.from_pretrained(folder)
    network = transformers.AutoModelForQuestionAnswering.from_pretrained(folder)
    inputs = words(item.question, item.context, return_tensors="pt", return_offsets_mapping=True)
    places = inputs.pop("offset_mapping")[0].tolist()
    with torch.inference_mode():
        out = network(**inputs)
    inside = [i for i, part in enumerate(inputs.sequence_ids(0)) if part == 1]
    return out.start_logits[0].numpy(), out.end_logits[0].numpy(), places, inside


def exhaustive(root, item, longest=30):
    """The best span and its score, by trying all pairs of tokens."""
    start, end, places, inside = logits(root, item)
    pairs = [(i, j) for i in inside for j in inside if i <= j < i + longest]
    i, j = max(pairs, key=lambda pair: start[pair[0]] + end[pair[1]])
    return item.context[places[i][0] : places[j][1]], start[i] + end[j], start[0] + end[0]


@pytest.mark.parametrize("item", [QUESTIONS[0], QUESTIONS[2]])
def test_the_answer_is_the_best_of_all_spans(checkpoints, item):
    answer, _, _ = exhaustive(checkpoints, item)
    assert load("hf:questions", checkpoints).predict([item]) == [answer]
    short, _, _ = exhaustive(checkpoints, item, longest=2)
    assert load("hf:questions?max_answer_length=2", checkpoints).predict([item]) == [short]


def test_a_question_may_have_no_answer(checkpoints):
    model = load("hf:questions?no_answer=true", checkpoints)
    words = [
        Question(a, b)
        for a in ("red film .", "good", "cat", "paris is blue")
        for b in ("who ?", "a")
    ]
    wanted = []
    for item in words:
        answer, score, none = exhaustive(checkpoints, item)
        wanted.append("" if none > score else answer)
    assert model.predict(words) == wanted
    assert {answer == "" for answer in wanted} == {True, False}


def test_a_long_text_is_seen_to_its_end(checkpoints):
    """What is found in a text does not depend on how much of other words lies before it."""
    item = QUESTIONS[1]
    model = load("hf:questions", checkpoints)
    windows = model._windows([item])
    assert len(windows) > 2
    covered = np.zeros(len(item.context), dtype=bool)
    for window in windows:
        assert len(window.spans) <= 32
        for first, last in window.spans[window.spans[:, 0] >= 0]:
            covered[first:last] = True
    assert [c for c, seen in zip(item.context, covered, strict=True) if not seen and c != " "] == []
    assert model.predict([item])[0] in item.context


def test_the_best_window_gives_the_answer(checkpoints):
    model = load("hf:questions?stride=2", checkpoints)
    item = QUESTIONS[1]
    windows = model._windows([item])
    scores = [
        best_span(start, end, window.spans, 30)
        for window, (start, end) in zip(windows, model._logits(windows), strict=True)
    ]
    first, last = max(scores)[1]
    assert model.predict([item]) == [item.context[first:last]]


def test_long_questions_leave_room_for_the_text(checkpoints):
    item = Question("the cat sat on the mat", "  who " + "is the cat " * 50)
    assert load("hf:questions", checkpoints).predict([item])[0] in item.context


def test_an_empty_text_has_no_answer(checkpoints):
    model = load("hf:questions", checkpoints)
    assert model.predict([Question("", "who"), QUESTIONS[0]])[0] == ""


def test_spans_end_where_they_begin_or_later():
    spans = np.array([[-1, -1], [0, 3], [4, 5], [-1, -1], [6, 9]])
    start, end = np.array([9, 0, 2, 9, 1.0]), np.array([9, 5, 0, 9, 1.0])
    assert best_span(start, end, spans, 10) == (5.0, (0, 3))
    assert best_span(start, np.array([9, 0, 0, 9, 8.0]), spans, 10) == (10.0, (4, 9))
    assert best_span(start, np.array([9, 0, 0, 9, 8.0]), spans, 2) == (9.0, (6, 9))
    assert best_span(start[:1], end[:1], spans[:1], 10) == (-np.inf, (0, 0))
