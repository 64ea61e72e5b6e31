"""Proves that declared hierarchies read as declared, nest, refuse what lies outside, and survive files."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hedgerow.anonymity as hra
from hedgerow.model.errors import CallerError


def ladder(hierarchy, value):
    place = hierarchy.values.index(value)
    return [names[groups[place]] for groups, names in zip(hierarchy.maps, hierarchy.labels, strict=True)]


def is_nested(hierarchy):
    levels = [tuple(range(len(hierarchy.values))), *hierarchy.maps]
    return all(
        len({(below, above) for below, above in zip(fine, coarse, strict=True)}) == len(set(fine))
        for fine, coarse in pairwise(levels)
    )


class TestIntervals:
    def test_each_level_has_its_width_from_the_lower_bound_on(self):
        ages = hra.intervals(lower=18, upper=100, widths=[5, 10, 40])
        assert ladder(ages, "18") == ["18-22", "18-27", "18-57", "*"]
        assert ladder(ages, "64") == ["63-67", "58-67", "58-97", "*"]
        assert ladder(ages, "99") == ["98-99", "98-99", "98-99", "*"]
        assert ages.values == tuple(map(str, range(18, 100)))

    def test_a_declared_range_tells_nothing_of_the_values(self):
        assert hra.intervals(lower=0, upper=9, widths=[3]) == hra.intervals(
            lower=0, upper=9, widths=[3], values=range(9)
        )

    def test_decimals_and_negatives_are_exact(self):
        sums = hra.intervals(
            lower=Decimal("-0.2"), upper=0.4, widths=[0.1, 0.2], values=[-0.15, 0.1, 0.3, Decimal("0.30")]
        )
        assert ladder(sums, "-0.15") == ["[-0.2, -0.1)", "[-0.2, 0)", "*"]
        assert ladder(sums, "0.1") == ["[0.1, 0.2)", "[0, 0.2)", "*"]
        assert ladder(sums, "0.3") == ladder(sums, "0.30") == ["[0.3, 0.4)", "[0.2, 0.4)", "*"]
        whole = hra.intervals(lower=-10, upper=10, widths=[5], values=[-10, -6, -5, 9])
        assert [ladder(whole, value)[0] for value in ("-10", "-6", "-5", "9")] == [
            "-10 to -6",
            "-10 to -6",
            "-5 to -1",
            "5-9",
        ]

    def test_a_third_is_written_as_a_ratio(self):
        thirds = hra.intervals(lower=0, upper=1, widths=[Fraction(1, 3)], values=[0, 0.5])
        assert ladder(thirds, "0.5")[0] == "[1/3, 2/3)"

    @pytest.mark.parametrize("value", [17, 100, -5, 17.999])
    def test_a_value_outside_is_refused_by_the_name_of_its_column(self, value):
        with pytest.raises(CallerError) as caught:
            hra.intervals(lower=18, upper=100, widths=[5], values=[20, value], column="age")
        assert caught.value.code == "hierarchy.outside-bounds"
        assert "age" in str(caught.value)
        assert str(value) not in str(caught.value)
        assert str(value) not in repr(caught.value.details)

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"widths": []}, "hierarchy.bad-widths"),
            ({"widths": [0]}, "hierarchy.bad-widths"),
            ({"widths": [5, 12]}, "hierarchy.bad-widths"),
            ({"widths": [10, 5]}, "hierarchy.bad-widths"),
            ({"widths": [5, 5]}, "hierarchy.bad-widths"),
            ({"lower": 9, "upper": 9}, "hierarchy.bad-bounds"),
            ({"upper": 10**9}, "hierarchy.bad-bounds"),
            ({"lower": "a"}, "hierarchy.not-a-number"),
            ({"values": [float("inf")]}, "hierarchy.not-a-number"),
        ],
    )
    def test_choices_that_do_not_fit_are_refused(self, changes, code):
        with pytest.raises(CallerError) as caught:
            hra.intervals(**({"lower": 0, "upper": 9, "widths": [3]} | changes))
        assert caught.value.code == code

    @settings(max_examples=40, deadline=None)
    @given(
        st.integers(-50, 50),
        st.integers(1, 60),
        st.integers(1, 7),
        st.lists(st.integers(2, 4), max_size=3),
    )
    def test_levels_nest_and_every_label_holds_its_value(self, lower, length, width, factors):
        widths = [width]
        for factor in factors:
            widths.append(widths[-1] * factor)
        built = hra.intervals(lower=lower, upper=lower + length, widths=widths)
        assert is_nested(built)
        for value in range(lower, lower + length):
            for label in ladder(built, str(value))[:-1]:
                first, _, last = label.partition(" to ") if " to " in label else label.rpartition("-")
                if first in ("", "-") or not last or label.lstrip("-").isdigit():
                    assert int(label) == value
                else:
                    assert lower <= int(first) <= value <= int(last) < lower + length


class TestCalendar:
    def test_the_steps_are_those_chosen(self):
        built = hra.calendar([dt.date(2024, 3, 17), "2024-12-31"], steps=["day", "month", "year"])
        assert ladder(built, "2024-03-17") == ["2024-03-17", "2024-03", "2024", "*"]
        stamps = hra.calendar(["2024-03-17T08:00:00", "2024-03-17T09:00:00"], steps=["day"])
        assert ladder(stamps, "2024-03-17T08:00:00") == ["2024-03-17", "*"]
        quarters = hra.calendar(["2024-12-31", "2023-01-01"])
        assert ladder(quarters, "2024-12-31") == ["2024-12", "2024-Q4", "2024", "2020s", "*"]

    def test_weeks_are_those_of_iso_8601_and_years_above_them_too(self):
        # ISO 8601: 2021-01-03 lies in week 53 of 2020, 2021-01-04 begins week 1 of 2021.
        days = ["2021-01-01", "2021-01-03", "2021-01-04", "2021-01-05", "2020-12-31"]
        built = hra.calendar(days, steps=["week", "year"])
        assert ladder(built, "2021-01-03") == ["2020-W53", "2020", "*"]
        assert ladder(built, "2021-01-04") == ["2021-W01", "2021", "*"]

    @settings(max_examples=30, deadline=None)
    @given(
        st.lists(st.dates(dt.date(1950, 1, 1), dt.date(2049, 12, 31)), min_size=1, max_size=30),
        st.sampled_from([("day", "week", "year", "decade"), ("day", "month", "quarter", "year", "decade")]),
    )
    def test_steps_nest(self, days, steps):
        assert is_nested(hra.calendar(days, steps=steps))

    @pytest.mark.parametrize(
        "steps", [[], ["hour"], ["year", "month"], ["month", "month"], ["week", "month"], ["week", "quarter"]]
    )
    def test_steps_that_do_not_fit_are_refused(self, steps):
        with pytest.raises(CallerError) as caught:
            hra.calendar(["2024-01-01"], steps=steps)
        assert caught.value.code == "hierarchy.bad-steps"

    @pytest.mark.parametrize("day", ["1999-12-31", "2025-01-01"])
    def test_days_outside_the_bounds_are_refused_by_the_name_of_the_column(self, day):
        bounds = {"lower": dt.date(2000, 1, 1), "upper": dt.date(2024, 12, 31)}
        hra.calendar(["2000-01-01", "2024-12-31"], **bounds)
        with pytest.raises(CallerError) as caught:
            hra.calendar(["2020-01-01", day], column="born", **bounds)
        assert caught.value.code == "hierarchy.outside-bounds"
        assert "born" in str(caught.value)
        assert day not in str(caught.value)

    def test_what_is_no_date_is_refused(self):
        with pytest.raises(CallerError, match="Dates were expected"):
            hra.calendar(["soon"])


class TestRedaction:
    def test_from_the_right_from_the_left_and_by_strides(self):
        assert ladder(hra.redaction(["1234", "1299", "5678"]), "1234") == ["123*", "12**", "1***", "*"]
        assert ladder(hra.redaction(["1234", "9234", "1299"], side="left", align="right"), "1234") == [
            "*234",
            "**34",
            "***4",
            "*",
        ]
        by_two = hra.redaction(["123456", "123499", "120000", "990000"], stride=2, character="#")
        assert ladder(by_two, "123456") == ["1234##", "12####", "*"]

    def test_no_label_tells_a_length(self):
        built = hra.redaction(["12", "1234", "129"])
        assert ladder(built, "12") == ["12**", "12**", "1***", "*"]
        assert all(len(label) == 4 for labels in built.labels[:-1] for label in labels)
        right = hra.redaction(["12", "3412", "9912"], side="left", align="right")
        assert all(len(label) == 4 for labels in right.labels[:-1] for label in labels)

    @settings(max_examples=40, deadline=None)
    @given(
        st.lists(st.text("ab1", min_size=1, max_size=5), min_size=1, max_size=12),
        st.sampled_from(["left", "right"]),
        st.sampled_from(["left", "right"]),
        st.integers(1, 3),
    )
    def test_levels_nest(self, codes, side, align, stride):
        assert is_nested(hra.redaction(codes, side=side, align=align, stride=stride))

    @pytest.mark.parametrize(
        "changes",
        [{"side": "top"}, {"align": "middle"}, {"character": "x"}, {"character": "**"}, {"stride": 0}],
    )
    def test_what_cannot_be_done_is_refused(self, changes):
        with pytest.raises(CallerError) as caught:
            hra.redaction(["12"], **changes)
        assert caught.value.code == "hierarchy.bad-redaction"


class TestOrdered:
    def test_neighbours_are_joined_by_the_fan_outs(self):
        grades = hra.ordered(["none", "low", "mid", "high", "top"], fan_outs=[2, 2])
        assert ladder(grades, "low") == ["none to low", "none to high", "*"]
        assert ladder(grades, "top") == ["top", "top", "*"]
        assert is_nested(grades)

    @pytest.mark.parametrize("fan_outs", [[], [1], [2, 0], [True]])
    def test_fan_outs_that_join_nothing_are_refused(self, fan_outs):
        with pytest.raises(CallerError) as caught:
            hra.ordered("abc", fan_outs=fan_outs)
        assert caught.value.code == "hierarchy.bad-fan-outs"

    def test_a_repeated_value_is_refused(self):
        with pytest.raises(CallerError) as caught:
            hra.ordered("aba", fan_outs=[2])
        assert caught.value.code == "hierarchy.repeated-value"


class TestFiles:
    HIERARCHIES = (
        hra.numbers(range(40), step=5),
        hra.categories(["a;b", 'say "x"', "two\nlines", "d"]),
        hra.calendar(["2024-03-17", "2023-01-01", "2019-05-05"]),
        hra.from_rows([("x", "X", "*"), ("y", "Y", "*")]),
    )

    @pytest.mark.parametrize("hierarchy", HIERARCHIES)
    def test_rows_and_files_give_the_same_hierarchy_again(self, hierarchy, tmp_path):
        assert hra.from_rows(hra.to_rows(hierarchy)) == hierarchy
        for delimiter in ";,":
            path = tmp_path / f"ladder{ord(delimiter)}.csv"
            hra.to_csv(hierarchy, path, delimiter=delimiter)
            assert hra.from_csv(str(path), delimiter=delimiter) == hierarchy

    def test_a_file_that_exists_is_left_alone(self, tmp_path):
        path = tmp_path / "a.csv"
        path.write_text("kept")
        with pytest.raises(CallerError) as caught:
            hra.to_csv(self.HIERARCHIES[0], path)
        assert (caught.value.code, path.read_text()) == ("out.exists", "kept")
        with pytest.raises(CallerError) as caught:
            hra.to_csv(self.HIERARCHIES[0], tmp_path / "none" / "a.csv")
        assert caught.value.code == "out.no-directory"

    @pytest.mark.parametrize(
        ("content", "code"),
        [
            (None, "hierarchies.unreadable"),
            (b"\xff\xfe\x00", "hierarchies.unreadable"),
            (b"", "hierarchy.empty"),
            (b"secret;x;*\nother;*\n", "hierarchy.ragged"),
        ],
    )
    def test_a_broken_file_is_named_and_no_value_of_it(self, tmp_path, content, code):
        path = tmp_path / "zip.csv"
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(CallerError) as caught:
            hra.from_csv(path)
        assert caught.value.code == code
        assert "zip.csv" in str(caught.value)
        assert "secret" not in str(caught.value)
