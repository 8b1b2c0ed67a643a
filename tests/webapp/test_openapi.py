from __future__ import annotations

from freshset.replication.project import Project
from freshset.webapp.app import create_app
from freshset.webapp.settings import Settings


def test_it_says_how_to_be_somebody(project: Project) -> None:
    app = create_app(project, Settings(base_url="https://label.example.org"))
    found = app.openapi()
    assert found is app.openapi()
    assert found["servers"] == [{"url": "https://label.example.org"}]
    assert found["components"]["securitySchemes"] == {
        "session": {"type": "apiKey", "in": "cookie", "name": "__Host-freshset_session"},
        "page": {"type": "apiKey", "in": "header", "name": "X-CSRF-Token"},
    }


def test_reading_needs_a_session_and_changing_a_page(project: Project) -> None:
    paths = create_app(project).openapi()["paths"]
    assert paths["/api/labelling/next"]["post"]["security"] == [{"session": [], "page": []}]
    assert paths["/api/exports/log.jsonl"]["get"]["security"] == [{"session": []}]
    assert "security" not in paths["/health/live"]["get"]


def test_errors_are_problems(project: Project) -> None:
    found = create_app(project).openapi()
    assert set(found["components"]["schemas"]["Problem"]["properties"]) == {
        "type", "title", "status", "detail",
    }  # fmt: skip
    assert "HTTPValidationError" not in found["components"]["schemas"]
