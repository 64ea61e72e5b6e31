"""Proves on random small data that cells, bands, categories and trajectories keep what they promise.

Each promise is recounted in plain Python by code that shares nothing with what is tested.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from fractions import Fraction
from itertools import combinations

import numpy as np
import pyarrow as pa
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import hedgerow.places as hp
from hedgerow.kernel.places import grid as kernel
from hedgerow.kernel.places import trajectories
from hedgerow.kernel.places.bands import banded
from hedgerow.kernel.places.combinations import points_of
from hedgerow.kernel.places.merchant_codes import SENSITIVE
from hedgerow.kernel.places.merchants import code_of
from hedgerow.model.errors import CallerError

small = settings(max_examples=50, deadline=None)
few = settings(max_examples=25, deadline=None)
FIRST, LAST = dt.datetime.fromisoformat("1960-01-01"), dt.datetime.fromisoformat("2060-01-01")
POINT = st.tuples(st.floats(-90, 90, allow_subnormal=False), st.floats(-180, 180, allow_subnormal=False))
NEAR = st.tuples(st.sampled_from([10.0, 10.001, 10.2, 11.0, -40.0]), st.sampled_from([5.0, 5.001, 5.3, 7.0]))


def box(text: str) -> tuple[float, ...]:
    return tuple(float(part) for half in text.split(" ") for part in half.split(".."))


@small
@given(POINT, st.integers(1, 24))
def test_a_label_holds_every_point_of_its_cell(point, depth):
    north, east = (np.asarray([each]) for each in point)
    south, top, west, right = box(kernel.label(int(kernel.point_codes(north, east, depth)[0]), depth, depth))
    latitude, longitude = (round(each, 9) for each in point)
    assert south <= latitude <= top
    assert west <= longitude <= right or abs(latitude) == 90 or (longitude == 180 and west == -180)


@small
@given(
    st.lists(st.tuples(NEAR, st.integers(0, 9)), min_size=1, max_size=30),
    st.integers(2, 8),
    st.sampled_from([Fraction(0), Fraction(1, 20), Fraction(1, 2), Fraction(1)]),
    st.sampled_from(["refuse", "coarsest"]),
)
def test_every_region_told_keeps_its_people(rows, least, strays, outside):
    points, people = zip(*rows, strict=True)
    north, east = zip(*points, strict=True)
    population = pa.table({"latitude": north, "longitude": east, "people": people})
    assume(sum(people) >= least)
    grid = hp.population_cells(population, least=least, strays=strays, outside=outside, finest_m=50)
    lived = population.filter(pa.array([each > 0 for each in people]))
    made = hp.cells(lived, latitude="latitude", longitude="longitude", grid=grid)
    counted = defaultdict(int)
    for text, number in zip(made.table["cell"].to_pylist(), made.table["people"].to_pylist(), strict=True):
        counted[text] += number
    assert min(counted.values()) >= least
    assert outside == "refuse" or len(counted) == 1 or "*" in counted
    # Apart from what went to keep the star company, no more people were left over than asked.
    if strays == 0 and outside == "refuse":
        assert "*" not in counted or list(counted) == ["*"]


@small
@given(st.lists(st.tuples(NEAR, st.integers(0, 5)), min_size=1, max_size=30), st.integers(2, 4))
def test_every_own_cell_keeps_its_people(rows, least):
    points, who = zip(*rows, strict=True)
    north, east = zip(*points, strict=True)
    table = pa.table({"latitude": north, "longitude": east, "who": who})
    names = {"latitude": "latitude", "longitude": "longitude"}
    try:
        grid = hp.own_cells(table, least=least, person="who", strays="0.3", finest_m=50, **names)
    except CallerError:
        assert len(set(who)) < least
        return
    seen = defaultdict(set)
    made = hp.cells(table, grid=grid, **names).table
    for text, one in zip(made["cell"].to_pylist(), made["who"].to_pylist(), strict=True):
        seen[text].add(one)
    assert min(map(len, seen.values())) >= least


@small
@given(st.lists(st.datetimes(FIRST, LAST), min_size=1, max_size=20))
def test_bands_are_what_the_calendar_says(moments):
    parts = ("year", "month", "week", "day", "weekday", "time")
    codes, labels = banded(np.asarray(moments, "datetime64[us]"), hp.TimeBands(parts, edges=(30, 720)))
    for moment, code in zip(moments, codes.tolist(), strict=True):
        week = moment.isocalendar()
        minute = moment.hour * 60 + moment.minute
        band = "00:30-12:00" if 30 <= minute < 720 else "12:00-00:30"
        expected = f"{moment:%Y %Y-%m} {week.year}-W{week.week:02d} {moment:%Y-%m-%d %A} {band}"
        assert labels[code] == expected


@small
@given(
    st.lists(
        st.sampled_from([*SENSITIVE, 5411, 5651, 4111, 7210, 5999, 5812, 1, 9399]), min_size=1, max_size=40
    ),
    st.sampled_from(["code", "group", "sector"]),
    st.sampled_from([Fraction(0), Fraction(1, 3), Fraction(1, 2), Fraction(1)]),
)
def test_no_category_tells_too_much(codes, level, share):
    table = pa.table({"mcc": pa.array(codes, pa.int64())})
    made = hp.merchants(table, code="mcc", level=level, most_sensitive=share)
    rows = defaultdict(list)
    for code, text in zip(codes, made.table["merchant_category"].to_pylist(), strict=True):
        rows[text].append(code in SENSITIVE)
        assert code_of(text) not in SENSITIVE
    for text, flags in rows.items():
        assert Fraction(sum(flags), len(flags)) <= share or list(rows) == ["*"]
        assert text == "*" or Fraction(sum(flags), len(flags)) <= made.most_sensitive


def fewest(own: dict[int, set[int]], known: int) -> int:
    some = [
        set(c) for items in own.values() for size in range(1, known + 1) for c in combinations(items, size)
    ]
    return min((sum(each <= other for other in own.values()) for each in some), default=0)


def sets_of(points) -> dict[int, set[int]]:
    own = defaultdict(set)
    for person, item in zip(points.person.tolist(), points.item.tolist(), strict=True):
        own[person].add(item)
    return own


PAIRS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 5)), min_size=1, max_size=50)


@small
@given(PAIRS, st.integers(1, 4))
def test_the_proof_counts_as_brute_force_does(pairs, known):
    points = points_of(*np.asarray(pairs, dtype=np.int64).T)
    assert trajectories.proof(points, known, 10**6)[0] == fewest(sets_of(points), known)


@few
@given(PAIRS, st.integers(1, 4), st.integers(2, 5))
def test_thinned_points_fit_k_people_by_brute_force(pairs, known, k):
    points = points_of(*np.asarray(pairs, dtype=np.int64).T)
    kept = trajectories.thinned(points, hp.TrajectoryRule(k, known, Fraction(1)))
    if kept is not None:
        assert fewest(sets_of(kept), known) >= k
        before = set(zip(points.person.tolist(), points.item.tolist(), strict=True))
        assert set(zip(kept.person.tolist(), kept.item.tolist(), strict=True)) <= before
