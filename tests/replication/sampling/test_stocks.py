from __future__ import annotations

from fakes.pool import frequencies
from hypothesis import given
from hypothesis import strategies as st

from freshset.replication.sampling.stocks import stocks_of

ROWS = [("b", "dog", 3, 10), ("a", "dog", 5, 10), ("c", "cat", 1, 10), ("a", "cat", 9, 10)]


@given(st.permutations(range(4)))
def test_stocks_do_not_depend_on_the_order_of_rows(order: list[int]) -> None:
    stocks = stocks_of(
        frequencies([ROWS[i] for i in order]), [[1, 2, 0, 4][i] for i in order], [("a", "dog")]
    )
    assert [stock.class_key for stock in stocks] == ["cat", "dog"]
    cat, dog = stocks
    assert (cat.item_ids, cat.groups, cat.previous) == (("a", "c"), (4, 0), (False, False))
    assert (dog.item_ids, dog.groups, dog.previous) == (("a", "b"), (2, 1), (True, False))
    assert (dog.selected, dog.answers, len(dog)) == ((5, 3), (10, 10), 2)


def test_images_of_no_group_are_left_out() -> None:
    (stock,) = stocks_of(frequencies(ROWS[:2]), [-1, 0])
    assert stock.item_ids == ("a",)
    assert stocks_of(frequencies([]), []) == []
