from __future__ import annotations

from pathlib import Path

import pytest
from fakes.frozen import WHO, frozen_project

from freshset.core.errors import DataError
from freshset.replication.auditing.package import audit_package, is_package
from freshset.replication.package import write_package
from freshset.replication.revisions.freeze import freeze, unfreeze


@pytest.fixture
def package(tmp_path: Path) -> Path:
    with frozen_project(tmp_path / "project") as project:
        write_package(project, "r1", tmp_path / "out", **WHO)
    return tmp_path / "out"


def test_a_package_is_audited_by_its_own_spec_and_frequencies(package: Path) -> None:
    report = audit_package(package)
    (found,) = report.sets
    assert (found.items, found.classes, found.wrong_sizes) == (8, 4, ())
    assert found.mean_frequency == pytest.approx((4 * 0.75 + 3 * 1) / 7)
    # One of its images was put in without answers.
    assert [(i.check, i.severity) for i in report.issues] == [("unknown-frequency", "warning")]
    assert is_package(package)
    assert not is_package(package / "test")


def test_a_changed_and_a_missing_image_are_told_with_what_follows(package: Path) -> None:
    first, second = sorted((package / "test" / "cat").iterdir())
    first.write_bytes(second.read_bytes())
    next(iter(sorted((package / "test" / "dog").iterdir()))).unlink()
    report = audit_package(package)
    messages = [i.message for i in report.issues if i.check == "damaged"]
    assert len(messages) == 2
    assert "missing" in messages[0]
    assert "not as it was packaged" in messages[1]
    assert report.sets[0].wrong_sizes == (("dog", 1, 2),)
    assert len(report.sets[0].groups) == 1


def test_a_table_without_its_columns_is_named(package: Path) -> None:
    (package / "test" / "metadata.csv").write_text("file_name\nx\n", encoding="utf-8")
    with pytest.raises(DataError, match="no column 'answers'"):
        audit_package(package)


def test_a_package_of_a_revision_that_was_unfrozen_says_so(tmp_path: Path) -> None:
    with frozen_project(tmp_path / "project") as project:
        unfreeze(project, "r1", who="eve", why="a wrong label")
        freeze(project, "r1", allow_incomplete="a test", **WHO)
        write_package(project, "r1", tmp_path / "out", **WHO)
    (issue,) = [one for one in audit_package(tmp_path / "out").issues if one.check == "touched"]
    assert (issue.severity, issue.testset) == ("warning", "out")
    assert "a wrong label" in issue.message
