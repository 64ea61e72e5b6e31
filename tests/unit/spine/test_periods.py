"""Periods of a budget: every day lies in one year, quarter and month, and what is written reads back."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgerow.model.errors import CallerError
from hedgerow.model.periods import EVERY, Period, between, calendar_period, parse_period, period_at, rule_of


@given(st.dates(), st.sampled_from(EVERY))
@settings(max_examples=50, deadline=None)
def test_each_day_lies_in_one_of_a_kind_and_they_follow_without_a_gap(day, kind):
    period = calendar_period(kind, day)
    assert period.holds(day)
    assert parse_period(period.name) == period
    assert period_at(rule_of(period), day) == period
    assert period_at(rule_of(kind), day) == replace(period, every=kind)
    if period.ends < date.max:
        after = calendar_period(kind, period.ends + timedelta(days=1))
        assert after.starts == period.ends + timedelta(days=1)
    assert {calendar_period(kind, each) for each in (period.starts, period.ends)} == {period}


def test_how_they_are_written():
    assert parse_period("2026-Q4") == Period("2026-Q4", date(2026, 10, 1), date(2026, 12, 31))
    assert (parse_period("2024-02").ends, parse_period("2026").ends) == (
        date(2024, 2, 29),
        date(2026, 12, 31),
    )
    some = between(date(2026, 10, 5), date(2026, 10, 5))
    assert (some.name, period_at(rule_of(some), date(2026, 10, 6))) == ("2026-10-05..2026-10-05", None)


@pytest.mark.parametrize(
    "text",
    ["", "2026-Q5", "2026-13", "2026-00", "26", "2026-10-01", "0000", "\u0662\u0660\u0662\u0666", "2026\n"],
)
def test_what_is_no_period(text):
    with pytest.raises(CallerError) as caught:
        parse_period(text)
    assert caught.value.code == "budget.no-period"


def test_an_end_before_the_start():
    with pytest.raises(CallerError):
        between(date(2026, 10, 2), date(2026, 10, 1))
