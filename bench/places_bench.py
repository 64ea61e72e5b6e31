"""Trajectories of the demo town: re-identification from four points before and after, time, and growth.

The town is drawn from a seed: a week of twenty-eight points a person, to five decimals of a degree and to the
minute. The yardstick of the cells is one pass of the sines that the projection needs.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from frame import SEED, Row, Sizes, Spent, apart, growth, interleaved, seconds, timed

PEOPLE = 5_000
POINTS = 1_000_000
K = 5


def rows(sizes: Sizes) -> Iterator[Row]:
    people = sizes.of(PEOPLE)
    small, _ = apart(trajectories, people // 10)
    large, told = apart(trajectories, people)
    before, after = told["before"], told["after"]
    is_met = before >= 0.95 and after == 0
    name = f"four random points of {people:,} people single out, raw and released at k = {K}"
    measured = f"{before:.1%}, {after:.1%}"
    yield Row(name, measured, target="raw at least 95%, released none", is_met=is_met, figures=told)
    tried = f"{told['pairs']:.0f} pairs of levels tried"
    name = f"the release: {told['dropped']:.1%} of {people * 28:,} rows dropped, {tried}"
    yield Row(name, str(large), figures={"cpu_s": large.cpu_s})
    yield growth("the release, growth", small, large)
    points = sizes.of(POINTS)
    ours, sines = apart(cells, points)
    name = f"{sizes.millions(POINTS)} points to cells by population"
    ratio = ours.cpu_s / sines.cpu_s
    yield Row(name, seconds(ours.cpu_s) + " cpu", f"their sines {seconds(sines.cpu_s)} cpu", ratio)
    yield growth("cells, growth", apart(cells, points // 10)[0], ours)


def trajectories(people: int) -> tuple[Spent, dict[str, float]]:
    """Release a town's week."""
    import hedgerow.places as hp
    from hedgerow.app.demo.town.tracks import track_table

    tracks, made = track_table(SEED, people), []
    spent = timed(
        lambda: made.append(
            hp.trajectories(tracks, person="person", place=("latitude", "longitude"), time="time", k=K)
        )
    )
    told = made[0]
    return spent, {
        "before": told.before.share,
        "after": told.after.share,
        "dropped": float(told.dropped),
        "pairs": float(told.tried[0]),
        "uncounted": float(told.tried[1]),
        "combinations": float(told.combinations),
        "place_level": float(told.place_level),
        "time_level": float(told.time_level),
    }


def cells(points: int) -> list[Spent]:
    """Put random points of a town into its cells."""
    import pyarrow as pa

    import hedgerow.places as hp
    from hedgerow.app.demo.town.tracks import CENTRE, block_table

    rng = np.random.default_rng(SEED)
    north, east = (rng.normal(middle, 0.01, points) for middle in CENTRE)
    grid = hp.population_cells(block_table(SEED, 100_000), least=1000, outside="coarsest")
    table = pa.table({"lat": north, "lon": east})
    return interleaved(
        3,
        lambda: hp.cells(table, latitude="lat", longitude="lon", grid=grid),
        lambda: np.sin(np.radians(north)),
    )
