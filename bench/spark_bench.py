"""A private query on a Spark DataFrame, beside the plain query that Spark answers over the same bounded rows.

Spark runs in this process's own Java with two threads. Without pyspark, or without a Java, nothing is
measured; ``make bench-peers PEERS=spark`` brings pyspark in an environment of its own.
"""

from __future__ import annotations

import importlib.util
import logging
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from frame import SEED, Row, Sizes, Spent, interleaved, told

ROWS_EACH, MOST, GROUPS, REPEAT, REPEAT_DRAWN = 10, 10, 100, 9, 2
LIMIT = 1.5
KEYS = [f"ward {number}" for number in range(GROUPS)]
QUESTION = "SELECT ward, COUNT(*), SUM(cost) FROM frame GROUP BY ward"
SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.memory": "2g",
    "spark.sql.shuffle.partitions": "2",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "OFF",
}


def rows(sizes: Sizes) -> Iterator[Row]:
    if importlib.util.find_spec("pyspark") is None or shutil.which("java") is None:
        yield Row("private query on Spark", "not measured: no pyspark, or no Java")
        return
    many = sizes.of(10_000_000)
    with tempfile.TemporaryDirectory() as folder:
        with told(f"build {many:,} rows"):
            build(Path(folder) / "rows.parquet", many)
        ours, drawn, plain = measure(Path(folder))
    size = sizes.millions(10_000_000)
    yield _against(
        f"private query on Spark, ranked rows, {size} rows", ours, plain, is_target=not sizes.quick
    )
    yield _against("the same, an order of each person's rows drawn for it", drawn, plain, is_target=False)


def _against(name: str, ours: Spent, plain: Spent, *, is_target: bool) -> Row:
    ratio = ours.wall_s / plain.wall_s
    return Row(
        name,
        str(ours),
        f"Spark, plain, bounded rows {plain}",
        ratio,
        f"<= {LIMIT} x" if is_target else "",
        ratio <= LIMIT if is_target else None,
        {"wall_s": ours.wall_s, "peer_wall_s": plain.wall_s},
    )


def build(path: Path, many: int) -> None:
    """Write rows of people, ten each on average, with their places in a random order."""
    from hedgerow.kernel.aggregation import draw_ranks

    random = np.random.default_rng(SEED)
    who = pa.array(random.integers(0, many // ROWS_EACH, many))
    ward = pa.array(np.array(KEYS)[random.integers(0, GROUPS, many)])
    cost = pa.array(random.lognormal(3, 1, many))
    table = pa.table({"who": who, "place": draw_ranks(who), "ward": ward, "cost": cost})
    pq.write_table(table, path)


def measure(folder: Path) -> list[Spent]:
    """Ask ranked and plain in turns after a round that is not counted; then an order drawn, which sorts."""
    warnings.simplefilter("ignore")  # it wants an older pandas, which is not used here
    logging.disable(logging.WARNING)
    from pyspark.sql import SparkSession

    from hedgerow import dp

    builder = SparkSession.builder.master("local[2]")
    for name, value in SETTINGS.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    try:
        frame = spark.read.parquet(str(folder / "rows.parquet"))
        frame.createOrReplaceTempView("plain")
        declared = dp.declare(max_rows=MOST, bounds={"cost": (0, 100)}, keys={"ward": KEYS})

        def ask(rank: str | None) -> None:
            budget = dp.Budget.of("1")
            dp.query(
                frame, QUESTION, person="who", declaration=declared, epsilon="1", budget=budget, rank=rank
            )

        def plain() -> None:
            bounded = f"SELECT ward, COUNT(*), SUM(cost) FROM plain WHERE place < {MOST} GROUP BY ward"
            assert len(spark.sql(bounded).collect()) == GROUPS

        works = (lambda: ask("place"), plain)
        for work in works:
            work()
        ranked, bare = interleaved(REPEAT, *works)
        return [ranked, *interleaved(REPEAT_DRAWN, lambda: ask(None)), bare]
    finally:
        spark.stop()
