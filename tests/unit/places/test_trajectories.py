"""Proves that released trajectories keep their promise, recounted by brute force, and what they leave out."""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction
from itertools import combinations

import numpy as np
import pyarrow as pa
import pytest

import hedgerow.places as hp
from hedgerow.app.demo.town.tracks import track_table
from hedgerow.kernel.places import trajectories as kernel
from hedgerow.kernel.places.combinations import Points, points_of
from hedgerow.kernel.places.uniqueness import point_risk, wilson
from hedgerow.model.anonymity import Hierarchy
from hedgerow.model.errors import CallerError, Fault, Refused
from hedgerow.techniques.places import visits

NAMES = {"person": "person", "place": ("latitude", "longitude"), "time": "time"}
WARDS = Hierarchy(("a1", "a2", "b1", "b2"), ((0, 0, 1, 1), (0, 0, 0, 0)), (("a", "b"), ("*",)))


def sets_of(table: pa.Table) -> dict[object, set]:
    """Read each person's points."""
    own = defaultdict(set)
    for person, *point in zip(*table.to_pydict().values(), strict=True):
        own[person].add(tuple(point))
    return own


def fewest_by_hand(own: dict[object, set], known: int = 4) -> int:
    """Try every combination of up to four points of everybody against everybody."""
    found = []
    for points in own.values():
        for size in range(1, known + 1):
            every = combinations(sorted(points), size)
            found.extend(sum(set(some) <= other for other in own.values()) for some in every)
    return min(found)


def small_town(people: int = 40, seed: int = 1) -> pa.Table:
    rng = np.random.default_rng(seed)
    person = np.repeat(np.arange(people), 6)
    place = np.asarray(WARDS.values)[(person + (rng.random(len(person)) < 0.3)) % 4]
    start = np.datetime64("2025-01-06T08:00", "us")
    time = start + rng.integers(0, 3, len(person)).astype("timedelta64[D]")
    time = time + rng.integers(0, 600, len(person)).astype("timedelta64[m]")
    return pa.table({"person": person, "place": place, "time": time})


class TestRelease:
    def test_any_four_points_fit_at_least_k_people_by_brute_force(self):
        made = hp.trajectories(
            small_town(), person="person", place="place", time="time", k=3, hierarchy=WARDS
        )
        assert fewest_by_hand(sets_of(made.table)) == made.fewest >= 3

    def test_a_town_is_singled_out_before_and_not_after(self):
        made = hp.trajectories(track_table(5, 200), **NAMES, k=5)
        assert made.before.share > 0.95
        assert (made.after.alone, made.after.people) == (0, 200)
        assert made.after.fewest >= 5
        assert made.dropped <= Fraction(1, 10)
        assert made.place_level < 8  # some place is told, not only the time
        assert "at least 5 people" in made.statement

    def test_what_leaves_is_coarse_and_in_no_order_of_the_rows(self):
        tracks = track_table(5, 100)
        made = hp.trajectories(tracks, **NAMES, ladder=hp.HABITS, most_dropped="0.2")
        assert made.table.column_names == ["person", "place", "time"]
        assert made.table.num_rows == len(set(zip(*made.table.to_pydict().values(), strict=True)))
        people = made.table["person"].to_pylist()
        assert people == sorted(people)
        assert set(people) == set(range(1, made.released_people + 1))
        again = hp.trajectories(tracks, **NAMES, ladder=hp.HABITS, most_dropped="0.2")
        assert again.table.group_by("place").aggregate([([], "count_all")]).num_rows
        assert sets_of(again.table) != sets_of(made.table)  # numbered anew each time
        assert sorted(map(sorted, sets_of(again.table).values())) == sorted(
            map(sorted, sets_of(made.table).values())
        )

    def test_places_without_a_hierarchy_are_told_or_not(self):
        table = small_town(12)
        call = {"person": "person", "place": "place", "time": "time", "most_dropped": 0}
        told = hp.trajectories(table, k=3, **call)
        assert set(told.table["place"].to_pylist()) == set(WARDS.values)
        assert told.dropped == 0
        alone = table.set_column(1, "place", table["person"].cast(pa.string()))
        starred = hp.trajectories(alone, k=5, **call)
        assert set(starred.table["place"].to_pylist()) == {"*"}

    def test_times_with_a_zone_are_read_in_the_zone_named(self):
        table = small_town(12)
        aware = table.set_column(2, "time", table["time"].cast(pa.timestamp("us", "UTC")))
        call = {"person": "person", "place": "place", "time": "time", "k": 2, "hierarchy": WARDS}
        with pytest.raises(CallerError) as caught:
            hp.trajectories(aware, **call)
        assert caught.value.code == "places.zone-needed"
        assert (
            hp.trajectories(aware, **call, zone="Asia/Tokyo", most_dropped=1).time_bands.zone == "Asia/Tokyo"
        )


class TestDropping:
    def test_thinning_reaches_k_and_stops_at_the_limit(self):
        rng = np.random.default_rng(2)
        points = points_of(rng.integers(0, 60, 500), rng.integers(0, 8, 500))
        loose = kernel.thinned(points, hp.TrajectoryRule(k=6, most_dropped=Fraction(1)))
        assert loose is not None
        own = defaultdict(set)
        for person, item in zip(loose.person.tolist(), loose.item.tolist(), strict=True):
            own[person].add(item)
        assert fewest_by_hand(own) >= 6
        assert kernel.thinned(points, hp.TrajectoryRule(k=6, most_dropped=Fraction(1, 100))) is None

    def test_rows_that_are_joined_are_not_dropped(self):
        person = np.repeat(np.arange(4), 3)
        points = points_of(person, np.zeros(12, dtype=np.int64))
        assert points.rows.tolist() == [3] * 4
        kept = kernel.thinned(points, hp.TrajectoryRule(k=4, most_dropped=Fraction(0)))
        assert kept is not None
        assert kept.rows.sum() == 12

    def test_the_share_dropped_is_exact(self):
        person, item = np.arange(10), np.asarray([0] * 9 + [1])
        points = points_of(person, item)
        assert kernel.thinned(points, hp.TrajectoryRule(k=2, most_dropped=Fraction(1, 10))) is not None
        assert kernel.thinned(points, hp.TrajectoryRule(k=2, most_dropped=Fraction(99, 1000))) is None

    def test_large_numbers_of_items_stay_apart(self):
        person, item = np.asarray([0, 2**20, 2**20, 0]), np.asarray([2**45, 2**45, 2**45 + 1, 2**45])
        points = points_of(person, item)
        assert points.person.tolist() == [0, 2**20, 2**20]
        assert points.item.tolist() == [2**45, 2**45, 2**45 + 1]
        risk = point_risk(points, points, points=1, most_people=5, seed=0)
        assert risk.people == 2

    def test_many_items_are_counted_right_where_keys_would_not_fit(self):
        item = np.asarray([0, 1, 2, 3, 2**40, 2**40 + 1] * 3)
        points = Points(np.repeat(np.arange(3), 6), item, np.ones(18, dtype=np.int64))
        wide = kernel.profiles_of(points)
        assert kernel.counted(wide, 4, 3, 1000).fewest == 3
        assert kernel.counted(wide, 4, 4, 1000).rare.size == 15


class TestRefusals:
    def test_what_cannot_be_reached_is_refused(self):
        table = pa.table(
            {"p": [0, 0, 1, 1, 2], "w": ["a", "b", "c", "d", "e"], "t": [np.datetime64(0, "us")] * 5}
        )
        with pytest.raises(Refused) as refusal:
            hp.trajectories(table, person="p", place="w", time="t", k=3)
        assert refusal.value.code == "places.unreachable"  # a table of stars is no release
        with pytest.raises(CallerError) as caught:
            hp.trajectories(table, person="p", place="w", time="t", k=4)
        assert caught.value.code == "places.k-above-people"

    def test_what_is_not_counted_is_not_claimed(self):
        with pytest.raises(Refused) as caught:
            hp.trajectories(track_table(5, 30), **NAMES, k=5, most_combinations=1)
        assert caught.value.code == "places.uncounted"

    def test_a_recount_that_fails_stops_the_release(self, monkeypatch):
        monkeypatch.setattr(kernel, "thinned", lambda points, _: points)
        monkeypatch.setattr(kernel, "proof", lambda *_: (99, 1))
        with pytest.raises(Fault) as caught:
            hp.trajectories(track_table(5, 30), **NAMES)
        assert caught.value.code == "places.recount"

    @pytest.mark.parametrize(
        ("more", "code"),
        [
            ({"k": 1}, "places.trajectory-rule"),
            ({"known": 5}, "places.trajectory-rule"),
            ({"known": 0}, "places.trajectory-rule"),
            ({"most_dropped": 1.5}, "places.trajectory-rule"),
            ({"most_dropped": "few"}, "places.trajectory-rule"),
            ({"most_combinations": 0}, "places.trajectory-rule"),
            ({"person": "time"}, "places.repeated-column"),
            ({"place": ("a", "b", "c")}, "places.repeated-column"),
            ({"person": "who"}, "places.unknown-column"),
            ({"finest_m": 0}, "places.edge"),
            ({"place": "person", "person": "latitude", "hierarchy": WARDS}, "places.place-not-in-hierarchy"),
            ({"ladder": "days"}, "call.kind"),
        ],
    )
    def test_what_does_not_fit_is_refused(self, more, code):
        with pytest.raises(CallerError) as caught:
            hp.trajectories(track_table(5, 10), **(NAMES | more))
        assert caught.value.code == code

    def test_rows_without_a_person_are_refused(self):
        table = pa.table({"p": [1, None], "w": ["a", "b"], "t": [np.datetime64(0, "us")] * 2})
        for call in (hp.trajectories, hp.point_risk):
            with pytest.raises(CallerError) as caught:
                call(table, person="p", place="w", time="t")
            assert caught.value.code == "places.missing"
            with pytest.raises(CallerError) as caught:
                call(table.slice(0, 0), person="p", place="w", time="t")
            assert caught.value.code == "places.empty-table"


class TestRisk:
    def test_it_counts_as_one_would_by_hand(self):
        """Three people share all points, one has a point alone, one has fewer points than are drawn."""
        rows = [(p, w) for p in "abc" for w in "wxyz"] + [("d", w) for w in "wxy!"] + [("e", "w")]
        people, places = zip(*rows, strict=True)
        table = pa.table({"p": people, "w": places, "t": [0] * len(rows)})
        risk = hp.point_risk(table, person="p", place="w", time="t", points=4)
        assert (risk.people, risk.alone, risk.nobody, risk.fewest) == (5, 1, 0, 1)
        assert risk.share == 0.2

    def test_the_interval_is_wilsons(self):
        """Newcombe (1998), Table I: 81 of 263 gives 0.2553 to 0.3662 and 0 of 20 gives 0 to 0.1611."""
        assert [round(each, 4) for each in wilson(81, 263)] == [0.2553, 0.3662]
        assert [round(each, 4) for each in wilson(0, 20)] == [0.0, 0.1611]

    def test_a_draw_of_some_people_is_repeatable(self):
        tracks = track_table(5, 300)
        call = {"person": "person", "place": ["latitude", "longitude"], "time": "time"}
        one, two = (hp.point_risk(tracks, **call, most_people=50, seed=4) for _ in range(2))
        assert one == two
        assert one.people == 50

    def test_bad_numbers_are_refused(self):
        with pytest.raises(CallerError):
            hp.point_risk(track_table(5, 5), **NAMES, points=0)


@pytest.mark.extra
def test_pandas_and_polars_come_back_as_they_came():
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    town = small_town(12)
    call = {
        "person": "person",
        "place": "place",
        "time": "time",
        "k": 2,
        "hierarchy": WARDS,
        "most_dropped": 1,
    }
    assert isinstance(hp.trajectories(town.to_pandas(), **call).table, pandas.DataFrame)
    assert isinstance(hp.trajectories(polars.from_arrow(town), **call).table, polars.DataFrame)


def test_a_table_of_results_shows_nobody():
    made = hp.trajectories(small_town(12), person="person", place="place", time="time", k=2, hierarchy=WARDS)
    assert "a1" not in repr(made)
    assert visits.PEOPLE_TRIED == 2000
