from __future__ import annotations

import pytest

from freshset.protocols.simulation import FeedbackSettings, FeedbackStudy, feedback_study
from freshset.reports.figures.base import to_png, to_svg
from freshset.reports.figures.feedback import describe, feedback


@pytest.fixture(scope="module")
def study() -> FeedbackStudy:
    return feedback_study(
        FeedbackSettings(n_public=100, n_fresh=100, counts=(2, 10), repetitions=2)
    )


def test_the_figure_has_a_panel_for_each_attack_and_its_numbers(study: FeedbackStudy) -> None:
    figure = feedback(study)
    assert len(figure.canvas.axes) == 3
    assert len(figure.data.rows) == 3 * 5 * 2
    assert figure.alt.startswith("After 10 submissions (boosting)")
    svg = to_svg(figure)
    for word in ("Boosting", "Hill climbing", "Random", "Ladder, parameter-free", "Submissions"):
        assert word in svg
    assert "mathdefault" not in svg
    assert svg == to_svg(feedback(study))
    assert to_png(figure).startswith(b"\x89PNG")


def test_the_table_has_the_last_point_of_every_curve(study: FeedbackStudy) -> None:
    lines = describe(study).splitlines()
    assert lines[0] == "| Policy | boosting | hill climbing | random |"
    assert len(lines) == 2 + 5
    last = study.curve("boosting", "plain").error[-1]
    assert f"| plain | {last.value:.1f} (" in lines[2].replace("\N{MINUS SIGN}", "-")
