"""Maps of features, before and after."""

from __future__ import annotations

from dataclasses import replace

from freshset.reports.figures.base import to_svg
from freshset.reports.figures.transfer.embeddings import embeddings


def test_maps_and_numbers(transfer) -> None:
    figure = embeddings(transfer)
    assert figure is not None
    svg = to_svg(figure)
    assert "Set 0, before fine-tuning" in svg
    assert "Set 0, after fine-tuning" in svg
    assert len(figure.data.rows) == 160
    after = transfer.embeddings[1].neighbour
    assert f"after fine-tuning {100 * after:.0f} %" in figure.alt
    assert "Distances between groups mean nothing" in figure.alt
    assert embeddings(replace(transfer, embeddings=())) is None
