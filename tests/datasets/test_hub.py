from __future__ import annotations

import logging
import shutil
from pathlib import Path
from typing import Any

import datasets
import pytest
from fakes.image_samples import N, files, make_hf_datasets, make_parquet, ref, write

from freshset.core.errors import DataError, UsageError
from freshset.datasets.base import TestSetRef
from freshset.datasets.hub import OPTIONS, load
from freshset.datasets.options import Options

COMMIT, OTHER = "a" * 40, "b" * 40


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The library's cache in a folder of the test."""
    folder = tmp_path / "cache"
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", folder)
    return folder


def hub(name: str, *, offline: bool = True, **options: object) -> Options:
    return Options(TestSetRef("a/b", "hf-datasets", name, options, offline=offline), OPTIONS)


def local(path: Path, **options: object) -> Options:
    return Options(ref("hf-datasets", path, **options), OPTIONS)


def in_cache(cache: Path, tmp_path: Path, name: str, commit: str) -> None:
    """Put a data set where the library keeps what it fetched from the hub at a commit."""
    found = datasets.load_dataset("parquet", data_files={"test": make_parquet(tmp_path).path})
    built = Path(found["test"].cache_files[0]["filename"]).parent
    target = cache / name.replace("/", "___") / "default" / "0.0.0" / commit
    shutil.copytree(built, target)
    short = name.rpartition("/")[2]
    (target / "parquet-test.arrow").rename(target / f"{short}-test.arrow")
    info = target / "dataset_info.json"
    text = info.read_text().replace('"dataset_name": "parquet"', f'"dataset_name": "{short}"')
    info.write_text(text.replace('"builder_name": "parquet"', '"builder_name": "cache"'))


def test_what_was_saved_to_disk(tmp_path: Path) -> None:
    assert len(load(local(Path(make_hf_datasets(tmp_path).path)))) == N


def test_splits_that_were_saved_to_disk(tmp_path: Path) -> None:
    parts = {"train": datasets.Dataset.from_dict({"a": [1]})}
    parts["test"] = datasets.Dataset.from_dict({"a": [1, 2]})
    datasets.DatasetDict(parts).save_to_disk(str(tmp_path / "d"))
    assert len(load(local(tmp_path / "d"))) == 2
    assert len(load(local(tmp_path / "d", split="train"))) == 1
    with pytest.raises(UsageError, match="no split 'tset'") as caught:
        load(local(tmp_path / "d", split="tset"))
    assert "'test'" in caught.value.hint
    with pytest.raises(UsageError, match=r"split 'test\[:100\]' is a part"):
        load(local(tmp_path / "d", split="test[:100]"))


def test_files_and_folders_that_the_library_reads(tmp_path: Path) -> None:
    path = Path(make_parquet(tmp_path / "p").path)
    assert len(load(local(path))) == N
    (tmp_path / "x.jsonl").write_text('{"a": 1}\n{"a": 2}\n')
    assert len(load(local(tmp_path / "x.jsonl"))) == 2
    for name, data in files():
        write(tmp_path / "pictures", name, data)
    found = load(local(tmp_path / "pictures"))
    assert len(found) == N
    assert set(found.column_names) == {"image", "label"}
    (tmp_path / "x.bin").touch()
    with pytest.raises(UsageError, match="unknown kind of file"):
        load(local(tmp_path / "x.bin"))


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "x.parquet", b"PAR1 but no more")
    with pytest.raises(DataError, match=r"x\.parquet: cannot be read"):
        load(local(path))
    saved = Path(make_hf_datasets(tmp_path).path)
    (saved / "state.json").write_text("{")
    with pytest.raises((DataError, UsageError), match=str(saved)):
        load(local(saved))


def test_offline_what_is_not_cached_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"owner/name is not in .* cache, and the run is offline"
    ) as e:
        load(hub("owner/name"))
    assert "save_to_disk" in e.value.hint
    assert datasets.config.HF_HUB_OFFLINE is False


@pytest.mark.parametrize("name", ["/data/owner/name", "./name", "a/b/c", ""])
def test_paths_that_do_not_exist_are_no_names_on_the_hub(name: str) -> None:
    with pytest.raises(UsageError, match="a/b: there is no file or folder"):
        load(hub(name))


def test_a_hub_that_is_down_is_an_error(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    import huggingface_hub

    caplog.set_level(logging.CRITICAL)
    for where in (datasets.config, huggingface_hub.constants):
        name = "HF_ENDPOINT" if where is datasets.config else "ENDPOINT"
        monkeypatch.setattr(where, name, "http://127.0.0.1:9")
    # The library tries again for 23 seconds; here without the waiting.
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda _: None)
    with pytest.raises(
        DataError, match="owner/name is not in .* cache, and the hub cannot be"
    ) as e:
        load(hub("owner/name", offline=False))
    assert e.value.hint


def test_what_was_fetched_once_is_there_offline(
    cache: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    in_cache(cache, tmp_path, "owner/name", COMMIT)
    assert len(load(hub("owner/name"))) == N
    assert len(load(hub(f"owner/name@{COMMIT}"))) == N
    assert len(load(hub("owner/name", revision=COMMIT))) == N
    with pytest.raises(DataError, match=f"is cached at revision {COMMIT}, not {OTHER}"):
        load(hub(f"owner/name@{OTHER}"))


def test_no_bars_are_drawn_and_they_return(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    datasets.enable_progress_bars()
    during: list[Any] = []
    original = datasets.load_from_disk

    def seen(path: str) -> Any:
        during.append(datasets.are_progress_bars_disabled())
        return original(path)

    monkeypatch.setattr(datasets, "load_from_disk", seen)
    load(local(Path(make_hf_datasets(tmp_path).path)))
    assert during == [True]
    assert not datasets.are_progress_bars_disabled()
    assert capsys.readouterr().err == ""
