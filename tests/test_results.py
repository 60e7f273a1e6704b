"""Does every result speak one vocabulary, and say so when a number cannot be had?"""

import pytest

from microresearch.results import LINKED, TIDY, Interval, NotAvailable, tidy


def test_columns_stand_in_the_vocabularys_order_and_absent_ones_are_absent() -> None:
    frame = tidy([{"n": 3, "term": "a", "estimate": 0.5}, {"term": "b", "se": 0.1}])
    assert frame.columns.tolist() == ["term", "estimate", "se", "n"]
    assert frame["estimate"].isna().tolist() == [False, True]
    assert frame["term"].tolist() == ["a", "b"]


def test_extra_columns_come_last_and_in_their_order() -> None:
    frame = tidy([{"raters": 4, "term": "a", "k": 2}], extra=("k", "raters"))
    assert frame.columns.tolist() == ["term", "k", "raters"]


def test_a_column_of_another_name_is_refused() -> None:
    with pytest.raises(ValueError, match="pvalue"):
        tidy([{"term": "a", "pvalue": 0.1}])


def test_full_precision_is_kept() -> None:
    third = 1 / 3
    assert tidy([{"estimate": third}])["estimate"].iloc[0] == third


def test_the_vocabularies_have_no_name_twice() -> None:
    assert len(set(TIDY)) == len(TIDY)
    assert len(set(LINKED)) == len(LINKED)


def test_an_interval_holds_its_bounds() -> None:
    interval = Interval(0.2, 0.8, 0.95, "Feldt")
    assert 0.2 in interval
    assert 0.8 in interval
    assert 0.81 not in interval
    assert -0.2 not in interval


def test_what_is_not_available_is_false_and_says_why() -> None:
    missing = NotAvailable("fewer than two raters")
    assert not missing
    assert missing.reason == "fewer than two raters"
