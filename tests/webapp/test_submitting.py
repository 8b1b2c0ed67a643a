from __future__ import annotations

import io

import pytest
from starlette.datastructures import FormData, UploadFile

from freshset.core.errors import UsageError
from freshset.webapp import submitting as module


def form(name: str = "a.csv", **fields: str) -> FormData:
    file = UploadFile(io.BytesIO(b"x"), filename=name)
    return FormData([("file", file), *fields.items()])


def test_what_a_form_says() -> None:
    sent = module._sent(form("deep net.csv", token="t", claimed="0.5"))
    assert (sent.name, sent.model, sent.token, sent.claimed) == (
        "deep net.csv", "deep net", "t", 0.5,
    )  # fmt: skip
    assert module._sent(form(model=" mine ")).model == "mine"
    assert module._sent(form()).claimed is None


@pytest.mark.parametrize(
    ("name", "shown"),
    [("../../etc/x.csv", "x.csv"), ("a\x00\nb.csv", "ab.csv"), ("x" * 300 + ".csv", "x" * 96 + ".csv")],
)  # fmt: skip
def test_names_of_files_are_only_names(name: str, shown: str) -> None:
    assert module._sent(form(name)).name == shown


@pytest.mark.parametrize(
    "wrong",
    [{"claimed": "1.5"}, {"claimed": "nan"}, {"claimed": "x"}, {"model": "m" * 101},
     {"model": "a\nb"}, {"token": "\x00"}],
)  # fmt: skip
def test_values_that_cannot_be_meant(wrong: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        module._sent(form(**wrong))


@pytest.mark.parametrize("fields", [[], [("file", "text")], [("file", UploadFile(io.BytesIO()))]])
def test_no_file(fields: list[tuple[str, str | UploadFile]]) -> None:
    with pytest.raises(UsageError, match="no file"):
        module._sent(FormData(fields))


def test_without_a_board_and_a_session(client_as) -> None:
    assert client_as("").get("/api/board").status_code == 401
    worker = client_as("worker")
    assert worker.get("/api/board").status_code == 404
    assert worker.get("/board").status_code == 404
    assert 'href="/board"' not in worker.get("/").text
