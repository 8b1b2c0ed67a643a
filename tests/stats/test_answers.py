"""Exact match and F1 of SQuAD against values worked by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freshset.stats.answers import exact_match, f1, normalise_answer


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("The  Norman\tconquest!", "norman conquest"),
        ("a", ""),
        ("An apple a day", "apple day"),
        ("the-end", "theend"),
        ("the end", "end"),
        ("U.S.", "us"),
        ("$3.5 million", "35 million"),
        ("theatre", "theatre"),
        # Only ASCII punctuation is dropped, as by the official evaluation.
        ("“quoted”", "“quoted”"),
        ("L\u2019Équipe", "l\u2019équipe"),
        ("  ", ""),
    ],
)
def test_normalisation(text: str, normal: str) -> None:
    assert normalise_answer(text) == normal


@pytest.mark.parametrize(
    ("answer", "references", "exact", "score"),
    [
        ("Denver Broncos", ["Denver Broncos"], True, 1),
        ("the Denver Broncos.", ["Denver Broncos"], True, 1),
        # 2 words in common; precision 2/3, recall 2/2: F1 = 2 * (2/3) / (5/3) = 0.8.
        ("big Denver Broncos", ["Denver Broncos"], False, 0.8),
        # The largest over the references: 2/3 for the first, 1 for the second.
        ("1066", ["in 1066", "1066"], True, 1),
        ("in about 1066", ["in 1066", "the year 1066"], False, 0.8),
        # "to" twice in the answer, once in the reference: 1 in common, 2 * 1 / (2 + 4).
        ("to to", ["to be or not"], False, 1 / 3),
        # Order does not matter to F1.
        ("Broncos Denver", ["Denver Broncos"], False, 1),
        ("Carolina", ["Denver Broncos"], False, 0),
        # No answer in the text: only saying so is right.
        ("", [], True, 1),
        ("the", [], True, 1),
        ("Denver", [], False, 0),
        ("", ["Denver"], False, 0),
        # A reference that is nothing but an article is left out where there is another.
        ("", ["the", "Denver"], False, 0),
        ("", ["the"], True, 1),
    ],
)
def test_hand_worked_scores(answer: str, references: list[str], exact: bool, score: float) -> None:
    assert exact_match(answer, references) is exact
    assert f1(answer, references) == pytest.approx(score, abs=1e-15)


@given(st.text(max_size=30), st.lists(st.text(max_size=30), max_size=4))
def test_exact_match_is_a_full_score_and_more_references_never_hurt(
    answer: str, references: list[str]
) -> None:
    score = f1(answer, references)
    assert 0 <= score <= 1
    assert not exact_match(answer, references) or score == 1
    if any(normalise_answer(r) for r in references):
        assert f1(answer, [*references, "one more"]) >= score
