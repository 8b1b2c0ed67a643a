"""Class mappings against scores worked by hand, and against plain loops."""

from __future__ import annotations

import json
from pathlib import Path
from time import perf_counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from freshset.core.classes import ClassSpace
from freshset.core.errors import DataError, UsageError
from freshset.core.spaces import known_space
from freshset.datasets.mappings import ClassMapping, find_mapping

ABCD = ClassSpace("abcd", ("a", "b", "c", "d"))


def mapping(how: str, *members: tuple[int, ...], source: ClassSpace = ABCD) -> ClassMapping:
    target = ClassSpace("few", tuple(f"t{i}" for i in range(len(members))))
    return ClassMapping("m", source, target, how, members)


def scores(*rows: list[float]) -> np.ndarray:
    return np.array(rows, dtype=np.float32)


def test_a_permutation_moves_scores_and_classes_and_keeps_what_they_are() -> None:
    found = find_mapping("", ABCD, ClassSpace("", ("c", "a", "d", "b")))
    assert found is not None
    assert (found.how, found.needs) == ("permute", "classes")
    for outputs in ("logits", "probabilities", "scores"):
        mapped, now = found.apply(scores([0.1, 0.2, 0.3, 0.4]), outputs)
        assert mapped.tolist() == scores([0.3, 0.1, 0.4, 0.2]).tolist()
        assert now == outputs
    # The best source classes d, c, b, a are the target classes 2, 0, 3, 1.
    assert found.apply_classes(np.array([[3, 2, 1, 0]], np.int32)).tolist() == [[2, 0, 3, 1]]


def test_a_restriction_keeps_logits_and_makes_probabilities_conditional() -> None:
    found = find_mapping("restrict", ABCD, ClassSpace("", ("d", "b")))
    assert found is not None
    logits, now = found.apply(scores([5, 1, 9, 2]), "logits")
    assert (logits.tolist(), now) == ([[2, 1]], "logits")
    probabilities, now = found.apply(scores([0.5, 0.1, 0.0, 0.4], [1, 0, 0, 0]), "probabilities")
    # 0.4 and 0.1 of the 0.5 that are left; and where nothing is left, nothing is known.
    np.testing.assert_allclose(probabilities, [[0.8, 0.2], [0.5, 0.5]], rtol=1e-6)
    assert now == "probabilities"
    assert found.apply(scores([5, 1, 9, 2]), "scores")[1] == "scores"


@pytest.mark.parametrize(
    ("how", "from_probabilities", "now"),
    [
        ("max", [[0.3, 0.2]], "scores"),
        ("sum", [[0.6 / 0.8, 0.2 / 0.8]], "probabilities"),
        ("mean", [[0.3 / 0.8, 0.2 / 0.8]], "scores"),
    ],
)
def test_many_to_one_by_hand(how: str, from_probabilities: list[list[float]], now: str) -> None:
    found = mapping(how, (0, 2), (3,))
    assert found.needs == "scores"
    mapped, outputs = found.apply(scores([0.3, 0.2, 0.3, 0.2]), "probabilities")
    np.testing.assert_allclose(mapped, from_probabilities, rtol=1e-6)
    assert outputs == now
    # Logits of the same beliefs, shifted: the class that is left out must not matter.
    logits = np.log(scores([0.3, 0.2, 0.3, 0.2])) + np.float32(7)
    mapped, outputs = found.apply(logits, "logits")
    expected = [[np.log(0.3) + 7, np.log(0.2) + 7]] if how == "max" else from_probabilities
    np.testing.assert_allclose(mapped, expected, rtol=1e-5)
    assert outputs == now


def test_logits_far_apart_leave_no_hole() -> None:
    found = mapping("sum", (0, 1), (2,))
    mapped, _ = found.apply(scores([-500, -501, -499, 500]), "logits")
    assert np.isfinite(mapped).all()
    assert mapped.sum() == pytest.approx(1)
    assert mapped[0, 1] > mapped[0, 0]


@given(st.integers(0, 2**32 - 1), st.sampled_from(["max", "sum", "mean"]))
def test_many_to_one_agrees_with_a_plain_loop(seed: int, how: str) -> None:
    rng = np.random.default_rng(seed)
    n_source = int(rng.integers(2, 12))
    source = ClassSpace("", tuple(map(str, range(n_source))))
    used = rng.permutation(n_source)[: rng.integers(2, n_source + 1)]
    n_target = int(rng.integers(1, len(used) + 1))
    groups = [tuple(map(int, used[t::n_target])) for t in range(n_target)]
    found = mapping(how, *groups, source=source)
    probabilities = rng.dirichlet(np.ones(n_source), size=5).astype(np.float32)
    mapped, _ = found.apply(probabilities, "probabilities")
    for row, beliefs in zip(mapped, probabilities, strict=True):
        whole = beliefs[used].sum()
        for t, group in enumerate(groups):
            chosen = beliefs[list(group)]
            expected = {
                "max": chosen.max(),
                "sum": chosen.sum() / whole,
                "mean": chosen.mean() / whole,
            }[how]
            assert row[t] == pytest.approx(expected, rel=1e-4)


@given(st.integers(0, 2**32 - 1))
def test_the_best_classes_map_as_the_scores_do(seed: int) -> None:
    """With every source class mapped, the order of the best is enough for max."""
    rng = np.random.default_rng(seed)
    groups = [tuple(map(int, part)) for part in np.array_split(rng.permutation(9), 4)]
    found = mapping("max", *groups, source=ClassSpace("", tuple(map(str, range(9)))))
    assert found.needs == "classes"
    values = rng.permutation(9 * 20).reshape(20, 9).astype(np.float32)
    best = np.argsort(-values, axis=1)[:, :7].astype(np.int32)
    mapped = found.apply_classes(best)
    # Of seven predictions and classes of at most three, three are always different.
    assert mapped.shape == (20, 3)
    expected = np.argsort(-found.apply(values, "scores")[0], axis=1)[:, :3]
    assert mapped.tolist() == expected.tolist()


def test_what_needs_scores_refuses_the_best_classes() -> None:
    stored = np.array([[0, 1]], np.int32)
    for found in (
        find_mapping("restrict", ABCD, ClassSpace("", ("a", "b"))),
        mapping("max", (0, 1), (2,)),
        mapping("mean", (0, 1), (2, 3)),
        mapping("sum", (0, 1), (2, 3)),
    ):
        assert found is not None
        with pytest.raises(DataError, match="needs full scores"):
            found.apply_classes(stored)
        with pytest.raises(DataError, match="needs full scores"):
            found.check("classes")


def test_what_needs_probabilities_refuses_mere_scores() -> None:
    for how in ("mean", "sum"):
        found = mapping(how, (0, 1), (2, 3))
        with pytest.raises(DataError, match=f"takes the {how} of probabilities"):
            found.apply(scores([1, 2, 3, 4]), "scores")
    mapping("max", (0, 1), (2, 3)).check("scores")


def test_wrong_shapes_and_classes_are_refused() -> None:
    found = mapping("max", (0, 1), (2, 3))
    with pytest.raises(DataError, match=r"takes 4 scores an item, not an array of shape \(1, 3\)"):
        found.apply(scores([1, 2, 3]), "logits")
    for bad in (4, -1):
        with pytest.raises(DataError, match="outside the 4 source classes"):
            found.apply_classes(np.array([[bad]], np.int32))


@pytest.mark.parametrize(
    ("how", "members", "message"),
    [
        ("median", ((0,), (1,)), "no way 'median'"),
        ("max", ((0,), ()), "'t1' has no source class"),
        ("max", ((0, 1), (1, 2)), "'b' stands for two classes"),
        ("max", ((0, 0), (1,)), "'a' stands for two classes"),
        ("max", ((0, 4),), "outside the 4 source"),
        ("restrict", ((0, 1), (2,)), "several source classes"),
        ("permute", ((0,), (1,)), "leaves classes out"),
    ],
)
def test_mappings_that_are_none(how: str, members: tuple[tuple[int, ...]], message: str) -> None:
    with pytest.raises(DataError, match=message):
        mapping(how, *members)


def test_the_digest_is_of_what_a_mapping_does() -> None:
    one = mapping("max", (0, 1), (2, 3))
    assert one.digest == ClassMapping("other name", ABCD, one.target, "max", one.members).digest
    assert one.digest != mapping("sum", (0, 1), (2, 3)).digest
    assert one.digest != mapping("max", (0, 2), (1, 3)).digest
    other = ClassSpace("abcd", ("a", "b", "d", "c"))
    assert one.digest != mapping("max", (0, 1), (2, 3), source=other).digest


def test_equal_spaces_need_no_mapping() -> None:
    same = ClassSpace("another name", ABCD.keys, ("A", "B", "C", "D"))
    assert find_mapping("", ABCD, same) is None
    assert find_mapping("restrict", ABCD, same) is None
    assert find_mapping("objectnet", ABCD, same) is None


def test_a_part_of_the_classes_is_restricted_only_when_asked() -> None:
    part = ClassSpace("part", ("a", "b"))
    with pytest.raises(UsageError, match="whether the other 2 may be") as caught:
        find_mapping("", ABCD, part)
    assert caught.value.hint == "Write 'mapping: restrict' to leave them out."
    assert caught.value.message.startswith("From abcd (4 classes) to part (2 classes): ")
    with pytest.raises(UsageError, match="2 classes more, so it is no permutation"):
        find_mapping("permute", ABCD, part)
    with pytest.raises(UsageError, match="not just a background"):
        find_mapping("drop-background", ABCD, part)


def test_a_background_is_dropped_by_key_wherever_it_stands() -> None:
    imagenet = known_space("imagenet-1k")
    for keys in (("background", *imagenet.keys), (*imagenet.keys, "background")):
        source = ClassSpace("tf", keys)
        with pytest.raises(UsageError) as caught:
            find_mapping("", source, imagenet)
        assert "mapping: drop-background" in caught.value.hint
        found = find_mapping("drop-background", source, imagenet)
        assert found is not None
        mapped, _ = found.apply(np.arange(1001, dtype=np.float32)[None], "logits")
        assert mapped[0].tolist() == [float(source.id_of(key)) for key in imagenet.keys]
        assert found.needs == "scores"


def test_spaces_that_may_not_match_are_refused() -> None:
    numbers = ClassSpace("", ("0", "1", "2", "3"))
    with pytest.raises(UsageError, match=r"0 of 4 keys .*equal ids may mean different classes"):
        find_mapping("", numbers, ABCD)
    with pytest.raises(UsageError, match="3 of 4 keys are shared"):
        find_mapping("restrict", ABCD, ClassSpace("", ("a", "b", "c", "x")))
    # A model that lacks some of the classes is no permutation and no restriction.
    with pytest.raises(UsageError, match="2 of 4 keys are shared"):
        find_mapping("", ClassSpace("", ("a", "b")), ABCD)


def test_unknown_names_are_found_out_even_where_no_mapping_is_needed() -> None:
    for source in (ABCD, ClassSpace("", ("x",))):
        with pytest.raises(UsageError, match="No mapping 'restirct'") as caught:
            find_mapping("restirct", source, ABCD)
        assert "'restrict'" in caught.value.hint
        with pytest.raises(UsageError, match=r"table\.csv: no such mapping file"):
            find_mapping("table.csv", source, ABCD)


def test_a_table_of_ones_own(tmp_path: Path) -> None:
    target = ClassSpace("pets", ("dog", "cat"))
    (tmp_path / "pets.json").write_text(
        json.dumps({"how": "max", "classes": {"cat": ["d"], "dog": ["c", "a"]}})
    )
    found = find_mapping("pets.json", ABCD, target, tmp_path)
    assert found is not None
    assert (found.name, found.how, found.members) == ("pets", "max", ((0, 2), (3,)))
    assert found.apply(scores([1, 9, 3, 2]), "logits")[0].tolist() == [[3, 2]]
    # The table, not its file's name, is what the mapping is.
    (tmp_path / "other.csv").write_text("source,target,how\na,dog,max\nc,dog,\nd,cat,max\n")
    again = find_mapping("other.csv", ABCD, target, tmp_path)
    assert again is not None
    assert again.digest == found.digest


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("a,dog\n", "no source class for 'cat'"),
        ("a,dog\nb,cat\nc,cow\n", "'cow' is no class of the test set"),
        ("a,dog\ne,cat\n", "'e' is no class of the model"),
    ],
)
def test_tables_that_do_not_fit(tmp_path: Path, rows: str, message: str) -> None:
    (tmp_path / "t.csv").write_text("source,target\n" + rows)
    with pytest.raises(DataError, match=message):
        find_mapping("t.csv", ABCD, ClassSpace("pets", ("dog", "cat")), tmp_path)


def test_large_spaces_are_quick() -> None:
    source = ClassSpace("21k", tuple(f"n{i:08d}" for i in range(21_841)))
    rng = np.random.default_rng(3)
    chosen = rng.permutation(21_841)[:1000]
    values = rng.normal(size=(1000, 21_841)).astype(np.float32)
    start = perf_counter()
    found = find_mapping("restrict", source, ClassSpace("", tuple(source.keys[i] for i in chosen)))
    assert found is not None
    mapped, _ = found.apply(values, "logits")
    # Measured 0.02 s; a loop over classes or items takes many times the limit.
    assert perf_counter() - start < 1
    assert (mapped == values[:, chosen]).all()
