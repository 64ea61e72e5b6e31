"""Proves that cells keep enough people, that labels hold their points, and that bad coordinates fail."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest

import hedgerow.places as hp
from hedgerow.app.demo.town.tracks import block_table, track_table
from hedgerow.kernel.places import grid as kernel
from hedgerow.model.errors import CallerError


def box(text: str) -> tuple[float, ...]:
    """Read a label: south, north, west, east."""
    return tuple(float(part) for half in text.split(" ") for part in half.split(".."))


def place_table(points, people=None) -> pa.Table:
    north, east = zip(*points, strict=True)
    columns = {"latitude": list(map(float, north)), "longitude": list(map(float, east))}
    return pa.table(columns | ({} if people is None else {"people": people}))


def refused(function, *arguments, **named) -> str:
    with pytest.raises(CallerError) as caught:
        function(*arguments, **named)
    return caught.value.code


WORLD = kernel.CellGrid(hp.CellRule(), 12, *[np.zeros(0, dtype=np.int64)] * 4)


class TestCells:
    def test_every_cell_keeps_enough_people_of_the_town(self):
        blocks = block_table(3, 5000)
        grid = hp.population_cells(blocks, least=100, finest_m=100, outside="coarsest")
        made = hp.cells(
            blocks.rename_columns({"people": "n"}), latitude="latitude", longitude="longitude", grid=grid
        )
        counted = made.table.group_by("cell").aggregate([("n", "sum")]).to_pydict()
        assert min(counted["n_sum"]) >= 100
        assert "*" in counted["cell"]
        assert made.cells == len(counted["cell"]) > 10

    def test_without_strays_a_lonely_child_keeps_its_cell_whole(self):
        points = [(10.0, 10.0)] * 2 + [(10.0, 11.0)]
        grid = hp.population_cells(place_table(points, [50, 50, 1]), least=10, finest_m=100, strays=0)
        texts = kernel.labels_of(grid, np.arange(len(grid.starts)))
        assert len(texts) == 1
        south, north, west, east = box(texts[0])
        assert south <= 10 <= north
        assert west <= 10
        assert east >= 11

    def test_with_strays_the_lonely_one_goes_to_the_star_and_takes_company(self):
        population = place_table([(10, 10), (10.5, 10.5), (60, 60)], [50, 20, 1])
        grid = hp.population_cells(population, least=10, finest_m=100)
        made = hp.cells(population, latitude="latitude", longitude="longitude", grid=grid)
        texts = made.table["cell"].to_pylist()
        assert texts[0] != "*"
        assert texts[1:] == ["*", "*"]  # one person alone behind it would be told by it
        assert made.outside_rows == 2

    def test_what_nobody_lives_in_is_refused_or_the_star(self):
        population = place_table([(10, 10), (10.5, 10.5)], [50, 20])
        sea = place_table([(-30, 100)])
        grid = hp.population_cells(population, least=10, finest_m=100)
        names = {"latitude": "latitude", "longitude": "longitude"}
        assert refused(hp.cells, sea, grid=grid, **names) == "places.outside"
        grid = hp.population_cells(population, least=10, finest_m=100, outside="coarsest")
        assert hp.cells(sea, grid=grid, **names).table["cell"].to_pylist() == ["*"]
        # The star tells "outside of all cells", so people live there too.
        assert len(grid.starts) == 1

    def test_own_people_count_once_in_each_cell(self):
        one_often = place_table([(10, 10)] * 50 + [(40, 40)] * 3)
        table = one_often.append_column("who", pa.array([1] * 50 + [1, 2, 3]))
        names = {"latitude": "latitude", "longitude": "longitude"}
        assert refused(hp.own_cells, table, least=4, person="who", **names) == "places.too-few-people"
        grid = hp.own_cells(table, least=2, person="who", strays=1, **names)
        texts = hp.cells(table, grid=grid, **names).table["cell"].to_pylist()
        assert set(texts[:50]) == {"*"}  # one person, fifty rows

    def test_fractions_of_people_are_rounded_down(self):
        population = place_table([(10, 10), (20, 20)], [9.9999, 0.0])
        assert refused(hp.population_cells, population, least=10) == "places.too-few-people"

    def test_the_hierarchy_ends_in_the_star_and_joins_cells(self):
        grid = hp.population_cells(block_table(3, 5000), least=100, finest_m=100)
        made = hp.cell_hierarchy(grid)
        assert made.labels[-1] == ("*",)
        assert set(made.values) == {"*", *kernel.labels_of(grid, np.arange(len(grid.starts)))}
        sizes = [len(level) for level in made.labels]
        assert sizes == sorted(sizes, reverse=True)

    def test_tracks_become_cells_without_their_coordinates(self):
        tracks, blocks = track_table(3, 300), block_table(3, 5000)
        grid = hp.population_cells(blocks, least=100, outside="coarsest")
        made = hp.cells(tracks, latitude="latitude", longitude="longitude", grid=grid)
        assert made.table.column_names == ["person", "cell", "time"]
        assert made.outside_rows < tracks.num_rows / 4


class TestGeometry:
    def test_cells_of_a_depth_have_equal_areas(self):
        depth = 6
        codes = [0, 1000, 2000, 4095]
        areas = []
        for code in codes:
            south, north, west, east = kernel.bounds(code, depth, depth)
            share = (math.sin(math.radians(north)) - math.sin(math.radians(south))) / 2 * (east - west) / 360
            areas.append(share * kernel.EARTH_EDGE_M**2)
        assert areas == pytest.approx([kernel.edge_of(depth) ** 2] * 4, rel=1e-9)

    def test_depths_are_those_of_the_docstring(self):
        assert [round(kernel.edge_of(depth), 1) for depth in (10, 16, 20)] == [22055.3, 344.6, 21.5]
        assert (kernel.depth_of(250), kernel.depth_of(22_585 / 2**10 * 999)) == (16, 10)

    @pytest.mark.parametrize("depth", [1, 5, 16, 24])
    @pytest.mark.parametrize(
        "point",
        [(0, 0), (90, 0), (-90, 0), (0, 180), (0, -180), (30, 45), (89.9999999, 179.9999999), (-1e-9, -1e-9)],
    )
    def test_a_label_holds_its_point(self, point, depth):
        north, east = (np.asarray([each], dtype=np.float64) for each in point)
        code = int(kernel.point_codes(north, east, depth)[0])
        low, high, west, right = box(kernel.label(code, depth, depth))
        assert low <= point[0] <= high
        assert west <= point[1] <= right or (abs(point[1]) == 180 and west == -180)

    def test_the_date_line_is_one_meridian_and_a_pole_one_point(self):
        both = kernel.point_codes(np.asarray([5.0, 5.0]), np.asarray([180.0, -180.0]), 20)
        assert both[0] == both[1]
        pole = kernel.point_codes(np.asarray([90.0] * 3), np.asarray([0.0, 77.0, -180.0]), 20)
        assert len(set(pole.tolist())) == 1

    @pytest.mark.parametrize(("depth", "codes"), [(4, range(4**4)), (16, range(0, 4**16, 4**16 // 97))])
    def test_a_label_holds_the_whole_cell(self, depth, codes):
        for code in codes:
            low, high, west, east = box(kernel.label(code, depth, depth))
            bounds = kernel.bounds(code, depth, depth)
            assert low <= bounds[0] + 1e-12
            assert high >= bounds[1] - 1e-12
            assert west <= bounds[2]
            assert east >= bounds[3]

    def test_labels_of_a_depth_differ(self):
        texts = {kernel.label(code, 6, 6) for code in range(4**6)}
        assert len(texts) == 4**6
        assert not any("-0.0 " in f"{text} " or "-0.0." in text for text in texts)


class TestRefusals:
    @pytest.mark.parametrize(
        ("north", "east", "code"),
        [
            ([1.0, math.nan], [1.0, 1.0], "places.no-coordinate"),
            ([1.0, 1.0], [1.0, math.nan], "places.no-coordinate"),
            ([1.0, None], [1.0, 1.0], "places.no-coordinate"),
            ([170.0, 120.0], [10.0, 12.0], "places.swapped"),
            ([91.0, 10.0], [100.0, 12.0], "places.out-of-range"),
            ([10.0, 10.0], [100.0, 181.0], "places.out-of-range"),
            ([math.inf, 10.0], [100.0, 12.0], "places.out-of-range"),
            (["1", "2"], [1.0, 1.0], "places.column-type"),
        ],
    )
    def test_what_is_no_coordinate_is_refused_without_its_value(self, north, east, code):
        table = pa.table({"lat": north, "lon": east})
        with pytest.raises(CallerError) as caught:
            hp.cells(table, latitude="lat", longitude="lon", grid=WORLD)
        assert caught.value.code == code
        assert "lat" in caught.value.message or "lon" in caught.value.message
        assert not any(value in caught.value.message for value in ("91", "170", "181", "inf", "nan"))

    def test_exchanged_columns_are_seen_by_the_population(self):
        population = place_table([(50, 10), (50.5, 10.5)], [500, 200])
        grid = hp.population_cells(population, least=10, outside="coarsest", finest_m=1000)
        swapped = place_table([(10, 50), (10.0001, 50.0001)])
        names = {"latitude": "latitude", "longitude": "longitude"}
        assert refused(hp.cells, swapped, grid=grid, **names) == "places.swapped"

    def test_rows_without_coordinates_are_kept_only_when_asked(self):
        population = place_table([(10, 10), (10.5, 10.5)], [50, 20])
        grid = hp.population_cells(population, least=10, missing="keep")
        table = pa.table({"lat": [10.0, None], "lon": [10.0, None]})
        made = hp.cells(table, latitude="lat", longitude="lon", grid=grid)
        assert made.table["cell"].to_pylist()[1] is None
        assert made.missing_rows == 1
        half = pa.table({"lat": [10.0, None], "lon": [10.0, 10.0]})
        assert refused(hp.cells, half, latitude="lat", longitude="lon", grid=grid) == "places.no-coordinate"

    @pytest.mark.parametrize(
        ("more", "code"),
        [
            ({"least": 1}, "places.least"),
            ({"finest_m": 0.5}, "places.edge"),
            ({"finest_m": math.nan}, "places.edge"),
            ({"strays": 2}, "places.strays"),
            ({"strays": "much"}, "places.strays"),
            ({"outside": "sea"}, "places.choice"),
            ({"missing": "drop"}, "places.choice"),
            ({"least": 10_000}, "places.too-few-people"),
            ({"people": "latitude"}, "places.people"),
            ({"people": "nobody"}, "places.unknown-column"),
            ({"least": "many"}, "call.kind"),
        ],
    )
    def test_a_rule_that_keeps_nothing_is_refused(self, more, code):
        population = place_table([(-10, 10), (-10.5, 10.5)], [50, 20])
        assert refused(hp.population_cells, population, **({"least": 10} | more)) == code

    def test_a_name_that_stands_already_is_refused(self):
        population = place_table([(10, 10)], [50])
        grid = hp.population_cells(population, least=10)
        names = {"latitude": "latitude", "longitude": "longitude", "name": "people"}
        assert refused(hp.cells, population, grid=grid, **names) == "places.repeated-column"
        assert refused(hp.cells, [1, 2], grid=grid, **names) == "places.no-table"
