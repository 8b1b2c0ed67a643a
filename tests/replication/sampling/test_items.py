from __future__ import annotations

import pytest
from fakes.found import put_found
from fakes.pool import add_images, frequencies

from freshset.core.errors import NotFoundError
from freshset.replication.collecting.excluding import blacklist, release
from freshset.replication.duplicates.dedupe import keep
from freshset.replication.duplicates.pairs import Said, record_verdicts
from freshset.replication.duplicates.state import Verdict
from freshset.replication.project import Project
from freshset.replication.sampling.items import Asked, history_of, item_page

WHO = {"who": "eve", "why": "looked"}
IDS = ["a" * 8, "b" * 8, "c" * 8]


@pytest.fixture
def filled(any_project: Project) -> Project:
    add_images(any_project, IDS, "cat")
    a, b, c = IDS
    put_found(any_project, "pixels", {a: ({b: 2.0, c: 3.0}, 3.0)}, IDS)
    put_found(any_project, "phash", {a: ({c: 1.0}, 1.0)}, IDS)
    return any_project


def test_an_image_and_all_about_it(filled: Project) -> None:
    a, b, c = IDS
    record_verdicts(filled, [Said(a, b, "different")], **WHO)
    answers = frequencies([(a, "dog", 1, 10), (a, "cat", 10, 10), (b, "cat", 0, 10)])
    with filled.read() as connection:
        page = item_page(connection, answers, a)
        empty = item_page(connection, answers, c)
        with pytest.raises(NotFoundError, match="No image 'aaaa'"):
            item_page(connection, answers, "aaaa")
    assert page.facts.item_id == a
    assert [(one.class_key, one.selected, one.answers) for one in page.asked] == [
        ("cat", 10.0, 10.0), ("dog", 1.0, 10.0),
    ]  # fmt: skip
    # Beta(11, 1) has the quantiles q ** (1 / 11).
    assert page.asked[0].low == pytest.approx(0.025 ** (1 / 11))
    assert page.asked[0].high == pytest.approx(0.975 ** (1 / 11))
    near = [(one.metric, one.item_id, one.distance) for one in page.neighbours]
    assert near == [("phash", c, 1.0), ("pixels", b, 2.0), ("pixels", c, 3.0)]
    assert [one.verdict and one.verdict.verdict for one in page.neighbours] == [
        None, "different", None,
    ]  # fmt: skip
    assert isinstance(page.neighbours[1].verdict, Verdict)
    assert empty.asked == (Asked("cat", 0.0, 0.0, pytest.approx(0.025), pytest.approx(0.975)),)
    assert empty.neighbours == empty.history == ()
    assert page.to_dict()["history"][0]["action"] == "pairs.verdict"


def test_the_log_of_an_image(filled: Project) -> None:
    a, b, c = IDS
    blacklist(filled, [a, b], **WHO)
    release(filled, [a], **WHO)
    record_verdicts(filled, [Said(b, c, "duplicate")], **WHO)
    keep(filled, c, **WHO)
    with filled.change("note", who="eve", why=f"not about {a}", text=a):
        pass
    with filled.read() as connection:
        actions = {one: [e.action for e in history_of(connection, one)] for one in IDS}
        assert history_of(connection, "%") == ()
    assert actions == {
        a: ["image.blacklist", "image.release"],
        b: ["image.blacklist", "pairs.verdict"],
        c: ["pairs.verdict", "duplicates.keep"],
    }
