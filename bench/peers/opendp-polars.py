"""Private SQL beside OpenDP's Polars interface, in one process: the same ten million rows in 100 groups.

Both bound each person to ten rows and each value to 0 to 5,000, and add Laplace noise. OpenDP bounds on the
fly from a Parquet file in plain; ours does so from an Arrow table in memory, and, through the gate, from
encrypted files with ranks kept beside the rows, consent of nine people in ten, ledger and journal.
``--quick`` takes a tenth of the rows.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))

import opendp.prelude as dp
import polars as pl
import pyarrow.parquet as pq

import query_bench
import worlds
from frame import interleaved, peak_mib, told

ROWS, REPEAT = 10_000_000, 3
CANDIDATES = [float(each) for each in range(0, 5001, 250)]
COST = pl.col("cost").fill_nan(0.0).fill_null(0.0)
ASKED = {
    "count and sum": ("COUNT(*), SUM(cost)", lambda: [dp.len(signed=True), COST.dp.sum((0.0, 5000.0))]),
    "median": ("MEDIAN(cost)", lambda: [COST.dp.median(CANDIDATES)]),
}


def theirs(path, of):
    context = dp.Context.compositor(
        data=pl.scan_parquet(path),
        privacy_unit=dp.unit_of(contributions=query_bench.ROWS_EACH, identifier="person"),
        privacy_loss=dp.loss_of(epsilon=1.0),
        split_evenly_over=1,
        margins=[dp.polars.Margin(by=(), max_length=2 * ROWS)],
    )
    keys = pl.LazyFrame({"ward": list(worlds.WARDS)})
    query = (
        context.query().truncate_per_group(query_bench.ROWS_EACH).group_by("ward").agg(*of()).with_keys(keys)
    )
    return query.release().collect()


def on_the_fly(table, of):
    import hedgerow as hr

    known = hr.dp.declare(
        max_rows=query_bench.ROWS_EACH, bounds={"cost": (0, 5000)}, keys={"ward": list(worlds.WARDS)}
    )
    sql, budget = f"SELECT ward, {of} FROM frame GROUP BY ward", hr.dp.Budget.of(1)
    return hr.dp.query(table, sql, person="person", declaration=known, epsilon=1, budget=budget)


def main():
    dp.enable_features("contrib", "honest-but-curious")
    rows = ROWS // 10 if "--quick" in sys.argv else ROWS
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "world"
        with told(f"build {rows:,} rows"):
            query_bench.build(place, rows)
        table = pq.read_table(place / "plain.parquet", columns=["person", "ward", "cost"])
        with worlds.opened(place / "space") as space:
            analyst = space.acting_as("analyst1", purpose="research")
            for name, (sql, of) in ASKED.items():
                text = f"SELECT ward, {sql} FROM large GROUP BY ward"
                spent = interleaved(
                    REPEAT,
                    lambda of=of: theirs(place / "plain.parquet", of),
                    lambda sql=sql: on_the_fly(table, sql),
                    lambda text=text: analyst.query("large", text, epsilon="0.1", fresh=True),
                )
                peer, fly, kept = spent
                print(f"{name}, {rows:,} rows, {len(worlds.WARDS)} groups: OpenDP-Polars {peer}")
                print(f"    hedgerow on a data frame {fly}: {fly.wall_s / peer.wall_s:.2f} of it")
                print(f"    hedgerow through the gate {kept}: {kept.wall_s / peer.wall_s:.3f} of it")
        print(f"peak memory of all three in one process {peak_mib():.0f} MiB")


if __name__ == "__main__":
    main()
