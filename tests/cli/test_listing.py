from __future__ import annotations

import json
from pathlib import Path

from freshset.cli.listing import RULE_TITLES
from freshset.datasets.builtin import entries
from freshset.datasets.mapping_tables import shipped_tables
from freshset.datasets.mappings import RULES
from freshset.stats.metrics import METRICS

STUDY = """\
models: [fake:one, {model: fake:two, name: mine}]
testsets: [{id: mine/old, adapter: fake, path: x}]
"""


def entries_of(result) -> list:
    document = json.loads(result.out)
    assert document["schema"] == "freshset.ls/1"
    return document["entries"]


def test_models_of_an_adapter(call) -> None:
    assert call("ls", "models", "fake").out.split() == ["fake:one", "fake:three", "fake:two"]
    assert call("ls", "models", "fake:t*").out.split() == ["fake:three", "fake:two"]
    assert call("ls", "models", "fake:hre", "--json").code == 0
    assert entries_of(call("ls", "models", "fake:hre", "--json")) == [{"name": "fake:three"}]
    missing = call("ls", "models", "fake:zzz")
    assert (missing.code, missing.out) == (2, "")
    assert "matches no model" in missing.err
    nobody = call("ls", "models")
    assert nobody.code == 2
    assert "'timm:*'" in nobody.err


def test_models_of_a_study_and_of_a_store(call, tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text(STUDY)
    assert call("ls", "models", "study.yaml").out.split() == ["fake:one", "mine"]
    call("run", "study.yaml")
    rows = entries_of(call("ls", "models", "--store", "store", "--json"))
    assert rows == [{"name": "fake:one", "testsets": 1}, {"name": "mine", "testsets": 1}]
    assert call("ls", "models", "m*", "--store", "store").out.split()[-2:] == ["mine", "1"]
    (row,) = entries_of(call("ls", "testsets", "--store", "store", "--json"))
    assert row == {"id": "mine/old", "n": 40, "classes": 5, "models": 2}
    assert "mine/old" in call("ls", "testsets", "--store", "store").out


def test_the_catalogue(call) -> None:
    rows = entries_of(call("ls", "testsets", "--json"))
    assert [row["id"] for row in rows] == list(entries())
    text = call("ls", "testsets", "imagenetv2/*").out
    assert text.count("\nimagenetv2/") == 3
    one = call("ls", "testsets", "imagenet").out
    assert one.startswith("ImageNet validation\n")
    for part in ("50,000", "licence", "in a study", "- imagenet/val: PATH", "sha256"):
        assert part in one
    assert call("ls", "testsets", "imagnet/val").code == 2
    assert "Did you mean 'imagenet/val'" in call("ls", "testsets", "imagnet/val").err


def test_mappings(call) -> None:
    assert set(RULE_TITLES) == set(RULES)
    rows = entries_of(call("ls", "mappings", "--json"))
    assert [row["name"] for row in rows] == [*RULES, *shipped_tables()]
    assert "objectnet" in call("ls", "mappings", "obj*").out


def test_metrics(call) -> None:
    rows = entries_of(call("ls", "metrics", "--json"))
    assert [row["name"] for row in rows] == list(METRICS)
    assert "nats an item" in call("ls", "metrics", "nll").out
    wrong = call("ls", "metrics", "tpo1")
    assert wrong.code == 2
    assert "'top1'" in wrong.err


def test_adapters(call) -> None:
    rows = {(row["of"], row["name"]): row for row in entries_of(call("ls", "adapters", "--json"))}
    assert rows["model", "timm"]["install"] == 'pip install "freshset[timm]"'
    assert rows["test set", "image-folder"]["installed"] is True
    assert rows["test set", "image-folder"]["install"] == ""
    assert "fake" in call("ls", "adapters", "fake").out


def test_an_adapter_that_is_not_installed(call, monkeypatch) -> None:
    from freshset.core.registry import Entry
    from freshset.models import registry

    entry = Entry("nowhere_at_all:A", "big", ("nowhere_at_all",), "big models")
    monkeypatch.setitem(registry.ADAPTERS.builtin, "big", entry)
    assert 'big models  pip install "freshset[big]"' in call("ls", "adapters", "big").out
