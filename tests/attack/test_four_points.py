"""Proves that four points single people out of raw trajectories, and nobody out of the released ones.

The attacker knows any four points of a person: of the raw table (made as coarse as the release says it is),
or of the release itself. On a small town every four of them are tried, by plain Python; on a larger one,
random ones. Power: the same attack finds at least 95 of 100 people in the raw table, so that it would see
what it looks for.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import combinations

import numpy as np
import pytest

import hedgerow.places as hp
from hedgerow.app.demo.town.tracks import track_table
from hedgerow.kernel.places import trajectories as kernel
from hedgerow.kernel.places.bands import banded
from hedgerow.kernel.places.grid import label, point_codes
from hedgerow.model.errors import Fault

K = 4
CALL = {"person": "person", "place": ("latitude", "longitude"), "time": "time", "k": K, "most_dropped": "0.2"}


def sets_of(people, *columns) -> dict[object, set]:
    own = defaultdict(set)
    for person, *point in zip(people, *columns, strict=True):
        own[person].add(tuple(point))
    return own


def fits(known, own) -> int:
    """Count the people whose trajectory holds all that is known."""
    return sum(set(known) <= points for points in own.values())


def as_released(raw, released, made) -> tuple[list[str], list[str]]:
    """Make raw points as coarse as the release is: its labels tell the sizes of its cells and bands."""
    codes = point_codes(*(raw[name].to_numpy() for name in ("latitude", "longitude")), 16)
    depth = 16 - made.place_level
    places = [label(int(code) >> 2 * made.place_level, depth, depth) if depth >= 0 else "*" for code in codes]
    bands, labels = banded(raw["time"].to_numpy(), made.time_bands)
    assert set(released["place"].to_pylist()) <= set(places)  # the attacker does read the release right
    return places, [labels[code] for code in bands.tolist()]


@pytest.fixture(scope="module")
def town():
    raw = track_table(11, 60, days=5, per_day=3)
    made = hp.trajectories(raw, **CALL)
    return raw, made


def test_every_four_points_are_tried_and_none_fits_fewer_than_k(town):
    _, made = town
    own = sets_of(*made.table.to_pydict().values())
    seen = {
        four
        for points in own.values()
        for size in (1, 2, 3, 4)
        for four in combinations(sorted(points), size)
    }
    assert seen
    assert min(fits(four, own) for four in seen) == made.fewest >= K


def test_four_raw_points_single_nobody_out_of_the_release(town):
    raw, made = town
    own = sets_of(*made.table.to_pydict().values())
    known = sets_of(raw["person"].to_pylist(), *as_released(raw, made.table, made))
    found = {
        fits(four, own)
        for points in known.values()
        for four in combinations(sorted(points), min(4, len(points)))
    }
    assert not found & set(range(1, K))
    assert max(found) >= K


def test_the_same_attack_wins_on_the_raw_table(town):
    raw, made = town
    own = sets_of(*(raw[name].to_pylist() for name in ("person", "latitude", "longitude", "time")))
    rng = np.random.default_rng(3)
    alone = 0
    for points in own.values():
        listed = sorted(points)
        drawn = rng.choice(len(listed), size=4, replace=False)
        alone += fits([listed[at] for at in drawn], own) == 1
    assert alone / len(own) >= 0.95
    assert made.before.share >= 0.95


def test_names_of_one_band_and_one_cell_alone_are_not_enough():
    """Coarse cells and bands without the count leave people alone: the count is what protects."""
    raw = track_table(11, 200)
    codes = point_codes(*(raw[name].to_numpy() for name in ("latitude", "longitude")), 13)
    bands, labels = banded(raw["time"].to_numpy(), hp.CALENDAR[1])
    own = sets_of(raw["person"].to_pylist(), codes.tolist(), [labels[code] for code in bands.tolist()])
    assert sum(min(fits(four, own) for four in [sorted(points)[:4]]) == 1 for points in own.values()) > 50


def test_a_release_that_skips_the_dropping_is_stopped(town, monkeypatch):
    """The broken variant: nothing is dropped and the count is not made. The recount of the table finds it."""
    monkeypatch.setattr(kernel, "thinned", lambda points, _: points)
    monkeypatch.setattr(kernel, "proof", lambda *_: (K, 1))
    with pytest.raises(Fault) as caught:
        hp.trajectories(town[0], **CALL)
    assert caught.value.code == "places.recount"


def test_random_points_of_a_larger_town():
    made = hp.trajectories(track_table(12, 400, days=5, per_day=3), **(CALL | {"k": 5}))
    assert made.before.share >= 0.95
    assert made.after.alone == 0
    drawn = hp.point_risk(made.table, person="person", place="place", time="time", points=4, seed=9)
    assert (drawn.alone, drawn.nobody) == (0, 0)
    assert drawn.fewest >= 5
