"""Proves that places, times and merchants become coarser as rules say; what does not fit is refused."""

from __future__ import annotations

import pyarrow as pa
import pytest

from hedgerow.model.errors import CallerError
from hedgerow.model.tokens import Habit
from hedgerow.techniques.tokens.habits import check_habit, habit_column


def made(kind, values, **options):
    rule = Habit("out", "in", kind, tuple(options.items()))
    check_habit(rule)
    return habit_column(rule, pa.array(values, pa.string())).to_pylist()


def test_times_become_bands():
    values = ["2026-03-14T08:15:00", None, "2026-03-16 23:59:59", "2026-03-14T09:00:00"]
    weekend, missing, night, same = made("time-band", values)
    assert missing is None
    assert weekend == same != night
    assert made("time-band", values, parts="month") == ["2026-03", None, "2026-03", "2026-03"]
    assert len(set(made("time-band", values, parts="time", edges="0,540"))) == 3
    assert made("time-band", values[:1], weekend="4") == ["working day 06:00-12:00"]
    assert made("time-band", ["2026-03-14T20:00:00.25Z"], parts="day", zone="Asia/Tokyo") == ["2026-03-15"]


def test_merchants_become_categories_that_betray_nothing():
    # 8062 hospitals, 5411 grocery stores, 8661 religious organisations.
    told = made("merchant-category", ["5411", "8062", "8661", None, "5411", "5411"])
    assert told[3] is None
    assert not any(word in (text or "").lower() for text in told for word in ("hospital", "relig", "health"))


def cells(north, east, people, **options):
    rule = Habit("out", "lat", "cell", tuple({"longitude": "lon", "finest_m": "100", **options}.items()))
    check_habit(rule)
    assert rule.sources == ("lat", "lon")
    return habit_column(rule, pa.array(north), pa.array(east), people=people).to_pylist()


@pytest.mark.parametrize("kind", [float, str])
def test_coordinates_become_cells_that_keep_enough_people(kind):
    north, east = [10.0] * 3 + [10.5] * 3, [5.0] * 3 + [5.5] * 3
    told = cells([*map(kind, north), None], [*map(kind, east), None], range(7), least="3")
    assert told[0] == told[1] == told[2] != told[3] == told[4] == told[5]
    assert told[6] is None
    # The same person three times is one, and nobody else is there.
    assert len(set(cells(north, east, [1, 1, 1, 2, 3, 4], least="3", strays="0"))) == 1


@pytest.mark.parametrize(
    ("north", "code"),
    [(["Elm Street"], "places.column-type"), (["95.5"], "places.swapped"), ([None], "places.")],
)
def test_what_is_no_place_is_refused_without_its_value(north, code):
    with pytest.raises(CallerError) as caught:
        cells(north * 3, ["1.0"] * 3, [1, 2, 3], least="2")
    assert caught.value.code.startswith(code)
    assert str(north[0]) not in caught.value.message


@pytest.mark.parametrize(
    ("kind", "options", "values", "code"),
    [
        ("cell", {}, ["1"], "tokenise.option"),
        ("cell", {"longitude": "lon", "least": "2.5"}, ["1"], "tokenise.option"),
        ("cell", {"longitude": "lon", "strays": "few"}, ["1"], "tokenise.option"),
        ("cell", {"longitude": "lon", "least": "1"}, ["x"], "places.least"),
        ("trajectory", {}, ["1"], "tokenise.habit"),
        ("time-band", {"zone": "UTC"}, ["2026-01-01"], "places.naive-times"),
        ("time-band", {}, ["2026-01-01T08:00:00Z"], "places.zone-needed"),
        ("time-band", {"zone": "Nowhere"}, ["2026-01-01T08:00:00Z"], "places.time-zone"),
        ("time-band", {"weekend": "Friday"}, ["2026-01-01"], "tokenise.option"),
        ("time-band", {"edges": "noon"}, ["2026-01-01"], "tokenise.option"),
        ("time-band", {"edges": "720,0"}, ["2026-01-01"], "places.time-edges"),
        ("time-band", {"parts": "hour"}, ["2026-01-01"], "places.time-parts"),
        ("time-band", {}, ["yesterday"], "tokens.bad-date"),
        ("merchant-category", {"level": "shop"}, ["5411"], "places.merchant-level"),
        ("merchant-category", {"most_sensitive": "many"}, ["5411"], "tokenise.option"),
    ],
)
def test_what_does_not_fit_is_refused_without_a_value(kind, options, values, code):
    with pytest.raises(CallerError) as caught:
        made(kind, values, **options)
    assert caught.value.code == code
    assert values[0] not in str(caught.value)
