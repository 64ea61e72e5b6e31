"""Proves dates and points in time: bins of the calendar part the span, and no day beyond it is ever drawn."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.synthetic.household import DECLARED, KINDS, people

from hedgerow.app.declaring import Asked
from hedgerow.model.canonical import canonical
from hedgerow.model.errors import CallerError, Refused
from hedgerow.model.spans import Span
from hedgerow.model.words import ColumnType
from hedgerow.spine.catalog import declaration_json, read_declaration
from hedgerow.synthetic import Budget, declare, synthesise
from hedgerow.techniques.synthetic.coding import coded, drawn_numbers, table_of
from hedgerow.techniques.synthetic.columns import column_of
from hedgerow.techniques.synthetic.fidelity import codes_of
from hedgerow.techniques.synthetic.plan import plan_synthesis, wish_of

DAY, MOMENT = ColumnType.DATE, ColumnType.TIMESTAMP


def column(first, last, kind=DAY, bins=16):
    return column_of(declare(bounds={"x": (first, last)}).column("x"), kind, bins)


@settings(max_examples=50, deadline=None)
@given(st.dates(), st.dates(), st.sampled_from([DAY, MOMENT]), st.integers(2, 64))
def test_bins_part_the_span_whatever_it_is(one, other, kind, bins):
    made = column(min(one, other), max(one, other), kind, bins)
    starts = made.grid.starts()
    assert (starts[0], starts[-1]) == (made.grid.lower, made.grid.upper + 1)
    assert all(before < after for before, after in pairwise(starts))
    assert len(starts) - 1 == made.grid.bins <= bins
    labels = [made.label(code) for code in range(made.cells)]
    assert len(set(labels)) == made.cells


@pytest.mark.parametrize(
    ("first", "last", "told", "begins", "ends"),
    [
        ("2024-01-01", "2024-12-31", "12 bins by month", "2024-01", "2024-12"),
        ("2024-01-05", "2024-03-04", "10 bins by week", "2024-01-05 to 2024-01-07", "2024-03-04"),
        ("2024-02-28", "2024-03-01", "3 bins by day", "2024-02-28", "2024-03-01"),
        ("2021-01-01", "2023-12-31", "12 bins by quarter", "2021 Q1", "2023 Q4"),
        ("2010-01-01", "2024-06-30", "15 bins by year", "2010", "2024-01-01 to 2024-06-30"),
        ("1920-05-01", "2000-01-01", "9 bins by 10 years", "1920-05-01 to 1929-12-31", "2000-01-01"),
    ],
)  # fmt: skip
def test_the_unit_of_the_calendar_goes_by_the_span(first, last, told, begins, ends):
    for kind in (DAY, MOMENT):
        made = column(first, last, kind)
        assert f"x: {told} of " in made.told()
        assert (made.label(0), made.label(made.nothing - 1)) == (begins, ends)


def test_hours_are_told_by_their_seconds():
    made = column("2024-01-01T08:00", "2024-01-01T10:29:59", MOMENT)
    assert made.told() == "x: 3 bins by hour of 2024-01-01 08:00:00 to 2024-01-01 10:29:59, or no value"
    assert made.label(2) == "2024-01-01 10:00:00 to 2024-01-01 10:29:59"


DAYS = [
    date(1, 1, 1),
    date(2023, 12, 31),
    date(2024, 1, 1),
    date(2024, 2, 29),
    date(2024, 12, 31),
    date(9999, 12, 31),
    None,
]


@pytest.mark.parametrize("kind", [pa.date32(), pa.date64()])
def test_days_beyond_the_bounds_count_at_them_and_null_is_no_value(kind):
    made = column("2024-01-01", "2024-12-31")
    found = coded(pa.table({"x": pa.array(DAYS, pa.date32()).cast(kind)}), (made,))
    assert found[:, 0].tolist() == [0, 0, 0, 1, 11, 11, made.nothing]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_points_in_time_count_by_their_second_in_any_unit(unit):
    made = column("2024-01-01", "2024-12-31", MOMENT)
    last = datetime.fromisoformat("2024-01-31T23:59:59.999")
    values = pa.array([last, last + timedelta(milliseconds=1), None], pa.timestamp("ms")).cast(
        pa.timestamp(unit), safe=False
    )
    assert coded(pa.table({"x": values}), (made,))[:, 0].tolist() == [0, 1, made.nothing]
    # A zone does not move a point in time.
    away = datetime(2024, 2, 1, 0, 30, tzinfo=timezone(timedelta(hours=2)))
    there = pa.array([away.astimezone(UTC)], pa.timestamp(unit, "Europe/Helsinki"))
    assert coded(pa.table({"x": there}), (made,))[:, 0].tolist() == [0]


def test_the_farthest_points_in_time_have_a_cell():
    made = column("2024-01-01", "2024-12-31", MOMENT)
    ends = pa.array([-(2**63), 2**63 - 1], pa.int64()).cast(pa.timestamp("s"))
    assert coded(pa.table({"x": ends}), (made,))[:, 0].tolist() == [0, 11]
    days = pa.array([-(2**31), 2**31 - 1], pa.int32()).cast(pa.date32())
    assert coded(pa.table({"x": days}), (column("2024-01-01", "2024-12-31"),))[:, 0].tolist() == [0, 11]


@settings(max_examples=30, deadline=None)
@given(st.dates(), st.dates(), st.sampled_from([DAY, MOMENT]))
def test_what_is_drawn_lies_in_its_bin_and_comes_back(one, other, kind):
    made = column(min(one, other), max(one, other), kind)
    every = np.arange(made.cells, dtype=np.int32)[:, None]
    numbers = drawn_numbers(every, (made,))
    shown = table_of(numbers, (made,))
    assert np.array_equal(codes_of(numbers, (made,)), every)
    assert np.array_equal(coded(shown, (made,)), every)
    kept = shown["x"].drop_null().to_pylist()
    lower, upper = (made.grid.show(step) for step in (made.grid.lower, made.grid.upper))
    assert all(lower <= str(value) <= upper for value in kept)


def test_a_table_with_dates_is_made_of_declared_days_alone():
    table = people(400)
    days = [date(2030, 5, 5) if at % 3 else date(2024, 3, 1) + timedelta(days=at % 28) for at in range(400)]
    table = table.append_column("seen", pa.array(days, pa.date32()))
    declared = declare(
        max_rows=1, bounds={"seen": ("2024-01-01", "2024-12-31")}, keys={"ward": ["A", "Ж", "日本"]}
    )
    made, _ = synthesise(
        table, person="who", columns=["ward", "seen"], declaration=declared, rows=900, epsilon="20",
        delta="1e-6", budget=Budget.of("20", "1e-6"),
    )  # fmt: skip
    seen = made.table["seen"].drop_null().to_pylist()
    assert made.table.schema.field("seen").type == pa.date32()
    assert date(2024, 1, 1) <= min(seen) <= max(seen) <= date(2024, 12, 31)
    assert sum(each.month == 3 for each in seen) == pytest.approx(300, abs=40)
    assert sum(each.month == 12 for each in seen) == pytest.approx(600, abs=40)
    assert len({each.day for each in seen if each.month == 3}) > 20, "drawn within the month"


def test_a_date_without_bounds_is_refused_with_what_to_type():
    with pytest.raises(Refused) as refused:
        plan_synthesis(wish_of(("seen",), 10, "1"), DECLARED, KINDS, "visits")
    assert (
        "`hedgerow dataset declare visits --unit person --bounds seen=FIRST-DAY:LAST-DAY`"
        in refused.value.next_step
    )


def test_bounds_of_dates_are_declared_kept_and_read_back():
    types = {"seen": DAY, "at": MOMENT, "age": ColumnType.INTEGER}
    asked = Asked(bounds={"seen": "2024-01-01:2025-12-31", "at": "2024-01-01T08:00:2024-01-01 20:30:59"})
    declared = asked.typed(types, "visits")
    assert declared.column("seen").span == Span(date(2024, 1, 1), date(2025, 12, 31))
    assert declared.column("at").span == Span.of("2024-01-01T08:00", "2024-01-01T20:30:59")
    record = type("Record", (), {"version": 1})()
    record.body = canonical(declaration_json(declared)).decode()
    assert read_declaration(record).columns == declared.columns
    assert "span" not in canonical(declaration_json(Asked(bounds={"age": "0:9"}).typed(types, "v"))).decode()


@pytest.mark.parametrize(
    "text", ["0:9", "2024-01-01", "2024-02-30:2024-03-01", "2025-01-01:2024-01-01", "a:b"]
)
def test_what_is_no_span_of_days_is_refused(text):
    with pytest.raises(CallerError) as error:
        Asked(bounds={"seen": text}).typed({"seen": DAY}, "visits")
    assert error.value.code == "declare.bad-span"


def test_numbers_take_no_days_and_frames_no_days_in_disorder():
    with pytest.raises(CallerError, match="--bounds"):
        Asked(bounds={"age": "2024-01-01:2025-01-01"}).typed({"age": ColumnType.INTEGER}, "visits")
    with pytest.raises(CallerError, match="no two dates in order"):
        declare(bounds={"seen": (date(2025, 1, 1), date(2024, 1, 1))})
