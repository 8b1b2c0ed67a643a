from __future__ import annotations

from fakes.pool import frequencies
from hypothesis import given
from hypothesis import strategies as st

from freshset.replication.sampling.eligibility import REASONS, Barred, Eligibility, Limits, judge


def reasons(found: Eligibility) -> dict[tuple[str, str], str]:
    rows = found.candidates
    return {
        (item, key): REASONS[code] if code >= 0 else ""
        for item, key, code in zip(rows.item_ids, rows.class_keys, found.reason, strict=True)
    }


LIMITS = Limits(10, {"cat": 0.7}, {"l2": 100.0, "ssim": 0.2})


def test_the_first_reason_is_the_one_recorded() -> None:
    everything_wrong = frequencies([(name, "cat", 1, 4) for name in "abcdefg"])
    reviewed = dict.fromkeys("abcdefg", 1e9)
    full = {"l2": reviewed, "ssim": reviewed}
    everyone = set("abcdefg")
    steps = [
        (everything_wrong, Barred(everyone, everyone), "blacklisted"),
        (everything_wrong, Barred((), everyone), "few-answers"),
        (frequencies([("a", "cat", 6, 10)]), Barred((), everyone), "below-threshold"),
        (frequencies([("a", "cat", 7, 10)]), Barred((), everyone), "near-duplicate"),
        (frequencies([("a", "cat", 7, 10)]), Barred(), "unreviewed"),
        (frequencies([("a", "cat", 7, 10)]), Barred(reviewed=full), ""),
    ]
    for rows, barred, reason in steps:
        assert set(reasons(judge(rows, barred, LIMITS)).values()) == {reason}


def test_an_image_is_reviewed_when_its_bound_is_above_the_limit_in_every_metric() -> None:
    rows = frequencies([(name, "cat", 9, 10) for name in "abcd"])
    reviewed = {"l2": {"a": 101.0, "b": 100.0, "c": 101.0}, "ssim": {"a": 0.21, "b": 0.3, "c": 0.2}}
    found = reasons(judge(rows, Barred(reviewed=reviewed), LIMITS))
    assert [found[name, "cat"] for name in "abcd"] == ["", *["unreviewed"] * 3]


def test_thresholds_are_those_of_the_class_and_exact() -> None:
    rows = frequencies(
        [("a", "cat", 7, 10), ("b", "dog", 5, 10), ("c", "dog", 4, 10), ("d", "ox", 0, 10)]
    )
    found = reasons(judge(rows, Barred(), Limits(1, {"cat": 0.7, "dog": 0.5})))
    assert found == {
        ("a", "cat"): "",
        ("b", "dog"): "",
        ("c", "dog"): "below-threshold",
        ("d", "ox"): "",
    }


def test_no_answers_are_enough_only_where_none_are_asked_for() -> None:
    rows = frequencies([("a", "cat", 0, 0)])
    assert reasons(judge(rows, Barred(), Limits()))["a", "cat"] == ""
    assert reasons(judge(rows, Barred(), Limits(1)))["a", "cat"] == "few-answers"
    # Unknown is below no threshold that it could be compared with, so that it never passes one.
    assert reasons(judge(rows, Barred(), Limits(0, {"cat": 0.0})))["a", "cat"] == "below-threshold"


def test_an_image_stays_with_the_class_it_shows_best() -> None:
    rows = frequencies(
        [
            ("a", "cat", 6, 10), ("a", "dog", 9, 10), ("a", "ox", 9, 10),
            ("b", "cat", 9, 10), ("b", "dog", 10, 10),
        ]
    )  # fmt: skip
    found = reasons(judge(rows, Barred(), Limits(10, {"dog": 0.95})))
    assert found["a", "cat"] == "other-class"
    assert found["a", "dog"] == "below-threshold"
    assert found["a", "ox"] == ""
    assert found["b", "cat"] == "other-class"
    assert found["b", "dog"] == ""
    tied = judge(frequencies([("a", "dog", 1, 2), ("a", "cat", 5, 10)]), Barred(), Limits())
    assert reasons(tied) == {("a", "cat"): "", ("a", "dog"): "other-class"}


@given(
    st.lists(
        st.tuples(st.sampled_from("abcdef"), st.sampled_from(["cat", "dog"]), st.integers(0, 12)),
        unique_by=lambda row: row[:2],
    )
)
def test_every_candidate_is_counted_once_and_an_image_is_eligible_once(rows) -> None:
    full = frequencies([(item, key, n / 2, n) for item, key, n in rows])
    found = judge(full, Barred({"a"}, {"b"}), Limits(5))
    counts = found.counts()
    assert sum(sum(one.values()) for one in counts.values()) == len(rows)
    assert sum(one.get("eligible", 0) for one in counts.values()) == len(found.eligible)
    ids = found.eligible.item_ids.tolist()
    assert len(set(ids)) == len(ids)
    order = list(zip(found.candidates.class_keys, found.candidates.item_ids, strict=True))
    assert order == sorted(order)
