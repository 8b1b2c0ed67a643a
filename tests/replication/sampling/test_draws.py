from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from freshset.replication.sampling.draws import Stratified, Top
from freshset.replication.sampling.stocks import Stock


def stock(
    groups: list[int], previous: list[bool] | None = None, ids: list[str] | None = None
) -> Stock:
    n = len(groups)
    return Stock(
        "cat",
        ids or [f"i{k:03}" for k in range(n)],
        groups,
        previous or [False] * n,
        [2.0 * g + 1 for g in groups],
        [10.0] * n,
    )


groups_and_previous = st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=40)
targets_of_four = st.lists(st.integers(0, 6), min_size=4, max_size=4)


@given(groups_and_previous, targets_of_four, st.booleans(), st.sampled_from(["stay", "go"]))
def test_a_stratified_draw_keeps_its_promises(members, targets, upward, surplus) -> None:
    groups, previous = [g for g, _ in members], [p for _, p in members]
    rule = Stratified(upward=upward, surplus=surplus)
    drawn = rule.draw(stock(groups, previous), targets, Random(1))
    ids = [pick.item_id for pick in drawn.picks]
    assert len(set(ids)) == len(ids)
    filled = Counter(pick.slot for pick in drawn.picks)
    assert [targets[g] - filled[g] for g in range(4)] == list(drawn.missing)
    assert min(drawn.missing) >= 0
    for group in range(4):
        had = sum(p for g, p in members if g == group)
        own = [pick for pick in drawn.picks if pick.slot == group and pick.how != "upward"]
        kept = [pick for pick in own if pick.how == "kept"]
        # What the revision before had stays before anything new comes.
        assert len(kept) == min(had, targets[group])
        assert len(own) == min(groups.count(group), targets[group])
    for pick in drawn.picks:
        assert (pick.slot < pick.group) == (pick.how == "upward")
    if not upward:
        assert all(pick.how != "upward" for pick in drawn.picks)
    left = Counter(groups) - Counter(pick.group for pick in drawn.picks)
    for group, missing in enumerate(drawn.missing):
        if missing and upward:
            assert not any(left[higher] for higher in range(group + 1, 4))


@given(groups_and_previous, targets_of_four, st.booleans())
def test_a_draw_is_its_seed(members, targets, upward) -> None:
    one = stock([g for g, _ in members], [p for _, p in members])
    rule = Stratified(upward=upward)
    assert rule.draw(one, targets, Random(5)) == rule.draw(one, targets, Random(5))


def test_upward_takes_the_nearest_group_and_the_revision_before_first() -> None:
    groups = [0, 2, 2, 2, 3]
    previous = [False, True, True, False, True]
    drawn = Stratified(upward=True).draw(stock(groups, previous), [4, 0, 0, 0], Random(0))
    upward = [(p.group, p.item_id) for p in drawn.picks if p.how == "upward"]
    assert {item for _, item in upward[:2]} == {"i001", "i002"}
    assert upward[2] == (2, "i003")
    assert drawn.missing == (0, 0, 0, 0)
    assert [p.slot for p in drawn.picks] == [0, 0, 0, 0]


def test_upward_never_goes_down() -> None:
    drawn = Stratified(upward=True).draw(stock([0, 0, 1]), [0, 0, 2, 0], Random(0))
    assert drawn.picks == ()
    assert drawn.missing == (0, 0, 2, 0)


@pytest.mark.parametrize("surplus", ["stay", "go"])
def test_every_kept_image_has_the_same_chance(surplus) -> None:
    rule, rng, counts = Stratified(surplus=surplus), Random(3), Counter()
    for _ in range(3000):
        drawn = rule.draw(stock([0] * 5, [True] * 5), [2], rng)
        counts.update(pick.item_id for pick in drawn.picks)
    # 5 standard deviations of a binomial count with p = 2/5
    assert all(abs(n - 1200) < 5 * np.sqrt(3000 * 0.4 * 0.6) for n in counts.values())
    assert len(counts) == 5


def test_top_orders_by_frequency_then_answers_then_previous_then_id() -> None:
    one = Stock(
        "cat",
        ["a", "b", "c", "d", "e", "f"],
        [0] * 6,
        [False, False, False, True, False, False],
        [10, 20, 10, 10, 9, 0],
        [10, 20, 10, 10, 10, 0],
    )
    drawn = Top().draw(one, [5], Random(0))
    assert [pick.item_id for pick in drawn.picks] == ["b", "d", "c", "a", "e"]
    assert [pick.how for pick in drawn.picks] == ["drawn", "kept", "drawn", "drawn", "drawn"]
    assert Top().draw(one, [7], Random(0)).missing == (1,)


@pytest.mark.shared_data
def test_cifar_10_1_is_drawn_again(shared_data: Path) -> None:
    """T3: CIFAR-10.1 v6 from its pools and v4, with its published seed.

    The remaining position is an image of a passenger ship that its authors exchanged by hand.
    """
    other = shared_data / "cifar10.1" / "other_data"

    def read(name: str) -> object:
        return json.loads((other / f"{name}.json").read_text(encoding="utf-8"))

    pools, before = read("tinyimage_good_indices_subselected_v6"), read("cifar10.1_v4_ti_indices_per_keyword")  # fmt: skip
    cruisers, blacklist = read("cruiser_good_indices"), set(read("blacklist_v6"))
    rng, found, labels = Random(670725112), [], []
    for label, (name, counts) in enumerate(read("keyword_counts_v6").items()):
        members: list[int] = []
        groups: list[int] = []
        previous: list[bool] = []
        for group, keyword in enumerate(counts):
            pool = cruisers[name] if keyword == "cruiser" else pools[keyword]
            pool = [one for one in pool if one not in blacklist]
            old = [] if (keyword, name) == ("cruiser", "ship") else before.get(keyword, [])
            # They drew from the difference of two sets of whole numbers where there was an earlier
            # image, and from the list as it was where there was none; both orders are hidden inputs.
            rest = list(set(pool) - set(old)) if old else pool
            members += [*old, *rest]
            groups += [group] * (len(old) + len(rest))
            previous += [True] * len(old) + [False] * len(rest)
        ids = [str(one) for one in members]
        drawn = Stratified(surplus="go").draw(
            stock(groups, previous, ids), list(counts.values()), rng
        )
        assert not any(drawn.missing)
        found += [int(pick.item_id) for pick in drawn.picks]
        labels += [label] * len(drawn.picks)
    truth = read("cifar10.1_v6_ti_indices")
    other_rows = [i for i, (a, b) in enumerate(zip(found, truth, strict=True)) if a != b]
    assert len(found) - len(other_rows) >= 1999
    assert other_rows == [1616]
    published = np.load(shared_data / "cifar10.1" / "datasets" / "cifar10.1_v6_labels.npy")
    assert labels == published.tolist()
