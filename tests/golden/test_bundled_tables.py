"""The count tables that ship with freshset hold the published figures, without any other file."""

from __future__ import annotations

from pathlib import Path

import pytest

import freshset
from freshset.demo import published
from freshset.store.parquet import ParquetStore


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> ParquetStore:
    store = ParquetStore(tmp_path_factory.mktemp("bundled") / "s", create=True)
    for study in published.STUDIES:
        published.load(study, store)
    return store


def compare(store: ParquetStore, old: str, new: str, **options: object) -> freshset.Comparison:
    settings = freshset.CompareSettings(item_bootstrap=200, **options)
    return freshset.compare(store, old, new, settings)


def test_imagenetv2(store: ParquetStore) -> None:
    names = ("imagenet/val", "imagenetv2/matched-frequency")
    everything = compare(store, *names, bootstrap=1_000)
    assert len(everything.models) == 67
    assert everything.drop.mean.value == pytest.approx(11.83, abs=0.005)
    assert everything.ranks.spearman == pytest.approx(0.9968, abs=0.00005)
    top5 = compare(store, *names, bootstrap=1_000, metric="top5")
    assert top5.drop.mean.value == pytest.approx(8.21, abs=0.005)
    convnets = compare(store, *names, exclude=("fv_*",), resample="models")
    slope = convnets.fits["linear"].slope
    assert (slope.value, slope.low, slope.high) == pytest.approx((1.110, 1.08, 1.19), abs=0.005)
    assert convnets.fits["probit"].slope.value == pytest.approx(0.968, abs=0.0005)
    assert convnets.ranks.changed == 35


def test_cifar10_1(store: ParquetStore) -> None:
    result = compare(store, "cifar10/test", "cifar10.1/v6", bootstrap=1_000)
    assert len(result.models) == 30
    assert result.fits["linear"].slope.value == pytest.approx(1.595, abs=0.0005)
    assert (result.drop.min, result.drop.max) == pytest.approx((4.01, 14.61), abs=0.005)


def test_the_files_name_their_source() -> None:
    folder = Path(published.__file__).parent / "studies"
    for study in published.STUDIES:
        head = (folder / study.file).read_text(encoding="utf-8")[:600]
        assert head.startswith("# ")
        assert "github.com/modestyachts/" in head


@pytest.mark.shared_data
def test_the_tables_are_the_counts_of_the_archives(
    store: ParquetStore, imagenet_store: Path, cifar_store: Path
) -> None:
    for archive in (imagenet_store, cifar_store):
        for cell in ParquetStore(archive).cells():
            bundled = {c.spec.model: c for c in store.cells(cell.spec.testset)}[cell.spec.model]
            assert bundled.correct == {
                m: k for m, k in cell.correct.items() if m in bundled.correct
            }
            assert bundled.n == cell.n
