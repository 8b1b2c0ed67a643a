"""Values that try to leave their place: paths to files, and pieces of SQL, in every parameter."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from fakes.routes import Route, all_routes
from fakes.web import Client

from freshset.replication.project import DATABASE, SALT, Project
from freshset.replication.tables import metadata
from freshset.webapp.signing import SECRET

TRAVERSALS = (
    "..", "../..", f"../{SECRET}", f"..%2f{SECRET}", "%2e%2e%2f" + SALT, "....//" + SALT,
    "..\\..\\" + SALT, "/etc/passwd", "//etc/passwd", "file:///etc/passwd", "C:\\x", "\x00",
    f"x\x00/../{SECRET}", "..;/", "~", "~root", DATABASE, "images/../" + DATABASE, "%", "%zz",
    "é" * 300, "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"), "a" * 5_000, "-1",
)  # fmt: skip
SQL = (
    "' OR '1'='1", "'; DROP TABLE log; --", '" OR ""="', "1 UNION SELECT name FROM sqlite_master",
    "%' OR 1=1 --", "\\'; DELETE FROM people; --", "_%", "1e400", "99999999999999999999999",
    "NaN", "-0", "0x10", "[]", "{}", "null",
)  # fmt: skip
ROUTES = [one for one in all_routes() if one.dependant.path_params or one.dependant.query_params]


def secrets_of(project: Project) -> list[str]:
    return [(project.folder / name).read_text().strip() for name in (SECRET, SALT)]


@pytest.mark.parametrize("route", ROUTES, ids=str)
def test_no_value_leads_elsewhere_or_breaks_anything(
    route: Route, visitor, hostile: Project, unlimited: None
) -> None:
    client: Client = visitor("owner")  # who may do most
    secrets = secrets_of(hostile)
    names = route.query_names
    for value in TRAVERSALS + SQL:
        for params in ({}, dict.fromkeys(names, value)):
            if not params and not route.dependant.path_params:
                continue
            answer = client.send(route.method, route.filled(value), {}, params=params)
            assert answer.status_code < 500, (str(route), value, answer.text[:300])
            for secret in (*secrets, "root:x:", "SQLite format 3"):
                assert secret not in answer.text, (str(route), value)


def test_raw_paths_lead_to_no_file(visitor, hostile: Project) -> None:
    client: Client = visitor("owner")
    for path in (
        f"/static/../{SECRET}", f"/static/%2e%2e/%2e%2e/{SECRET}", "/static/..%2f..%2fapp.py",
        "/static//etc/passwd", "/static/%00", "/static/..%5capp.py", "/static/templates/base.html",
        f"/{SECRET}", f"/{DATABASE}", "/images", "/project.db", "/.git/config", "/static/",
    ):  # fmt: skip
        answer = client.get(path)
        assert answer.status_code in {404, 405}, path
        for secret in secrets_of(hostile):
            assert secret not in answer.text


def test_all_tables_are_still_there(hostile: Project, visitor) -> None:
    visitor("owner")
    with hostile.read() as connection:
        assert set(metadata.tables) <= set(sa.inspect(connection).get_table_names())
    assert hostile.verify_log() > 0


def test_a_filter_that_looks_like_sql_finds_nothing(visitor) -> None:
    client: Client = visitor("owner")
    (route,) = (one for one in all_routes() if str(one) == "GET /log")
    everything = client.get("/log").text.count("<time")
    assert everything > 5
    for name in ("who", "action", "subject", "text"):
        assert name in route.query_names
        for value in ("' OR '1'='1", "%", "_", "%' OR 1=1 --"):
            found = client.get("/log", params={name: value})
            assert found.text.count("<time") < everything, (name, value)
