from __future__ import annotations

import krippendorff
import numpy as np
import pytest
import sqlalchemy as sa
from fakes.frozen import WHO

from freshset.replication import tables
from freshset.replication.package.base import Contents
from freshset.replication.package.facts import gather_facts
from freshset.replication.project import Project


def test_everything_is_counted(project: Project, contents: Contents) -> None:
    with project.change("test.more", **WHO) as change:
        failure = {"source": "web", "key": "x", "class_key": "cat", "failure": "404", "item_id": None,
                   "retrieved_at": change.at}  # fmt: skip
        change.connection.execute(sa.insert(tables.origins), [failure])
        pair = {"a": "1", "b": "2", "verdict": "different", "who": "ada", "at": change.at}
        change.connection.execute(sa.insert(tables.pairs), [pair])
        review = {"revision": "r1", "class_key": "cat", "reviewed": True, "problematic": False,
                  "basis": "", "who": "ada", "at": change.at}  # fmt: skip
        other = review | {"revision": "r0"}
        change.connection.execute(sa.insert(tables.class_reviews), [review, other])
        first = contents.images[0]
        twice = {"item_id": first.item_id, "pool": "candidate", "class_key": "dog"}
        change.connection.execute(sa.insert(tables.members), [twice])
    with project.read() as connection:
        facts = gather_facts(connection, contents)
    assert facts.pools == {"candidate": 8}
    assert (facts.found, facts.failed) == ({"folder": 8}, {"web": 1})
    assert facts.licences == {"": 4, "CC BY 4.0": 4}
    assert facts.verdicts == {"different": 1}
    assert (facts.answers, facts.workers, facts.asked, facts.reviewed) == (28, 4, 28, 1)


def test_agreement_is_that_of_the_packaged_images(project: Project, contents: Contents) -> None:
    with project.read() as connection:
        facts = gather_facts(connection, contents)
    # Three of four said yes to four images, all four to three.
    table = np.array([[1, 0, 3]] * 4 + [[0, 0, 4]] * 3)
    assert facts.alpha == pytest.approx(
        krippendorff.alpha(value_counts=table, level_of_measurement="nominal")
    )
    assert facts.agreement == pytest.approx((4 * 0.5 + 3 * 1) / 7)


def test_without_answers_there_is_no_agreement(project: Project, contents: Contents) -> None:
    with project.change("test.forget", **WHO) as change:
        change.connection.execute(sa.delete(tables.answers))
    with project.read() as connection:
        facts = gather_facts(connection, contents)
    assert facts.asked == 0
    assert np.isnan([facts.agreement, facts.alpha]).all()
