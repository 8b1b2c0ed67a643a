"""Extractive question answering: exact match and F1 of an answer against reference answers.

The definitions are those of the official evaluation of SQuAD 2.0 (Rajpurkar, Jia & Liang, ACL 2018),
which extend those of SQuAD 1.1 (Rajpurkar et al., EMNLP 2016) by questions without an answer.  The two
differ only where a text has nothing left after normalisation: 1.1 gives two such texts an F1 of 0, and
2.0 one of 1, after it has left out references that are empty.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalise_answer(text: str) -> str:
    """Lower the case, drop ASCII punctuation and English articles, and join words by one space.

    The order matters: punctuation goes first, so ``the-end`` is the one word ``theend``.
    """
    plain = text.lower().translate(_NO_PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", plain).split())


def exact_match(answer: str, references: Sequence[str]) -> bool:
    """Whether an answer equals a reference after normalisation.

    Parameters
    ----------
    answer
        Empty to say that the text holds no answer.
    references
        Answers that count as right; none when the text holds no answer, and then only an empty
        answer is right.
    """
    return normalise_answer(answer) in _normalised(references)


def f1(answer: str, references: Sequence[str]) -> float:
    """Largest F1 of the words of an answer over the references.

    Words are counted as often as they occur; precision is the share of the answer's words that the
    reference has too, recall the share of the reference's words that the answer has, and F1 their
    harmonic mean.  Where answer or reference has no words, it is 1 when neither has, else 0.

    Parameters
    ----------
    answer, references
        As of `exact_match`.
    """
    words = normalise_answer(answer).split()
    return max(_f1(words, reference.split()) for reference in _normalised(references))


def _normalised(references: Sequence[str]) -> list[str]:
    texts = [normalise_answer(reference) for reference in references]
    return [text for text in texts if text] or [""]


def _f1(words: list[str], reference: list[str]) -> float:
    if not words or not reference:
        return float(words == reference)
    common = (Counter(words) & Counter(reference)).total()
    # 2PR / (P + R) with P = common / words and R = common / reference.
    return 2 * common / (len(words) + len(reference))
