from __future__ import annotations

import json
from pathlib import Path

import pytest

from freshset.demo import validation
from freshset.protocols.folds.data import read_data


@pytest.fixture(scope="module")
def result() -> validation.Validation:
    done: list[str] = []
    result = validation.validate(step=done.append)
    assert len(done) == validation.steps()
    return result


def test_folds_say_one_number_and_unseen_writers_another(result: validation.Validation) -> None:
    official = result.shuffled.official
    assert official is not None
    assert result.shuffled.mean.value == pytest.approx(0.988, abs=0.005)
    assert official.score.value == pytest.approx(0.964, abs=0.015)
    assert official.gap.low > 0
    assert result.shuffled.warnings == ()
    assert result.shuffled.mean.low > official.score.high
    # Folds by sheet ask for new writers, and their interval says how little nine sheets know.
    assert result.by_sheet.mean.value < result.shuffled.mean.value
    assert result.by_sheet.mean.low < official.score.value


def test_the_words_and_the_document(result: validation.Validation) -> None:
    assert "unseen writers, looked at once" in result.findings[0]
    assert "no less wrong" in result.findings[1]
    data = json.loads(json.dumps(result.to_dict()))
    assert data["schema"] == validation.SCHEMA
    assert data["by_sheet"]["scheme"]["kind"] == "grouped"


def test_the_parts_are_those_of_the_demo(tmp_path: Path) -> None:
    validation.write_data(tmp_path)
    known, unseen = (read_data(tmp_path / f"{name}.npz") for name in ("known", "unseen"))
    assert (len(known), len(unseen)) == (1157, 640)
    assert known.groups is not None
    assert len(set(known.groups.tolist())) == 9
