"""The private query over encrypted buckets, gate, ledger and journal included, beside DuckDB on Parquet.

The peer computes COUNT, SUM and AVG of one column in 100 groups for everybody, over the same three columns
(key, value, person) scanned by pyarrow from one plain Parquet file. Ours: consent of nine people in ten,
ten rows a person and ten declared, noise, two transactions forced to the disk. On a data frame there is no
workspace, and which rows of a person count is drawn anew for each query. ``make bench-peers`` asks the same
of OpenDP's Polars interface.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

import worlds
from frame import SEED, Row, Sizes, Spent, apart, growth, interleaved, timed, told

ROWS_EACH = 10
LIMIT = 3.0
BOTH_LIMIT_S = 0.5
FLY_LIMIT_S = 2.0
PEAK_LIMIT_MIB = 1536
MEDIAN_LIMIT_S = 1.0
REPEAT = 5
VALUES = ("age", "cost")
OURS, BOTH, MEDIAN = "count(*), sum({0}), avg({0})", "count(*), sum({0})", "median({0})"


def rows(sizes: Sizes) -> Iterator[Row]:
    large, small = sizes.of(10_000_000), sizes.of(1_000_000)
    with tempfile.TemporaryDirectory() as folder:
        found = {}
        for many in (small, large):
            with told(f"build {many:,} rows"):
                apart(build, Path(folder) / str(many), many)
            found[many] = apart(measure, Path(folder) / str(many))
        fly = apart(on_the_fly, Path(folder) / str(large))
    warm, cold, plain, both, median, fixed, peak = found[large]
    size = sizes.millions(10_000_000)
    groups = f"of {VALUES[1]} in {len(worlds.WARDS)} groups, {size} rows"
    exact, drawn = "DuckDB, plain Parquet", "the same of a data frame, rows of a person drawn for each query"
    yield _within(f"private count and sum {groups}", *both, exact, BOTH_LIMIT_S, sizes)
    yield _within(drawn, fly, both[1], exact, FLY_LIMIT_S, sizes)
    for value in VALUES:
        yield _against(f"private query of {value}, {size} rows", warm[value], plain[value], is_target=True)
    yield _against(f"the same, first in its process ({VALUES[0]})", cold, plain[VALUES[0]], is_target=True)
    yield _within(f"private median {groups}", *median, f"{exact}, exact median", MEDIAN_LIMIT_S, sizes)
    yield Row(
        "fixed cost of gate, ledger and journal (query of 1,000 rows)",
        str(fixed),
        figures={"wall_s": fixed.wall_s, "cpu_s": fixed.cpu_s},
    )
    yield Row(
        "peak memory of those queries",
        f"{peak:.0f} MiB",
        target=f"<= {PEAK_LIMIT_MIB} MiB",
        is_met=peak <= PEAK_LIMIT_MIB,
        figures={"peak_mib": peak},
    )
    first = VALUES[0]
    yield growth(f"growth of the query, {small:,} to {large:,} rows", found[small][0][first], warm[first])


def _against(name: str, ours: Spent, plain: Spent, *, is_target: bool) -> Row:
    ratio = ours.wall_s / plain.wall_s
    return Row(
        name,
        str(ours),
        f"DuckDB, plain Parquet {plain}",
        ratio,
        f"<= {LIMIT:.0f} x" if is_target else "",
        ratio <= LIMIT if is_target else None,
        {"wall_s": ours.wall_s, "cpu_s": ours.cpu_s, "peer_wall_s": plain.wall_s, "peer_cpu_s": plain.cpu_s},
    )


def _within(name: str, ours: Spent, plain: Spent, peer: str, limit_s: float, sizes: Sizes) -> Row:
    return Row(
        name,
        str(ours),
        f"{peer} {plain}",
        ours.wall_s / plain.wall_s,
        "" if sizes.quick else f"<= {limit_s:g} s",
        None if sizes.quick else ours.wall_s <= limit_s,
        {"wall_s": ours.wall_s, "cpu_s": ours.cpu_s, "peer_wall_s": plain.wall_s, "peer_cpu_s": plain.cpu_s},
    )


def build(folder: Path, many: int) -> None:
    """Collect a small table by the service; then add the large one past it, as records and bucket files."""
    folder.mkdir()
    worlds.write_visits(folder, 1000, 100)
    worlds.collect(folder)
    with worlds.opened(folder / "space") as space:
        worlds.declare(space, "visits", max_rows=ROWS_EACH)
        draw = np.random.default_rng(SEED)
        people = np.unique(draw.integers(0, 2**62, many // ROWS_EACH))
        who = draw.permutation(np.repeat(people, ROWS_EACH))
        table = values(draw, len(who))
        pq.write_table(table.append_column("person", pa.array(who)), folder / "plain.parquet")
        worlds.add_past_intake(space, "large", table, who, draw.permutation(people)[: len(people) * 9 // 10])
        worlds.declare(space, "large", max_rows=ROWS_EACH)


def values(draw: np.random.Generator, many: int) -> pa.Table:
    wards = pa.DictionaryArray.from_arrays(
        pa.array(draw.integers(0, len(worlds.WARDS), many, dtype=np.int32)), pa.array(worlds.WARDS)
    )
    cost = np.round(draw.gamma(2, 200, many), 2)
    return pa.table({"ward": wards.cast(pa.string()), "age": draw.integers(0, 120, many), "cost": cost})


def measure(
    folder: Path,
) -> tuple[dict[str, Spent], Spent, dict[str, Spent], list[Spent], list[Spent], Spent, float]:
    """Ask cold once, then in turns with the peer."""
    with worlds.opened(folder / "space") as space:
        analyst = space.acting_as("analyst1", purpose="research")

        def ask(dataset: str, value: str, of: str = OURS) -> Callable[[], object]:
            sql = f"SELECT ward, {of.format(value)} FROM {dataset} GROUP BY ward"
            return lambda: analyst.query(dataset, sql, epsilon="0.1", fresh=True)

        ask("visits", "cost")()  # imports and the first plan are no part of what is measured
        fixed = interleaved(REPEAT * 2, ask("visits", "cost"))[0]
        cold = timed(ask("large", VALUES[0]))
        plainly = duckdb.connect(":memory:", config={"threads": 2})
        plainly.execute("SET enable_progress_bar = false")
        warm, plain = {}, {}
        for value in VALUES:
            warm[value], plain[value] = interleaved(
                REPEAT, ask("large", value), plain_query(plainly, folder, value)
            )
        both, middle = (
            interleaved(REPEAT, ask("large", VALUES[1], of), plain_query(plainly, folder, VALUES[1], of))
            for of in (BOTH, MEDIAN)
        )
    peak = max(spent.peak_mib for spent in [cold, *warm.values(), middle[0]])
    return warm, cold, plain, both, middle, fixed, peak


def on_the_fly(folder: Path) -> Spent:
    """Ask the same of an Arrow table, where no rank is kept beside the rows."""
    import hedgerow as hr

    table = pq.read_table(folder / "plain.parquet", columns=["person", "ward", "cost"])
    known = hr.dp.declare(max_rows=ROWS_EACH, bounds={"cost": (0, 5000)}, keys={"ward": list(worlds.WARDS)})
    sql, budget = f"SELECT ward, {BOTH.format('cost')} FROM frame GROUP BY ward", hr.dp.Budget.of(1)

    def ask() -> object:
        return hr.dp.query(table, sql, person="person", declaration=known, epsilon=1, budget=budget)

    ask()
    return interleaved(3, ask)[0]


def plain_query(
    database: duckdb.DuckDBPyConnection, folder: Path, value: str, of: str = OURS
) -> Callable[[], object]:
    def work() -> object:
        database.register("t", ds.dataset(folder / "plain.parquet"))
        sql = f"SELECT ward, {of.format(value)}, count(person) FROM t GROUP BY ward"
        return database.execute(sql).fetchall()

    return work
