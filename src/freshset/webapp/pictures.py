"""Pictures as people see them, in answers that tell nothing beside the picture."""

from __future__ import annotations

import logging

import sqlalchemy as sa
from starlette.responses import Response

from freshset.core.errors import DataError, NotFoundError
from freshset.replication.collecting.images import SHOWN, working_copy
from freshset.replication.project import Project
from freshset.replication.tables import images

_TYPES = {".jpg": "image/jpeg", ".png": "image/png"}
_DAY = 24 * 3600
_said = logging.getLogger(__name__)


def picture(project: Project, item_id: str) -> Response:
    """Answer with the working copy of an image, by its id.

    The time of a file, which an ETag would hold too, would tell original images from candidates.
    The same address always shows the same picture, so that browsers may keep it; nobody between may.

    Raises
    ------
    NotFoundError
        When there is no such image, or its file is missing or damaged; which file it is, only the
        server's own messages say.
    """
    with project.read() as connection:
        query = sa.select(images.c.path).where(images.c.item_id == item_id)
        path = connection.execute(query).scalar()
    if path is None:
        raise NotFoundError("There is no such image.")
    try:
        file = working_copy(project.folder, path, SHOWN)
    except DataError as error:
        _said.warning("%s", error)
        raise NotFoundError("This picture is missing.", "Tell whoever invited you.") from error
    headers = {
        "Cache-Control": f"private, max-age={_DAY}, immutable",
        "X-Content-Type-Options": "nosniff",
        "Content-Disposition": "inline",
    }
    return Response(file.read_bytes(), media_type=_TYPES[file.suffix], headers=headers)
