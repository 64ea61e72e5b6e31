"""Proves that hierarchies are read and built right: each level joins whole groups, the top is ``*``."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from fractions import Fraction

import pytest

from hedgerow.anonymity import Hierarchy, categories, codes, dates, from_rows, from_text, numbers
from hedgerow.model.errors import CallerError


def ladder(hierarchy: Hierarchy, value: str) -> list[str]:
    place = hierarchy.values.index(value)
    return [names[groups[place]] for groups, names in zip(hierarchy.maps, hierarchy.labels, strict=True)]


def test_a_table_is_read_level_by_level():
    read = from_text("\ufeffa;low;*\nb;low;*\n\nc;high;*\n")
    assert read.values == ("a", "b", "c")
    assert ladder(read, "b") == ["low", "*"]
    assert read.top == 2


def test_a_top_is_added_where_the_last_level_is_no_single_group():
    assert ladder(from_rows([("a", "low"), ("b", "high")]), "a") == ["low", "*"]
    assert ladder(from_rows([("a",), ("b",)]), "a") == ["*"]
    assert ladder(from_rows([("a", "all"), ("b", "all")]), "a") == ["*"]


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ([], "hierarchy.empty"),
        ([("a", "x", "*"), ("b", "*")], "hierarchy.ragged"),
        ([("a", "*"), ("a", "*")], "hierarchy.repeated-value"),
        ([("a", "x", "p", "*"), ("b", "x", "q", "*")], "hierarchy.not-nested"),
    ],
)
def test_a_broken_table_is_refused_by_row_and_never_by_value(rows, code):
    with pytest.raises(CallerError) as caught:
        from_rows(rows)
    assert caught.value.code == code


def test_whole_numbers_become_doubling_intervals():
    built = numbers(range(17, 91))
    assert ladder(built, "17") == ["15-19", "10-19", "0-19", "0-39", "*"]
    assert ladder(built, "90") == ["90-94", "90-99", "80-99", "80-119", "*"]


def test_declared_bounds_clip_and_open_the_ends():
    built = numbers([3, 18, 24, 64, 65, 99], step=10, lower=18, upper=65)
    assert ladder(built, "3")[0] == "<18"
    assert ladder(built, "18")[0] == "18-19"
    assert ladder(built, "64")[0] == "60-64"
    assert ladder(built, "65")[0] == ladder(built, "99")[0] == ">=65"


def test_negative_numbers_and_decimals_keep_exact_ends():
    assert ladder(numbers([-7, -6, 3], step=5), "-7")[0] == "-10 to -6"
    assert ladder(numbers([0.1, 0.3, 0.35], step=Decimal("0.1")), "0.3")[0] == "[0.3, 0.4)"
    assert ladder(numbers([Decimal("1.5"), Decimal("1.6"), 3], step=Fraction(1, 3)), "1.5")[0] == "[4/3, 5/3)"


def test_a_level_that_joins_nothing_is_left_out():
    assert ladder(numbers([1, 100], step=1), "1") == ["*"]


def test_one_number_alone_still_has_a_top():
    assert ladder(numbers([5]), "5") == ["*"]
    assert numbers([]).top == 1


@pytest.mark.parametrize(
    ("values", "options"),
    [
        ([float("inf")], {}),
        (["a"], {}),
        ([1, 2], {"step": 0}),
        ([1, 2], {"step": float("nan")}),
        ([1, 2], {"lower": 3, "upper": 3}),
    ],
)
def test_what_is_no_number_builds_no_intervals(values, options):
    with pytest.raises(CallerError) as caught:
        numbers(values, **options)
    assert caught.value.code == "hierarchy.not-a-number"


def test_dates_climb_the_calendar():
    days = [dt.date(2024, 3, 17), dt.date(2024, 3, 18), dt.date(2024, 2, 1), dt.date(2023, 1, 1)]
    built = dates([*days, dt.date(2024, 5, 1), dt.date(2019, 5, 1)])
    assert ladder(built, "2024-03-17") == ["2024-03", "2024-Q1", "2024", "2020s", "*"]


def test_timestamps_lose_their_time_first():
    moments = [dt.datetime(2024, 3, 17, hour) for hour in (8, 9)] + [dt.datetime(2024, 3, 18, 8)]  # noqa: DTZ001
    assert ladder(dates(moments), "2024-03-17T08:00:00") == ["2024-03-17", "2024-03", "*"]


def test_a_text_that_is_no_date_is_refused():
    with pytest.raises(CallerError) as caught:
        dates(["2024-13-01"])
    assert caught.value.code == "hierarchy.not-a-date"


def test_codes_lose_characters_from_the_right():
    built = codes(["12345", "12346", "12399", "13000", "99999", "12"])
    assert ladder(built, "12345") == ["1234*", "123**", "12***", "1****", "*"]
    assert ladder(built, "12")[2] == "12***"


def test_long_codes_lose_several_characters_a_level():
    built = codes([f"{place:032b}" for place in range(64)])
    assert built.top <= 7


def test_categories_have_two_levels_and_missing_values_are_no_category():
    built = categories(["red", None, "blue", "red", True])
    assert built.values == ("red", "blue", "true")
    assert ladder(built, "red") == ["*"]


def test_a_repr_shows_no_value():
    assert "red" not in repr(categories(["red", "blue"]))
