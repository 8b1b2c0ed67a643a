from __future__ import annotations

from pathlib import Path

import pytest

from freshset.core.errors import DataError, UsageError
from freshset.core.spaces import known_space
from freshset.datasets.mapping_tables import load_table, shipped_tables
from freshset.datasets.mappings import find_mapping


def test_objectnet_maps_125_classes_of_imagenet_to_113() -> None:
    table = shipped_tables()["objectnet"]
    imagenet, objectnet = known_space("imagenet-1k"), known_space("objectnet")
    assert table.fits(imagenet, objectnet)
    assert not table.fits(objectnet, imagenet)
    assert (len(table.members), sum(map(len, table.members.values()))) == (113, 125)
    found = find_mapping("objectnet", imagenet, objectnet)
    assert found is not None
    assert (found.how, found.needs, len(found.target)) == ("max", "scores", 113)
    # As published: a chair is a barber chair, a folding chair or a rocking chair.
    ids = found.members[objectnet.id_of("chair")]
    assert [imagenet.names[i] for i in ids] == ["barber chair", "folding chair", "rocking chair"]
    assert ids == (423, 559, 765)
    assert table.source.startswith("Barbu et al.")


def test_asking_for_it_is_the_hint() -> None:
    with pytest.raises(UsageError, match="there is a mapping") as caught:
        find_mapping("", known_space("imagenet-1k"), known_space("objectnet"))
    assert caught.value.hint == "Write 'mapping: objectnet'."


def test_one_to_one_needs_no_way(tmp_path: Path) -> None:
    for name, text in {
        "a.csv": "target,source\ndog,n1\ncat,n2\n",
        "a.json": '{"classes": {"dog": "n1", "cat": ["n2"]}}',
        "a.toml": '[classes]\ndog = ["n1"]\ncat = "n2"\n',
    }.items():
        (tmp_path / name).write_text(text)
        table = load_table(tmp_path / name)
        assert (table.how, table.members) == ("restrict", {"dog": ("n1",), "cat": ("n2",)})


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.csv", "source,target\nn1,dog\nn2,dog\n", "no word on how to put them together"),
        ("a.csv", "source,target,how\nn1,dog,max\nn2,dog,sum\n", "both max and sum"),
        ("a.csv", "source,target,how\nn1,dog,most\n", "no way 'most'"),
        ("a.csv", "from,to\nn1,dog\n", "columns from, to"),
        ("a.csv", "source,target\nn1\n", "line 2: not a source and a target"),
        ("a.csv", "source,target\nn1,dog,x\n", "line 2: not a source and a target"),
        ("a.csv", "source,target\n", "no classes"),
        ("a.json", "[]", "no 'classes'"),
        ("a.json", '{"classes": {"dog": 1}}', "'dog': not a list of source keys"),
        ("a.json", "{", "not valid JSON"),
        ("a.toml", "classes", "not readable as toml"),
        ("a.txt", "", "not a mapping table"),
    ],
)
def test_bad_tables(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=message):
        load_table(tmp_path / name)
