from __future__ import annotations

from freshset.cli.testset.label_text import render_forecast, render_frequencies, render_import
from freshset.replication.labelling.answers.importing import ImportReport
from freshset.replication.sampling.forecast import ClassForecast, Forecast, Range


def test_everything_that_became_of_answers_is_told() -> None:
    report = ImportReport(
        rows=1_200, added=1_000, replaced=3, known=50, later=20, not_counted={"rejected": 100},
        skipped={"attention check": 27}, workers=12, closed=2, warnings=(),
    )  # fmt: skip
    assert render_import(report).splitlines() == [
        "Imported 1,000 of 1,200 answers of 12 workers.",
        "Known already: 50. Later answers of the same worker: 20.",
        "Replaced by earlier answers: 3.",
        "Not counted: 100 rejected.",
        "Skipped: 27 attention check.",
        "Tasks that now have all their answers: 2.",
    ]


def test_counts_alone_have_no_agreement() -> None:
    known = {
        "images": 3,
        "unknown": 3,
        "mean": None,
        "answers_per_image": [0, 0],
        "histogram": {"a": 1},
    }
    text = render_frequencies({"frequencies": known})
    assert text.startswith("3 images and classes, 3 without answers; 0 to 0 answers each.")
    assert "Mean selection frequency unknown." in text
    assert "Agreement" not in text


def test_a_forecast_names_what_cannot_be_reached_and_open_ends() -> None:
    never, some = Range(None, None, None), Range(1_234.4, 900.0, None)

    def one(key: str, numbers: Range) -> ClassForecast:
        return ClassForecast(
            key,
            {"all": 5},
            {"all": 2},
            {"all": 3},
            7,
            0,
            "own",
            {"all": 0.1},
            numbers,
            numbers,
            numbers,
        )

    result = Forecast("threshold", 0.9, some, some, ("dog",), (one("cat", some), one("dog", never)))
    first, second, *table = render_forecast(result).splitlines()
    assert first == (
        "Further tasks: 1,234 (900 to more); cost $1,234.40 (900.00 to more) (90 % of simulations)."
    )
    assert second == "Not in these sums, as nothing says how to reach them: dog."
    assert table[0].split() == [
        "class",
        "missing",
        "unlabelled",
        "to",
        "label",
        "to",
        "collect",
        "tasks",
    ]
    assert table[2].split()[:4] == ["cat", "all:", "3", "7"]
    assert "unknown" in table[3]
