"""Private queries on Spark beside plain Spark, in one process; see ``bench/spark_bench.py``."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))

import spark_bench
from frame import Sizes, table

if __name__ == "__main__":
    print(table(list(spark_bench.rows(Sizes(quick="--quick" in sys.argv)))))
