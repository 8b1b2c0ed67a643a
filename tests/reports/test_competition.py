from __future__ import annotations

import json

from freshset.reports.competition import competition_section
from freshset.reports.formats import to_csv
from freshset.reports.write import write_report


def test_what_is_written(audit, tmp_path):
    write_report([competition_section(audit, slug="contest")], tmp_path)
    names = {p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*.*")}
    assert names == {
        "index.html", "contest-competition.json",
        *(f"tables/contest-submissions.{kind}" for kind in ("csv", "md", "tex")),
        *(f"figures/contest-{name}.{kind}" for name in ("competition", "p-values")
          for kind in ("svg", "png", "csv")),
    }  # fmt: skip
    data = json.loads((tmp_path / "contest-competition.json").read_text(encoding="utf-8"))
    assert data["schema"] == "freshset.competition/1"
    assert len(data["rows"]) == 40


def test_submissions_best_public_score_first(audit):
    (table,) = competition_section(audit).tables
    lines = to_csv(table).splitlines()
    assert (
        lines[0]
        == "place,team,time,public_fraction,private_fraction,drop_points,p,p_split,p_adjusted"
    )
    public = [float(line.split(",")[3]) for line in lines[1:]]
    assert public == sorted((row.public for row in audit.rows), reverse=True)
    assert [int(line.split(",")[0]) for line in lines[1:]] == list(range(1, 41))


def test_headline_numbers_and_what_was_left_out(audit):
    section = competition_section(audit)
    assert section.glance[0].text == "40"
    assert section.glance[1].text == f"{audit.drop.value:.2f}"
    assert section.warnings == ("2 rows without both scores are left out.",)
    assert dict(section.provenance)["Private part"] == "2,000 examples"
