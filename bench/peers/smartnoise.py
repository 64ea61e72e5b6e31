"""Private SQL beside SmartNoise SQL, in one process: count and sum in 100 groups of a million rows in memory.

Both bound each person to ten rows, drawn for each query, and each value to 0 to 5,000. SmartNoise reads the
groups from the data (``censor_dims`` off, without which it needs a delta); ours are declared. It pins an
older OpenDP than ours asks for; the noise ours takes from it is the same.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))

import numpy as np
import pyarrow as pa
import snsql

import hedgerow as hr
import query_bench
import worlds
from frame import SEED, interleaved

ROWS, EACH, REPEAT = 1_000_000, query_bench.ROWS_EACH, 3
MEANING = {
    "": {
        "s": {
            "visits": {
                "row_privacy": False,
                "max_ids": EACH,
                "censor_dims": False,
                "sample_max_ids": True,
                "person": {"type": "int", "private_id": True},
                "ward": {"type": "string"},
                "cost": {"type": "float", "lower": 0.0, "upper": 5000.0},
            }
        }
    }
}


def main():
    draw = np.random.default_rng(SEED)
    table = query_bench.values(draw, ROWS)
    table = table.append_column("person", pa.array(draw.integers(0, ROWS // EACH, ROWS)))
    reader = snsql.from_df(
        table.to_pandas(), privacy=snsql.Privacy(epsilon=1.0, delta=1e-6), metadata=MEANING
    )
    known = hr.dp.declare(max_rows=EACH, bounds={"cost": (0, 5000)}, keys={"ward": list(worlds.WARDS)})

    def theirs():
        return reader.execute("SELECT ward, COUNT(*) AS n, SUM(cost) AS c FROM s.visits GROUP BY ward")

    def ours():
        sql = "SELECT ward, COUNT(*), SUM(cost) FROM frame GROUP BY ward"
        budget = hr.dp.Budget.of(1)
        return hr.dp.query(table, sql, person="person", declaration=known, epsilon=1, budget=budget)

    ours()
    peer, own = interleaved(REPEAT, theirs, ours)
    print(f"count and sum, {ROWS:,} rows, {len(worlds.WARDS)} groups: SmartNoise SQL {peer}")
    print(f"    hedgerow on a data frame {own}: {own.wall_s / peer.wall_s:.2f} of it")


if __name__ == "__main__":
    main()
