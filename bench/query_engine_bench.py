"""Compare the engine over encrypted buckets with DuckDB over plain Parquet, side by side.

Both compute COUNT, SUM and AVG of one column in 100 groups. Plain: DuckDB over the same three columns
(key, value, person) scanned by pyarrow from one plain Parquet file, for all people. Ours: the people
filter allows 90%, the contribution bound holds, values are clamped and summed in fixed point.

Run: ``python bench/query_engine_bench.py [ROWS] [--repeat N]``.
"""

from __future__ import annotations

import argparse
import os
import resource
import secrets
import sys
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from hedgerow.adapters.engines import DuckEngine, bucket_count_for, ranks_for, write_buckets
from hedgerow.adapters.engines.buckets import open_bucket
from hedgerow.adapters.engines.people import allowed_rows, numbers_of
from hedgerow.adapters.files import DirectoryShelf
from hedgerow.model.engine import PERSON, BucketFile, PeopleFilter
from hedgerow.model.plans import Clamp, CountRows, ExactAggregation, KeyDomain, SumValues

WARDS = tuple(f"ward-{number:03d}" for number in range(100))
BINDING = b"bench/visits/1"


def generated(rows: int) -> tuple[pa.Table, np.ndarray]:
    """Generate seeded rows: a key with 100 values, a whole and a floating value, about ten rows a person."""
    draw = np.random.default_rng(20)
    people = np.sort(draw.integers(0, 2**62, max(1, rows // 10)))[draw.integers(0, max(1, rows // 10), rows)]
    wards = pa.DictionaryArray.from_arrays(
        pa.array(draw.integers(0, 100, rows, dtype=np.int32)), pa.array(WARDS)
    )
    table = pa.table(
        {
            "ward": wards.cast(pa.string()),
            "age": draw.integers(0, 120, rows),
            "cost": np.round(draw.normal(50.0, 20.0, rows), 2),
        }
    )
    return table, people


def plain_query(
    database: duckdb.DuckDBPyConnection, path: Path, value: str, extra: str
) -> list[tuple[object, ...]]:
    """Run the plain query; ``extra`` makes it read the person column too, which it would not need."""
    database.register("t", ds.dataset(path))
    sql = f"SELECT ward, count(*), sum({value}), avg({value}){extra} FROM t GROUP BY ward"
    return database.execute(sql).fetchall()


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Time a call: seconds on the wall and seconds of all processors."""
    wall, processor = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - processor


def phases(files: tuple[BucketFile, ...], shelf: DirectoryShelf, people: PeopleFilter) -> dict[str, float]:
    """Time reading and filtering alone, in one thread."""
    allowed, reading, filtering = numbers_of(people), 0.0, 0.0
    for file in files:
        start = time.perf_counter()
        opened = open_bucket(file, shelf, as_codes=True)
        rows = opened.read(["c0", "c1", PERSON], allowed)
        middle = time.perf_counter()
        allowed_rows(allowed, rows[PERSON].to_numpy())
        reading += middle - start
        filtering += time.perf_counter() - middle
    return {"read and open, one thread": reading, "filter, one thread": filtering}


def report(rows: int, repeat: int, folder: Path) -> None:
    """Generate, measure, print."""
    table, people = generated(rows)
    pq.write_table(
        table.append_column("person", pa.array(people)), folder / "plain.parquet"
    )  # defaults: snappy
    start = time.perf_counter()
    ranks = ranks_for(people)
    ranked = time.perf_counter()
    shelf = DirectoryShelf(folder / "shelf")
    files = write_buckets(
        table, people, ranks, bucket_count_for(rows), shelf, lambda: secrets.token_bytes(32), binding=BINDING
    )
    written = time.perf_counter()
    print(f"{rows:,} rows, {len(np.unique(people)):,} people, {len(files)} buckets")
    print(
        f"ranks {ranked - start:.2f} s, write {written - ranked:.2f} s, peak RSS so far {peak_mib():.0f} MiB"
    )
    everyone = np.unique(people)
    kept = np.sort(np.random.default_rng(21).permutation(everyone)[: len(everyone) * 9 // 10])
    allowed = PeopleFilter.of_sorted(kept)
    bound = int(ranks.max()) + 1
    del table, people, ranks, everyone
    engine = DuckEngine(shelf)
    plainly = duckdb.connect(":memory:", config={"threads": 2})
    path = folder / "plain.parquet"
    print("medians in seconds, wall (processor); plain 3 columns reads the person column too")
    heads = ("plain, 3 columns", "plain, 2 columns", "ours")
    print(f"{'value':6} " + " ".join(f"{head:>17}" for head in heads) + f" {'ratio to 3':>15} {'to 2':>15}")
    for value, digits in (("age", 0), ("cost", 2)):
        for max_rows in (bound, 10):
            plan = ExactAggregation(
                (KeyDomain("ward", WARDS),),
                (CountRows(), CountRows(value), SumValues(value, Clamp(Fraction(0), Fraction(120)), digits)),
                None,
                max_rows,
            )
            contenders: tuple[Callable[[], object], ...] = (
                lambda v=value: plain_query(plainly, path, v, ", count(person)"),
                lambda v=value: plain_query(plainly, path, v, ""),
                lambda v=value, p=plan: engine.scan(files, ["ward", v], allowed).aggregate(p),
            )
            rounds = [[timed(work) for work in contenders] for _ in range(repeat)]
            middle = np.median(np.array(rounds), axis=0)
            print(f"{value:6} {row_of(middle)}  max rows {max_rows}")
    for name, seconds in phases(files, shelf, allowed).items():
        print(f"{name}: {seconds:.3f} s")
    print(f"peak RSS {peak_mib():.0f} MiB (data generation included); load {os.getloadavg()[0]:.1f}")


def row_of(middle: np.ndarray) -> str:
    """Show the medians of the three contenders and the ratios of the last to the others."""
    times = [f"{wall:9.3f} ({processor:5.2f})" for wall, processor in middle]
    ratios = [
        f"{middle[2, 0] / wall:7.2f} ({middle[2, 1] / processor:5.2f})" for wall, processor in middle[:2]
    ]
    return " ".join([*times, *ratios])


def peak_mib() -> float:
    """Peak resident memory of this process in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Read the arguments and run in a temporary directory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="?", type=int, default=10_000_000)
    parser.add_argument("--repeat", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        report(arguments.rows, arguments.repeat, Path(folder))


if __name__ == "__main__":
    sys.exit(main())
