from __future__ import annotations

import json
from pathlib import Path

import pytest
import sqlalchemy as sa
from fakes.class_folders import make_folder

from freshset.core.errors import DataError
from freshset.replication.collecting.candidates import Collecting, collect
from freshset.replication.collecting.quota import Quota, keyword_quotas, quota_table
from freshset.replication.collecting.sources.folder import Folder
from freshset.replication.project import Project
from freshset.replication.tables import exclusions, members


def test_keywords_have_their_share() -> None:
    counts = {"coupe": 50, "sedan": 30, "wagon": 20, "": 900}
    assert keyword_quotas(counts, 10) == {"coupe": 5, "sedan": 3, "wagon": 2}
    assert keyword_quotas(counts, 8, top=2) == {"coupe": 5, "sedan": 3}


def test_equal_keywords_are_served_in_alphabetical_order() -> None:
    assert list(keyword_quotas({"b": 1, "a": 1, "c": 1}, 2).items()) == [
        ("a", 1), ("b", 1), ("c", 0),
    ]  # fmt: skip


@pytest.mark.parametrize("counts", [{}, {"": 3}, {"a": 0}])
def test_no_keywords(counts: dict[str, int]) -> None:
    with pytest.raises(DataError, match="No original image has a keyword"):
        keyword_quotas(counts, 10)


@pytest.mark.shared_data
def test_quotas_of_cifar10_1_v6(shared_data: Path) -> None:
    """Of classes whose keyword counts are all published; some quotas were changed by hand later."""
    folder = shared_data / "cifar10.1" / "other_data"
    counts = json.loads((folder / "keyword_counts_v4.json").read_text(encoding="utf-8"))
    published = json.loads((folder / "keyword_counts_v6.json").read_text(encoding="utf-8"))
    same = {}
    for name in ("cat", "automobile"):
        words = published[name]
        quotas = keyword_quotas({word: counts[word] for word in words}, 200)
        assert sum(quotas.values()) == sum(words.values()) == 200
        same[name] = (sum(quotas[word] == n for word, n in words.items()), len(words))
    assert same == {"cat": (12, 12), "automobile": (17, 19)}


def test_the_table_has_wanted_and_there(any_project: Project, tmp_path: Path) -> None:
    # Four images a class are wanted.
    test = make_folder(tmp_path / "test", {"cat/tabby": range(6), "cat/manx": range(6, 8)})
    make_folder(test, {"dog": range(20, 22)})
    there = make_folder(tmp_path / "in", {"cat/tabby": range(30, 32), "cat/manx": range(32, 36)})
    for root, pool in ((test, "test"), (there, "candidate")):
        how = Collecting(pool=pool)
        collect(any_project, Folder(path=root), who="a", why="b", how=how)
    with any_project.read() as connection:
        before = quota_table(connection, any_project.spec)
    assert before == (Quota("cat", "tabby", 6, 3, 2), Quota("cat", "manx", 2, 1, 4))
    assert [quota.missing for quota in before] == [1, 0]
    assert before[0].to_dict()["missing"] == 1
    with any_project.change("exclude.blacklist", who="a", why="b") as change:
        query = sa.select(members.c.item_id).where(
            members.c.keyword == "tabby", members.c.pool == "candidate"
        )
        for item_id in change.connection.execute(query).scalars().all()[:1]:
            row = {"item_id": item_id, "kind": "blacklist", "reason": "x", "who": "a"}
            change.connection.execute(sa.insert(exclusions), [{**row, "at": change.at}])
    with any_project.read() as connection:
        assert [q.candidates for q in quota_table(connection, any_project.spec)] == [1, 4]
        assert [q.keyword for q in quota_table(connection, any_project.spec, top=1)] == ["tabby"]
