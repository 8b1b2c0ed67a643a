"""The document of an analysis is plain JSON."""

from __future__ import annotations

import json

import pytest
from fakes.transfer_results import simulated

from freshset.transfer.analysis.analyse import analyse


def test_the_document(analysis) -> None:
    document = json.loads(json.dumps(analysis.to_dict(), allow_nan=False))
    assert document["schema"] == "freshset.transfer/1"
    assert document["simulated"] is True
    regime = document["regimes"][1]
    assert regime["table"]["regime"] == "finetune"
    assert regime["table"]["score"][0][0] == pytest.approx(analysis.regimes[1].table.score[0, 0])
    assert [one["over"] for one in regime["source"]["overall"]] == ["both", "models", "datasets"]
    assert document["settings"]["resamples"] == 400
    assert document["findings"]


def test_what_is_not_defined_is_null(fast) -> None:
    found = analyse(simulated(1, 2, 1, extras=False), fast)
    text = json.dumps(found.to_dict(), allow_nan=False)
    assert json.loads(text)["regimes"][0]["means"]["error"] == [None]
    assert found.regime("scratch") is found.regimes[2]
    assert json.loads(text)["convergence"] is None
