from __future__ import annotations

import pytest
import sqlalchemy as sa

from freshset.core.errors import NotFoundError
from freshset.replication.project import Project
from freshset.replication.tables import images, members
from freshset.webapp.pictures import picture


def _item(project: Project, pool: str) -> tuple[str, str]:
    query = sa.select(images.c.item_id, images.c.path).join(
        members, members.c.item_id == images.c.item_id
    )
    with project.read() as connection:
        row = connection.execute(query.where(members.c.pool == pool)).first()
    assert row is not None
    return row.item_id, row.path


def test_a_picture_comes_without_its_file_s_time(project: Project) -> None:
    kinds = []
    for pool in ("candidate", "test"):
        answer = picture(project, _item(project, pool)[0])
        assert answer.body.startswith(b"\x89PNG")
        names = {name.decode() for name, _ in answer.raw_headers}
        assert not names & {"last-modified", "etag", "accept-ranges"}
        assert "private" in answer.headers["cache-control"]
        kinds.append(sorted(names))
    assert kinds[0] == kinds[1]


def test_a_picture_is_only_found_by_its_id(project: Project) -> None:
    _, path = _item(project, "test")
    for wrong in ("", path, "../project.db", f"{project.folder}/project.db"):
        with pytest.raises(NotFoundError):
            picture(project, wrong)


def test_of_a_picture_that_is_gone_only_the_server_is_told_which(
    project: Project, caplog: pytest.LogCaptureFixture
) -> None:
    item, _ = _item(project, "test")
    for file in project.folder.rglob(f"{item}.*"):
        file.unlink()
    with pytest.raises(NotFoundError, match="is missing") as said:
        picture(project, item)
    assert item not in f"{said.value.message} {said.value.hint}"
    assert item in caplog.text
