"""Proves that moments become the bands that were declared, in the zone people live by, whatever clocks do."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest

import hedgerow.places as hp
from hedgerow.kernel.places.bands import banded
from hedgerow.model.errors import CallerError


def told(moments, **more) -> list[str | None]:
    codes, labels = banded(np.asarray(moments, dtype="datetime64[us]"), hp.TimeBands(**more))
    return [None if code < 0 else labels[code] for code in codes.tolist()]


def column(values, kind) -> pa.Table:
    return pa.table({"t": pa.array(values, kind)})


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (("any",), "*"),
        (("year",), "2024"),
        (("quarter",), "2024-Q4"),
        (("month",), "2024-12"),
        (("week",), "2025-W01"),
        (("day",), "2024-12-30"),
        (("weekday",), "Monday"),
        (("weekend",), "working day"),
        (("time",), "18:00-24:00"),
        (("weekend", "time"), "working day 18:00-24:00"),
        (("month", "weekday"), "2024-12 Monday"),
    ],
)
def test_each_part_of_a_moment(parts, expected):
    assert told(["2024-12-30T23:59:59.999999"], parts=parts) == [expected]


def test_weeks_are_those_of_the_standard_library():
    days = np.arange("1968-01-01", "2032-01-01", 3, dtype="datetime64[D]")
    expected = [day.isocalendar() for day in days.astype(object)]
    assert told(days, parts=("week",)) == [f"{each.year}-W{each.week:02d}" for each in expected]


def test_a_band_may_go_over_midnight():
    moments = [
        "2025-03-01T05:59",
        "2025-03-01T06:00",
        "2025-03-01T21:59",
        "2025-03-01T22:00",
        "2025-03-02T00:00",
    ]
    night, day = "22:00-06:00", "06:00-22:00"
    assert told(moments, parts=("time",), edges=(360, 1320)) == [night, day, day, night, night]


def test_weekends_are_declared():
    days = ["2025-03-07", "2025-03-08", "2025-03-09"]  # Friday to Sunday
    free, work = "weekend", "working day"
    assert told(days, parts=("weekend",)) == [work, free, free]
    assert told(days, parts=("weekend",), weekend=(4, 5)) == [free, free, work]


def test_a_missing_moment_stays_missing():
    assert told(["NaT", "2025-03-07"], parts=("year",)) == [None, "2025"]


class TestZones:
    def test_bands_are_of_the_zone_whatever_clocks_do(self):
        """Berlin, 2025: clocks went forward on 30 March at 01:00 UTC and back on 26 October at 01:00 UTC."""
        moments = [
            dt.datetime(2025, 3, 30, 0, 59, tzinfo=dt.UTC),  # 01:59
            dt.datetime(2025, 3, 30, 1, 0, tzinfo=dt.UTC),  # 03:00
            dt.datetime(2025, 10, 26, 0, 30, tzinfo=dt.UTC),  # 02:30, the first
            dt.datetime(2025, 10, 26, 1, 30, tzinfo=dt.UTC),  # 02:30, the second
            dt.datetime(2025, 10, 26, 23, 30, tzinfo=dt.UTC),  # 00:30 of the next day
        ]
        bands = hp.TimeBands(("day", "time"), edges=tuple(range(0, 1440, 60)), zone="Europe/Berlin")
        made = hp.time_bands(column(moments, pa.timestamp("us", "UTC")), time="t", bands=bands)
        assert made["t"].to_pylist() == [
            "2025-03-30 01:00-02:00",
            "2025-03-30 03:00-04:00",
            "2025-10-26 02:00-03:00",
            "2025-10-26 02:00-03:00",
            "2025-10-27 00:00-01:00",
        ]

    @pytest.mark.parametrize(
        ("kind", "zone", "code"),
        [
            (pa.timestamp("us", "UTC"), None, "places.zone-needed"),
            (pa.timestamp("us"), "Europe/Berlin", "places.naive-times"),
            (pa.timestamp("us", "UTC"), "Europe/Nowhere", "places.time-zone"),
            (pa.int64(), None, "places.column-type"),
        ],
    )
    def test_what_is_not_clear_is_refused(self, kind, zone, code):
        with pytest.raises(CallerError) as caught:
            hp.time_bands(column([0], kind), time="t", bands=hp.TimeBands(zone=zone))
        assert caught.value.code == code

    def test_a_date_has_no_time_of_day(self):
        days = column([dt.date(2025, 3, 7)], pa.date32())
        assert hp.time_bands(days, time="t", bands=hp.TimeBands(("month",)), name="m").to_pydict() == {
            "m": ["2025-03"]
        }
        with pytest.raises(CallerError) as caught:
            hp.time_bands(days, time="t", bands=hp.TimeBands(("time",)))
        assert caught.value.code == "places.column-type"


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"parts": ()}, "places.time-parts"),
        ({"parts": ("hour",)}, "places.time-parts"),
        ({"parts": ("day", "day")}, "places.time-parts"),
        ({"parts": ("any", "day")}, "places.time-parts"),
        ({"weekend": (7,)}, "places.time-parts"),
        ({"edges": ()}, "places.time-edges"),
        ({"edges": (0, 0)}, "places.time-edges"),
        ({"edges": (0, 1440)}, "places.time-edges"),
        ({"edges": (0.5,)}, "places.time-edges"),
    ],
)
def test_bands_that_say_nothing_clear_are_refused(more, code):
    with pytest.raises(CallerError) as caught:
        told(["2025-03-07"], **more)
    assert caught.value.code == code
