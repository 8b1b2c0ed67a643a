from __future__ import annotations

from typing import Any

import pytest
from fakes.hostile import BAD, Found
from jinja2 import UndefinedError
from starlette.requests import Request

from freshset.webapp import pages
from freshset.webapp.pages import STATIC, paragraphs, render


def request(path: str = "/x") -> Request:
    scope: dict[str, Any] = {
        "type": "http", "method": "GET", "path": path, "query_string": b"", "headers": [],
        "server": ("127.0.0.1", 8000), "scheme": "http",
    }  # fmt: skip
    return Request(scope)


def test_a_page_escapes_what_it_is_given() -> None:
    answer = render(request(), "error.html", status=404, message=BAD, hint=BAD)
    assert answer.status_code == 404
    found = Found(bytes(answer.body).decode())
    assert found.faults == []
    assert "/static/base.css" in found.links


def test_a_page_that_lacks_a_value_is_a_fault() -> None:
    with pytest.raises(UndefinedError):
        render(request(), "error.html")


def test_every_template_escapes() -> None:
    environment = pages._environment()
    assert environment.autoescape is True
    for name in environment.list_templates():
        source = environment.loader.get_source(environment, name)[0]
        assert "|safe" not in source.replace(" ", ""), name
        assert "autoescape false" not in source, name


def test_no_template_or_script_has_what_the_policy_forbids() -> None:
    environment = pages._environment()
    for name in environment.list_templates():
        source = environment.loader.get_source(environment, name)[0]
        assert " style=" not in source, name
        assert "<style" not in source, name
        for script in source.split("<script")[1:]:
            assert 'src="/static/' in script.partition(">")[0], name
        for handler in (" onclick=", " onload=", " onerror=", " onsubmit=", "javascript:"):
            assert handler not in source, name
    for path in STATIC.glob("*.js"):
        text = path.read_text(encoding="utf-8")
        for word in ("eval(", "new Function(", "document.write(", "insertAdjacentHTML"):
            assert word not in text, path.name


def test_empty_lines_part_paragraphs() -> None:
    assert paragraphs("One\nline.\n \n\nAnother.\n") == ["One\nline.", "Another."]
    assert paragraphs(" \n") == []
